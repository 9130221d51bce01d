"""How does an equation that multiplies a parameter with data look as a plain matrix product?

Every rule brings its equation to ``out[b, s, o] = sum_i data[b, s, i] weight[b, i, o]`` with blocks b
(groups, heads), positions s (tokens, pixels), inputs i and outputs o. The derivative with respect to
the weight is then ``sum_s data[b, s, i] signal[b, s, o]``, whatever the equation was.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn


class Pixels(NamedTuple):
    """A convolution's image before it is cut into patches.

    ``data(inputs of the equation)`` is (b, p, i) with p pixels and i channels; ``patch_gram`` turns
    Gram matrices of pixels (..., b, p, p') into those of patches (..., b, s, s').
    """

    count: int
    channels: int
    entries: int
    data: Callable[[Sequence[Any]], jax.Array]
    patch_gram: Callable[[jax.Array], jax.Array]


class MatrixProduct(NamedTuple):
    """An equation as a matrix product: sizes, and how each part is brought to that shape.

    ``data(inputs of the equation)`` is (b, s, i), or (s,) row numbers for a lookup, which stand for
    one-hot data, -1 for none; ``signal(cotangent of the output)`` is (b, s, o);
    ``weight(parameter)`` is (b, i, o). `shape` and `dtype` are the
    output's own. Convolutions of one image have `pixels`.
    """

    kind: str
    blocks: int
    positions: int
    inputs: int
    outputs: int
    data: Callable[[Sequence[Any]], jax.Array]
    signal: Callable[[Any], jax.Array]
    weight: Callable[[Any], Any]
    shape: tuple[int, ...]
    dtype: Any
    pixels: Pixels | None = None

    @property
    def lookup(self) -> bool:
        """Whether the data are row numbers."""
        return self.kind == "embedding"


def as_matrix_product(eqn: JaxprEqn, operand: int) -> MatrixProduct | None:
    """The product that an equation is whose input number `operand` is the parameter; None without a rule."""
    rule = _RULES.get(eqn.primitive.name)
    return None if rule is None else rule(eqn, operand)


def _output(eqn: JaxprEqn) -> tuple[tuple[int, ...], Any]:
    aval: Any = eqn.outvars[0].aval
    return aval.shape, aval.dtype


def _shapes(variables: Sequence[Any]) -> list[tuple[int, ...]]:
    return [v.aval.shape for v in variables]


def _dense(eqn: JaxprEqn, operand: int) -> MatrixProduct | None:
    """A general matrix product: batch axes are blocks, the data's free axes positions."""
    contracting, batch = eqn.params["dimension_numbers"]
    other = 1 - operand
    shapes = _shapes(eqn.invars)
    free = [
        [a for a in range(len(shapes[k])) if a not in contracting[k] and a not in batch[k]]
        for k in (0, 1)
    ]

    def size(k: int, axes: Sequence[int]) -> int:
        return math.prod(shapes[k][a] for a in axes)

    sizes = (
        size(operand, batch[operand]),
        size(other, free[other]),
        size(operand, contracting[operand]),
        size(operand, free[operand]),
    )
    b, s, i, o = sizes

    def data(values: Sequence[Any]) -> jax.Array:
        order = (*batch[other], *free[other], *contracting[other])
        return jnp.transpose(values[other], order).reshape(b, s, i)

    def signal(cotangent: Any) -> jax.Array:
        if operand == 1:
            return cotangent.reshape(b, s, o)
        return jnp.swapaxes(cotangent.reshape(b, o, s), 1, 2)

    def weight(parameter: Any) -> Any:
        order = (*batch[operand], *contracting[operand], *free[operand])
        return np.transpose(parameter, order).reshape(b, i, o)

    return MatrixProduct("dense", b, s, i, o, data, signal, weight, *_output(eqn))


def _convolution(eqn: JaxprEqn, operand: int) -> MatrixProduct | None:
    """A convolution as a product with patches: feature groups are blocks, places positions."""
    if operand != 1 or eqn.params["batch_group_count"] != 1:
        return None
    lhs_spec, rhs_spec, out_spec = eqn.params["dimension_numbers"]
    image, kernel = _shapes(eqn.invars)
    (out,) = _shapes(eqn.outvars)
    groups = eqn.params["feature_group_count"]
    channels = kernel[rhs_spec[1]]
    offsets = tuple(kernel[a] for a in rhs_spec[2:])
    places = tuple(out[a] for a in out_spec[2:])
    b, o = groups, kernel[rhs_spec[0]] // groups
    s, i = image[lhs_spec[0]] * math.prod(places), channels * math.prod(offsets)

    def data(values: Sequence[Any]) -> jax.Array:
        patches = _patches(jnp.transpose(values[0], lhs_spec), eqn, offsets, places)
        patches = patches.reshape(len(patches), image[lhs_spec[0]], b, channels, -1)
        return jnp.transpose(patches, (2, 1, 4, 3, 0)).reshape(b, s, i)

    def signal(cotangent: Any) -> jax.Array:
        g = jnp.transpose(cotangent, out_spec).reshape(image[lhs_spec[0]], b, o, -1)
        return jnp.transpose(g, (1, 0, 3, 2)).reshape(b, s, o)

    def weight(parameter: Any) -> Any:
        w = np.transpose(parameter, rhs_spec).reshape(b, o, i)
        return np.swapaxes(w, 1, 2)

    pixels = None
    if image[lhs_spec[0]] == 1:
        pixels = _pixels(eqn, [image[a] for a in lhs_spec[2:]], b, channels, offsets, places)
    return MatrixProduct("convolution", b, s, i, o, data, signal, weight, *_output(eqn), pixels)


