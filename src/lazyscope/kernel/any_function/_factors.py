"""Which activations and backward signals does a batch have at the uses of a plan?"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lazyscope._trace import Junction, Path, Use, over_examples, run_tapped
from lazyscope.kernel.any_function._plan import GroupPlan, Plan
from lazyscope.kernel.orders._rows import Factors, GroupFactors, of_one_output


class BatchFactors(NamedTuple):
    """For every parameter of the plan the factors of its groups, or its Jacobian (n, C, ...), or ()."""

    leaves: tuple[Any, ...]


class Arrays(NamedTuple):
    """The arrays of a network: what it closes over, what it carries, and its parameters."""

    consts: tuple[Any, ...]
    context: tuple[Any, ...]
    leaves: tuple[Any, ...]


def batch_factors(plan: Plan, arrays: Arrays, xs: jax.Array) -> BatchFactors:
    """One forward pass and C backward passes for each example, keeping what the plan asks for."""
    junctions = _junctions(plan)
    taps = {path: junction.zero_tap() for path, junction in junctions.items()}
    consts, context, leaves = arrays
    differentiated = {
        k: leaves[k]
        for k, parameter in enumerate(plan.parameters)
        if parameter.method == "jacobian"
    }
    jaxpr = plan.example.closed.jaxpr

    def single(x: Any) -> tuple[Any, ...]:
        def outputs(taps: Mapping[Path, Any], differentiated: Mapping[int, Any]) -> Any:
            values = [differentiated.get(k, parameter) for k, parameter in enumerate(leaves)]
            outs, records = run_tapped(jaxpr, consts, [*context, *values, x], junctions, taps)
            return outs[0][0], records

        out, pull, records = jax.vjp(outputs, taps, differentiated, has_aux=True)
        signals, jacobians = over_examples(pull)(jnp.eye(len(out), dtype=out.dtype))
        return tuple(
            jacobians[k] if parameter.method == "jacobian"
            else tuple(_group_factors(g, records, signals, out.dtype) for g in parameter.groups)
            for k, parameter in enumerate(plan.parameters)
        )  # fmt: skip

    return BatchFactors(over_examples(single)(xs))


def of_output(factors: BatchFactors, number: jax.Array) -> BatchFactors:
    """The factors of a single output."""
    return BatchFactors(
        tuple(
            tuple(of_one_output(group, number) for group in each)
            if isinstance(each, tuple)
            else jax.lax.dynamic_slice_in_dim(each, number, 1, axis=1)
            for each in factors.leaves
        )
    )


def _junctions(plan: Plan) -> dict[Path, Junction]:
    """The equations to tap: all uses of all groups, those at one equation together."""
    at: dict[Path, list[tuple[Use, bool]]] = {}
    for parameter in plan.parameters:
        for group in parameter.groups:
            for use in group.group.uses:
                at.setdefault(use.path, []).append((use, group.order.pixels is not None))
    return {path: _junction(uses) for path, uses in at.items()}


def _junction(uses: Sequence[tuple[Use, bool]]) -> Junction:
    def record(values: Sequence[Any]) -> dict[int, Any]:
        found = {}
        for use, as_pixels in uses:
            product = use.product
            data = product.pixels.data if product.pixels is not None and as_pixels else product.data
            found[use.operand] = data(values)
        return found

    first = uses[0][0]
    return Junction(record, first.product.shape, first.product.dtype, first.loops)


def _group_factors(
    plan: GroupPlan, records: Mapping[Path, Any], signals: Mapping[Path, Any], dtype: Any
) -> GroupFactors:
    """Factors of one example in the kernel's type, uses of the same order joined along the positions."""
    group, as_rows = plan.group, plan.group.lookups and plan.order.takes_rows

    def joined(uses: Sequence[Use]) -> Factors | None:
        if not uses:
            return None
        parts = [_factors(use, records, signals, as_rows, dtype) for use in uses]
        data, signal = zip(*parts, strict=True)
        axis = 0 if as_rows else 1
        return Factors(jnp.concatenate(data, axis), jnp.concatenate(signal, 2))

    return GroupFactors(joined(group.straight), joined(group.transposed))


def _factors(
    use: Use,
    records: Mapping[Path, Any],
    signals: Mapping[Path, Any],
    as_rows: bool,
    dtype: Any,
) -> Factors:
    """Data (b, s, i) or rows (s,), and signals (C, b, s, o), of one use on one example."""
    product, sliced = use.product, use.view.sliced
    data, cotangent = records[use.path][use.operand], signals[use.path]
    to_signal = product.signal
    for _ in range(1 + len(use.loops)):
        to_signal = jax.vmap(to_signal)
    signal = to_signal(cotangent).astype(dtype)
    if not product.lookup:
        data = data.astype(dtype)
    if use.view.scale != 1.0:
        signal = signal * jnp.asarray(use.view.scale, signal.dtype)
    if product.lookup:
        data = data[..., None, :, None]
        if not as_rows:
            data = (data == jnp.arange(product.inputs, dtype=data.dtype)).astype(signal.dtype)
    data = _fold_loops(data, sliced, lead=0)
    return Factors(
        data[0, :, 0] if product.lookup and as_rows else data, _fold_loops(signal, sliced, lead=1)
    )


def _fold_loops(array: jax.Array, sliced: Sequence[bool], lead: int) -> jax.Array:
    """Turns of loops along the parameter become blocks, all other turns positions."""
    turns = range(lead, lead + len(sliced))
    along = [axis for axis, cut in zip(turns, sliced, strict=True) if cut]
    again = [axis for axis, cut in zip(turns, sliced, strict=True) if not cut]
    b = lead + len(sliced)
    order = (*range(lead), *along, b, *again, b + 1, b + 2)
    shape = array.shape
    blocks, positions = shape[b], shape[b + 1]
    for axis in along:
        blocks *= shape[axis]
    for axis in again:
        positions *= shape[axis]
    return array.transpose(order).reshape(*shape[:lead], blocks, positions, shape[-1])
