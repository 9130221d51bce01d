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
    """The coordinates ``gamma = 1 - rho`` and ``gamma' = (u_2 - u_1) / p`` of a two-layer scheme.

    u_l is the exponent of the relative speed and p the growth power of the optimiser (for gradient descent
    ``s_l / alpha_l^2`` and 2). With one rate gamma' is the difference ``a_1 - a_2`` of the scale
    exponents. In these coordinates the plane has the same regimes, layer by layer, whatever the optimiser:
    with ``z_l = p w_l`` the law's level reads ``sum_l max(w_l, 0) = -rho``.

    Args:
        scheme: a scheme with one hidden layer and exponents.

    Raises:
        InputError: another depth, or a scheme given by numbers at one width.

    Trust: exact conversion; gradient flow is the same for all schemes of one point, up to constants
    and the unit of time. Exponents of layers that are lazy are those of the optimiser.

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
    given = scheme.scale_exponents, scheme.speed_exponents
    first, second = relative_speed_exponents(*given, optimiser=scheme.optimiser)
    apart = (second - first) / growth_power(scheme.optimiser)
    return PhasePoint(1 - scheme.kappa_exponent, apart + 0.0)
