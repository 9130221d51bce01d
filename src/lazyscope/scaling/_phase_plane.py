"""Where does a network with one hidden layer lie in the plane of Luo et al. 2021?"""

from typing import NamedTuple

from lazyscope._checks import InputError, check_instance
from lazyscope.scaling._optimiser import growth_power
from lazyscope.scaling._scheme import Scheme
from lazyscope.scaling.displacement._displacement import relative_speed_exponents


class PhasePoint(NamedTuple):
    """Coordinates (gamma, gamma') of the phase plane."""

    gamma: float
    gamma_prime: float


def phase_point(scheme: Scheme) -> PhasePoint:
    """The coordinates ``gamma = 1 - rho`` and ``gamma' = (u_2 - u_1) / 2`` of a two-layer scheme.

    u_l is the exponent of the relative speed ``s_l / alpha_l^2``. With equal speeds gamma' is the
    difference ``a_1 - a_2`` of the scale exponents.

    Args:
        scheme: a scheme with one hidden layer and exponents.

    Raises:
        InputError: another depth, another optimiser, or a scheme given by numbers at one width.

    Trust: exact conversion; gradient flow is the same for all schemes of one point, up to constants
    and the unit of time.

    Reference:
        Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497). Their kappa is the one used here
        divided by the width.

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> phase_point(named_scheme("ntk", depth=1, input_dim=2))
        PhasePoint(gamma=0.5, gamma_prime=0.0)
    """
    check_instance("scheme", scheme, Scheme)
    if scheme.depth != 1:
        raise InputError(
            "the (gamma, gamma') plane describes networks with one hidden layer",
            received=f"depth {scheme.depth}",
            cause="a deeper network was asked for",
            fix="use a scheme of depth 1",
        )
    if growth_power(scheme.optimiser) != 2:
        raise InputError(
            "the (gamma, gamma') plane describes gradient descent",
            received=f"rates of {scheme.optimiser}",
            cause="a scheme for another optimiser",
            fix="ask for its displacement_exponents",
        )
    first, second = relative_speed_exponents(scheme.scale_exponents, scheme.speed_exponents)
    return PhasePoint(1 - scheme.kappa_exponent, (second - first) / 2 + 0.0)
