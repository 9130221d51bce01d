"""Which exponents does each known parametrisation have under the optimiser that trains it?

With kappa, the relative speeds u_l and the growth power p of the law, one step at the rates of the scheme

    changes what layer l writes, relative to its size, like   m^(u_l)            p = 1
                                                              m^(u_l + rho)      p = 2
    and lowers the loss, to first order, like                 m^(p rho + u_l),

since outputs move by kappa times the relative speed. Where the readout starts at zero its own first step
makes the readout that the other layers see, whose size takes the place of kappa from then on. All of it is
zero for muP, whatever the optimiser.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lazyscope.scaling import growth_power, named_scheme, relative_speed_exponents, update_exponents
from lazyscope.study.coordinates._verdict import KINDS


class Expected(NamedTuple):
    """Exponents that a parametrisation has.

    Attributes:
        rho: of kappa; None where the readout starts at zero.
        own: of the relative change of what a layer writes, by its kind; not of the readout.
        reach: of what a step of a layer takes off the loss, by its kind.
    """

    rho: float | None
    own: Mapping[str, float]
    reach: Mapping[str, float]


def expected_exponents(
    name: str, optimisers: Sequence[str], *, zero_readout: bool = False
) -> Expected:
    """What a named scheme says of one step.

    Args:
        name: ntk, standard or mup.
        optimisers: of input, hidden layers and readout.
        zero_readout: whether the readout starts at zero.

    Example:
        >>> found = expected_exponents("standard", ("adam", "adam", "adam"))
        >>> found.rho, found.own["hidden"], found.reach["readout"]
        (0.5, 1.0, 1.0)
        >>> expected_exponents("mup", ("sgd",) * 3, zero_readout=True).reach
        {'input': 0.0, 'hidden': 0.0, 'readout': 0.0}
    """
    scheme = named_scheme(name, depth=2, input_dim=1, optimiser=optimisers)  # only its exponents
    a, sigma = scheme.scale_exponents, scheme.speed_exponents
    p = growth_power(optimisers)
    u = relative_speed_exponents(a, sigma, optimiser=optimisers)
    rho = math.fsum(a)
    if zero_readout:
        below = math.fsum(a[:-1])
        step = sigma[-1] + update_exponents(optimisers, 3)[-1] + p * below
        level, last = step, step
    else:
        level, last = rho, p * rho + u[-1]
    own = {kind: x + (p - 1) * level for kind, x in zip(KINDS[:-1], u, strict=False)}
    reach = {kind: p * level + x for kind, x in zip(KINDS[:-1], u, strict=False)} | {
        "readout": last
    }
    return Expected(None if zero_readout else rho, own, reach)
