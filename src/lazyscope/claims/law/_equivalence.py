"""Does a narrow network with a wide one's numbers train alike, and how does the rest fall with its width?"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import HALF_STEP
from lazyscope.measure import mean_estimate
from lazyscope.sweep import SweepDesign, open_store, run_sweep

WIDTH = 1024
"""Of the wide network, which is trained as it is."""
PROXIES = (16, 32, 64)
METHODS = ("flow",)
RHOS = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
DEPTH = 2
DRAW = 12
_SEEDS = {"quick": 32, "full": 192}
_STEP = {"quick": 5, "full": 1}  # of the schemes: the first and the last
_WIDE_SEEDS = 8
"""Of the wide network, whose numbers scatter little and whose runs take long."""
_BLOCKS = 8
_PER_WIDTH = 1000  # seeds of one scheme and width, more than anybody asks for
_PROBLEM = {
    "data": "sphere-teacher",
    "num_points": 4,
    "input_dim": 4,
    "data_seed": DRAW,
    "depth": DEPTH,
    "activation": "relu",
    "centred": True,
    "stop": 1e-2,
}
_OF_METHOD: dict[str, dict[str, Any]] = {"flow": {"tolerance": 0.1}}
_RULE = Rule.number(resolution=HALF_STEP)
NOISE = {"flow": (0.15, 0.05)}
"""Half-widths of intervals, of the mean's exponent and the scatter's."""

Logs = Float[np.ndarray, "scheme quantity seed"]
"""Logarithms of the layers' displacements and of the time to the stop; NaN where a run failed."""


def check_equivalence(effort: Effort) -> tuple[Finding, ...]:
    """Train a wide network and narrow ones with its numbers, and fit powers of the narrow width."""
    found, drawn = [], schemes(DRAW)[:: _STEP[effort]]
    for method in METHODS:
        runs = train(method, drawn, seeds=_SEEDS[effort], wide_seeds=_WIDE_SEEDS)
        found += equivalence_findings(method, runs)
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
    method: str, drawn: Sequence[tuple[list[float], list[float]]], *, seeds: int, wide_seeds: int
) -> tuple[Logs, ...]:
    """All runs of one method, width by width, the wide network last.

    Displacements are in Frobenius norm over alpha_l of the wide network, as norms of the start carry powers
    of the narrow width of their own: times the root of the width for hidden layers.
    """
    widths = (*PROXIES, WIDTH)
    many = [*([seeds] * len(PROXIES)), wide_seeds]
    rows = [
        (scales, speeds, width, (number * len(widths) + place) * _PER_WIDTH + seed)
        for place, width in enumerate(widths)
        for number, (scales, speeds) in enumerate(drawn)
        for seed in range(many[place])
    ]
    names = ("scale_exponents", "speed_exponents", "width", "seed")
    design = SweepDesign(
        name=f"equivalence, {method}",
        axes={},
        points={"columns": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))},
        fixed={**_PROBLEM, **_OF_METHOD[method], "method": method, "virtual_width": float(WIDTH)},
        record=("displacement",),
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, f"{folder}/runs")
        runs = open_store(f"{folder}/runs")
        moved = runs["displacement_frobenius"].transpose("layer", "point").values
        ended = runs["outcome"].values.ravel() == "converged"
        told = np.vstack([moved, runs["time"].values.reshape(1, -1)])
    logs = np.log(np.where(ended & (told > 0), told, np.nan))
    ends = np.cumsum(np.array(many) * len(drawn))[:-1]
    hidden = np.zeros((len(told), 1))
    hidden[1:DEPTH] = 0.5
    return tuple(
        (each + hidden * np.log(width)).reshape(len(told), len(drawn), -1).swapaxes(0, 1)
        for width, each in zip(widths, np.split(logs, ends, axis=1), strict=True)
    )


def equivalence_findings(method: str, numbers: Sequence[Logs]) -> Iterator[Finding]:
    """How the error in the mean and the scatter fall with the narrow width.

    Args:
        method: of training.
        numbers: from `train`.
    """
    num_schemes, seeds, wide_seeds = len(numbers[0]), numbers[0].shape[-1], numbers[-1].shape[-1]
    basis = (
        f"{num_schemes} schemes of rho {RHOS[0]:g} to {RHOS[-1]:g} drawn with seed {DRAW}, {method}, ReLU, "
        f"depth {DEPTH}, centred, four points; widths {', '.join(map(str, PROXIES))} for {WIDTH}, {seeds} "
        f"seeds each and {wide_seeds} of the wide network, to 0.01 of the initial loss; interval "
        f"from {_BLOCKS} blocks of seeds"
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
    """One exponent with its interval by leaving out one block of seeds after the other."""
    left = [
        exponent([each[..., np.arange(each.shape[-1]) % _BLOCKS != block] for each in numbers])
        for block in range(_BLOCKS)
    ]
    pseudo = _BLOCKS * exponent(numbers) - (_BLOCKS - 1) * np.array(left)
    if not np.isfinite(pseudo).all():
        return Finding(name, claim, prediction, None, "undecided", basis, note=note)
    found = mean_estimate(pseudo)
    verdict = _RULE.judge(found, prediction) or "undecided"
    return Finding(name, claim, prediction, found, verdict, basis, note=note)


def _registered() -> Iterator[Row]:
    for method in METHODS:
        design = {
            **_PROBLEM,
            **_OF_METHOD[method],
            "method": method,
            "width": WIDTH,
            "proxy_widths": PROXIES,
            "rhos": RHOS,
            "draw_seed": DRAW,
            "seeds": _SEEDS["full"],
            "wide_seeds": _WIDE_SEEDS,
            "norm": "Frobenius over alpha",
        }
        mean, scatter = NOISE[method]
        source = (
            "estimated from errors of 5/m' and scatters of 1.7 m'^-1/2 in a pilot of other schemes"
        )
        for name, prediction, half in (("mean", -1.0, mean), ("scatter", -0.5, scatter)):
            noise = {"model": "interval", "half_width": half, "source": source}
            yield Row(f"{method}-{name}", prediction, _RULE, design, noise=noise)


EQUIVALENCE = Claim(
    name="equivalence",
    source="derived in docs/equivalence.md; in muP Yang et al. 2022 (arXiv 2203.03466)",
    statement=(
        "A narrow network with the scales and speeds of a wide one moves as far and learns as fast, whatever "
        "the scheme: its error is like 1/m' in the mean over seeds and like m'^-1/2 from seed to seed."
    ),
    check=check_equivalence,
    rows=tuple(_registered()),
)
