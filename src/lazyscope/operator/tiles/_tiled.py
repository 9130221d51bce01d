"""How is a vector multiplied with a kernel that is there tile by tile?"""

import abc
from collections.abc import Iterable
from functools import cached_property
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from lazyscope._cores import in_threads, usable_cores
from lazyscope.operator._operator import AbstractCrossKernel, AbstractKernelOperator
from lazyscope.operator.tiles._blocks import AbstractBlocks, as_points
from lazyscope.operator.tiles._grid import Grid
from lazyscope.operator.tiles._storage import TileStorage

_STRIP = 64
"""Rows of a tile that are widened to double precision at once, so that they stay in cache."""


class AbstractElsewhere(abc.ABC):
    """Products that are made by other processes."""

    @abc.abstractmethod
    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "modes k"]:
        """K times k vectors."""


@final
class TiledKernelOperator(AbstractKernelOperator):
    """A kernel by tiles that are kept in memory, on disk, or computed again; see `kernel_operator`.

    Args:
        blocks: its entries.
        grid: the cut.
        storage: where tiles are kept.
        identity: digest of points and kernel.
        elsewhere: multiplies on workers of a cluster; None for this process.
    """

    def __init__(
        self,
        blocks: AbstractBlocks,
        grid: Grid,
        storage: TileStorage,
        identity: str,
        elsewhere: AbstractElsewhere | None = None,
    ) -> None:
        self._blocks, self._grid, self._storage, self._identity = blocks, grid, storage, identity
        self._elsewhere = elsewhere

    @property
    def num_points(self) -> int:
        return self._grid.num_points

    @property
    def num_coupled(self) -> int:
        return 1

    @property
    def precision(self) -> np.dtype:
        return self._blocks.dtype

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def points(self) -> np.ndarray:
        return self._blocks.x

    @property
    def kept(self) -> tuple[int, int, int]:
        """How many tiles are kept in memory, kept on disk, and computed for every product."""
        held, stored = self._storage.num_in_memory, self._storage.num_on_disk
        return held, stored, self._grid.num_tiles - held - stored

    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "modes k"]:
        """K times k vectors: one pass over the tiles, the first of which makes those that are kept."""
        if self._elsewhere is not None:
            return self._elsewhere.product(np.ascontiguousarray(vectors, np.float64))
        return self.partial_product(vectors, range(self._grid.num_tiles), usable_cores())

    def partial_product(
        self, vectors: Float[np.ndarray, "modes k"], tiles: Iterable[int], threads: int
    ) -> Float[np.ndarray, "modes k"]:
        """The share of some tiles, each with its mirror image, in the product."""
        vectors, numbers = np.ascontiguousarray(vectors, np.float64), list(tiles)
        count = max(1, min(len(numbers), threads, self._storage.num_threads_at_most))
        shares = [numbers[first::count] for first in range(count)]
        parts = in_threads(lambda share: self._share(vectors, share), shares, count)
        return sum(parts[1:], parts[0])

    def _share(self, vectors: np.ndarray, numbers: list[int]) -> np.ndarray:
        total = np.zeros(vectors.shape)
        for number in numbers:
            row, column = self._grid.place(number)
            a, b = self._grid.cut(row), self._grid.cut(column)
            tile = self._tile(number, a, b)
            for start in range(0, len(tile), _STRIP):
                wide = tile[start : start + _STRIP].astype(np.float64)
                some = slice(a.start + start, a.start + start + len(wide))
                total[some] += wide @ vectors[b]
                if row != column:
                    total[b] += wide.T @ vectors[some]
        return total

    def _tile(self, number: int, rows: slice, columns: slice) -> np.ndarray:
        tile = self._storage.find(number)
        if tile is None:
            tile = self._blocks.block(rows, columns)
            self._storage.keep(number, tile)
        return tile

    @cached_property
    def _diagonal(self) -> np.ndarray:
        return self._blocks.diagonal().astype(np.float64)

    def diagonal(self) -> Float[np.ndarray, " modes"]:
        return self._diagonal

    def columns(self, chosen: Int[np.ndarray, " m"]) -> Float[np.ndarray, "modes m"]:
        out = np.empty((self.num_points, len(chosen)))

        def fill(row: int) -> None:
            cut = self._grid.cut(row)
            out[cut] = self._blocks.block(cut, chosen)

        in_threads(fill, range(self._grid.num_rows), usable_cores())
        out[chosen, np.arange(len(chosen))] = self._diagonal[chosen]
        return out

    def across(self, x_other: Any) -> "TiledCrossKernel":
        return TiledCrossKernel(
            self._blocks, self._grid, as_points("x_other", x_other, self.points)
        )


@final
class TiledCrossKernel(AbstractCrossKernel):
    """The kernel between other points and those of a tiled operator, computed for every use.

    Args:
        blocks: entries of the kernel.
        grid: the cut of the training points.
        x_other: the other points.
    """

    def __init__(self, blocks: AbstractBlocks, grid: Grid, x_other: np.ndarray) -> None:
        self._blocks, self._grid, self._x = blocks, grid, x_other

    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "others k"]:
        out = np.zeros((len(self._x), vectors.shape[1]))
        for start in range(0, len(self._x), self._grid.size):
            some = slice(start, start + self._grid.size)
            between = self._blocks.against(self._x[some])
            for row in range(self._grid.num_rows):
                cut = self._grid.cut(row)
                out[some] += between(cut).astype(np.float64) @ vectors[cut]
        return out

    def rows(self) -> Float[np.ndarray, "others modes"]:
        out = np.empty((len(self._x), self._grid.num_points))
        for start in range(0, len(self._x), self._grid.size):
            some = slice(start, start + self._grid.size)
            between = self._blocks.against(self._x[some])
            for row in range(self._grid.num_rows):
                cut = self._grid.cut(row)
                out[some, cut] = between(cut)
        return out

    def diagonal(self) -> Float[np.ndarray, " others"]:
        return self._blocks.own_diagonal(self._x).astype(np.float64)
