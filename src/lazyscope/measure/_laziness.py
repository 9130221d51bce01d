"""When is a relative change called lazy, and when not?"""

from typing import Literal

from lazyscope._checks import check_not_negative
from lazyscope._entry import checked

LAZY, NOT_LAZY = 0.1, 1.0
"""Relative changes below the first are called lazy, from the second on not lazy: conventions."""


@checked(unbounded=("largest",))
def laziness(largest: float) -> Literal["lazy", "borderline", "not-lazy"]:
    """What a network is called whose layers and kernel change by this much at most, relative to their start.

    Args:
        largest: the largest of these changes; one that is no number counts as large.

    Returns:
        ``lazy`` below a tenth, ``not-lazy`` from one on.

    Raises:
        InputError: a number below zero.

    Example:
        >>> laziness(0.02), laziness(0.5), laziness(1.0)
        ('lazy', 'borderline', 'not-lazy')
    """
    if largest < LAZY:
        check_not_negative("largest", largest)
        return "lazy"
    return "borderline" if largest < NOT_LAZY else "not-lazy"
