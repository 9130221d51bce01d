"""How does a number with an interval become agrees, disagrees or undecided?

Every verdict of the table is made by the same four rules, of which `Estimate` owns the first two:

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

from scipy.special import betaincinv

from lazyscope._checks import InputError, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope.claims._finding import Verdict

HALF_STEP = 0.25
"""Resolution that tells exponents apart which differ by 1/2, such as those of NTK scaling and of muP."""
SLOPE_ACCURACY = 0.012
"""Largest error of a slope in the width that a solver tolerance of 0.2 makes (see `study`)."""


@checked()
def share_estimate(successes: int, trials: int, *, level: float = 0.95) -> Estimate:
    """A probability with its exact (Clopper-Pearson) interval after `successes` of `trials`.

    Independent trials are assumed; cells of a map that share seeds are not quite that, so the
    interval is a lower bound of what is not known.

    Example:
        >>> round(share_estimate(0, 10).high, 3)
        0.308
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
    basis = f"{successes} of {trials}, exact binomial interval"
    return Estimate(successes / trials, float(low), float(high), level, basis=basis)


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
