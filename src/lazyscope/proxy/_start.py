"""Do narrow networks start as the wide one does, with outputs and gradients of the same size?"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles
from lazyscope.proxy._plan import growth_role
from lazyscope.proxy.library._network import Start
from lazyscope.scaling import array_transfer

TOLERATED = 0.25
"""Power of the ratio of widths that a size may be off by; a wrong rule is off by 1/2 at least."""
ALWAYS_TOLERATED = 0.35
"""In natural logarithms, for the corrections of narrow networks themselves."""


class StartCheck(NamedTuple):
    """Logarithms of sizes at the start, proxy over wide, less what they should be.

    Attributes:
        gradient: of every array; NaN where both are zero.
        output: of what output arrays write.
        tolerated: how large they may be.
    """

    gradient: tuple[float, ...]
    output: float
    tolerated: float


def check_start(
    roles: ArrayRoles, widths: tuple[int, int], wide: Sequence[Start], narrow: Sequence[Start]
) -> StartCheck:
    """Compare sizes at the start over draws, and refuse what does not carry over, by name.

    Args:
        roles: of the arrays.
        widths: the wide one and the proxy's.
        wide: of draws of the wide network.
        narrow: of draws of the proxy with its numbers.

    Raises:
        InputError: an array whose gradient, or an output whose size, has another power of the width.
    """
    ratio = widths[0] / widths[1]
    # The norm of a gradient goes with the width as Muon's epsilon does, which is added to it.
    expected = [
        math.log(
            array_transfer(
                growth_role(each), "muon", width=widths[0], proxy_width=widths[1]
            ).epsilon
        )
        for each in roles
    ]
    gradient = tuple(
        _off([s.gradient[k] for s in narrow], [s.gradient[k] for s in wide], wanted)
        for k, wanted in enumerate(expected)
    )
    output = _off([s.output for s in narrow], [s.output for s in wide], math.log(ratio) / 2)
    tolerated = max(ALWAYS_TOLERATED, TOLERATED * math.log(ratio))
    wrong = [
        f"{each.name} by a factor {math.exp(-found):.3g}"
        for each, found in zip(roles, gradient, strict=True)
        if abs(found) > tolerated
    ]
    if wrong:
        raise InputError(
            "gradients at the start must have the size that the width gives them",
            received=f"off between widths {widths[1]} and {widths[0]}: {', '.join(wrong)}",
            cause="a multiplier or a normalisation inside the network that depends on its width and could "
            "not be found, or units that are summed in another way",
            fix="write multipliers as plain numbers in front of arrays, or compare closer widths",
        )
    # The output at the start is one sum per point and fluctuates as much as it is large.
    if abs(output) > tolerated + 0.7:
        raise InputError(
            "the output at the start must have the size that the width gives it",
            received=f"off by a factor {math.exp(-output):.3g} between widths {widths[1]} and {widths[0]}",
            cause="outputs that are no sum over independent entries (a readout that is not random)",
            fix="start the readout at zero or at random",
        )
    return StartCheck(gradient, output, tolerated)


def _off(narrow: Sequence[float], wide: Sequence[float], expected: float) -> float:
    """Mean logarithm of narrow over wide less the expected one; infinite where one alone is zero."""
    zero = [min(each) <= 0 for each in (narrow, wide)]
    if any(zero):
        return math.nan if all(zero) else math.inf
    return float(np.mean(np.log(narrow)) - np.mean(np.log(wide)) - expected)
