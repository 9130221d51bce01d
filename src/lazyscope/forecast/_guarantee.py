"""Which decay rate of the loss does the theorem guarantee?"""

from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float

from lazyscope._checks import (
    InputError,
    check_alike,
    check_choice,
    check_count,
    check_positive,
)
from lazyscope._entry import checked
from lazyscope.composed import normalised_network_kernels
from lazyscope.kernel import smallest_eigenvalue
from lazyscope.model import AbstractNetwork
from lazyscope.scaling import Scheme

BoundForm: TypeAlias = Literal["published", "derived"]
"""Which smallest eigenvalues stand in the bound: one for all layers, or that of every layer."""


@checked(any_axes=("x",))
def limit_lambda_min(
    scheme: Scheme, model: AbstractNetwork, x: Float[np.ndarray, "n *point"]
) -> Float[np.ndarray, " layers"]:
    """lambda_min of the normalised limit kernel Kbar_l on the data, for every layer.

    For homogeneous activations and no residual branches the scheme does not matter: one call serves every
    scale and width.

    Args:
        scheme: sets the scales of branches and the variances of the pre-activations, which count for other
            networks.
        model: a network that has a composition (`lazyscope.composed.composition_of`).
        x: training points whose mean squared norm is one.

    Raises:
        InputError: a network without a composition, as those with bias are; points of another norm, or
            variances that vanish or diverge.
    """
    return smallest_eigenvalue(normalised_network_kernels(model, np.asarray(x), scheme=scheme))


@checked()
def guaranteed_rate(
    alpha: Float[np.ndarray, " layers"],
    speed: Float[np.ndarray, " layers"],
    smallest: Float[np.ndarray, " layers"],
    num_points: int,
    *,
    form: BoundForm = "derived",
    kappa: float | None = None,
    leverage: Float[np.ndarray, " layers"] | None = None,
) -> float:
    """A decay rate of the loss that is guaranteed in the theta-lazy regime as the width grows.

    Two forms of it. *Published*: one lambda_S = min_l lambda_min(Kbar_l) for all layers,
    (2/n) lambda_S sum_l s_l (kappa phi_l / alpha_l)^2. *Derived*, here: that of every layer,
    (2/n) sum_l s_l (kappa phi_l / alpha_l)^2 lambda_min(Kbar_l), which is at least as large. The theorem is
    about dense networks, where kappa is the product of all scales and every leverage phi_l is one.

    Args:
        alpha: scales alpha_l at the width in question.
        speed: speeds s_l there.
        smallest: lambda_min(Kbar_l), from `limit_lambda_min`.
        num_points: training points n.
        form: ``published`` or ``derived``.
        kappa: initial scale, ``network.kappa(alpha)``; the product of the scales unless given.
        leverage: phi_l, ``network.leverage(alpha)``; one for every layer unless given.

    Raises:
        InputError: arrays of different lengths, scales of zero, no points, or another form.

    Trust: holds up to factors that tend to one in the theta-lazy regime as the width grows.
    Reference: Li, Luo & Zhou 2024 (arXiv 2404.04859) for the published form; the other follows as the
    smallest eigenvalue of a sum is at least the sum of the smallest ones.

    Example:
        >>> numbers = np.array([2.0, 3.0]), np.ones(2), np.array([0.5, 0.25]), 4
        >>> guaranteed_rate(*numbers), guaranteed_rate(*numbers, form="published")
        (2.75, 1.625)
    """
    check_alike(alpha=alpha, speed=speed, smallest=smallest)
    num_points = check_count("num_points", num_points)
    check_choice("form", form, get_args(BoundForm))
    alpha, speed, smallest = np.asarray(alpha), np.asarray(speed), np.asarray(smallest)
    if (alpha <= 0).any() or (speed < 0).any():
        raise InputError(
            "scales must be above zero and speeds not below it",
            received=f"scales {alpha.tolist()} and speeds {speed.tolist()}",
            cause="logarithms or exponents in place of the values at the width",
            fix="give scheme.alpha(width) and scheme.speed(width)",
        )
    share = np.ones(len(alpha)) if leverage is None else np.asarray(leverage)
    check_alike(alpha=alpha, leverage=share)
    whole = float(np.prod(alpha)) if kappa is None else check_positive("kappa", kappa)
    weights = speed * (whole * share / alpha) ** 2
    lowest = smallest.min() if form == "published" else smallest
    return float(2.0 / num_points * np.sum(weights * lowest))
