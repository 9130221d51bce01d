"""How do the arrays of a JAX function lie towards the data that they meet?"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._trace import Example, Junction, Path, Use, find_uses, run_tapped, wide
from lazyscope.observe.readings._features import effective_rank, low_rank_distance


class LayerReadings(NamedTuple):
    """Readings of every array, NaN for one that meets no data in a matrix product, and of the features."""

    update_alignment: Float[Array, " leaves"]
    weight_alignment: Float[Array, " leaves"]
    input_rank: Float[Array, " leaves"]
    low_rank_distance: Float[Array, ""]


def uses_of(example: Example) -> list[Use]:
    """The matrix products of a network in which an array meets data, in their order.

    Tables of which every turn of a loop has one of its own are left out.
    """
    found = [use for use in find_uses(example).uses if not use.without_data]
    return [use for use in found if not (use.product.lookup and any(use.view.sliced))]


def layer_readings(
    example: Example,
    uses: Sequence[Use],
    inputs: tuple[Any, Any, Any],
    leaves: Sequence[Any],
    start: Sequence[Any],
    outputs: Float[Array, "n C"],
) -> LayerReadings:
    """Read how arrays and their changes lie towards what enters them. Pure.

    Args:
        example: the network's equations.
        uses: what `uses_of` found in them.
        inputs: constants, context and examples.
        leaves: the parameters now.
        start: the parameters at the start.
        outputs: of the network at the examples; their precision is that of the readings.
    """
    kind, sums, ranks = outputs.dtype, {}, {}
    unknown = jnp.full((), jnp.nan, kind)
    distance = unknown
    records = _records(example, uses, inputs, leaves)
    for use in uses:
        data, leaf = records[use.path][use.operand], use.view.parameter
        now = _weights(use, wide(leaves[leaf], kind))
        moved = now - _weights(use, wide(start[leaf], kind))
        if use.product.lookup:
            size = jnp.sum(data >= 0).astype(kind)[None]
        else:
            data = wide(data, kind)
            size = jnp.sum(data**2, axis=(0, -2, -1))  # of every turn of a loop and every block
            if leaf not in ranks and use.product.blocks == 1:
                ranks[leaf] = effective_rank(data.reshape(-1, data.shape[-1]))
            if _is_readout(use, example.num_outputs):
                distance = low_rank_distance(data.reshape(len(outputs), -1), outputs)
        terms = [
            jnp.stack(
                [jnp.sum(_product(use, data, w) ** 2), jnp.sum(size * jnp.sum(w**2, (-2, -1)))]
            )
            for w in (moved, now)
        ]
        sums[leaf] = sums.get(leaf, 0) + jnp.stack(terms)
    aligned = {leaf: jnp.sqrt(total[:, 0] / total[:, 1]) for leaf, total in sums.items()}
    nothing = jnp.stack([unknown, unknown])
    each = jnp.stack([aligned.get(leaf, nothing) for leaf in range(example.num_leaves)])
    rank = jnp.stack([ranks.get(leaf, unknown) for leaf in range(example.num_leaves)])
    return LayerReadings(each[:, 0], each[:, 1], rank, jnp.asarray(distance, kind))


def _records(
    example: Example, uses: Sequence[Use], inputs: tuple[Any, Any, Any], leaves: Sequence[Any]
) -> Mapping[Path, Mapping[int, Array]]:
    """What enters every product, examples first, then turns of loops: (n, .., b, s, i) or rows (n, .., s)."""
    consts, context, xs = inputs
    at: dict[Path, list[Use]] = {}
    for use in uses:
        at.setdefault(use.path, []).append(use)
    junctions = {path: _junction(each) for path, each in at.items()}
    taps = {path: junction.zero_tap() for path, junction in junctions.items()}

    def single(x: Any) -> Any:
        values = [*context, *leaves, x]
        return run_tapped(example.closed.jaxpr, consts, values, junctions, taps)[1]

    return jax.vmap(single)(xs)


def _junction(uses: Sequence[Use]) -> Junction:
    def record(values: Sequence[Any]) -> dict[int, Any]:
        return {use.operand: use.product.data(values) for use in uses}

    first = uses[0]
    return Junction(record, first.product.shape, first.product.dtype, first.loops)


def _weights(use: Use, leaf: Any) -> Any:
    """The entries of an array as a product uses them, (turns of loops or 1, .., b, i, o)."""
    entries, weight = leaf, use.product.weight
    for step in use.view.steps:
        entries = step(entries)
    for _ in range(sum(use.view.sliced)):
        weight = jax.vmap(weight)
    found = weight(entries) * np.asarray(use.view.scale, leaf.dtype)
    for axis, cut in enumerate(use.view.sliced):
        found = found if cut else jnp.expand_dims(found, axis)
    return found


def _product(use: Use, data: Any, weights: Any) -> Any:
    """What data become under weights."""
    if not use.product.lookup:
        return data @ weights
    table = weights.reshape(-1, *weights.shape[-2:])[0]
    return table[jnp.maximum(data, 0)] * (data >= 0)[..., None].astype(table.dtype)


def _is_readout(use: Use, outputs: int) -> bool:
    """Whether a product can be the last layer: all outputs of an example at once, from one vector."""
    product = use.product
    return not use.loops and (product.blocks, product.positions, product.outputs) == (1, 1, outputs)
