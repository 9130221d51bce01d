"""How far will every layer move at one width, crossovers included?

`displacement_exponents` is what is left of this at infinite width, where sums become maxima. With
``q_l = s_l / alpha_l^2``, weights k_l of the layers in the kernel, ``K = kappa^2 sum_l k_l q_l``, and
the gap that training closes:

    prod_l (1 + k_l q_l C) = 1 + (gap / kappa)^2       one level C for all layers
    w_l = k_l q_l / sum_j k_j q_j                      share of layer l in the kernel
    c_l^2 = 1 + q_l C (1 - w_l)                        what becomes of the layer's own start
    d_l^2 = (c_l - 1)^2 + q_l C w_l                    relative displacement, Frobenius norm

Two layers, a fixed direction of the push and fixed signs of the pre-activations make the flow of
every neuron linear, ``a' = s_2 w``, ``w' = s_1 a``, and these lines are its exact solution. Where all
displacements are small they are exact for any depth, as the linearised network. For more layers that
grow they are an interpolation which keeps the conserved differences of |W_l|^2 / s_l.

A layer of leverage phi_l below one, a branch around which the signal skips, is a share phi_l^2 of the square
of what passes: g_l^2 = 1 + c b^2 alpha_l^2 grows by 1 + phi_l^2 q_l C where alpha_l^2 grows by 1 + q_l C. So
``k_l phi_l^2`` stands in place of k_l in the first two lines, and the layer's own displacement is as above.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazyscope._checks import InputError, check_array, check_count, check_positive
from lazyscope.scaling._law import check_width
from lazyscope.scaling._optimiser import growth_power
from lazyscope.scaling._scheme import check_exponents
from lazyscope.scaling.displacement._displacement import (
    displacement_exponents,
    relative_speed_exponents,
)

if TYPE_CHECKING:  # and inside functions, since regimes are told without NumPy
    import numpy as np

    from lazyscope.scaling._scheme import Layers

_TOLERANCE = 1e-13  # of the level's logarithm
_RATE_DIGITS = 9
_NEGLIGIBLE = -50.0  # log of a square below which products are sums


def displacements_at_width(
    alpha: "Sequence[float] | Layers",
    speed: "Sequence[float] | Layers",
    *,
    gap: float,
    kernel_weights: "Sequence[float] | Layers | None" = None,
    leverage: "Sequence[float] | Layers | None" = None,
    kappa: float | None = None,
) -> "Layers":
    """Relative displacement d_l of every layer after training to zero loss, at one width.

    ``d_l = |W_l(T) - W_l(0)| / alpha_l``; for the first and the last layer alpha_l is the size of the
    start, so that this is the relative displacement in Frobenius norm. A hidden-to-hidden layer of
    width m starts at sqrt(m) alpha_l in Frobenius norm and at 2 alpha_l in operator norm.

    Args:
        alpha: scales alpha_l of layers 1 to L + 1, ``scheme.alpha(width)``.
        speed: speeds s_l, ``scheme.speed(width)``.
        gap: size of what training has to add to the output, above zero; with targets y and the
            output kappa g / sqrt(m) at the start, ``sqrt(y^2 + kappa^2 g^2 / m)``.
        kernel_weights: k_l, the normalised kernel of each layer along the gap; 1 unless given.
        leverage: phi_l of a network with branches, ``network.leverage(alpha)``; 1 unless given.
        kappa: its initial scale, ``network.kappa(alpha)``; the product of all scales unless given.

    Returns:
        d_l, layers 1 to L + 1, float64.

    Raises:
        InputError: lists of different lengths, or numbers that are not positive.

    Cost: one root.

    Trust: exact in the limit of infinite width where all d_l are small, and for two layers with a
    fixed direction of the push; between and beyond, off by factors of order one that do not depend
    on the width. Measured in ``docs/where-the-law-is-off.md``.

    Example:
        >>> displacements_at_width((10.0, 10.0), (1.0, 1.0), gap=1.0).round(6)
        array([0.005, 0.005])
    """
    import numpy as np

    scale, rate = positive_numbers("alpha", alpha), positive_numbers("speed", speed)
    if not len(scale):
        raise InputError(
            "there must be at least one layer",
            received="no scales",
            cause="an empty list",
            fix="give alpha_l of layers 1 to L + 1",
        )
    weight, passing = (
        np.ones(len(scale)) if given is None else positive_numbers(name, given)
        for name, given in (("weights", kernel_weights), ("leverage", leverage))
    )
    if not len(scale) == len(rate) == len(weight) == len(passing):
        raise InputError(
            "there must be one scale, one speed, one kernel weight and one leverage for every layer",
            received=f"{len(scale)}, {len(rate)}, {len(weight)} and {len(passing)} numbers",
            cause="lists made for different depths",
            fix="give L + 1 of each",
        )
    gap = check_positive("gap", gap)
    log_relative = np.log(rate) - 2 * np.log(scale)
    log_weighted = log_relative + np.log(weight) + 2 * np.log(passing)
    log_kappa = float(np.sum(np.log(scale)))
    if kappa is not None:
        log_kappa = math.log(check_positive("kappa", kappa))
    level = log_level(log_weighted, 2 * (math.log(gap) - log_kappa))
    share = np.exp(log_weighted - np.logaddexp.reduce(log_weighted))
    growth = np.exp(log_relative + level)
    along_start = growth * (1 - share)
    own = along_start / (1 + np.sqrt(1 + along_start))
    return np.sqrt(own**2 + growth * share)


def slowest_correction(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> float:
    """Exponent delta of the slowest correction m^-delta to the displacement law, zero at a tie.

    Read off `displacements_at_width`: where rho > 0, ``kappa^-p`` against 1 (p = 2 for descent, 1 for
    others), ``kappa^2 / m`` against 1, and the second largest relative speed against the largest; where
    rho < 0, every layer's own displacement against 1. Corrections of order m^-1/2 from a finite number of
    neurons, and slower ones from constants far from one, come on top.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Raises:
        InputError: as in `displacement_exponents`.

    Example:
        >>> slowest_correction((0.5, 0.0)), slowest_correction((0.25, 0.0)), slowest_correction((0.0, 0.0))
        (0.0, 0.5, 0.0)
    """
    exponents, rho, u = _powers(scale_exponents, speed_exponents, optimiser)
    if rho < 0:
        return min(abs(e) for e in exponents)
    first, second = sorted(u)[:-3:-1]
    return min(growth_power(optimiser) * rho, abs(2 * rho - 1), first - second)


def law_corrections(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    optimiser: str | Sequence[str] = "sgd",
) -> tuple[float, ...]:
    """Exponents delta of all corrections m^-delta to the displacement law, the slowest first.

    Those of `slowest_correction`, and the first orders that are left where draws are not averaged over:
    a gap of y and the output at the start has ``2 <y, f_0>`` of order kappa / sqrt(m) beside
    ``kappa^2 / m``, and a network leaves its linearisation by its largest displacement. Where rho < 0 it is
    every layer's displacement against its start, and kappa against 1, to first and to second order. At a
    tie the exponent of the two that tie is zero and left out: they keep their ratio at every width.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        optimiser: whose rates they are, a name or one for each layer; gradient descent unless given.

    Raises:
        InputError: as in `displacement_exponents`.

    Example:
        >>> law_corrections((0.25, 0.0))
        (0.25, 0.5)
    """
    exponents, rho, u = _powers(scale_exponents, speed_exponents, optimiser)
    own = [-max(exponents)] if rho >= 0 else [-rho, *(abs(e) for e in exponents)]
    first = [abs(rho - 0.5), *own]
    rates = [*first, *(2 * rate for rate in first), *(max(u) - x for x in u if rho >= 0)]
    return tuple(sorted({round(rate, _RATE_DIGITS) for rate in rates} - {0.0}))


def _powers(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None,
    optimiser: str | Sequence[str],
) -> tuple[tuple[float, ...], float, tuple[float, ...]]:
    """Exponents of the displacements, of kappa and of the relative speeds."""
    given = scale_exponents, speed_exponents
    exponents = displacement_exponents(*given, optimiser=optimiser)
    rho = math.fsum(check_exponents("scale exponents", scale_exponents))
    return exponents, rho, relative_speed_exponents(*given, optimiser=optimiser)


def initial_operator_norms(width: int, *, depth: int, input_dim: int, output_dim: int) -> "Layers":
    """|W_l(0)| / alpha_l in operator norm, for Gaussian matrices of these shapes.

    ``1 + sqrt((k - 1) / m)`` for the first and the last layer with k inputs or outputs, 2 from hidden
    to hidden; exact in the limit of large width.

    Reference: Davidson & Szarek 2001, Local operator theory, random matrices and Banach spaces.

    Example:
        >>> initial_operator_norms(100, depth=2, input_dim=2, output_dim=1).tolist()
        [1.1, 2.0, 1.0]
    """
    import numpy as np

    m = check_width(width)
    thin = [1 + math.sqrt((check_count("dim", k) - 1) / m) for k in (input_dim, output_dim)]
    return np.array([thin[0], *[2.0] * (check_count("depth", depth) - 1), thin[1]])


def log_level(log_weighted: "Layers", log_target: float) -> float:
    """The level: log C with ``sum_l log(1 + k_l q_l C) = log(1 + (gap / kappa)^2)``."""
    import numpy as np

    if log_target < _NEGLIGIBLE:
        return log_target - float(np.logaddexp.reduce(log_weighted))
    total, top = float(np.logaddexp(0.0, log_target)), float(log_weighted.max())

    from scipy.optimize import brentq  # here, since `lazyscope regime` answers without SciPy

    def surplus(level: float) -> float:
        return math.log(np.logaddexp(0.0, log_weighted + level).sum() / total)

    # The fastest layer takes at least an equal share of the rise, and at most all of it.
    least, most = _log_growth(total / len(log_weighted)), _log_growth(total)
    return float(brentq(surplus, least - top - 1e-9, most - top + 1e-9, xtol=_TOLERANCE))  # pyright: ignore[reportArgumentType]


def _log_growth(rise: float) -> float:
    """The x, as its log, with ``log(1 + x) = rise``."""
    return rise + math.log(-math.expm1(-rise))


def positive_numbers(name: str, values: "Sequence[float] | np.ndarray") -> "Layers":
    """Numbers above zero, one for each layer."""
    import numpy as np

    numbers = np.asarray(check_array(name, values, ndim=1), np.float64)
    return np.array([check_positive(name, value) for value in numbers])
