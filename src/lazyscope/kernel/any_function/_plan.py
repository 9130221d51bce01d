"""Which leaf is contracted in which way, and how many examples and columns at a time?"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jax.extend.core import Jaxpr, Literal

from lazyscope._trace import (
    CALLS,
    Example,
    Pixels,
    Site,
    Uses,
    entry_numbers,
    find_uses,
    inner_jaxpr,
)
from lazyscope.kernel.any_function._carried import rows_at_a_time
from lazyscope.kernel.any_function._contract import IN_CACHE

Method = str
"""``grams``, ``gradients`` or ``carried`` for groups of sites, ``derivatives``, or ``unused``."""

ELEMENTWISE = 50
"""What one element read and written costs, in multiply-adds of a matrix product (measured: 20-80)."""

SHIFTED = 5
"""The same for elements that stay in the cache: sums of shifted matrices, carried signals."""

SMALL = 1.4
"""What a multiply-add costs in products of many small matrices (measured: 1.3-1.5)."""


class Group(NamedTuple):
    """Sites that use the same entries of one leaf, in the same order or transposed."""

    straight: tuple[Site, ...]
    transposed: tuple[Site, ...]

    @property
    def sites(self) -> tuple[Site, ...]:
        """All sites of the group."""
        return self.straight + self.transposed

    @property
    def lookups(self) -> bool:
        """Whether all data are row numbers, so that they need not be written as one-hot."""
        plain = all(site.form.lookup and site.blocks == 1 for site in self.straight)
        return plain and not self.transposed

    @property
    def positions(self) -> int:
        """Positions of all sites together."""
        return sum(site.positions for site in self.sites)


class GroupPlan(NamedTuple):
    """A group of sites, how it is contracted, in how many chunks of columns, and from which pixels."""

    group: Group
    method: Method
    chunks: int = 1
    pixels: Pixels | None = None


class LeafPlan(NamedTuple):
    """How the share of one leaf is computed: by its groups of sites, or by derivatives."""

    method: Method
    groups: tuple[GroupPlan, ...]
    reasons: tuple[str, ...]


class Plan(NamedTuple):
    """How a kernel is computed: every leaf's way, and how many examples at a time on each side.

    ``columns=None`` is an example set against itself in one piece. `averaged` over outputs, the kernel
    is that of a single output whose signals are those of all outputs side by side.
    """

    example: Example
    leaves: tuple[LeafPlan, ...]
    rows: int
    columns: int | None
    bytes_needed: int
    averaged: bool

    @property
    def num_outputs(self) -> int:
        """Outputs of the kernel."""
        return 1 if self.averaged else self.example.num_outputs


def make_plan(
    example: Example, n1: int, n2: int | None, memory: float, *, averaged: bool = False
) -> Plan:
    """Choose by cost within `memory` bytes; ``n2=None`` is the symmetric kernel."""
    uses = find_uses(example)
    grouped = [_groups(uses, leaf, shape) for leaf, shape in enumerate(example.leaf_shapes)]
    num_blocks = 1
    while True:
        rows = math.ceil(n1 / num_blocks)
        columns = rows if n2 is None else min(n2, rows)
        if num_blocks == 1:
            columns = n2
        block = _Block(rows, columns, memory, averaged)
        leaves = [
            _leaf_plan(example, uses, leaf, groups, block) for leaf, groups in enumerate(grouped)
        ]
        needed = _bytes(example, leaves, block)
        if needed <= memory or (rows == 1 and columns in (None, 1)):
            return Plan(example, tuple(leaves), rows, columns, needed, averaged)
        num_blocks = max(num_blocks + 1, math.ceil(num_blocks * 1.2))


class _Block(NamedTuple):
    """So many examples on each side at a time, within so many bytes, of this kernel."""

    rows: int
    columns: int | None
    memory: float
    averaged: bool

    @property
    def both(self) -> int:
        """Examples of both sides."""
        return self.rows if self.columns is None else self.rows + self.columns


def _groups(uses: Uses, leaf: int, shape: tuple[int, ...]) -> list[Group] | None:
    """Sort the sites of a leaf; None where they share entries in a way no group describes."""
    sites = [site for site in uses.sites if site.view.leaf == leaf]
    if len(sites) <= 1:
        return [Group((site,), ()) for site in sites]
    found: list[tuple[np.ndarray, list[Site], list[Site]]] = []
    for site in sites:
        numbers = entry_numbers(site, shape)
        for known, straight, transposed in found:
            if np.array_equal(numbers, known):
                straight.append(site)
                break
            if np.array_equal(np.swapaxes(numbers, 1, 2), known):
                transposed.append(site)
                break
            if np.intersect1d(numbers, known).size:
                return None
        else:
            found.append((numbers, [site], []))
    return [Group(tuple(straight), tuple(transposed)) for _, straight, transposed in found]


def _leaf_plan(
    example: Example,
    uses: Uses,
    leaf: int,
    groups: Sequence[Group] | None,
    block: _Block,
) -> LeafPlan:
    """Derivatives where a leaf is open, else the cheaper contraction for every group."""
    if leaf not in uses.touched or 0 in example.leaf_shapes[leaf]:
        return LeafPlan("unused", (), ())
    reasons = tuple(uses.others.get(leaf, ()))
    if reasons:
        return LeafPlan("derivatives", (), reasons)
    if groups is None:
        return LeafPlan("derivatives", (), ("parts shared between places",))
    if not groups:
        return LeafPlan("unused", (), ())
    plans = tuple(_group_plan(example, group, block) for group in groups)
    return LeafPlan(plans[0].method, plans, ())


def _group_plan(example: Example, group: Group, block: _Block) -> GroupPlan:
    """Count the multiply-adds of both orders; chunk the gradients to what the cache holds."""
    c, form = example.num_outputs, group.sites[0].form
    b, s = group.sites[0].blocks, group.positions
    i, o = form.inputs, form.outputs
    if block.averaged and not group.transposed:
        c, o = 1, c * o
    rows, both = block.rows, block.both
    pairs = rows * rows / 2 if block.columns is None else rows * block.columns
    pointwise = ELEMENTWISE if s > 1 or b > 1 else 1
    data = 1 if group.lookups else i
    pixels = _pixels(group)
    gram = s * s * data
    if pixels is not None:
        gram = pixels.count**2 * pixels.channels + s * s * pixels.entries * SHIFTED
    costs = {
        "grams": pairs * b * s * s * (data + c * c * (o + pointwise)),
        "gradients": b * c * i * o * (both * (s + ELEMENTWISE) + pairs * c),
        "carried": pairs * b * (gram + c * s * o * (s + c) * SMALL + SHIFTED * c * s * (s + o)),
    }
    if s == 1 or group.transposed:
        del costs["carried"]
    method = cheapest(costs)
    if method == "grams":
        return GroupPlan(group, "grams")
    if method == "carried":
        return GroupPlan(group, "carried", 1, pixels)
    itemsize = example.dtype.itemsize
    wanted = both * c * b * i * o * itemsize / min(IN_CACHE, block.memory / 4)
    chunks = next((q for q in range(1, o) if o % q == 0 and q >= wanted), o)
    return GroupPlan(group, "gradients", chunks)


def cheapest(costs: dict[Method, float]) -> Method:
    """The method of least cost."""
    return min(costs, key=lambda name: costs[name])


def _pixels(group: Group) -> Pixels | None:
    """The pixels of a convolution used at one place, where their Gram matrices cost less."""
    site = group.sites[0]
    pixels, s = site.form.pixels, site.form.positions
    if len(group.sites) > 1 or site.loops or pixels is None:
        return None
    cheaper = pixels.count**2 * pixels.channels + s * s * pixels.entries * SHIFTED
    return pixels if cheaper < s * s * site.form.inputs else None


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


def _bytes(example: Example, leaves: Sequence[LeafPlan], block: _Block) -> int:
    """Memory for the intermediates of one block, from above: nothing is assumed to be fused."""
    c = example.num_outputs
    itemsize = example.dtype.itemsize
    rows, both = block.rows, block.both
    pairs = rows * (rows if block.columns is None else block.columns)
    sizes = forward_sizes(example)
    each, paired = sizes.total + 3 * c * sizes.largest, 0.0
    for plan, shape in zip(leaves, example.leaf_shapes, strict=True):
        if plan.method == "derivatives":
            each += c * math.prod(shape)
        for group, method, chunks, pixels in plan.groups:
            form, b, s = group.sites[0].form, group.sites[0].blocks, group.positions
            contracted = 1 if block.averaged and not group.transposed else c
            data = s * (1 if group.lookups else form.inputs)
            if pixels is not None:
                data = pixels.count * pixels.channels
            each += b * (s * c * form.outputs + data)
            if method == "gradients":
                each += c * b * form.inputs * form.outputs / chunks
            elif method == "carried":
                turn = rows_at_a_time(rows, b * c * s * max(s, form.outputs), itemsize)
                grams = 2 * (s if pixels is None else pixels.count) ** 2
                paired = max(paired, turn * b * (c * s * (s + 2 * form.outputs) + grams))
            elif s > 1:
                paired = max(paired, b * s * s * (1 + contracted**2) * pairs)
    return int(itemsize * (both * each + paired + 2 * c * c * pairs + sizes.shared))
