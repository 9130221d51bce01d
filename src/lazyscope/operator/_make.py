"""How is the operator of a kernel made?"""

import os
from typing import Any, Unpack

import numpy as np
from jaxtyping import ArrayLike, Real

from lazyscope._checks import InputError, check_array, check_callable, check_count, check_positive
from lazyscope._entry import checked
from lazyscope._file import local_path
from lazyscope.limit import LimitKernelName, LimitNetworkArguments, showing_network
from lazyscope.operator.tiles._blocks import (
    AbstractBlocks,
    FunctionBlocks,
    KernelFunction,
    as_points,
)
from lazyscope.operator.tiles._grid import Grid
from lazyscope.operator.tiles._limit import LimitBlocks
from lazyscope.operator.tiles._storage import TILE, TileStorage
from lazyscope.operator.tiles._tiled import TiledKernelOperator

BUDGET = 2.0**30
"""Bytes of memory for tiles, where nothing else is said."""


@checked(own=("function", "x", "folder"))
def kernel_operator(
    function: KernelFunction,
    x: Real[ArrayLike, "n ..."],
    *,
    memory: float = BUDGET,
    folder: str | os.PathLike[str] | None = None,
    disk: float | None = None,
    tile: int = TILE,
    scheduler: str | None = None,
) -> TiledKernelOperator:
    """A kernel over more points than memory has room for, from any function of two sets of points.

    Its lower half is cut into tiles. The first of them are kept in memory, the next ones on disk, as far
    as the budgets go, and the rest are computed again for every product. Products are sums in double
    precision over tiles in the precision of the points.

    Args:
        function: ``function(x1, x2) -> (n1, n2)``, symmetric and positive semidefinite, of NumPy arrays;
            called by several threads.
        x: training points along the first axis.
        memory: bytes for tiles, those in work included.
        folder: where tiles are kept on disk as a Zarr array with checksums, which later processes find
            again; None for no tiles on disk.
        disk: bytes for these, with a folder; None means half of what is free.
        tile: points on a side of a tile.
        scheduler: address of a Dask scheduler whose workers share the tiles, each within `memory` and all
            together within `disk`; the folder has to be one that they all see. None for this process.

    Returns:
        A `TiledKernelOperator`, for `solve_kernel_regression` and the others of this room.

    Raises:
        InputError: memory for less than one tile; a folder with tiles of other data or something else, or
            none for a budget on disk; points or values of the kernel that are not finite real numbers; a
            function that is not symmetric.

    Cost: nothing but a few entries now; the first product computes all n^2 / 2.

    Example:
        >>> dot = kernel_operator(lambda a, b: a @ b.T, np.array([[1.0], [2.0], [3.0]]))
        >>> dot.product(np.ones((3, 1))).ravel().tolist()
        [6.0, 12.0, 18.0]
    """
    check_callable("function", function)
    points = as_points("x", x)
    dtype = np.dtype(np.float32) if points.dtype == np.float32 else np.dtype(np.float64)
    blocks = FunctionBlocks(function, points, dtype)
    return _tiled(blocks, memory=memory, folder=folder, disk=disk, tile=tile, scheduler=scheduler)


@showing_network
def limit_kernel_operator(
    x: Real[ArrayLike, "n d"],
    *,
    kernel: LimitKernelName = "tangent",
    memory: float = BUDGET,
    folder: str | os.PathLike[str] | None = None,
    disk: float | None = None,
    tile: int = TILE,
    scheduler: str | None = None,
    **network: Unpack[LimitNetworkArguments],
) -> TiledKernelOperator:
    """The kernel of an infinitely wide network over more points than memory has room for.

    Tiles, budgets and refusals as for `kernel_operator`; the network as for `limit_tangent_kernel`.

    Args:
        x: n inputs. Single precision keeps tiles in single precision.
        kernel: ``"tangent"`` or ``"covariance"``.
        memory: as for `kernel_operator`.
        folder: as there.
        disk: as there.
        tile: as there.
        scheduler: as there.
        depth: number of hidden layers.
        activation: as in `limit_tangent_kernel`.
        weight_std: as there.
        bias_std: as there.
        readout_weight_std: as there.
        readout_bias_std: as there.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> relu = limit_kernel_operator(x, depth=1, activation="relu", weight_std=2**0.5)
        >>> relu.product(np.array([[1.0], [0.0]])).round(12).ravel().tolist()
        [2.0, 0.318309886184]
    """
    points = as_points("x", check_array("x", x, ndim=2))
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    blocks = LimitBlocks(points, kernel, dict(network))
    return _tiled(blocks, memory=memory, folder=folder, disk=disk, tile=tile, scheduler=scheduler)


def _tiled(
    blocks: AbstractBlocks, *, memory: Any, folder: Any, disk: Any, tile: Any, scheduler: Any
) -> TiledKernelOperator:
    memory = check_positive("memory", memory)
    disk = None if disk is None else check_positive("disk", disk)
    if disk is not None and folder is None:
        raise InputError(
            "a budget on disk needs a folder",
            received=f"disk={disk:g} without folder",
            cause="a folder that was left out, so that nothing would be kept on disk",
            fix="give folder='tiles', or leave out disk",
        )
    grid = Grid(len(blocks.x), min(check_count("tile", tile), len(blocks.x)))
    identity = blocks.identity()
    given: dict[str, Any] = {"memory": memory, "disk": disk, "folder": folder, "identity": identity}
    storage = TileStorage(grid, blocks.dtype, **given)
    if scheduler is None:
        return TiledKernelOperator(blocks, grid, storage, identity)
    from lazyscope.operator.tiles._workers import ClusterProducts, Share

    place = None if folder is None else str(local_path("a folder of tiles", folder).absolute())
    share = Share(grid, memory, disk, place, identity, (), 1)
    elsewhere = ClusterProducts(scheduler, blocks, share)
    return TiledKernelOperator(blocks, grid, storage, identity, elsewhere)
