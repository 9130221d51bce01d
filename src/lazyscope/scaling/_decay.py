"""How must weight decay and epsilon follow the width so that they keep their part in training?

A decoupled decay takes ``eta_l lambda_l`` of a weight in every step; over a training of a fixed number of
steps it stays in proportion to the displacement of the layer. An epsilon stays in proportion to what it is
added to: entries of the gradient for Adam, of exponent ``max(0, rho - 1/2) + rho - a_l - d_l``, and its norm
for Muon, without d_l.
"""

import math

from lazyscope._checks import WITH_EPSILON, check_instance
from lazyscope.scaling._optimiser import optimiser_of_layers, update_exponents
from lazyscope.scaling._scheme import Scheme
from lazyscope.scaling._transfer import rate_exponent
from lazyscope.scaling.displacement._displacement import displacement_exponents


def weight_decay_exponents(scheme: Scheme) -> tuple[float, ...]:
    """Exponents in the width of the decoupled weight decay of every layer.

    Args:
        scheme: any scheme with exponents.

    Raises:
        InputError: a scheme given by numbers at one width.

    Trust: **derived**, for a decay that is multiplied by the learning rate, and rates that follow
    `rate_exponent`. In muP rate times decay is the same at all widths.

    Reference:
        Dey et al. 2025 (arXiv 2505.01618), table 1, for muP under Adam.

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> weight_decay_exponents(named_scheme("mup", depth=2, optimiser="adamw"))
        (0.0, 1.0, 1.0)
    """
    check_instance("scheme", scheme, Scheme)
    a, sigma = scheme.scale_exponents, scheme.speed_exponents
    rate = rate_exponent(a, sigma, optimiser=scheme.optimiser)
    moved = displacement_exponents(a, sigma, optimiser=scheme.optimiser)
    return tuple(e - s - rate + 0.0 for e, s in zip(moved, sigma, strict=True))


def epsilon_exponents(scheme: Scheme) -> tuple[float | None, ...]:
    """Exponents in the width of the epsilon of every layer's optimiser, None where it has none.

    Args:
        scheme: any scheme with exponents.

    Raises:
        InputError: a scheme given by numbers at one width.

    Trust: **derived**, for gradients at the start and effective weights. Behind a multiplier ``m^-t``
    gradients, and epsilons, are ``m^-t`` times as large.

    Reference:
        Dey et al. 2025 (arXiv 2505.01618), table 1, for muP under Adam.

    Example:
        >>> from lazyscope.scaling import named_scheme
        >>> epsilon_exponents(named_scheme("mup", depth=2, optimiser="adam"))
        (-1.0, -1.0, 0.0)
    """
    check_instance("scheme", scheme, Scheme)
    rho, names = scheme.kappa_exponent, optimiser_of_layers(scheme.optimiser, len(scheme.scales))
    size = math.fsum((max(0.0, rho - 0.5), rho))
    entries = update_exponents(scheme.optimiser, len(names))
    return tuple(
        size - a - d + 0.0 if name in WITH_EPSILON else None
        for name, a, d in zip(names, scheme.scale_exponents, entries, strict=True)
    )
