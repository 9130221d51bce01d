"""What does a dense network with layer normalisation compute?"""

import math
from typing import final

import equinox as eqx

from lazyscope._checks import check_count, check_not_negative
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._architecture import Architecture
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth
from lazyscope.model.blocks import AbstractBlock, Activate, Linear, Normalise


@final
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
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """L times matrix, normalisation and sigma, then readout."""
        m, size = self.width, math.sqrt(self.width)
        sigma = Activate(activation_named(self.activation_name))
        parts: list[AbstractBlock] = []
        for number in range(1, self.depth + 1):
            fan_in = self.input_dim if number == 1 else m
            parts += [
                Linear(f"layer {number}", fan_in, m, size),
                Normalise(f"norm {number}", m, self.epsilon),
                sigma,
            ]
        return (*parts, Linear(f"layer {self.depth + 1}", m, self.output_dim, size))


ENTRY = Architecture(
    "layer-norm",
    "{depth} hidden layers, each normalised before its activation, {activation}",
    LayerNorm,
)
