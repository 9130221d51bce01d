"""Which limit kernels enter the bound on the rate of convergence?"""

import numpy as np
from jaxtyping import ArrayLike, Float, Real

from lazyscope._checks import InputError
from lazyscope.limit._assembly import kernel_of
from lazyscope.limit._inputs import as_inputs
from lazyscope.limit._network import LimitNetwork, Nonlinearity, Stds, limit_network
from lazyscope.limit._recursion import tangent_by_layer
from lazyscope.limit.dual._closed_forms import PiecewiseLinear

VARIANCES_THAT_BEND = 1e-4, 1e4
"""Below, an activation that is not homogeneous acts as its linearisation; above, it saturates."""


def normalised_limit_kernels(
    x1: Real[ArrayLike, "n1 d"],
    x2: Real[ArrayLike, "n2 d"] | None = None,
    *,
    depth: int,
    activation: Nonlinearity,
    weight_std: Stds = 1.0,
    tile: int = 512,
) -> Float[np.ndarray, "layers n1 n2"]:
    """Limit kernels Kbar_l of every layer, freed of all scales: K_l = (kappa^2 / alpha_l^2) Kbar_l.

    For positively homogeneous sigma (relu, leaky_relu, abs, linear), with G[0] = <x, x'>,
    G[l] = E sigma(u) sigma(v) and S[l] = E sigma'(u) sigma'(v) for (u, v) of covariance G[l-1],

        Kbar_l = G[l-1] S[l] S[l+1] ... S[depth],    Kbar_{depth+1} = G[depth].

    For other sigma the same product with the actual variances of the pre-activations,
    Kbar_l = E sigma sigma / (product of weight_std_j^2, j < l) times the S; they are set by `weight_std`.
    The rate of convergence of the loss in the theta-lazy regime is bounded below by
    (2 / n) sum_l speed_l (kappa^2 / alpha_l^2) lambda_min(Kbar_l).

    Args:
        x1: n1 inputs whose mean squared norm is one, the norm for which the scales alpha_l are defined.
        x2: n2 inputs; ``None`` means x1.
        depth: number of hidden layers.
        activation: as in `limit_tangent_kernel`.
        weight_std: matters for non-homogeneous activations only: one number for all hidden layers,
            or depth of them. The first is the standard deviation of the entries of W[1], which is
            alpha_1 / sqrt(width); the l-th is alpha_l. No biases.
        tile: as in `limit_tangent_kernel`.

    Returns:
        (depth + 1, n1, n2), layer l at index l - 1.

    Raises:
        InputError: inputs that are not of norm one on average; for non-homogeneous activations,
            pre-activation variances below 1e-4 (the network acts as its linearisation) or above 1e4
            (it saturates): there the product has no limit with a nonlinearity in it.

    Cost and trust: those of `limit_tangent_kernel`.

    Reference: Li, Luo & Zhou 2024 (arXiv 2404.04859); Jacot, Gabriel & Hongler 2018.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> normalised_limit_kernels(x, depth=1, activation="relu").round(12).tolist()
        [[[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.159154943092], [0.159154943092, 0.5]]]
    """
    network = limit_network(
        depth=depth, activation=activation, weight_std=weight_std, readout_weight_std=1.0
    )
    first = as_inputs("x1", x1)
    sides = [first] if x2 is None else [first, as_inputs("x2", x2)]
    for name, x in zip(("x1", "x2"), sides, strict=False):
        check_unit(name, x)
    width_free = network._replace(
        weight_stds=network.weight_stds * [first.shape[1] ** 0.5, *[1] * depth]
    )
    if not isinstance(network.dual, PiecewiseLinear):
        for x in sides:
            _check_variances(width_free, x)
    else:
        width_free = width_free._replace(weight_stds=np.r_[first.shape[1] ** 0.5, np.ones(depth)])
        network = network._replace(weight_stds=np.ones(depth + 1))
    shares = kernel_of(tangent_by_layer, width_free, x1, x2, tile)
    return shares / np.prod(network.weight_stds**2).astype(shares.dtype)


def check_unit(name: str, x: np.ndarray) -> None:
    """Refuse points (n, d) whose mean squared norm is not one."""
    square = float(np.mean(np.sum(np.square(x, dtype=np.float64), axis=1)))
    if abs(square - 1) > 0.01:
        raise InputError(
            f"{name} must have mean squared norm one",
            received=f"{square:.4g}",
            cause="raw or standardised features; alpha_l and kappa are defined for inputs of norm one",
            fix="divide each row by its norm, or all by the root of the mean squared norm",
        )


def _check_variances(network: LimitNetwork, x: np.ndarray) -> None:
    """Refuse pre-activations that vanish or saturate, before averages over them are tried."""
    second = np.sum(np.square(x, dtype=np.float64), axis=1) / x.shape[1]
    for layer, weight in enumerate(network.weight_stds[:-1], start=1):
        q = weight**2 * second
        low, high = float(np.min(q[q > 0], initial=np.inf)), float(np.max(q))
        if low < VARIANCES_THAT_BEND[0] or high > VARIANCES_THAT_BEND[1]:
            raise bending_refusal(f"in layer {layer}", low, high)
        second = network.dual.second_moment(q)


def bending_refusal(where: str, low: float, high: float) -> InputError:
    """The refusal of variances from low to high outside of `VARIANCES_THAT_BEND`."""
    vanishing = low < VARIANCES_THAT_BEND[0]
    return InputError(
        "limit kernels of an activation that is not homogeneous need pre-activation variances "
        f"between {VARIANCES_THAT_BEND[0]:g} and {VARIANCES_THAT_BEND[1]:g}",
        received=f"{low:.3g} to {high:.3g} {where}",
        cause="scales that vanish with the width: the network acts as its linearisation"
        if vanishing
        else "scales that grow with the width: the activation saturates",
        fix="use a linear network of slope sigma'(0)"
        if vanishing
        else "give weight_std of order one, or use a homogeneous activation",
    )
