"""How much will the tangent kernel of a lazy network change, as a power of its real width?

With r the rate of the largest displacement, ``m^-r`` (r = rho, of networks that are not centred at most 1/2),
and p <= 0 the largest exponent of ``s_l / alpha_l^2`` over the layers before the readout, less that over all,

    drift         m^(p - 2 r)                 second order in the displacement, the same for every draw
    fluctuation   m^(p - r - 1/2)             first order: odd in the readout's signs, so a sum of m signs
    sides         m^(2 p - r)                 kinks: more units leave a point than come to it
    their noise   m^((p - r - 1) / 2 + p)     kinks: m^(1 + p - r) units change side, each with its own sign

and the largest of them is the change. See ``docs/theory.md``.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

from lazyscope._checks import InputError, check_choice, check_flag
from lazyscope.scaling._scheme import check_exponents
from lazyscope.scaling.displacement._displacement import relative_speed_exponents

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
    neither saturate nor stay at a kink. Measured with one hidden layer, smooth activations from
    rho = 0.2 to 0.75. With kinks the drift of units that leave has a small constant: at widths up to some
    thousands slopes are those of the noise, -(1 + rho) / 2 (``docs/theory.md``). Networks at virtual
    widths have the fluctuations of the real one.

    Example:
        >>> ntk = (0.5, 0.0), (0.0, -1.0)
        >>> [kernel_change_exponent(*ntk, activation_kind=kind) for kind in ("smooth", "kinks")]
        [-1.0, -0.5]
        >>> kernel_change_exponent((1.0, 0.5), (1.0, 0.0), activation_kind="kinks")
        -1.25
    """
    check_choice("activation_kind", activation_kind, ("smooth", "kinks"))
    centred = check_flag("centred", centred)
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
        orders += [2 * p - r, (p - r - 1) / 2 + p]
    return max(orders)
