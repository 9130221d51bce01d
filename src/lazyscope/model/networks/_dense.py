"""What does a fully connected network compute, and how is it drawn at a width?"""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import check_count, check_flag, check_scale
from lazyscope._jax import pinned_random
from lazyscope._types import Key
from lazyscope.model._activation import Activation
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth


class Dense(AbstractNetwork):
    """Fully connected network with L = `depth` hidden layers of one width m.

    Definition, with W[l] the effective weights (all multipliers absorbed)::

        x[0] = x,   x[l] = sigma(W[l] x[l-1] + b[l]),  l = 1..L
        f(x) = output_scale * (W[L+1] x[L] + b[L+1])

    Args:
        input_dim: number of features d of a point.
        output_dim: number of outputs C.
        width: number m of units in every hidden layer.
        depth: number L of hidden layers, at least one.
        activation: name of sigma, see `activation_names`.
        use_bias: whether layers have a bias; it starts at zero and moves at its layer's speed.
        output_scale: factor in front of the network (alpha of Chizat, Oyallon & Bach 2019). May be a
            traced number, so that runs of different scale share one compiled program.

    Raises:
        InputError: a size below one, an unknown activation, or more parameters than memory holds.

    Example:
        >>> model = Dense(input_dim=2, output_dim=1, width=3, depth=1, activation="linear")
        >>> layers = (Layer(jnp.ones((3, 2)), None), Layer(jnp.ones((1, 3)), None))
        >>> float(model.apply(layers, jnp.ones((1, 2)))[0, 0])
        6.0
    """

    input_dim: int = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    use_bias: bool = eqx.field(static=True)
    output_scale: Float[Array, ""] | float

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        width: int,
        depth: int,
        activation: str = "relu",
        *,
        use_bias: bool = False,
        output_scale: Float[Array, ""] | float = 1.0,
    ) -> None:
        self.input_dim = check_count("input_dim", input_dim)
        self.output_dim = check_count("output_dim", output_dim)
        self.width = check_count("width", width)
        self.depth = check_depth(depth)
        self.activation_name = activation_named(activation).name
        self.use_bias = check_flag("use_bias", use_bias)
        self.output_scale = check_scale("output_scale", output_scale)
        check_memory(self.num_parameters, what=f"a network of width {width} and depth {depth}")

    @property
    def activation(self) -> Activation:
        """The nonlinearity sigma."""
        return activation_named(self.activation_name)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(fan_out, fan_in) of every layer."""
        sizes = (self.input_dim, *[self.width] * self.depth, self.output_dim)
        return tuple((sizes[i + 1], sizes[i]) for i in range(self.depth + 1))

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(out * (into + self.use_bias) for out, into in self.shapes)

    @property
    def group_names(self) -> tuple[str, ...]:
        """``layer 1`` to ``layer L+1``."""
        return tuple(f"layer {i + 1}" for i in range(self.depth + 1))

    @property
    def layer_sizes(self) -> tuple[float, ...]:
        """sqrt(m) for every layer; for the first one with inputs of norm one."""
        return (math.sqrt(self.width),) * (self.depth + 1)

    def kappa(self, alpha: Float[ArrayLike, " layers"]) -> Any:
        """alpha_1 alpha_2 ... alpha_{L+1} times the output scale."""
        return np.prod(self.per_layer("alpha", alpha)) * self.output_scale

    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """One for every layer: outputs are proportional to each of them."""
        return np.ones(len(self.shapes))

    def init_from_std(
        self,
        key: Key,
        weight_std: Sequence[float] | Float[ArrayLike, " layers"],
        *,
        dtype: np.dtype | type = np.float64,
    ) -> tuple[Layer, ...]:
        """Draw Gaussian weights with the given standard deviation per layer (may be traced)."""
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        stds = jnp.asarray(self.per_layer("weight_std", weight_std), dtype)
        with pinned_random():
            keys = jax.random.split(key, self.depth + 1)
            return tuple(
                Layer(
                    stds[i] * jax.random.normal(keys[i], shape, dtype),
                    jnp.zeros(shape[0], dtype) if self.use_bias else None,
                )
                for i, shape in enumerate(self.shapes)
            )

    def apply(self, params: tuple[Layer, ...], x: Float[Array, "n d"]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per point."""
        sigma = self.activation
        for layer in params[:-1]:
            x = sigma(affine(layer, x))
        out = affine(params[-1], x)
        return out * jnp.asarray(self.output_scale, out.dtype)
