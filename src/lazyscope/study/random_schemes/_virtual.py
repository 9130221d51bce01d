"""At which virtual widths is a scheme measured, so that its exponents are there to be seen?"""

import numpy as np

from lazyscope.scaling import law_corrections, relative_speed_exponents

Exponents = tuple[tuple[float, ...], tuple[float, ...]]
"""Scale and speed exponents of all layers."""

LARGEST_DECADES = 30.0
DECADES_OF_DECAY = 6.0
"""By how much the slowest correction has decayed at the largest width, where there is room for it."""

SMALLEST_SHARE = 0.5
"""Of the largest width's logarithm, at the smallest."""

_DIGITS = 6


def virtual_widths(scheme: Exponents, count: int) -> tuple[float, ...]:
    """`count` widths in equal ratios, up to where the slowest of the law's corrections has decayed.

    Corrections m^-delta reach 10^-6 at 10^(6 / delta), or at 10^30 what they can.

    Example:
        >>> [f"{m:.0e}" for m in virtual_widths(((0.25, 0.25), (0.5, -0.5)), 4)]
        ['1e+12', '1e+16', '1e+20', '1e+24']
    """
    slowest = law_corrections(*scheme)[0]
    top = min(LARGEST_DECADES, DECADES_OF_DECAY / slowest)
    decades = np.linspace(SMALLEST_SHARE * top, top, count)
    return tuple(float(f"{10**power:.{_DIGITS}g}") for power in decades)


def in_own_time(scheme: Exponents) -> list[float]:
    """Speed exponents with which the tangent kernel at the start is of order one at every width.

    One number less for all of them is another unit of time, and changes nothing else.

    Example:
        >>> in_own_time(((0.25, 0.25), (0.5, -0.5)))
        [-0.5, -1.5]
    """
    scales, speeds = scheme
    kernel = 2 * sum(scales) + max(relative_speed_exponents(scales, speeds))
    return [round(speed - kernel, _DIGITS) for speed in speeds]
