"""How far will every layer move, as a power of the width?

Only two ingredients enter: the exponent rho of kappa, and the relative speeds of the layers, for
gradient descent ``s_l / alpha_l^2`` of exponent ``u_l = sigma_l - 2 a_l``, for other optimisers those of
`_optimiser`. With ``z_l = u_l + c``, one constant c, and p = 2 for descent, 1 for the others,

    rho >= 0:   max_l z_l = -min(rho, 1/2)
    rho <  0:   sum_l max(z_l, 0) = -p rho
    e_l = z_l where z_l <= 0,   e_l = z_l / p where z_l > 0.

For rho >= 0 the total push is fixed by the gap to be closed and is shared in proportion to the
relative speeds. For rho < 0 the layers must grow until their product is of order one; gradient flow
conserves ``alpha_l^2 / s_l - alpha_k^2 / s_k``, so they rise to one common water level; where steps do
not know the size of the gradient, layers grow linearly in time, and ``alpha_l / (eta_l D_l)`` have
differences that are conserved. kappa alone decides in every case, the optimiser only which layers move.
"""

import math
from collections.abc import Sequence

from lazyscope.scaling._optimiser import growth_power, update_exponents
from lazyscope.scaling._scheme import check_exponents

TIE_TOLERANCE = 1e-9
"""Exponents closer to zero than this count as zero.

Exponents are short decimals or fractions that a user writes; their sums are off by rounding errors
of about 1e-16. The tolerance is far above those and far below any difference that matters.
"""


def relative_speed_exponents(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> tuple[float, ...]:
    """Exponents u_l of the relative speeds: ``sigma_l - 2 a_l`` of ``s_l / alpha_l^2`` for descent.

    For optimisers whose step does not know the size of the gradient they are ``sigma_l + d_l - a_l``,
    with d_l the exponent of D_l (`update_exponents`).

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Raises:
        InputError: lists of different lengths, fewer than two layers, or entries not finite, or
            optimisers without a common law.

    Example:
        >>> relative_speed_exponents((0.5, 0.0, -0.5), (1.0, 0.0, -1.0))
        (0.0, 0.0, 0.0)
    """
    a = check_exponents("scale exponents", scale_exponents)
    given = (0.0,) * len(a) if speed_exponents is None else speed_exponents
    sigma = check_exponents("speed exponents", given, length=len(a))
    p, sizes = growth_power(optimiser), update_exponents(optimiser, len(a))
    return tuple(s + d - p * x for s, d, x in zip(sigma, sizes, a, strict=True))


def displacement_exponents(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> tuple[float, ...]:
    """Exponents e_l of the final relative displacement of every layer, operator norm.

    ``|W[l](T) - W[l](0)| / |W[l](0)| ~ m^e_l`` after gradient flow to a small loss, or after small
    steps of another optimiser to a small loss or, under cross-entropy, to a fixed one.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Returns:
        e_l for layers 1 to L + 1. Negative: the layer is lazy; zero: it moves at order one;
        positive: it grows far beyond its start.

    Raises:
        InputError: lists of different lengths, fewer than two layers, or entries not finite.

    Cost: a sort of L + 1 numbers.

    Trust: derived for gradient flow on positively homogeneous networks, and for small full-batch
    steps of the other optimisers; the water level is solved exactly. Slopes measured at finite width
    lag behind it where two layers tie and where rho is near zero, since the crossover in the width is
    slow there. Not for weight decay, nor for an epsilon that is not small against the gradient.

    Reference:
        rho > 0: Li, Luo & Zhou 2024 (arXiv 2404.04859). Two layers: Luo et al. 2021
        (arXiv 2007.07497). The law for any depth: ``docs/schemes.md``.

    Example:
        >>> displacement_exponents((0.25, 0.25))
        (-0.5, -0.5)
        >>> displacement_exponents((-0.25, -0.25))
        (0.25, 0.25)
        >>> displacement_exponents((0.5, 0.0, -0.5), (0.0, -1.0, -1.0), optimiser="adam")
        (0.0, 0.0, 0.0)
    """
    u = relative_speed_exponents(scale_exponents, speed_exponents, optimiser=optimiser)
    p = growth_power(optimiser)
    rho = math.fsum(check_exponents("scale exponents", scale_exponents))
    lift, top = highest_level(u, rho, p), max(u)
    levels = [x - top + lift + 0.0 for x in u]
    return tuple(z if z <= 0 else z / p for z in levels)


def frobenius_displacement_exponents(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> tuple[float, ...]:
    """Exponents of the final relative displacement of every layer, Frobenius norm.

    The change of a layer has low rank while the start has full rank. Hence the exponent is that of
    `displacement_exponents` in the first and the last layer, whose rank stays bounded, and lower by
    one half in the layers from hidden to hidden.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Raises:
        InputError: as in `displacement_exponents`.

    Reference:
        Lee et al. 2019 (arXiv 1902.06720) measured -1/2, -1, .., -1, -1/2 for the NTK scaling.

    Example:
        >>> frobenius_displacement_exponents((0.5, 0, 0, 0), (0, -1, -1, -1))
        (-0.5, -1.0, -1.0, -0.5)
    """
    e = displacement_exponents(scale_exponents, speed_exponents, optimiser=optimiser)
    return (e[0], *(x - 0.5 for x in e[1:-1]), e[-1])


def highest_level(speeds: Sequence[float], rho: float, p: int) -> float:
    """The largest z_l of the law, ``c + max_l u_l``, for relative speeds u_l."""
    if rho >= 0:
        return -min(rho, 0.5)
    top = max(speeds)
    return _water_level([u - top for u in speeds], -p * rho)


def _water_level(heights: Sequence[float], volume: float) -> float:
    """The lift c with ``sum_l max(heights_l + c, 0) = volume``, for a positive volume.

    If exactly the k highest are above zero, c = (volume - their sum) / k; the right k is the
    largest for which the k-th highest is lifted above zero.
    """
    descending = sorted(heights, reverse=True)
    lift = 0.0
    for count, height in enumerate(descending, start=1):
        candidate = (volume - math.fsum(descending[:count])) / count
        if height + candidate <= 0:
            break
        lift = candidate
    return lift
