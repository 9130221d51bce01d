"""How were rules for verdicts called with two ends before an `Estimate` carried them?"""

from lazyscope.claims._verdict import share_estimate
from lazyscope.measure import RESOLUTION, Agreement, Estimate


def number_verdict(
    low: float,
    high: float,
    prediction: float,
    *,
    resolution: float = RESOLUTION,
    accuracy: float = 0.0,
) -> Agreement:
    """`Estimate.agreement` of an interval."""
    found = Estimate(None, low, high)
    return found.agreement(prediction, resolution=resolution, accuracy=accuracy)


def at_most(low: float, high: float, bound: float, *, accuracy: float = 0.0) -> Agreement:
    """`Estimate.at_most` of an interval."""
    return Estimate(None, low, high).at_most(bound, accuracy=accuracy)


def at_least(low: float, high: float, bound: float, *, accuracy: float = 0.0) -> Agreement:
    """`Estimate.at_least` of an interval."""
    return Estimate(None, low, high).at_least(bound, accuracy=accuracy)


def between(
    low: float, high: float, floor: float, ceiling: float, *, accuracy: float = 0.0
) -> Agreement:
    """`Estimate.between` of an interval."""
    return Estimate(None, low, high).between(floor, ceiling, accuracy=accuracy)


def share_interval(successes: int, trials: int, *, level: float = 0.95) -> tuple:
    """`share_estimate` as two numbers."""
    return share_estimate(successes, trials, level=level).interval
