"""What are the parameters of one layer, and what does the layer do?"""

from typing import NamedTuple

from jaxtyping import Array, Float

from lazyscope.model._products import rows_times


class Layer(NamedTuple):
    """Effective parameters of one layer.

    Attributes:
        weight: (fan_out, fan_in), or (fan_out, channels, height, width) for a convolution.
        bias: (fan_out,), or None.
    """

    weight: Float[Array, "fan_out fan_in ..."]
    bias: Float[Array, " fan_out"] | None


def affine(layer: Layer, x: Float[Array, "... fan_in"]) -> Float[Array, "... fan_out"]:
    """W x + b for every row of `x`, a convolution's weight taken as a matrix over its patches."""
    u = rows_times(x, layer.weight.reshape(layer.weight.shape[0], -1))
    return u if layer.bias is None else u + layer.bias


def affine_difference(
    layer: Layer, change: Layer, x: Float[Array, "... fan_in"], moved: Float[Array, "..."] | None
) -> Float[Array, "... fan_out"]:
    """(W + D) (x + moved) + b + d, minus W x + b, without subtracting: ``D x + d + (W + D) moved``."""
    pushed = affine(change, x)
    if moved is None:
        return pushed
    return pushed + affine(Layer(layer.weight + change.weight, None), moved)
