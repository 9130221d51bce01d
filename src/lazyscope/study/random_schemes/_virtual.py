"""At which virtual widths is a scheme measured, so that its exponents are there to be seen?"""

import math
from typing import Any

import numpy as np

from lazyscope._checks import FLOW, WITH_EPSILON
from lazyscope.scaling import (
    displacement_exponents,
    growth_power,
    law_corrections,
    relative_speed_exponents,
)
from lazyscope.study._sweep_exponents import ACCURACY_OF_TOLERANCE

Exponents = tuple[tuple[float, ...], tuple[float, ...]]
"""Scale and speed exponents of all layers."""

LARGEST_DECADES = 30.0
DECADES_OF_DECAY = 6.0
"""By how much the slowest correction has decayed at the largest width, where there is room for it."""

DECADES_OF_GROWTH = 11.0
"""Between the kernel of what has grown and of what is still to grow, which double precision holds apart."""

DECADES_OF_STEPS = 12.0
"""By how much a layer may grow in small steps, each of them a share of its size."""

SMALLEST_SHARE = 0.5
"""Of the largest width's logarithm, at the smallest."""

_DIGITS = 6
_SHARE = 0.02
_EPSILON = 1e-200
"""Of the network that stands for a virtual width: a gradient may be like any power of the width."""
_ERRORS_OF_A_TILT = 3.0


def virtual_widths(scheme: Exponents, count: int, optimiser: str = "sgd") -> tuple[float, ...]:
    """`count` widths in equal ratios, up to where the slowest of the law's corrections has decayed.

    Corrections m^-delta reach 10^-6 at 10^(6 / delta), or at 10^30 what they can. Where several layers
    grow they do so in one direction of the data after the other. A direction that waits has the kernel
    of layers at their start, smaller by ``M^-2 sum e_l`` over all that grow but one, and may not be
    lost in the rounding of the others.

    Example:
        >>> [f"{m:.0e}" for m in virtual_widths(((0.25, 0.25), (0.5, -0.5)), 4)]
        ['1e+06', '1e+08', '1e+10', '1e+12']
    """
    slowest = law_corrections(*scheme, optimiser=optimiser)[0]
    growing = sorted(e for e in displacement_exponents(*scheme, optimiser=optimiser) if e > 0)
    limits = [LARGEST_DECADES, DECADES_OF_DECAY / slowest]
    waiting = 2 * sum(growing[:-1])
    if waiting:
        limits.append(DECADES_OF_GROWTH / waiting)
    if growing and growth_power(optimiser) == 1:
        limits.append(DECADES_OF_STEPS / growing[-1])
    top = min(limits)
    decades = np.linspace(SMALLEST_SHARE * top, top, count)
    return tuple(float(f"{10**power:.{_DIGITS}g}") for power in decades)


def in_own_time(scheme: Exponents, optimiser: str = "sgd") -> list[float]:
    """Speed exponents with which training starts at a pace of order one at every width.

    For descent the tangent kernel is of order one, for other optimisers the fastest relative speed.

    One number less for all of them is another unit of time, and changes nothing else.

    Example:
        >>> in_own_time(((0.25, 0.25), (0.5, -0.5)))
        [-0.5, -1.5]
    """
    scales, speeds = scheme
    pace = max(relative_speed_exponents(scales, speeds, optimiser=optimiser))
    if growth_power(optimiser) == 2:
        pace += 2 * sum(scales)
    return [round(speed - pace, _DIGITS) for speed in speeds]


def small_steps(method: str) -> dict[str, Any]:
    """Settings of a run by an optimiser in small steps, as a sweep names them; the flow has none.

    Example:
        >>> small_steps("sign"), small_steps("flow")
        ({'method': 'sign', 'share': 0.02}, {})
    """
    if method == FLOW:
        return {}
    epsilon = {"epsilon": _EPSILON} if method in WITH_EPSILON else {}
    return {"method": method, "share": _SHARE, **epsilon}


def accuracy_of_run(method: str, tolerance: float, *, grows: bool = False) -> float:
    """Relative error of displacements by a method, where layers grow or not; `tolerance` is the flow's.

    Where they grow, what Adam averages over has not settled. Growth by a power of the width takes
    ``log(growth) / share`` steps, fewer than the 1000 of Adam's average of squares. While gradients grow,
    that average lags, and updates are too large by the root of the number of steps, which at the largest
    width is that of the smallest over `SMALLEST_SHARE`. A third of that tilt at every width is as much in the
    interval of a slope.
    """
    if method == FLOW:
        return ACCURACY_OF_TOLERANCE * tolerance
    if method == "adam" and grows:
        return -math.log(SMALLEST_SHARE) / 2 / _ERRORS_OF_A_TILT
    return _SHARE
