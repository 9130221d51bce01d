"""How do workers of a Dask cluster share the tiles of a kernel?

Every worker has its tiles, in its own memory, in the common folder, or computed again, and returns what they
give of a product. Tiles of a worker that dies are made again by another.
"""

import time
import weakref
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope._cluster import open_client
from lazyscope.operator.tiles._blocks import AbstractBlocks
from lazyscope.operator.tiles._grid import Grid
from lazyscope.operator.tiles._storage import TileStorage
from lazyscope.operator.tiles._tiled import AbstractElsewhere, TiledKernelOperator

_PATIENCE = 30
_ATTEMPTS = 5


@final
class Share(NamedTuple):
    """What one worker needs to know beside the entries of the kernel."""

    grid: Grid
    memory: float
    disk: float | None
    folder: Any
    identity: str
    numbers: tuple[int, ...]
    threads: int


def made(blocks: AbstractBlocks, share: Share) -> TiledKernelOperator:
    """The operator of one worker, which multiplies with its tiles alone; runs there."""
    storage = TileStorage(
        share.grid,
        blocks.dtype,
        memory=share.memory,
        disk=share.disk,
        folder=share.folder,
        identity=share.identity,
        numbers=share.numbers,
    )
    return TiledKernelOperator(blocks, share.grid, storage, share.identity)


def multiplied(
    operator: TiledKernelOperator, share: Share, vectors: Float[np.ndarray, "modes k"]
) -> Float[np.ndarray, "modes k"]:
    """What the tiles of one worker give; runs there."""
    return operator.partial_product(vectors, share.numbers, share.threads)


@final
class ClusterProducts(AbstractElsewhere):
    """Products on the workers that a scheduler has when the operator is made.

    Args:
        scheduler: its address.
        blocks: entries of the kernel, sent to every worker once.
        share: what every worker gets; its tiles and threads are replaced.
    """

    def __init__(self, scheduler: str, blocks: AbstractBlocks, share: Share) -> None:
        client = open_client(scheduler, "a kernel by tiles")
        self._close = weakref.finalize(self, _closed, client)
        self._client: Any = client
        self._scheduler, self._blocks, self._share = scheduler, blocks, share
        self._parts = self._shared()

    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "modes k"]:
        for attempt in range(_ATTEMPTS):
            try:
                return self._product(vectors)
            except (OSError, CancelledError):  # a worker has died, with the entries that it held
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(1.0)
                self._parts = self._shared()
        raise AssertionError("unreachable")

    def _product(self, vectors: np.ndarray) -> np.ndarray:
        futures = [
            self._client.submit(multiplied, part, share, vectors, **_at(name))
            for part, share, name in self._parts
        ]
        return np.sum(self._client.gather(futures), axis=0)

    def _shared(self) -> list[tuple[Any, Share, str]]:
        """The operators of all workers that are there, which share the tiles by their threads."""
        with suppress(TimeoutError):
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        threads = dict(sorted(self._client.nthreads().items()))
        if not threads:
            raise InputError(
                "a scheduler must have a worker",
                received=f"{self._scheduler!r}, without one after {_PATIENCE} s",
                cause="workers that were not started, or could not reach the scheduler",
                fix=f"start one with: dask worker {self._scheduler} --nthreads 1",
            )
        sent = self._client.scatter(self._blocks, broadcast=True, hash=False)
        order = [name for name, count in threads.items() for _ in range(count)]
        disk, parts = self._share.disk, []
        for name, count in threads.items():
            places = {place for place, owner in enumerate(order) if owner == name}
            tiles = range(self._share.grid.num_tiles)
            own = self._share._replace(
                numbers=tuple(number for number in tiles if number % len(order) in places),
                threads=count,
                disk=None if disk is None else disk * count / len(order),
            )
            parts.append((self._client.submit(made, sent, own, **_at(name)), own, name))
        return parts


def _at(worker: str) -> dict[str, Any]:
    """A task that belongs to a worker, and to another if that one is gone."""
    return {"workers": [worker], "allow_other_workers": True, "pure": False}


def _closed(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=1)
