"""How likely is the design of a row to say agrees where its law is exact, and disagrees half a step away?"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_choice
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import share_estimate
from lazyscope.measure import (
    RESOLUTION,
    STANDARD_ERRORS,
    Estimate,
    ExponentMap,
    mean_estimate,
    simulated_exponents,
)

NUM_DRAWS = 400
_LEAST_ERROR = 1e-3
"""Error of log displacements that `estimate_exponent` takes where a design names none."""
_GENERATOR = np.random.default_rng

State = Mapping[str, Any]


def power_of(state: State, *, num_draws: int = NUM_DRAWS) -> dict[str, float] | None:
    """Shares of simulated measurements that come out as they should; None without a noise model.

    A measurement is drawn around a truth with the row's own noise, estimated and judged by the row's own
    rule. ``agrees`` is how often it agrees where the law is exact; ``disagrees`` how often it disagrees
    where the truth is half a step away.

    Args:
        state: of a row, with ``prediction``, ``rule``, ``design`` and ``noise``: a ``model``, its numbers,
            their ``source``, and, where the rule does not say them, the truth under the law (``exact``)
            and half a step away from it (``away``). Models: ``runs``, a power of the width with the
            scatter ``sd`` of the logarithm of a run, through the estimator of exponents; ``mean``, over
            seeds of scatter ``sd``; ``interval``, a normal number with an interval of ``half_width``;
            ``share``, of ``cells``; ``size``, an rms over ``cells`` with errors of ``sd`` of their own;
            ``all``, of ``cells`` each of which shows what it should with the probability ``exact``.
        num_draws: simulated measurements; those of the register are of the default.

    Example:
        >>> noise = {"model": "interval", "half_width": 0.3, "source": "an example"}
        >>> row = {"prediction": -0.5, "rule": {"kind": "number"}, "design": {}, "noise": noise}
        >>> power_of(row)["agrees"]
        0.0
    """
    noise = state.get("noise")
    if not noise:
        return None
    rule = Rule.from_json(state["rule"])
    draw = _MODELS[check_choice("noise model", noise["model"], _MODELS)]
    prediction = noise.get("prediction", state["prediction"])
    exact, away = truths(rule, prediction, noise)
    found = {}
    for verdict, truth in (("agrees", exact), ("disagrees", away)):
        judged = [_judged(rule, one, prediction) for one in draw(truth, state, num_draws)]
        found[verdict] = round(judged.count(verdict) / len(judged), 2)
    return found


def truths(rule: Rule, prediction: float | None, noise: Mapping[str, Any]) -> tuple[float, float]:
    """The number under the law, and half a step away where the row has to disagree."""
    step = RESOLUTION if rule.resolution is None else rule.resolution
    edge = rule.ceiling if rule.ceiling is not None else rule.floor
    exact = noise.get("exact", prediction if prediction is not None else edge)
    away = noise.get("away")
    if away is None and rule.kind in ("number", "nearest", "other") and exact is not None:
        away = exact + step
    elif away is None and edge is not None:
        away = edge + (-step if rule.kind == "at least" else step)
    if exact is None or away is None:
        raise InputError(
            "a power needs the number under the law and one half a step away",
            received=f"a rule of kind {rule.kind!r} and noise with {', '.join(noise)}",
            cause="a rule in words alone",
            fix="give exact and away in the noise",
        )
    return float(exact), float(away)


def _scatter(shape: int | tuple[int, int]) -> Float[np.ndarray, "..."]:
    """The same standard normal numbers for every row and truth."""
    return _GENERATOR(0).standard_normal(shape)


def _judged(rule: Rule, found: Estimate, prediction: float | None) -> str:
    if rule.kind == "other":  # in words: by its number, where it has one
        asked = rule.floor
        rule = Rule.number(resolution=2 * RESOLUTION) if asked is None else Rule.at_least(asked)
    return rule.judge(found, prediction) or "undecided"


def _of_runs(truth: float, state: State, num_draws: int) -> Iterator[Estimate]:
    """Estimates move with the truth: a power of the width more shifts every one by that power."""
    design, noise = state["design"], float(state["noise"]["sd"])
    accuracy = float(design.get("accuracy", _LEAST_ERROR))
    found = _flat_ones(tuple(design["widths"]), int(design["seeds"]), noise, accuracy, num_draws)
    for value, low, high in zip(found.exponent, found.low, found.high, strict=True):
        yield Estimate(float(truth + value), float(truth + low), float(truth + high))


@lru_cache(maxsize=8)
def _flat_ones(
    widths: tuple[int, ...], num_seeds: int, noise: float, accuracy: float, num_draws: int
) -> ExponentMap:
    """Estimates from runs whose exponent is zero."""
    return simulated_exponents(widths, num_seeds, noise, accuracy=accuracy, num_draws=num_draws)


def _of_a_mean(truth: float, state: State, num_draws: int) -> Iterator[Estimate]:
    size = (num_draws, int(state["design"]["seeds"]))
    for values in truth + float(state["noise"]["sd"]) * _scatter(size):
        yield mean_estimate(values)


def _of_an_interval(truth: float, state: State, num_draws: int) -> Iterator[Estimate]:
    half = float(state["noise"]["half_width"])
    for value in truth + half / STANDARD_ERRORS * _scatter(num_draws):
        yield Estimate(float(value), float(value - half), float(value + half))


def _of_a_share(truth: float, state: State, num_draws: int) -> Iterator[Estimate]:
    cells = int(state["noise"]["cells"])
    for count in _GENERATOR(0).binomial(cells, truth, num_draws):
        yield share_estimate(int(count), cells)


def _of_a_size(truth: float, state: State, num_draws: int) -> Iterator[Estimate]:
    """An rms of errors of their own scatter and of one of the size `truth` in the law."""
    cells, sd = int(state["noise"]["cells"]), float(state["noise"]["sd"])
    squares = (np.hypot(sd, truth) * _scatter((num_draws, cells))) ** 2
    mean, error = squares.mean(1), STANDARD_ERRORS * squares.std(1) / np.sqrt(cells)
    own = float(state["noise"].get("own", 0.0)) ** 2  # what the row takes off its lower end
    for middle, reach in zip(mean, error, strict=True):
        low = np.sqrt(max(middle - own - reach, 0.0))
        yield Estimate(float(np.sqrt(middle)), float(low), float(np.sqrt(middle + reach)))


def _of_all(truth: float, state: State, num_draws: int) -> Iterator[Estimate]:
    """One where every cell shows what it should, zero where one shows the opposite, else open."""
    cells = int(state["noise"]["cells"])
    for shown in _GENERATOR(0).binomial(cells, truth, num_draws):
        yield Estimate(1.0, 1.0, 1.0) if shown == cells else Estimate(0.5, 0.0, 2.0)


_MODELS: dict[str, Callable[[float, State, int], Iterator[Estimate]]] = {
    "runs": _of_runs,
    "mean": _of_a_mean,
    "interval": _of_an_interval,
    "share": _of_a_share,
    "size": _of_a_size,
    "all": _of_all,
}
