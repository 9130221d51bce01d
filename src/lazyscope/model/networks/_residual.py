"""What does a dense network with skip connections compute?"""

import math

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import check_count, check_positive
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth, mean_square


class Residual(AbstractNetwork):
    """Dense network whose hidden layers add a scaled branch to what they receive.

    Definition, with the branch multiplier b, ``1/sqrt(depth)`` unless given::

        h[1] = W[1] x,   h[l] = h[l-1] + b W[l] sigma(h[l-1]),  l = 2..L
        f(x) = W[L+1] sigma(h[L])

    Scales: ``alpha_l = sqrt(m) std`` for every layer. A branch brings the gain ``g_l = sqrt(1 + c b^2
    alpha_l^2)`` in place of alpha_l, with c = E sigma(z)^2 (one half for ReLU)::

        kappa = alpha_1 g_2 ... g_L alpha_{L+1},   leverage of a branch = sqrt(c) b alpha_l / g_l

    Args:
        input_dim: number of features d of a point.
        output_dim: number of outputs C.
        width: number m of units in every hidden layer.
        depth: number L of hidden layers; L - 1 of them are branches.
        activation: name of sigma.
        branch_scale: b; ``None`` means ``1/sqrt(depth)``, which keeps kappa finite as depth grows.

    Raises:
        InputError: a size below one, a branch scale that is not positive, an unknown activation, or more
            parameters than memory holds.

    Example:
        >>> model = Residual(3, 1, width=4, depth=2, branch_scale=1.0, activation="linear")
        >>> round(model.kappa([2.0, 1.0, 3.0]) ** 2, 9)  # 2^2 (1 + 1) 3^2
        72.0
    """

    input_dim: int = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    branch_scale: float = eqx.field(static=True)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        width: int,
        depth: int,
        activation: str = "relu",
        *,
        branch_scale: float | None = None,
    ) -> None:
        self.input_dim = check_count("input_dim", input_dim)
        self.output_dim = check_count("output_dim", output_dim)
        self.width = check_count("width", width)
        self.depth = check_depth(depth)
        self.activation_name = activation_named(activation).name
        self.branch_scale = branch_multiplier(branch_scale, self.depth)
        check_memory(self.num_parameters, what=f"a network of width {width} and depth {depth}")

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(m, d), (m, m) for every branch, (C, m)."""
        branches = ((self.width, self.width),) * (self.depth - 1)
        return ((self.width, self.input_dim), *branches, (self.output_dim, self.width))

    @property
    def layer_sizes(self) -> tuple[float, ...]:
        """sqrt(m) for every layer."""
        return (math.sqrt(self.width),) * (self.depth + 1)

    def kappa(self, alpha: Float[ArrayLike, " layers"]) -> float:
        """alpha_1 g_2 ... g_L alpha_{L+1}."""
        return branched_kappa(
            self.per_layer("alpha", alpha), self.branch_scale, self.activation_name
        )

    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """One for stem and readout, the branch's share of h for branches."""
        return branched_leverage(
            self.per_layer("alpha", alpha), self.branch_scale, self.activation_name
        )

    @property
    def group_names(self) -> tuple[str, ...]:
        """``stem``, ``branch 1`` to ``branch L-1``, ``readout``."""
        return branched_names(self.depth)

    def apply(self, params: tuple[Layer, ...], x: Float[Array, "n d"]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per point."""
        sigma = activation_named(self.activation_name)
        h = affine(params[0], x)
        for layer in params[1:-1]:
            h = h + self.branch_scale * affine(layer, sigma(h))
        return affine(params[-1], sigma(h))


def branch_multiplier(given: float | None, depth: int) -> float:
    """The multiplier of a branch: as given, or 1/sqrt(depth)."""
    return 1.0 / math.sqrt(depth) if given is None else check_positive("branch_scale", given)


def branched_kappa(
    alpha: Float[ArrayLike, " layers"], branch_scale: float, activation: str
) -> float:
    """alpha_1 alpha_{L+1} prod_l sqrt(1 + c b^2 alpha_l^2) over the branches l = 2..L."""
    alpha = np.asarray(alpha, np.float64)
    gains = np.sqrt(1.0 + _branch_squares(alpha, branch_scale, activation))
    return float(alpha[0] * alpha[-1] * np.prod(gains))


def branched_leverage(
    alpha: Float[ArrayLike, " layers"], branch_scale: float, activation: str
) -> Float[np.ndarray, " layers"]:
    """sqrt(c) b alpha_l / sqrt(1 + c b^2 alpha_l^2) for branches, one for stem and readout."""
    squares = _branch_squares(np.asarray(alpha, np.float64), branch_scale, activation)
    return np.concatenate([[1.0], np.sqrt(squares / (1.0 + squares)), [1.0]])


def branched_names(depth: int) -> tuple[str, ...]:
    """Stem, branches and readout of a network with `depth` hidden layers."""
    return ("stem", *(f"branch {i}" for i in range(1, depth)), "readout")


def _branch_squares(
    alpha: Float[np.ndarray, " layers"], branch_scale: float, activation: str
) -> Float[np.ndarray, " branches"]:
    """Squared size c b^2 alpha_l^2 of every branch relative to its skip."""
    return mean_square(activation_named(activation)) * (branch_scale * alpha[1:-1]) ** 2
