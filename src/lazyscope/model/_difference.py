"""How far are outputs from those at the start, where both are large and their difference is not?"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._types import Params
from lazyscope.model._activation import Activation
from lazyscope.model._groups import group_norms
from lazyscope.model._protocol import AbstractModel
from lazyscope.model.blocks import Layer, affine
from lazyscope.model.networks import Dense

_NODES = 6
"""Of Gauss and Legendre, along a line of length one half at most: to rounding for every smooth activation."""

_SHORT = 0.5
_SMALL_CHANGE = 1e-2
"""Largest relative change of a group along which the derivative is integrated."""


def output_difference(
    model: AbstractModel, params: Params, change: Params, x: Float[Array, "n ..."]
) -> Float[Array, "n C"]:
    """f(theta + change) - f(theta) without subtracting one from the other; pure.

    A dense network passes differences on from layer to layer,
    ``dz_l = (W_l + D_l) dx_{l-1} + D_l x_{l-1}``, exactly. For any other the derivative is integrated
    along the way, ``int_0^1 J(theta + t D) D dt``, where no group changes by more than a hundredth of
    itself; elsewhere, or where a function has no forward derivative, the two are subtracted.

    Args:
        model: the network.
        params: theta, one entry for every group.
        change: D, of the same structure.
        x: points.

    Cost: of a dense network three products per layer, else six forward derivatives.

    Trust: dense networks: to rounding, relative to the difference itself, with piecewise linear
    activations; with smooth ones as long as pre-activations change by less than 1/2 or stay below 1e6.
    Others: as exact as quadrature, about 1e-9 for smooth networks, and for kinks of the order of the
    share of units that cross one; subtraction loses what outputs have in common.

    Example:
        >>> model = Dense(1, 1, width=1, depth=1, activation="linear")
        >>> layers = (Layer(jnp.ones((1, 1)), None), Layer(jnp.full((1, 1), 1e30), None))
        >>> moved = (Layer(jnp.full((1, 1), 1e-30), None), Layer(jnp.zeros((1, 1)), None))
        >>> round(float(output_difference(model, layers, moved, jnp.ones((1, 1)))[0, 0]), 6)
        1.0
    """
    if isinstance(model, Dense):
        return _layer_by_layer(model, params, change, x)
    return _along_the_way(model, params, change, x)


def _layer_by_layer(
    model: Dense, params: tuple[Layer, ...], change: tuple[Layer, ...], x: Float[Array, "n d"]
) -> Float[Array, "n C"]:
    value, moved = x, None
    for number, (layer, step) in enumerate(zip(params, change, strict=True), start=1):
        pre, shift = affine(layer, value), affine(step, value)
        if moved is not None:
            shift = shift + affine(Layer(layer.weight + step.weight, None), moved)
        if number == len(params):
            return jnp.asarray(model.output_scale, x.dtype) * shift
        value, moved = model.activation(pre), activation_difference(model.activation, pre, shift)
    raise AssertionError("a network has a last layer")


def activation_difference(
    sigma: Activation, u: Float[Array, "*shape"], du: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """sigma(u + du) - sigma(u), entry by entry, to rounding relative to itself."""
    end = u + du
    apart = sigma(end) - sigma(u)
    if sigma.homogeneous:
        # On one side of zero sigma is linear; across it nothing cancels.
        return jnp.where((u > 0) == (end > 0), sigma.slope(u) * du, apart)
    nodes, weights = (part.tolist() for part in _gauss())
    near = jnp.where(jnp.abs(du) <= _SHORT, du, 0.0)
    mean = sum(w * sigma.slope(u + t * near) for t, w in zip(nodes, weights, strict=True))
    straight = (jnp.abs(du) <= _SHORT) & (sigma.kinks is not None)
    for kink in sigma.kinks or ():
        straight &= (u > kink) == (end > kink)
    return jnp.where(straight, mean * near, apart)


def _along_the_way(
    model: AbstractModel, params: Params, change: Params, x: Float[Array, "n ..."]
) -> Float[Array, "n C"]:
    def outputs(share: Array | float) -> Array:
        return model.apply(jax.tree.map(lambda p, d: p + share * d, params, change), x)

    def subtracted() -> Array:
        return outputs(1.0) - outputs(0.0)

    def integrated() -> Array:
        nodes, weights = (jnp.asarray(part, x.dtype) for part in _gauss())

        def add(total: Array, at: tuple[Array, Array]) -> tuple[Array, None]:
            place = jax.tree.map(lambda p, d: p + at[0] * d, params, change)
            slope = jax.jvp(lambda p: model.apply(p, x), (place,), (change,))[1]
            return total + at[1] * slope, None

        start = jnp.zeros_like(outputs(0.0))
        return jax.lax.scan(add, start, (nodes, weights))[0]

    small = jnp.all(group_norms(change) <= _SMALL_CHANGE * group_norms(params))
    try:
        return jax.lax.cond(small, integrated, subtracted)
    except TypeError:  # a function with a derivative of its own that only goes backwards
        return subtracted()


def _gauss() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1.0) / 2.0, weights / 2.0
