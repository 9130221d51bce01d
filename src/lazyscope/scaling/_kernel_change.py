"""How much will the tangent kernel of a lazy network change, as a power of its real width?

With r the rate of the largest displacement, ``m^-r`` (r = rho, of networks that are not centred at most 1/2),
and p <= 0 the largest exponent of ``s_l / alpha_l^2`` over the layers before the readout, less that over all,

    drift         m^(p - 2 r)                 second order in the displacement, the same for every draw
    fluctuation   m^(p - r - 1/2)             first order: odd in the readout's signs, so a sum of m signs
    kinks         m^((p - r - 1) / 2 + p)     m^(1 + p - r) units change side, each with a sign of its own

and the largest of them is the change. At p = 0 and rho up to 1/2 the drift leads below rho = 1/2 for smooth
activations and below 1/3 for those with kinks. See ``docs/theory.md``.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

from lazyscope._checks import InputError, check_choice
from lazyscope.scaling._displacement import relative_speed_exponents
from lazyscope.scaling._scheme import check_exponents

ActivationKind: TypeAlias = Literal["smooth", "kinks"]
"""``kinks``: the first derivative jumps, as that of ReLU."""


def kernel_change_exponent(
    scale_exponents: Sequence[float],
    speed_exponents: Sequence[float] | None = None,
    *,
    activation_kind: ActivationKind,
    centred: bool = True,
) -> float:
    """Exponent of ``|K(T) - K(0)| / |K(0)|`` in the real width, after gradient flow to a small loss.

    Args:
        scale_exponents: exponents a_l of alpha_l, layers 1 to L + 1; their sum, rho, is above zero.
        speed_exponents: exponents sigma_l of the speeds; None for one learning rate.
        activation_kind: ``smooth`` (tanh, gelu), or ``kinks`` (relu, leaky relu).
        centred: whether f minus its start is trained; otherwise displacements are at least like m^-1/2.

    Raises:
        InputError: rho of zero or below, where the kernel changes by its own size; another kind of
            activation; or exponents as in `displacement_exponents`.

    Cost: sums of L + 1 numbers.

    Trust: derived for targets of order one, a number of points that is fixed, and pre-activations that
    neither saturate nor stay at a kink; measured at real widths with one hidden layer, see
    ``docs/theory.md``. With kappa a few units only, and near rho = 1/3 and 1/2, slopes at widths that one
    can afford are those of a crossover. Networks at virtual widths have the fluctuations of the real one.

    Example:
        >>> ntk = (0.5, 0.0), (0.0, -1.0)
        >>> [kernel_change_exponent(*ntk, activation_kind=kind) for kind in ("smooth", "kinks")]
        [-1.0, -0.75]
        >>> kernel_change_exponent((0.25, 0.0), (0.5, 0.0), activation_kind="kinks")
        -0.5
    """
    check_choice("activation_kind", activation_kind, ("smooth", "kinks"))
    rho = math.fsum(check_exponents("scale exponents", scale_exponents))
    if rho <= 0:
        raise InputError(
            "rho must be above zero, so that the network is lazy",
            received=f"scale exponents whose sum is {rho:g}",
            cause="a network whose kernel changes by its own size or more, whatever the width",
            fix="ask network_regime what becomes of it, or train it",
        )
    speeds = relative_speed_exponents(scale_exponents, speed_exponents)
    p, r = max(speeds[:-1]) - max(speeds), rho if centred else min(rho, 0.5)
    orders = [p - 2 * r, p - r - 0.5]
    if activation_kind == "kinks":
        orders.append((p - r - 1) / 2 + p)
    return max(orders)
