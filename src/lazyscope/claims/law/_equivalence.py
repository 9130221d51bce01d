"""Does a narrow network with a wide one's numbers train alike, and how does the rest fall with its width?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import HALF_STEP, share_estimate
from lazyscope.claims.law._attention_start import attention_findings, attention_rows
from lazyscope.claims.law._blocks import BLOCKS, Kept, blockwise
from lazyscope.claims.law._equivalence_ends import end_findings, end_rows
from lazyscope.claims.law._equivalence_runs import trained

WIDTH = 192
"""Of the wide network, which is trained as it is."""
PROXIES = (16, 48)
RHOS = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
DEPTH = 2
DRAW = 12
SEEDS: dict[Effort, tuple[int, ...]] = {"quick": (32, 32, 32), "full": (128, 256, 96)}
"""Of every width, the wide network last."""
_STEP = {"quick": 5, "full": 1}  # of the schemes: the first and the last
_QUICK = ("flow",)
_TOGETHER = 32  # seeds of one program
_PER_WIDTH = 1000  # seeds of one scheme and width, more than anybody asks for
_PROBLEM = {
    "data": "sphere-teacher",
    "num_points": 4,
    "input_dim": 4,
    "data_seed": DRAW,
    "depth": DEPTH,
    "activation": "gelu",
    "centred": True,
    "stop": 1e-2,
}
_SHORT = {"share": 0.1, "max_steps": 2000}
METHODS: dict[str, dict[str, Any]] = {
    "flow": {"tolerance": 0.1, "max_steps": 400},
    "momentum": _SHORT,
    "sign": _SHORT,
    "adam": _SHORT | {"epsilon": 1e-20},
}
"""Ways to train, with their settings."""
DEAD_PROXIES, DEAD_SEEDS = (16, 32, 64), 192
_DEAD_FIRST_SEED = 30_000
_DEAD = {"activation": "relu", "virtual_width": 1024.0}
_RULE = Rule.number(resolution=HALF_STEP)
_DEAD_RULE = Rule.at_most(0.05)
NOISE = {"mean": 0.14, "scatter": 0.05}
"""Half-widths of intervals of the two exponents."""

Logs = Float[np.ndarray, "scheme quantity seed"]
"""Logarithms of the layers' displacements and of the time to the stop; NaN where a run failed."""


def check_equivalence(effort: Effort) -> tuple[Finding, ...]:
    """Train a wide network and narrow ones with its numbers, and fit powers of the narrow width."""
    found, drawn = [], schemes(DRAW)[:: _STEP[effort]]
    for method in METHODS if effort == "full" else _QUICK:
        found += equivalence_findings(method, train(method, drawn, seeds=SEEDS[effort]))
    if effort == "full":
        found += [dead_finding(dead_points()), *end_findings(), *attention_findings()]
    return tuple(found)


def schemes(draw: int) -> list[tuple[list[float], list[float]]]:
    """Scale and speed exponents of one scheme for every rho, uniform apart from their sum."""
    found = []
    for number, rho in enumerate(RHOS):
        scales, speeds = np.random.default_rng([draw, number]).uniform(-1, 1, (2, DEPTH + 1)) / 2
        scales += (rho - scales.sum()) / (DEPTH + 1)
        found.append((scales.round(4).tolist(), speeds.round(4).tolist()))
    return found


def train(
    method: str, drawn: Sequence[tuple[list[float], list[float]]], *, seeds: Sequence[int]
) -> tuple[Logs, ...]:
    """All runs of one method, width by width, the wide network last; see `trained`."""
    widths = (*PROXIES, WIDTH)
    found = []
    for place, (width, many) in enumerate(zip(widths, seeds, strict=True)):
        settings = {**_PROBLEM, **METHODS[method], "method": method, "width": width}
        settings["virtual_width"] = float(WIDTH)
        found.append(
            np.stack(
                [
                    _runs(settings, scheme, (number * len(widths) + place) * _PER_WIDTH, many)
                    for number, scheme in enumerate(drawn)
                ]
            )
        )
    return tuple(found)


