"""What does a fully connected network compute, and how is it drawn at a width?"""

import math
from typing import final

import equinox as eqx
from jaxtyping import Array, Float

from lazyscope._checks import check_count, check_flag, check_scale
from lazyscope.model._activation import Activation
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._architecture import Architecture
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth
from lazyscope.model.blocks import AbstractBlock, Activate, Linear, Scale


@final
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
        >>> import jax.numpy as jnp
        >>> from lazyscope.model import Layer
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
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """L times affine and sigma, readout, output scale."""
        size, sigma = math.sqrt(self.width), Activate(self.activation)
        fan_ins = (self.input_dim, *[self.width] * self.depth)
        fan_outs = (*[self.width] * self.depth, self.output_dim)
        *hidden, readout = (
            Linear(f"layer {number}", fan_in, fan_out, size, self.use_bias)
            for number, (fan_in, fan_out) in enumerate(zip(fan_ins, fan_outs, strict=True), start=1)
        )
        parts = (part for layer in hidden for part in (layer, sigma))
        return (*parts, readout, Scale(self.output_scale))


ENTRY = Architecture("dense", "{depth} hidden layers, {activation}", Dense, homogeneous=True)
