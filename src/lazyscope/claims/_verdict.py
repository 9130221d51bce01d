"""How does a number with an interval become agrees, disagrees or undecided?

Every verdict of the table is made here, by the same four rules:

- **A number.** ``disagrees`` where the prediction lies outside the interval, ``agrees`` where it lies
  inside an interval of half-width at most the resolution, else ``undecided``.
- **An inequality.** ``agrees`` where the whole interval satisfies it, ``disagrees`` where none of it
  does, else ``undecided``.
- **A share of many cells.** The exact binomial interval of the share, then the inequality.
- **Assumptions first.** Where one of them fails the claim says nothing: ``outside``.

Tolerances. The only allowance beyond the interval is `accuracy`, the systematic error of the
instrument in the unit of the number, by which the interval is widened to both sides before it is
judged. It is never fitted to the outcome: `SLOPE_ACCURACY` is the largest error that the solver's
tolerance makes in a slope in the width, as measured against runs at a tighter one. The resolution of
exponents, 1/8, is half the smallest step between the exponents of familiar schemes.

Intervals that the estimators give have nominal coverage 95 %. A table of N numbers is therefore
expected to hold N / 20 false ``disagrees``; a claim about many cells has to be judged by the share
of intervals that contain their prediction, not by the worst cell.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.special import betaincinv

from lazyscope._checks import InputError, check_count, check_finite, check_fraction
from lazyscope._entry import checked
from lazyscope.claims._finding import Verdict
from lazyscope.measure import RESOLUTION, agreement

SLOPE_ACCURACY = 0.012
"""Largest error of a slope in the width that a solver tolerance of 0.2 makes (see `study`)."""


@checked(unbounded=("low", "high"))
def number_verdict(
    low: float,
    high: float,
    prediction: float,
    *,
    resolution: float = RESOLUTION,
    accuracy: float = 0.0,
) -> Verdict:
    """Whether an interval, widened by `accuracy`, confirms a predicted number.

    Args:
        low: lower end of the interval; an infinite one confirms nothing.
        high: upper end.
        prediction: the claimed number.
        resolution: half-width above which an interval that contains the prediction is
            ``undecided``; 1/8 is meant for exponents, other units need their own.
        accuracy: systematic error of the instrument, in the same unit.

    Raises:
        InputError: ends that are NaN or the wrong way round, a negative accuracy.

    Example:
        >>> number_verdict(-0.55, -0.45, -0.5), number_verdict(-0.45, -0.35, -0.5)
        ('agrees', 'disagrees')
        >>> number_verdict(-0.49, -0.4, -0.5, accuracy=0.012), number_verdict(-0.9, -0.1, -0.5)
        ('agrees', 'undecided')
    """
    low, high = _widened(low, high, accuracy)
    return agreement(low, high, prediction, resolution)


@checked(unbounded=("low", "high"))
def at_most(low: float, high: float, bound: float, *, accuracy: float = 0.0) -> Verdict:
    """Whether a number with an interval, widened by `accuracy`, is at most `bound`.

    Example:
        >>> at_most(0.1, 0.2, 0.2), at_most(0.1, 0.3, 0.2), at_most(0.25, 0.3, 0.2)
        ('agrees', 'undecided', 'disagrees')
    """
    low, high = _widened(low, high, accuracy)
    bound = check_finite("bound", bound)
    if high <= bound:
        return "agrees"
    return "disagrees" if low > bound else "undecided"


@checked(unbounded=("low", "high"))
def at_least(low: float, high: float, bound: float, *, accuracy: float = 0.0) -> Verdict:
    """Whether a number with an interval, widened by `accuracy`, is at least `bound`.

    Example:
        >>> at_least(0.2, 0.3, 0.2), at_least(0.1, 0.3, 0.2), at_least(0.0, 0.1, 0.2)
        ('agrees', 'undecided', 'disagrees')
    """
    return at_most(-high, -low, -check_finite("bound", bound), accuracy=accuracy)


@checked(unbounded=("low", "high"))
def between(
    low: float, high: float, floor: float, ceiling: float, *, accuracy: float = 0.0
) -> Verdict:
    """Whether a number with an interval, widened by `accuracy`, lies from `floor` to `ceiling`.

    Example:
        >>> between(-0.9, -0.6, -1, -0.5), between(-0.9, -0.4, -1, -0.5), between(0.1, 0.2, -1, -0.5)
        ('agrees', 'undecided', 'disagrees')
    """
    return all_of(
        (
            at_least(low, high, floor, accuracy=accuracy),
            at_most(low, high, ceiling, accuracy=accuracy),
        )
    )


@checked()
def share_interval(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact (Clopper-Pearson) interval of a probability after `successes` of `trials`.

    Independent trials are assumed; cells of a map that share seeds are not quite that, so the
    interval is a lower bound of what is not known.

    Example:
        >>> [round(end, 3) for end in share_interval(0, 10)]
        [0.0, 0.308]
    """
    trials = check_count("trials", trials)
    successes = check_count("successes", successes, minimum=0)
    if successes > trials:
        raise InputError(
            "successes must be at most the trials",
            received=f"{successes} of {trials}",
            cause="two counts in the wrong order",
            fix="give the smaller count first",
        )
    tail = (1 - check_fraction("level", level)) / 2
    failures = trials - successes
    low = betaincinv(successes, failures + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if failures else 1.0
    return float(low), float(high)


@checked()
def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several parts of one claim, of which every one has to hold.

    One part that disagrees refutes the claim; else one that is undecided leaves it so. Parts that are
    outside say nothing, unless all are.

    Example:
        >>> all_of(["agrees", "outside"]), all_of(["agrees", "undecided", "disagrees"])
        ('agrees', 'disagrees')
    """
    found = set(verdicts)
    for verdict in ("disagrees", "undecided", "agrees"):
        if verdict in found:
            return verdict
    return "outside" if found else "undecided"


@checked()
def under_assumptions(verdict: Verdict, assumptions: Mapping[str, bool]) -> tuple[Verdict, str]:
    """`verdict`, or ``outside`` where an assumption fails, and a sentence that says which.

    Args:
        verdict: what the numbers alone say.
        assumptions: every assumption of the claim in words, and whether the network satisfies it.

    Example:
        >>> under_assumptions("disagrees", {"rho > 0": True, "no bias": False})
        ('outside', 'Not satisfied: no bias.')
        >>> under_assumptions("agrees", {"rho > 0": True})
        ('agrees', '')
    """
    failed = [name for name, holds in assumptions.items() if not holds]
    return ("outside", f"Not satisfied: {'; '.join(failed)}.") if failed else (verdict, "")


def _widened(low: float, high: float, accuracy: float) -> tuple[float, float]:
    """The interval widened to both sides, or an `InputError`."""
    accuracy = check_finite("accuracy", accuracy)
    if np.isnan(low) or np.isnan(high) or low > high or accuracy < 0:
        raise InputError(
            "an interval needs a lower end, an upper end above it and an accuracy of at least zero",
            received=f"[{low}, {high}] with accuracy {accuracy}",
            cause="an estimate without a value, or the ends in the wrong order",
            fix="give infinite ends where nothing is known",
        )
    return low - accuracy, high + accuracy