def dead_points() -> dict[int, int]:
    """By width, how many ReLU networks of the most condensed scheme do not learn all points."""
    told = {**_PROBLEM, **METHODS["flow"], **_DEAD, "method": "flow"}
    scheme = schemes(DRAW)[0]
    return {
        width: int(
            np.isnan(_runs(told | {"width": width}, scheme, _DEAD_FIRST_SEED, DEAD_SEEDS)[-1]).sum()
        )
        for width in DEAD_PROXIES
    }


def _runs(
    settings: Mapping[str, Any], scheme: tuple[list[float], list[float]], first: int, many: int
) -> Float[np.ndarray, "quantity seed"]:
    """As many seeds as a program takes after the other."""
    scales, speeds = (tuple(each) for each in scheme)
    told = {**settings, "scale_exponents": scales, "speed_exponents": speeds}
    starts = range(first, first + many, _TOGETHER)
    return np.hstack([trained(told, range(start, start + _TOGETHER)) for start in starts])


def equivalence_findings(method: str, numbers: Sequence[Logs]) -> Iterator[Finding]:
    """How the error in the mean and the scatter fall with the narrow width.

    Args:
        method: of training.
        numbers: from `train`.
    """
    num_schemes, seeds = len(numbers[0]), ", ".join(str(each.shape[-1]) for each in numbers)
    basis = (
        f"{num_schemes} schemes of rho {RHOS[0]:g} to {RHOS[-1]:g} drawn with seed {DRAW}, {method}, GELU, "
        f"depth {DEPTH}, centred, four points; widths {', '.join(map(str, PROXIES))} for {WIDTH} with "
        f"{seeds} seeds, to 0.01 of the initial loss; interval from {BLOCKS} blocks of seeds"
    )
    what = "log displacements of all layers and log time to the stop"
    sizes = [np.sqrt(np.mean(_bias(numbers)[..., k] ** 2)) for k in range(len(PROXIES))]
    widths = ", ".join(f"{size:.3f}" for size in sizes)
    yield _finding(
        f"{method}-mean",
        f"{method}: the error in the mean of {what} is like 1/m′",
        -1.0,
        numbers,
        mean_exponent,
        basis=basis,
        note=f"Rms of errors with their noise, smallest width first: {widths}.",
    )
    scatter = np.sqrt([np.mean(_squares(each)) for each in numbers])
    told = ", ".join(f"{size:.3f}" for size in scatter)
    yield _finding(
        f"{method}-scatter",
        f"{method}: the scatter over seeds of {what} is like m′^−1/2",
        -0.5,
        numbers,
        scatter_exponent,
        basis=basis,
        note=f"Rms of scatters, smallest width first, the wide network last: {told}.",
    )


def mean_exponent(numbers: Sequence[Logs]) -> float:
    """Power of 1 / (1/m' - 1/M) in the error of the mean.

    Errors b(m') of all schemes and quantities, in units of their scatter, are multiplied with those of
    the smallest width and added, less what the noise of means that both share adds: so signs do not
    cancel, and noise is no size.
    """
    weight, error = _weights(numbers), _bias(numbers)
    own, shared = (_squares(each) / each.shape[-1] for each in (numbers[0], numbers[-1]))
    product = error[..., :1] * error - shared[..., None]
    product[..., 0] -= own
    size = np.sum(weight[..., None] * product, axis=(0, 1))
    narrow = np.array(PROXIES, float)
    return _slope(1 / (1 / narrow - 1 / WIDTH), size)


def scatter_exponent(numbers: Sequence[Logs]) -> float:
    """Power of m' in the scatter over seeds."""
    squares = np.stack([_squares(each) for each in numbers[:-1]], axis=-1)
    size = np.sum(_weights(numbers)[..., None] * squares, axis=(0, 1))
    return _slope(np.array(PROXIES, float), size) / 2


def _bias(numbers: Sequence[Logs]) -> Float[np.ndarray, "scheme quantity proxy"]:
    means = np.stack([each.mean(-1) for each in numbers], axis=-1)
    return means[..., :-1] - means[..., -1:]


def _squares(logs: Logs) -> Float[np.ndarray, "scheme quantity"]:
    """Variance over seeds."""
    return np.var(logs, axis=-1, ddof=1)