def _pixels(
    eqn: JaxprEqn,
    sides: Sequence[int],
    b: int,
    channels: int,
    offsets: tuple[int, ...],
    places: tuple[int, ...],
) -> Pixels:
    """The image as it is; patches overlap where their entries do, so Gram matrices add up."""
    count, s, dims = math.prod(sides), math.prod(places), len(sides)
    lhs_spec = eqn.params["dimension_numbers"][0]

    def data(values: Sequence[Any]) -> jax.Array:
        image = jnp.transpose(values[0], lhs_spec).reshape(b, channels, count)
        return jnp.swapaxes(image, 1, 2)

    def patch_gram(gram: jax.Array) -> jax.Array:
        lead = gram.shape[:-2]
        both = _padded(gram.reshape(-1, *sides, *sides), eqn, (1, dims + 1))
        total = 0.0
        for entry in np.ndindex(*offsets):
            seen = _seen(_seen(both, eqn, entry, places, 1), eqn, entry, places, dims + 1)
            total = total + seen
        return jnp.reshape(total, (*lead, s, s))

    return Pixels(count, channels, math.prod(offsets), data, patch_gram)


def _patches(
    image: jax.Array, eqn: JaxprEqn, offsets: tuple[int, ...], places: tuple[int, ...]
) -> jax.Array:
    """What each kernel entry sees: (entries, n, channels, *places) of an image (n, channels, ...)."""
    padded = _padded(image, eqn, (2,))
    return jnp.stack([_seen(padded, eqn, e, places, 2) for e in np.ndindex(*offsets)])


def _padded(array: jax.Array, eqn: JaxprEqn, firsts: Sequence[int]) -> jax.Array:
    """Pad and spread the spatial axes, which start at each of `firsts`."""
    spread = eqn.params["lhs_dilation"]
    each = [(lo, hi, d - 1) for (lo, hi), d in zip(eqn.params["padding"], spread, strict=True)]
    edges = [(0, 0, 0)] * array.ndim
    for first in firsts:
        edges[first : first + len(each)] = each
    return lax.pad(array, jnp.zeros((), array.dtype), edges)


def _seen(
    padded: jax.Array, eqn: JaxprEqn, entry: Sequence[int], places: Sequence[int], first: int
) -> jax.Array:
    """What one entry of the filter sees, along the spatial axes that start at `first`."""
    starts, stops, strides = [0] * padded.ndim, list(padded.shape), [1] * padded.ndim
    dilation, steps = eqn.params["rhs_dilation"], eqn.params["window_strides"]
    for k, (e, d, p, t) in enumerate(zip(entry, dilation, places, steps, strict=True)):
        axis = first + k
        starts[axis], strides[axis] = e * d, t
        stops[axis] = e * d + (p - 1) * t + 1
    return lax.slice(padded, starts, stops, strides)


def _embedding(eqn: JaxprEqn, operand: int) -> MatrixProduct | None:
    """Rows looked up in a table: one-hot data, kept as row numbers."""
    if operand != 0:
        return None
    table, index = _shapes(eqn.invars)
    numbers = eqn.params["dimension_numbers"]
    whole_rows = (
        tuple(eqn.params["slice_sizes"]) == (1, *table[1:])
        and tuple(numbers.collapsed_slice_dims) == (0,)
        and tuple(numbers.start_index_map) == (0,)
        and not numbers.operand_batching_dims
    )
    if not whole_rows:
        return None
    rows, o = table[0], math.prod(table[1:])
    s = math.prod(index[:-1])
    mode = str(eqn.params["mode"])
    within = numbers.offset_dims

    def data(values: Sequence[Any]) -> jax.Array:
        row = values[1].reshape(s)
        if "CLIP" in mode.upper():
            return jnp.clip(row, 0, rows - 1)
        return jnp.where((row >= 0) & (row < rows), row, -1)

    def signal(cotangent: Any) -> jax.Array:
        outer = [a for a in range(cotangent.ndim) if a not in within]
        return jnp.transpose(cotangent, (*outer, *within)).reshape(1, s, o)

    def weight(parameter: Any) -> Any:
        return np.reshape(parameter, (1, rows, o))

    return MatrixProduct("embedding", 1, s, rows, o, data, signal, weight, *_output(eqn))


_RULES: dict[str, Callable[[JaxprEqn, int], MatrixProduct | None]] = {
    "dot_general": _dense,
    "conv_general_dilated": _convolution,
    "gather": _embedding,
}
