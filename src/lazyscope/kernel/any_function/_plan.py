"""Which parameter is contracted in which way, and how many examples and columns at a time?"""

import functools
import math
import typing
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jax.extend.core import Jaxpr, Literal

from lazyscope._trace import CALLS, Example, Usage, Use, entry_numbers, find_uses, inner_jaxpr
from lazyscope.kernel.orders import ORDERS, AbstractOrder, Block, GroupShape, cheapest
from lazyscope.kernel.orders._rows import Pair, Rows

IN_CACHE = 2**22
"""Bytes of gradients at a time: pieces that stay in the cache are multiplied twice as fast."""


Outputs: TypeAlias = typing.Literal["pairs", "sum", "mean", "each"]
"""What becomes of the outputs (c, k) of a kernel: all pairs, the sum or mean over c = k, or each c = k."""


class Group(NamedTuple):
    """Uses of the same entries of one parameter, in the same order or transposed."""

    straight: tuple[Use, ...]
    transposed: tuple[Use, ...]

    @property
    def uses(self) -> tuple[Use, ...]:
        """All uses of the group."""
        return self.straight + self.transposed

    @property
    def lookups(self) -> bool:
        """Whether all data are row numbers, so that they need not be written as one-hot."""
        plain = all(use.product.lookup and use.blocks == 1 for use in self.straight)
        return plain and not self.transposed

    @property
    def positions(self) -> int:
        """Positions of all uses together."""
        return sum(use.positions for use in self.uses)


class GroupPlan(NamedTuple):
    """A group of uses, and the order in which it is contracted."""

    group: Group
    order: AbstractOrder[Pair, Rows]


class ParameterPlan(NamedTuple):
    """How the share of one parameter is computed.

    `method` is ``groups``, each by its order of contraction; ``jacobian``; or ``unused``.
    """

    method: str
    groups: tuple[GroupPlan, ...]
    reasons: tuple[str, ...]


class Plan(NamedTuple):
    """How a kernel is computed: every parameter's way, and how many examples at a time on each side.

    ``columns=None`` is an example set against itself in one piece. Summed over `outputs`, the kernel is that
    of a single output whose signals are those of all outputs side by side; of each output, it is contracted
    for `together` of them at a time.
    """

    example: Example
    parameters: tuple[ParameterPlan, ...]
    rows: int
    columns: int | None
    bytes_needed: int
    outputs: Outputs
    together: int

    @property
    def num_outputs(self) -> int:
        """Outputs of what is contracted at a time."""
        return self.example.num_outputs if self.outputs == "pairs" else 1

    @property
    def summed(self) -> bool:
        """Whether outputs are summed."""
        return self.outputs in ("sum", "mean")


def make_plan(
    example: Example, n1: int, n2: int | None, memory: float, *, outputs: Outputs = "pairs"
) -> Plan:
    """Choose by cost within `memory` bytes; ``n2=None`` is the symmetric kernel."""
    usage = find_uses(example)
    grouped = [
        _groups(usage, parameter, shape) for parameter, shape in enumerate(example.leaf_shapes)
    ]
    num_blocks = 1
    while True:
        rows = math.ceil(n1 / num_blocks)
        columns = rows if n2 is None else min(n2, rows)
        if num_blocks == 1:
            columns = n2
        block = Block(rows, columns, example.dtype.itemsize, min(IN_CACHE, memory / 4))
        plan = functools.partial(_group_plan, block, outputs, example.num_outputs)
        parameters = [
            _parameter_plan(example, usage, parameter, each, plan)
            for parameter, each in enumerate(grouped)
        ]
        needed = _bytes(example, parameters, block, outputs)
        if needed <= memory or (rows == 1 and columns in (None, 1)):
            together = 1
            if outputs == "each":
                lane = _paired(parameters) + 2 * block.pairs
                spare = (memory - needed) / (lane * block.itemsize)
                together = max(1, min(example.num_outputs, int(spare)))
            return Plan(example, tuple(parameters), rows, columns, needed, outputs, together)
        num_blocks = max(num_blocks + 1, math.ceil(num_blocks * 1.2))


def _groups(usage: Usage, parameter: int, shape: tuple[int, ...]) -> list[Group] | None:
    """Sort the uses of a parameter; None where they share entries in a way no group describes."""
    uses = [use for use in usage.uses if use.view.parameter == parameter]
    if len(uses) <= 1:
        return [Group((use,), ()) for use in uses]
    found: list[tuple[np.ndarray, list[Use], list[Use]]] = []
    for use in uses:
        numbers = entry_numbers(use, shape)
        for known, straight, transposed in found:
            if np.array_equal(numbers, known):
                straight.append(use)
                break
            if np.array_equal(np.swapaxes(numbers, 1, 2), known):
                transposed.append(use)
                break
            if np.intersect1d(numbers, known).size:
                return None
        else:
            found.append((numbers, [use], []))
    return [Group(tuple(straight), tuple(transposed)) for _, straight, transposed in found]