def _weights(numbers: Sequence[Logs]) -> Float[np.ndarray, "scheme quantity"]:
    """So that no scheme counts for more because its numbers scatter more."""
    squares = np.stack([_squares(each) for each in numbers[:-1]], axis=-1)
    return 1 / np.mean(squares * np.array(PROXIES, float), axis=-1)


def _slope(widths: Float[np.ndarray, " W"], size: Float[np.ndarray, " W"]) -> float:
    """Of log size over log width; NaN where a size is not above its noise."""
    if not (size > 0).all():
        return float("nan")
    return float(np.polyfit(np.log(widths), np.log(size), 1)[0])


def _finding(
    name: str,
    claim: str,
    prediction: float,
    numbers: Sequence[Logs],
    exponent: Callable[[Sequence[Logs]], float],
    *,
    basis: str,
    note: str,
) -> Finding:
    """One exponent with its interval."""

    def of(kept: Kept) -> float:
        return exponent([each[..., kept[np.arange(each.shape[-1]) % BLOCKS]] for each in numbers])

    found = blockwise(of)
    if found is None:
        return Finding(name, claim, prediction, None, "undecided", basis, note=note)
    verdict = _RULE.judge(found, prediction) or "undecided"
    return Finding(name, claim, prediction, found, verdict, basis, note=note)


def dead_finding(dead: Mapping[int, int]) -> Finding:
    """The share of networks with a dead point at the widest proxy.

    Args:
        dead: numbers of such networks among `DEAD_SEEDS`, by width.
    """
    found = share_estimate(dead[DEAD_PROXIES[-1]], DEAD_SEEDS)
    told = ", ".join(f"{many} at {width}" for width, many in dead.items())
    return Finding(
        "dead-points",
        f"ReLU, rho = {RHOS[0]:g}: at most one in twenty networks of {DEAD_PROXIES[-1]} units stops "
        "at a point where all units are off",
        None,
        found,
        _DEAD_RULE.judge(found, None) or "undecided",
        f"{DEAD_SEEDS} seeds at widths {', '.join(map(str, DEAD_PROXIES))} for 1024, flow, the first scheme",
        note=f"Stopped: {told}.",
    )


def _registered() -> Iterator[Row]:
    source = (
        "estimated from errors of 5/m' and scatters of 1.75 m'^-1/2 in a pilot of other schemes"
    )
    for method, own in METHODS.items():
        design = {
            **_PROBLEM,
            **own,
            "method": method,
            "width": WIDTH,
            "proxy_widths": PROXIES,
            "rhos": RHOS,
            "draw_seed": DRAW,
            "seeds": SEEDS["full"],
            "norm": "Frobenius over alpha",
        }
        for name, prediction in (("mean", -1.0), ("scatter", -0.5)):
            noise = {"model": "interval", "half_width": NOISE[name], "source": source}
            yield Row(f"{method}-{name}", prediction, _RULE, design, noise=noise)
    yield Row(
        "dead-points",
        None,
        _DEAD_RULE,
        {
            **_PROBLEM,
            **_DEAD,
            **METHODS["flow"],
            "proxy_widths": DEAD_PROXIES,
            "rho": RHOS[0],
            "draw_seed": DRAW,
            "seeds": DEAD_SEEDS,
        },
        noise={
            "model": "share",
            "cells": DEAD_SEEDS,
            "exact": 0.01,
            "away": 0.15,
            "source": "17, 4 and 0 of 192 networks of 16, 32 and 64 units in the first run of this claim",
        },
    )
    yield from end_rows()
    yield from attention_rows()


EQUIVALENCE = Claim(
    name="equivalence",
    source="derived in docs/equivalence.md; in muP Yang et al. 2022 (arXiv 2203.03466)",
    statement=(
        "A narrow network with the scales and speeds of a wide one moves as far and learns as fast, whatever "
        "the scheme and the optimiser: its error is like 1/m' in the mean over seeds and like m'^-1/2 from "
        "seed to seed, as long as it has units for all points and steps are stable."
    ),
    check=check_equivalence,
    rows=tuple(_registered()),
)
