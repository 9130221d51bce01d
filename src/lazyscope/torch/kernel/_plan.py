"""How is the share of each parameter contracted, and how many examples are taken at a time?"""

import math
from typing import NamedTuple

import torch

from lazyscope.kernel.any_function import Outputs
from lazyscope.kernel.orders import AbstractOrder, Block, GroupShape, cheapest
from lazyscope.torch.kernel._probe import Sketch
from lazyscope.torch.kernel.orders import ORDERS
from lazyscope.torch.kernel.orders._pair import IN_CACHE, Pair


class Group(NamedTuple):
    """Uses of the same entries of a parameter, in the same order or transposed, by their numbers."""

    straight: tuple[int, ...]
    transposed: tuple[int, ...]


class ParameterPlan(NamedTuple):
    """How one parameter is handled.

    `method` is ``groups``; ``assembled``: gradients of its own shape put together from all uses;
    ``jacobian``: a fall-back; or ``unused``. `orders` are those of contraction, of each group.
    """

    method: str
    groups: tuple[Group, ...]
    uses: tuple[int, ...]
    reasons: tuple[str, ...]
    orders: tuple[AbstractOrder[Pair, torch.Tensor], ...] = ()


class Plan(NamedTuple):
    """How every parameter is handled, examples per block on both sides, the memory allowed, which outputs."""

    parameters: tuple[ParameterPlan, ...]
    rows: int
    bytes_needed: int
    memory: float
    outputs: Outputs = "pairs"


def make_plan(
    sketch: Sketch,
    shapes: list[tuple[int, ...]],
    itemsize: int,
    sizes: tuple[int, int | None],
    memory: float,
    outputs: Outputs = "pairs",
) -> Plan:
    """Choose by cost within `memory` bytes; ``sizes = (n1, None)`` is the symmetric kernel."""
    n1, n2 = sizes
    grouped = [_grouped(sketch, k, shape) for k, shape in enumerate(shapes)]
    blocks = 1
    while True:
        rows = math.ceil(max(n1, n2 or 0) / blocks)
        block = _block(rows, symmetric=n2 is None and blocks == 1)
        plans = [_ordered(sketch, plan, block, outputs) for plan in grouped]
        needed = _bytes(sketch, plans, shapes, block, outputs) * itemsize
        if needed <= memory or rows == 1:
            return Plan(tuple(plans), rows, needed, memory, outputs)
        blocks = max(blocks + 1, math.ceil(blocks * 1.2))


def _grouped(sketch: Sketch, number: int, shape: tuple[int, ...]) -> ParameterPlan:
    """Sort the uses of a parameter by the entries they use."""
    uses = tuple(k for k, use in enumerate(sketch.uses) if use.view.parameter == number)
    if reasons := sketch.reasons.get(number, ()):
        return ParameterPlan("jacobian", (), uses, reasons)
    if not uses:
        return ParameterPlan("unused", (), (), ())
    if any(sketch.uses[k].direct for k in uses):
        return ParameterPlan("assembled", (), uses, ())
    if len(uses) == 1 and sketch.uses[uses[0]].view.entries is None:
        return ParameterPlan("groups", (Group(uses, ()),), uses, ())
    found: list[tuple[torch.Tensor, list[int], list[int]]] = []
    for k in uses:
        use = sketch.uses[k]
        numbers = use.arrange(use.view.numbers()).contiguous()
        if len(numbers.unique()) < numbers.numel():
            return ParameterPlan("assembled", (), uses, ())
        for known, straight, transposed in found:
            if torch.equal(numbers, known):
                straight.append(k)
                break
            if torch.equal(numbers.mT, known):
                transposed.append(k)
                break
            if torch.isin(numbers, known).any():
                return ParameterPlan("assembled", (), uses, ())
        else:
            found.append((numbers, [k], []))
    groups = tuple(Group(tuple(s), tuple(t)) for _, s, t in found)
    return ParameterPlan("groups", groups, uses, ())


def _block(rows: int, *, symmetric: bool) -> Block:
    """Blocks of so many examples; the cache was measured in numbers of single precision."""
    return Block(rows, None if symmetric else rows, torch.finfo(torch.float32).bits // 8, IN_CACHE)


def _ordered(sketch: Sketch, plan: ParameterPlan, block: Block, outputs: Outputs) -> ParameterPlan:
    """The cheapest order for every group."""
    shapes = [_shape(sketch, group, outputs) for group in plan.groups]
    orders = [
        cheapest(order(shape, block) for order in ORDERS if order.suits(shape)) for shape in shapes
    ]
    return plan._replace(orders=tuple(orders))


def only_lookups(sketch: Sketch, group: Group) -> bool:
    """Whether all data of a group are row numbers, so that they need not be written as one-hot."""
    return not group.transposed and all(sketch.uses[k].lookup for k in group.straight)


def _shape(sketch: Sketch, group: Group, outputs: Outputs) -> GroupShape:
    """Sizes of a group; summed, signals of all outputs are those of one."""
    (b, o, i), c = sketch.uses[group.straight[0]].sizes, sketch.num_outputs
    if outputs == "sum" and not group.transposed:
        o = c * o
    positions = sum(sketch.positions[k] for k in group.straight + group.transposed)
    lookups, crossed = only_lookups(sketch, group), bool(group.transposed)
    c = c if outputs == "pairs" else 1
    return GroupShape(b, positions, i, o, c, lookups=lookups, crossed=crossed)


def _bytes(
    sketch: Sketch,
    plans: list[ParameterPlan],
    shapes: list[tuple[int, ...]],
    block: Block,
    outputs: Outputs,
) -> int:
    """Numbers that the intermediates of one pair of blocks hold, from above."""
    c = sketch.num_outputs
    each = 2 * sketch.numbers + 3 * sketch.largest + c * sketch.signals
    paired = 0.0
    for plan, shape in zip(plans, shapes, strict=True):
        if plan.method in ("jacobian", "assembled"):
            each += 2 * c * math.prod(shape)
        for k in plan.uses:
            use, s = sketch.uses[k], sketch.positions[k]
            if plan.method == "groups":
                b, o, i = use.sizes
                each += b * s * (c * o + (1 if use.lookup else i))
        for held in (order.held() for order in plan.orders):
            each += held.each
            paired = max(paired, held.paired)
    kernels = {"pairs": c * c, "each": c}.get(outputs, 1)
    return int(block.both * each + paired + 2 * kernels * block.rows**2)
