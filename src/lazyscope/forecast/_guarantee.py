"""Which decay rate of the loss does the theorem guarantee?"""

from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_alike, check_choice, check_count
from lazyscope._entry import checked
from lazyscope.kernel import normalised_limit_kernels, smallest_eigenvalue
from lazyscope.model import Dense
from lazyscope.scaling import Scheme

BoundForm: TypeAlias = Literal["published", "derived"]
"""Which smallest eigenvalues stand in the bound: one for all layers, or that of every layer."""


@checked()
def limit_lambda_min(
    scheme: Scheme, model: Dense, x: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " layers"]:
    """lambda_min of the normalised limit kernel Kbar_l on the data, for every layer.

    For homogeneous activations the scheme does not matter: one call serves every scale and width.

    Args:
        scheme: sets the variances of the pre-activations, which count for other activations.
        model: the network, without bias; its width, depth and activation count.
        x: training points whose mean squared norm is one.

    Raises:
        InputError: a network with bias, points of another norm, or variances that vanish or diverge.
    """
    if model.use_bias:
        raise InputError(
            "the bound of the theorem is for networks without bias",
            received="a network with bias",
            cause="the limit kernels of the theorem have no term for biases",
            fix="use the rate of K(0), which holds with bias",
        )
    alpha = scheme.alpha(model.width)
    stds = [alpha[0] / np.sqrt(model.width), *alpha[1:-1]]
    kernels = normalised_limit_kernels(
        np.asarray(x),  # pyright: ignore[reportArgumentType]
        depth=model.depth,
        activation=model.activation_name,
        weight_std=stds,
    )
    return smallest_eigenvalue(kernels)


@checked()
def guaranteed_rate(
    alpha: Float[np.ndarray, " layers"],
    speed: Float[np.ndarray, " layers"],
    smallest: Float[np.ndarray, " layers"],
    num_points: int,
    *,
    form: BoundForm = "derived",
) -> float:
    """A decay rate of the loss that is guaranteed in the theta-lazy regime as the width grows.

    Two forms of it. *Published*: one lambda_S = min_l lambda_min(Kbar_l) for all layers,
    (2/n) lambda_S sum_l s_l kappa^2 / alpha_l^2. *Derived*, here: that of every layer,
    (2/n) sum_l s_l (kappa^2 / alpha_l^2) lambda_min(Kbar_l), which is at least as large.

    Args:
        alpha: scales alpha_l at the width in question.
        speed: speeds s_l there.
        smallest: lambda_min(Kbar_l), from `limit_lambda_min`.
        num_points: training points n.
        form: ``published`` or ``derived``.

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
    weights = speed * (np.prod(alpha) / alpha) ** 2
    lowest = smallest.min() if form == "published" else smallest
    return float(2.0 / num_points * np.sum(weights * lowest))
