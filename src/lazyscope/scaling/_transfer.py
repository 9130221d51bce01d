"""What has to follow the width so that one learning rate serves all widths, in muP or lazily?

With the relative speeds u_l, the growth power p and the constant c of the law in `_displacement`, steps of
one learning rate times ``m^r`` stay stable, and few, at every width for

    p = 1                r = c                    the whole way in a fixed number of steps
    p = 2,  rho >= 0     r = -(2 rho + max_l u_l)  one over the largest eigenvalue of the kernel
    p = 2,  rho <  0     r = c                    the same at the end, when layers have grown

Every layer moves at order one at every width if and only if rho = 0 and all u_l are equal.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lazyscope._checks import check_instance
from lazyscope.scaling._optimiser import growth_power, update_exponents
from lazyscope.scaling._scheme import Scheme, check_exponents
from lazyscope.scaling.depth._over_depth import with_branches
from lazyscope.scaling.displacement._displacement import (
    TIE_TOLERANCE,
    highest_level,
    relative_speed_exponents,
)

_RHO_OF_NTK = 0.5


class ExponentChanges(NamedTuple):
    """What to add to the exponents of a scheme, layers 1 to L + 1.

    Attributes:
        scale_exponents: of the scales: initial weights of layer l times ``m^change``.
        speed_exponents: of the speeds: learning rate of layer l times ``m^change``.
    """

    scale_exponents: tuple[float, ...]
    speed_exponents: tuple[float, ...]

    def by_multipliers(self, optimiser: str | Sequence[str]) -> "MultiplierChanges":
        """These changes made by multipliers in front of weights, in place of initial weights.

        Args:
            optimiser: who trains, a name or one for each layer.

        Example:
            >>> ExponentChanges((0.0, -0.5), (0.0, -1.0)).by_multipliers("adam")
            MultiplierChanges(multiplier_exponents=(0.0, -0.5), rate_exponents=(0.0, -0.5))
        """
        a = check_exponents("scale exponents", self.scale_exponents)
        sigma = check_exponents("speed exponents", self.speed_exponents, length=len(a))
        p = growth_power(optimiser)
        return MultiplierChanges(a, tuple(y - p * x + 0.0 for x, y in zip(a, sigma, strict=True)))

    def applied(self, scheme: Scheme, *, name: str = "changed") -> Scheme:
        """The scheme with these changes made, with constants one.

        Args:
            scheme: of as many layers.
            name: of what comes out.

        Raises:
            InputError: a scheme of another depth, or given by numbers at one width.
        """
        check_instance("scheme", scheme, Scheme)
        pairs = (
            ("scale exponents", scheme.scale_exponents, self.scale_exponents),
            ("speed exponents", scheme.speed_exponents, self.speed_exponents),
        )
        a, sigma = (
            [
                x + y
                for x, y in zip(held, check_exponents(what, added, length=len(held)), strict=True)
            ]
            for what, held, added in pairs
        )
        there = Scheme.from_exponents(a, sigma, name=name, optimiser=scheme.optimiser)
        return there if scheme.branches is None else with_branches(there, scheme.branches)


class MultiplierChanges(NamedTuple):
    """The same changes with initial weights as they are, layers 1 to L + 1.

    Attributes:
        multiplier_exponents: multiplier of layer l times ``m^change``.
        rate_exponents: learning rate of the weights behind it times ``m^change``.
    """

    multiplier_exponents: tuple[float, ...]
    rate_exponents: tuple[float, ...]


def rate_exponent(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> float:
    """The power of the width that the learning rate of all layers has to follow.

    Zero says that one learning rate serves all widths. It is the exponent of the largest rate that is
    stable, for gradient descent, and of the one that trains in a fixed number of steps for optimisers whose
    step does not know the size of the gradient.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Raises:
        InputError: as `relative_speed_exponents`.

    Trust: derived with the law, and as far as it goes: full batches, no weight decay, targets and losses
    that do not depend on the width.

    Example:
        >>> rate_exponent((0.5, 0.0, 0.0)), rate_exponent((0.5, 0.0, 0.0), (0.0, -1.0, -1.0))
        (-1.0, 0.0)
        >>> rate_exponent((0.5, 0.0, 0.0), optimiser="adam")
        -1.5
    """
    u = relative_speed_exponents(scale_exponents, speed_exponents, optimiser=optimiser)
    p = growth_power(optimiser)
    rho = math.fsum(check_exponents("scale exponents", scale_exponents))
    if p == 2 and rho >= 0:
        return -(2 * rho + max(u)) + 0.0
    return highest_level(u, rho, p) - max(u) + 0.0


def changes_to_mup(scheme: Scheme) -> ExponentChanges:
    """What would make a scheme muP: all layers learn at order one, at one learning rate for all widths.

    The scales become those of muP layer by layer, with which pre-activations keep their size under any
    activation. With a positively homogeneous one it would be enough that they multiply to one.

    Args:
        scheme: any scheme with exponents.

    Returns:
        Changes of the exponents, all zero for a scheme that is muP.

    Raises:
        InputError: a scheme given by numbers at one width.

    Trust: exact, given the law.

    Example:
        >>> changes_to_mup(Scheme.from_exponents((0.5, 0.0, 0.0), optimiser="adam"))
        ExponentChanges(scale_exponents=(0.0, 0.0, -0.5), speed_exponents=(0.0, -1.0, -1.0))
    """
    check_instance("scheme", scheme, Scheme)
    p = growth_power(scheme.optimiser)
    a = (0.5, *[0.0] * (scheme.depth - 1), -0.5)
    sizes = update_exponents(scheme.optimiser, len(a))
    sigma = [p * x - d for x, d in zip(a, sizes, strict=True)]
    return ExponentChanges(
        _differences(a, scheme.scale_exponents), _differences(sigma, scheme.speed_exponents)
    )


def changes_to_lazy(scheme: Scheme) -> ExponentChanges:
    """What would make a scheme lazy in all layers, at one learning rate for all widths.

    kappa alone decides. A scheme of positive rho keeps its scales; another one has its readout raised until
    rho is 1/2, as in NTK scaling. One factor on all rates then makes the rate the same at all widths.

    Args:
        scheme: any scheme with exponents.

    Returns:
        Changes of the exponents.

    Raises:
        InputError: a scheme given by numbers at one width.

    Trust: exact, given the law.

    Example:
        >>> changes_to_lazy(Scheme.from_exponents((0.5, 0.0, -0.5), (1.0, 0.0, -1.0)))
        ExponentChanges(scale_exponents=(0.0, 0.0, 0.5), speed_exponents=(-1.0, -1.0, -1.0))
    """
    check_instance("scheme", scheme, Scheme)
    a, rho = scheme.scale_exponents, scheme.kappa_exponent
    raised = 0.0 if rho > TIE_TOLERANCE else _RHO_OF_NTK - rho
    lifted = (*a[:-1], a[-1] + raised)
    rate = rate_exponent(lifted, scheme.speed_exponents, optimiser=scheme.optimiser)
    return ExponentChanges((*[0.0] * scheme.depth, raised), (rate,) * len(a))


def _differences(wanted: Sequence[float], held: Sequence[float]) -> tuple[float, ...]:
    return tuple(x - y + 0.0 for x, y in zip(wanted, held, strict=True))
