"""How do data and signals become the share of a parameter in the kernel?

Kernels are (n1, C, n2, C) in here. ``right=None`` is a block against itself: rows of it from the
diagonal on, the rest by symmetry.
"""

import math
from collections.abc import Callable

import torch

from lazyscope.torch.kernel._factors import (
    Factors,
    GroupFactors,
    ParameterFactors,
    outer_products,
)
from lazyscope.torch.kernel._plan import IN_CACHE, Group, ParameterPlan

Slab = Callable[[slice, slice], torch.Tensor]
"""Rows of the left block against columns of the right one."""


def share(
    plan: ParameterPlan, left: ParameterFactors, right: ParameterFactors, alone: bool
) -> torch.Tensor | None:
    """The share (n1, C, n2, C) of one parameter; None if it is zero."""
    other = left if alone else right
    if left is None or other is None:
        return None
    if isinstance(left, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        return _from_gradients(left, other, alone)
    assert not isinstance(other, torch.Tensor)
    total = None
    for group, mine, others in zip(plan.groups, left, other, strict=True):
        found = _group_share(group, mine, others, alone)
        if found is not None:
            total = found if total is None else total.add_(found)
    return total


def _group_share(
    group: Group, left: GroupFactors, right: GroupFactors, alone: bool
) -> torch.Tensor | None:
    if not any(f is not None for f in left) or not any(f is not None for f in right):
        return None
    if group.method == "grams":
        return _by_grams(left, right, alone)
    total = None
    for chunk in range(group.chunks):
        mine = _gradients(left, chunk, group.chunks)
        other = mine if alone else _gradients(right, chunk, group.chunks)
        found = _from_gradients(mine, other, alone)
        total = found if total is None else total.add_(found)
    return total


def _gradients(group: GroupFactors, chunk: int, chunks: int) -> torch.Tensor:
    """Per-example gradients (n, C, b o i) for one chunk of the columns o."""
    total = None
    for factors, straight in ((group.straight, True), (group.transposed, False)):
        if factors is None:
            continue
        columns, inputs = (factors.signals, factors.data) if straight else factors
        width = columns.shape[-1] // chunks
        columns = columns[..., chunk * width : (chunk + 1) * width]
        product = outer_products(columns, inputs)
        total = product if total is None else total + product
    assert total is not None
    return total


def _from_gradients(left: torch.Tensor, right: torch.Tensor, alone: bool) -> torch.Tensor:
    """Inner products of gradients (n, C, ...)."""

    def slab(rows: slice, columns: slice) -> torch.Tensor:
        one, two = left[rows], right[columns]
        gram = one.flatten(0, 1) @ two.flatten(0, 1).T
        return gram.reshape(*one.shape[:2], *two.shape[:2])

    return _filled(slab, left, right, alone, len(left))


def _by_grams(left: GroupFactors, right: GroupFactors, alone: bool) -> torch.Tensor:
    """From Gram matrices over pairs of positions, as many rows at a time as the cache holds pairs."""
    pairs = [
        (one, two, aligned)
        for one, two, aligned in (
            (left.straight, right.straight, True),
            (left.transposed, right.transposed, True),
            (left.straight, right.transposed, False),
            (left.transposed, right.straight, False),
        )
        if one is not None and two is not None
    ]

    def slab(rows: slice, columns: slice) -> torch.Tensor:
        parts = [_product(_cut(one, rows), _cut(two, columns), same) for one, two, same in pairs]
        return parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)

    one, two = pairs[0][0].signals, pairs[0][1].signals
    n, c, b, s, _ = one.shape
    each = b * s * two.shape[3] * c * c * len(two) * one.element_size()
    at_once = n if b == s == 1 else max(1, IN_CACHE // each)
    return _filled(slab, one, two, alone, at_once)


def _cut(factors: Factors, rows: slice) -> Factors:
    return Factors(factors.data[rows], factors.signals[rows])


def _product(left: Factors, right: Factors, aligned: bool) -> torch.Tensor:
    """Uses in the same order, or one of them transposed: its signals live where the other's data do."""
    if not aligned:
        return _over_positions(
            _all_pairs(left.data, right.signals), _all_pairs(left.signals, right.data)
        )
    signals = _all_pairs(left.signals, right.signals)
    if left.data.dim() > 2:
        return _over_positions(_all_pairs(left.data, right.data), signals)
    same = left.data[:, :, None, None] == right.data[None, None]
    same &= (left.data >= 0)[:, :, None, None]
    return _over_positions(same.to(signals.dtype)[None, :, None, :, :, None, :], signals)


def _all_pairs(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Inner products over the last axis of (n, C, b, s, k): (b, n1, C1, s1, n2, C2, s2)."""
    (n1, c1, b, s1, k), (n2, c2, _, s2, _) = left.shape, right.shape
    one = left.permute(2, 0, 1, 3, 4).reshape(b, n1 * c1 * s1, k)
    two = right.permute(2, 0, 1, 3, 4).reshape(b, n2 * c2 * s2, k)
    return (one @ two.mT).reshape(b, n1, c1, s1, n2, c2, s2)


def _over_positions(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Products (b, n1, C, s1, n2, C, s2) summed over blocks and positions."""
    product = one * two
    b, n1, c1, s1, n2, c2, s2 = product.shape
    if b == s1 == s2 == 1:
        return product.reshape(n1, c1, n2, c2)
    return product.sum((0, 3, 6))


def _filled(
    slab: Slab, left: torch.Tensor, right: torch.Tensor, alone: bool, at_once: int
) -> torch.Tensor:
    """The kernel from slabs of at most `at_once` rows, mirrored where it is symmetric."""
    (n1, c), n2 = left.shape[:2], len(right)
    blocks = max(1, min(8, n1 * c // 64)) if alone else 1
    size = min(at_once, math.ceil(n1 / blocks))
    if size >= n1:
        return slab(slice(0, n1), slice(0, n2))
    kernel = left.new_empty(n1, c, n2, c)
    for start in range(0, n1, size):
        rows = slice(start, min(n1, start + size))
        columns = slice(start if alone else 0, n2)
        part = slab(rows, columns)
        kernel[rows, :, columns] = part
        if alone:
            kernel[columns, :, rows] = part.permute(2, 3, 0, 1)
    return kernel
