"""How far are outputs from those at the start, where both are large and their difference is not?"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._types import Params
from lazyscope.model._activation import gauss_legendre
from lazyscope.model._function import FunctionModel
from lazyscope.model._groups import group_norms
from lazyscope.model._network import AbstractNetwork
from lazyscope.model._protocol import AbstractModel

_SMALL_CHANGE = 1e-2
"""Largest relative change of a group along which the derivative is integrated."""


def output_difference(
    model: AbstractModel, params: Params, change: Params, x: Float[Array, "n ..."]
) -> Float[Array, "n C"]:
    """f(theta + change) - f(theta) without subtracting one from the other; pure.

    A network of blocks that can (not a composition) passes differences on from block to block, for layers
    ``dz_l = (W_l + D_l) dx_{l-1} + D_l x_{l-1}``, exactly. For any other the derivative is integrated
    along the way, ``int_0^1 J(theta + t D) D dt``, where no group changes by more than a hundredth of
    itself; elsewhere, or where a function has no forward derivative, the two are subtracted.

    Args:
        model: the network.
        params: theta, one entry for every group.
        change: D, of the same structure.
        x: points.

    Cost: of a network of blocks three products per layer, else six forward derivatives.

    Trust: networks of blocks: to rounding, relative to the difference itself, with piecewise linear
    activations; with smooth ones as long as pre-activations change by less than 1/2 or stay below 1e6.
    Others: as exact as quadrature, about 1e-9 for smooth networks, and for kinks of the order of the
    share of units that cross one; subtraction loses what outputs have in common.

    Example:
        >>> from lazyscope.model import Dense, Layer
        >>> model = Dense(1, 1, width=1, depth=1, activation="linear")
        >>> layers = (Layer(jnp.ones((1, 1)), None), Layer(jnp.full((1, 1), 1e30), None))
        >>> moved = (Layer(jnp.full((1, 1), 1e-30), None), Layer(jnp.zeros((1, 1)), None))
        >>> round(float(output_difference(model, layers, moved, jnp.ones((1, 1)))[0, 0]), 6)
        1.0
    """
    if passes_differences_on(model):
        if isinstance(model, AbstractNetwork):
            return model.difference(params, change, x)
        if isinstance(model, FunctionModel) and model.network is not None:
            return model.network.difference(model.tree_of(params), model.tree_of(change), x)
    return _along_the_way(model, params, change, x)


def passes_differences_on(model: AbstractModel) -> bool:
    """Whether `output_difference` is exact: for networks whose blocks do, also seen as functions."""
    network = model if isinstance(model, AbstractNetwork) else getattr(model, "network", None)
    return network is not None and network.passes_differences_on


def _along_the_way(
    model: AbstractModel, params: Params, change: Params, x: Float[Array, "n ..."]
) -> Float[Array, "n C"]:
    def outputs(share: Array | float) -> Array:
        return model.apply(jax.tree.map(lambda p, d: p + share * d, params, change), x)

    def subtracted() -> Array:
        return outputs(1.0) - outputs(0.0)

    def integrated() -> Array:
        nodes, weights = (jnp.asarray(part, x.dtype) for part in gauss_legendre())

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
