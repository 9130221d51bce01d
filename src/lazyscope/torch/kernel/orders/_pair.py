"""What is contracted, for two blocks of examples, and how is a kernel filled block of rows by block?

Kernels are (n1, C, n2, C) in here. Of a block against itself only rows from the diagonal on are
computed, the rest by symmetry.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

IN_CACHE = 2**23
"""Bytes of gradients or pairs that are held at once while contracting (measured: 2^23 to 2^24 is best)."""

Slab = Callable[[slice, slice], torch.Tensor]
"""Rows of the left block against columns of the right one."""


class Factors(NamedTuple):
    """Data (n, C or 1, b, s, i) or rows (n, s), and signals (n, C or 1, b, s, o)."""

    data: torch.Tensor
    signals: torch.Tensor


class GroupFactors(NamedTuple):
    """Factors of the uses in the group's order, and of the transposed ones."""

    straight: Factors | None
    transposed: Factors | None


class Pair(NamedTuple):
    """Factors of two blocks of examples; `symmetric` if both are the same."""

    left: GroupFactors
    right: GroupFactors
    symmetric: bool


def inner_products(left: torch.Tensor, right: torch.Tensor, symmetric: bool) -> torch.Tensor:
    """Inner products of gradients (n, C, ...)."""

    def slab(rows: slice, columns: slice) -> torch.Tensor:
        one, two = left[rows], right[columns]
        gram = one.flatten(0, 1) @ two.flatten(0, 1).T
        return gram.reshape(*one.shape[:2], *two.shape[:2])

    return filled(slab, left, right, symmetric, len(left))


def filled(
    slab: Slab, left: torch.Tensor, right: torch.Tensor, symmetric: bool, at_once: int
) -> torch.Tensor:
    """The kernel from slabs of at most `at_once` rows, mirrored where it is symmetric."""
    (n1, c), n2 = left.shape[:2], len(right)
    blocks = max(1, min(8, n1 * c // 64)) if symmetric else 1
    size = min(at_once, math.ceil(n1 / blocks))
    if size >= n1:
        return slab(slice(0, n1), slice(0, n2))
    kernel = left.new_empty(n1, c, n2, c)
    for start in range(0, n1, size):
        rows = slice(start, min(n1, start + size))
        columns = slice(start if symmetric else 0, n2)
        part = slab(rows, columns)
        kernel[rows, :, columns] = part
        if symmetric:
            kernel[columns, :, rows] = part.permute(2, 3, 0, 1)
    return kernel


def outer_products(columns: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Sums over positions of columns (n, C, b, s, o) times inputs (n, C', b, s, i): (n, C, b o i).

    One of C and C' is 1; the other joins its axis, so that it is one matrix product per example.
    """
    (n, c1, b, s, o), (_, c2, _, _, i) = columns.shape, inputs.shape
    if c2 == 1:
        left = columns.permute(0, 2, 1, 4, 3).reshape(n * b, c1 * o, s)
        product = torch.bmm(left, inputs.reshape(n * b, s, i)).reshape(n, b, c1, o, i)
        return product.transpose(1, 2).reshape(n, c1, b * o * i)
    left = columns.reshape(n * b, s, o).mT
    right = inputs.permute(0, 2, 3, 1, 4).reshape(n * b, s, c2 * i)
    product = torch.bmm(left, right).reshape(n, b, o, c2, i)
    return product.permute(0, 3, 1, 2, 4).reshape(n, c2, b * o * i)
