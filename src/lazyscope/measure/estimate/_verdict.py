"""What does an interval decide?

Three answers, never two: an interval that contains zero does not settle a sign, and an interval
that contains a prediction but also everything else does not confirm it.
"""

from typing import Literal, TypeAlias

from lazyscope._checks import InputError, check_finite, check_positive
from lazyscope._entry import checked

Sign: TypeAlias = Literal["positive", "negative", "undecided"]
Agreement: TypeAlias = Literal["agrees", "disagrees", "undecided"]

RESOLUTION = 0.125
"""Half of 1/4, the smallest step between the exponents of familiar schemes: an interval no wider
than this to either side can tell two neighbouring predictions apart."""


def sign_of(low: float, high: float) -> Sign:
    """The sign that every value of the interval shares.

    Example:
        >>> sign_of(0.1, 0.2), sign_of(-0.3, -0.1), sign_of(-0.1, 0.1)
        ('positive', 'negative', 'undecided')
    """
    if low > 0:
        return "positive"
    if high < 0:
        return "negative"
    return "undecided"


@checked(unbounded=("low", "high"))
def agreement(low: float, high: float, prediction: float, resolution: float) -> Agreement:
    """Whether an interval confirms a prediction.

    ``disagrees`` where the prediction lies outside; ``agrees`` where it lies inside an interval
    of half-width at most `resolution`; ``undecided`` where the interval is wider than that.

    Example:
        >>> agreement(-0.55, -0.45, -0.5, 0.125), agreement(-0.9, -0.1, -0.5, 0.125)
        ('agrees', 'undecided')
    """
    if not low <= high:
        raise InputError(
            "an interval needs a lower end and an upper end above it",
            received=f"[{low}, {high}]",
            cause="an estimate without a value, or the ends in the wrong order",
            fix="give infinite ends where nothing is known",
        )
    prediction = check_finite("prediction", prediction)
    resolution = check_positive("resolution", resolution)
    if not low <= prediction <= high:
        return "disagrees"
    return "agrees" if high - low <= 2 * resolution else "undecided"
