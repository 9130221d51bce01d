"""What does a dense network with layer normalisation compute?"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import check_count, check_not_negative
from lazyscope._types import Key, Params
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth


class Norm(NamedTuple):
    """What a normalisation learns: scale (m,), starting at one, and shift (m,), starting at zero."""

    scale: Float[Array, " m"]
    shift: Float[Array, " m"]


class LayerNorm(AbstractNetwork):
    """Dense network that normalises the pre-activations of every hidden layer over its units.

    Definition, with g, b the scale and shift of the layer's norm and e = `epsilon`::

        N(u) = (u - mean(u)) / sqrt(var(u) + e)
        x[0] = x,   x[l] = sigma(g[l] * N(W[l] x[l-1]) + b[l]),  l = 1..L,   f(x) = W[L+1] x[L]

    Scales: ``alpha_l = sqrt(m) std``. Hidden scales do not reach the output, so that ``kappa = sqrt(m)
    alpha_{L+1}``; still every leverage is one, since a hidden layer turns by what it moves relative to
    its size. Norms start at size ``sqrt(m)``.

    Args:
        input_dim: number of features d of a point.
        output_dim: number of outputs C.
        width: number m of units in every hidden layer, at least two.
        depth: number L of hidden layers.
        activation: name of sigma.
        epsilon: e, in units of the variance of pre-activations, ``alpha_l^2 / m`` times the squared norm
            of the layer's input. Normalisation fails where that is not far above e, so it is small here;
            the 1e-5 of other libraries is felt at alpha_1 = 1, m = 512 (half a per cent).

    The parameters are the L + 1 layers and then L norms; norms are groups of their own.

    Raises:
        InputError: a size below one, a negative epsilon, or more parameters than memory holds.

    Example:
        >>> LayerNorm(3, 1, width=4, depth=1).kappa([100.0, 0.5])  # sqrt(4) 0.5
        1.0
    """

    input_dim: int = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    epsilon: float = eqx.field(static=True)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        width: int,
        depth: int,
        activation: str = "relu",
        *,
        epsilon: float = 1e-12,
    ) -> None:
        self.input_dim = check_count("input_dim", input_dim)
        self.output_dim = check_count("output_dim", output_dim)
        self.width = check_count(
            "width", width, minimum=2, cause="one unit has no variance to normalise by"
        )
        self.depth = check_depth(depth)
        self.activation_name = activation_named(activation).name
        self.epsilon = check_not_negative("epsilon", epsilon)
        check_memory(self.num_parameters, what=f"a network of width {width} and depth {depth}")

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(fan_out, fan_in) of every drawn layer."""
        sizes = (self.input_dim, *[self.width] * self.depth, self.output_dim)
        return tuple((sizes[i + 1], sizes[i]) for i in range(self.depth + 1))

    @property
    def num_parameters(self) -> int:
        """Number of weights, scales and shifts."""
        return super().num_parameters + 2 * self.width * self.depth

    @property
    def layer_sizes(self) -> tuple[float, ...]:
        """sqrt(m) for every layer."""
        return (math.sqrt(self.width),) * (self.depth + 1)

    def kappa(self, alpha: Float[ArrayLike, " layers"]) -> float:
        """sqrt(m) alpha_{L+1}."""
        return float(math.sqrt(self.width) * self.per_layer("alpha", alpha)[-1])

    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " groups"]:
        """One for every layer and norm."""
        return np.ones(len(self.group_names))

    def group_alpha(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " groups"]:
        """Scales of the layers, then sqrt(m) for every norm."""
        norms = np.full(self.depth, math.sqrt(self.width))
        return np.concatenate([self.per_layer("alpha", alpha), norms])

    @property
    def group_names(self) -> tuple[str, ...]:
        """``layer 1`` to ``layer L+1``, ``norm 1`` to ``norm L``."""
        layers = (f"layer {i + 1}" for i in range(self.depth + 1))
        return (*layers, *(f"norm {i + 1}" for i in range(self.depth)))

    def init_from_std(
        self,
        key: Key,
        weight_std: Sequence[float] | Float[ArrayLike, " layers"],
        *,
        dtype: np.dtype | type = np.float64,
    ) -> tuple[Layer | Norm, ...]:
        """Draw Gaussian weights; norms start with scale one and shift zero."""
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        norm = Norm(jnp.ones(self.width, dtype), jnp.zeros(self.width, dtype))
        return (*super().init_from_std(key, weight_std, dtype=dtype), *[norm] * self.depth)

    def apply(self, params: Params, x: Float[Array, "n d"]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per point."""
        sigma = activation_named(self.activation_name)
        layers, norms = params[: self.depth + 1], params[self.depth + 1 :]
        for layer, norm in zip(layers[:-1], norms, strict=True):
            normal = _normalised(affine(layer, x), self.epsilon)
            x = sigma(norm.scale * normal + norm.shift)
        return affine(layers[-1], x)


def _normalised(u: Float[Array, "n m"], epsilon: float) -> Float[Array, "n m"]:
    u = u - u.mean(axis=1, keepdims=True)
    return u / jnp.sqrt(jnp.mean(u**2, axis=1, keepdims=True) + epsilon)