def _parameter_plan(
    example: Example,
    usage: Usage,
    parameter: int,
    groups: Sequence[Group] | None,
    plan: Callable[[Group], GroupPlan],
) -> ParameterPlan:
    """The Jacobian where a parameter is open, else the cheapest order for every group."""
    if parameter not in usage.touched or 0 in example.leaf_shapes[parameter]:
        return ParameterPlan("unused", (), ())
    reasons = tuple(usage.others.get(parameter, ()))
    if reasons:
        return ParameterPlan("jacobian", (), reasons)
    if groups is None:
        return ParameterPlan("jacobian", (), ("parts shared between places",))
    return ParameterPlan("groups" if groups else "unused", tuple(map(plan, groups)), ())


def _group_plan(block: Block, outputs: Outputs, num_outputs: int, group: Group) -> GroupPlan:
    """The group with the cheapest order; summed, signals of all outputs are those of one."""
    use = group.uses[0]
    product, c, o = use.product, num_outputs, use.product.outputs
    if outputs in ("sum", "mean") and not group.transposed:
        c, o = 1, c * o
    elif outputs != "pairs":
        c = 1
    shape = GroupShape(
        use.blocks,
        group.positions,
        product.inputs,
        o,
        c,
        lookups=group.lookups,
        crossed=bool(group.transposed),
        pixels=None if len(group.uses) > 1 or use.loops else product.pixels,
    )
    return GroupPlan(group, cheapest(each(shape, block) for each in ORDERS if each.suits(shape)))


class Sizes(NamedTuple):
    """Numbers held by the intermediates of a network on one example."""

    total: int
    largest: int
    shared: int
    """What does not depend on the example, such as transposed weights: held once."""


def forward_sizes(example: Example) -> Sizes:
    """Count the intermediates of all equations, as if all of them were kept."""
    jaxpr = example.closed.jaxpr
    return _sizes(jaxpr, [False] * (len(jaxpr.invars) - 1) + [True])[0]


def _sizes(jaxpr: Jaxpr, varying: Sequence[bool]) -> tuple[Sizes, list[bool]]:
    """Sizes, and which outputs depend on the example, given which inputs do."""
    vary = {v for v, flag in zip(jaxpr.invars, varying, strict=True) if flag}
    total = largest = shared = 0
    for eqn in jaxpr.eqns:
        flags = [not isinstance(v, Literal) and v in vary for v in eqn.invars]
        outs = [any(flags)] * len(eqn.outvars)
        scan = eqn.primitive.name == "scan"
        if scan or eqn.primitive.name in CALLS:
            first = eqn.params["num_consts"] if scan else len(flags)
            flags = flags[:first] + [any(flags)] * (len(flags) - first)
            inner, found = _sizes(inner_jaxpr(eqn)[0], flags)
            turns = eqn.params["length"] if scan else 1
            total, shared = total + turns * inner.total, shared + turns * inner.shared
            largest = max(largest, turns * inner.largest)
            outs = outs if scan else found
        for v, flag in zip(eqn.outvars, outs, strict=True):
            size = math.prod(getattr(v.aval, "shape", ()))
            if flag:
                vary.add(v)
                total, largest = total + size, max(largest, size)
            else:
                shared += size
    leaving = [not isinstance(v, Literal) and v in vary for v in jaxpr.outvars]
    return Sizes(total, largest, shared), leaving


def _paired(parameters: Sequence[ParameterPlan]) -> float:
    """Numbers that the order which holds most has for the pairs of a block."""
    return max((o.held().paired for plan in parameters for _, o in plan.groups), default=0.0)


def _bytes(
    example: Example, parameters: Sequence[ParameterPlan], block: Block, outputs: Outputs
) -> int:
    """Memory for the intermediates of one block, from above: nothing is assumed to be fused."""
    c = example.num_outputs
    sizes = forward_sizes(example)
    each = sizes.total + 3 * c * sizes.largest
    for plan, shape in zip(parameters, example.leaf_shapes, strict=True):
        if plan.method == "jacobian":
            each += c * math.prod(shape)
        for group, order in plan.groups:
            mine, pixels, held = order.shape, order.pixels, order.held()
            data = mine.positions * mine.data
            if pixels is not None:
                data = pixels.count * pixels.channels
            signals = mine.positions * c * group.uses[0].product.outputs
            each += mine.blocks * (signals + data) + held.each
    kernels = {"pairs": c * c, "each": c}.get(outputs, 1)
    total = block.both * each + _paired(parameters) + 2 * kernels * block.pairs + sizes.shared
    return int(block.itemsize * total)
