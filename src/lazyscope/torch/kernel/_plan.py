"""How is the share of each parameter contracted, and how many examples are taken at a time?"""

import math
from typing import NamedTuple

import torch

from lazyscope.torch.kernel._probe import Sketch

IN_CACHE = 2**23
"""Bytes of gradients or pairs that are held at once while contracting (measured: 2^23 to 2^24 is best)."""
ELEMENTWISE = 50
"""What one element read and written costs, in multiply-adds of a matrix product; as for JAX networks."""


class Group(NamedTuple):
    """Uses of the same entries of a parameter, in the same order or transposed, by their numbers."""

    straight: tuple[int, ...]
    transposed: tuple[int, ...]
    method: str
    chunks: int


class ParameterPlan(NamedTuple):
    """How one parameter is handled.

    `method` is ``groups``; ``assembled``: gradients of its own shape put together from all uses;
    ``jacobian``: a fall-back; or ``unused``.
    """

    method: str
    groups: tuple[Group, ...]
    uses: tuple[int, ...]
    reasons: tuple[str, ...]


class Plan(NamedTuple):
    """How every parameter is handled, examples per block on both sides, and the memory allowed."""

    parameters: tuple[ParameterPlan, ...]
    rows: int
    bytes_needed: int
    memory: float


def make_plan(
    sketch: Sketch,
    shapes: list[tuple[int, ...]],
    itemsize: int,
    sizes: tuple[int, int | None],
    memory: float,
) -> Plan:
    """Choose by cost within `memory` bytes; ``sizes = (n1, None)`` is the symmetric kernel."""
    n1, n2 = sizes
    grouped = [_grouped(sketch, k, shape) for k, shape in enumerate(shapes)]
    blocks = 1
    while True:
        rows = math.ceil(max(n1, n2 or 0) / blocks)
        alone = n2 is None and blocks == 1
        plans = [_costed(sketch, plan, rows, alone) for plan in grouped]
        needed = _bytes(sketch, plans, shapes, rows, alone) * itemsize
        if needed <= memory or rows == 1:
            return Plan(tuple(plans), rows, needed, memory)
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
        return ParameterPlan("groups", (Group(uses, (), "", 1),), uses, ())
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
    groups = tuple(Group(tuple(s), tuple(t), "", 1) for _, s, t in found)
    return ParameterPlan("groups", groups, uses, ())


def _costed(sketch: Sketch, plan: ParameterPlan, rows: int, alone: bool) -> ParameterPlan:
    return plan._replace(groups=tuple(_method(sketch, g, rows, alone) for g in plan.groups))


def only_lookups(sketch: Sketch, group: Group) -> bool:
    """Whether all data of a group are row numbers, so that they need not be written as one-hot."""
    return not group.transposed and all(sketch.uses[k].lookup for k in group.straight)


def _positions(sketch: Sketch, group: Group) -> int:
    return sum(sketch.positions[k] for k in group.straight + group.transposed)


def _method(sketch: Sketch, group: Group, rows: int, alone: bool) -> Group:
    """Count the multiply-adds of both orders; chunk the gradients to what the cache holds."""
    c, s = sketch.num_outputs, _positions(sketch, group)
    b, o, i = sketch.uses[group.straight[0]].sizes
    both, pairs = (rows, rows * rows / 2) if alone else (2 * rows, rows * rows)
    pointwise = ELEMENTWISE if s > 1 or b > 1 else 1
    data = 1 if only_lookups(sketch, group) else i
    grams = pairs * b * s * s * (data + c * c * (o + pointwise))
    gradients = b * c * i * o * (both * (s + ELEMENTWISE) + pairs * c)
    if grams <= gradients:
        return group._replace(method="grams")
    wanted = both * c * b * i * o * 4 / IN_CACHE
    chunks = next((q for q in range(1, o) if o % q == 0 and q >= wanted), o)
    return group._replace(method="gradients", chunks=chunks)


def _bytes(
    sketch: Sketch,
    plans: list[ParameterPlan],
    shapes: list[tuple[int, ...]],
    rows: int,
    alone: bool,
) -> int:
    """Numbers that the intermediates of one pair of blocks hold, from above."""
    c = sketch.num_outputs
    both = rows if alone else 2 * rows
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
        for group in plan.groups:
            b, o, i = sketch.uses[group.straight[0]].sizes
            s = _positions(sketch, group)
            if group.method == "gradients":
                each += c * b * i * o // group.chunks
            elif s > 1 or b > 1:
                paired = max(paired, b * s * s * (1 + c * c) * rows)
    return int(both * each + paired + 2 * c * c * rows * rows)
