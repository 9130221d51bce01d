"""Where are tiles kept: in memory, on disk, or nowhere, so that they are computed again?"""

import shutil
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, final

import numpy as np

from lazyscope._checks import InputError
from lazyscope._file import local_path
from lazyscope.operator.tiles._grid import Grid

TILE = 512
"""Points on a side of a tile: a block that stays inside the processor's cache while it is computed."""

_WORKING = 6  # tiles' worth of memory that computing and multiplying with one takes
_SHARE_OF_DISK = 0.5


@final
class TileStore:
    """Tiles on disk: a Zarr array of one chunk for each tile, with checksums.

    A tile that is not there, or was cut off when its process was killed, is computed again.

    Args:
        folder: where; made if it is not there.
        grid: the tiles of the kernel.
        dtype: of the entries.
        identity: digest of the points and the kernel.

    Raises:
        InputError: the folder holds tiles of other data, of another kernel or in another cut, or
            something else.
    """

    def __init__(self, folder: Path, grid: Grid, dtype: np.dtype, identity: str) -> None:
        self.folder, self._grid = folder, grid
        self._given: dict[str, Any] = {
            "kernel": identity,
            "num_points": grid.num_points,
            "tile": grid.size,
            "dtype": dtype.name,
        }
        self._array: Any = self._opened(dtype)

    def _opened(self, dtype: np.dtype) -> Any:
        import zarr
        from zarr.codecs import Crc32cCodec

        if self.folder.exists() and not self.folder.is_dir():
            raise self._not_ours("a file")
        if self.folder.is_dir() and any(self.folder.iterdir()):
            try:
                array: Any = zarr.open_array(self.folder, mode="r+")
                found = dict(array.attrs).get("lazyscope_tiles", {})
            except Exception as error:
                raise self._not_ours("other files") from error
            if not found:
                raise self._not_ours("another Zarr array")
            different = [key for key, value in self._given.items() if found.get(key) != value]
            if different:
                raise InputError(
                    "a folder of tiles must belong to these points, this kernel and this cut",
                    received=f"{str(self.folder)!r}, which differs in {', '.join(different)}",
                    cause="points in another order or precision, another network, or another tile size",
                    fix="give another folder, or delete this one",
                )
            return array
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            side = self._grid.size
            return zarr.create_array(
                self.folder,
                shape=(self._grid.num_tiles, side, side),
                chunks=(1, side, side),
                dtype=dtype.name,
                compressors=[Crc32cCodec()],
                fill_value=float("nan"),
                attributes={"lazyscope_tiles": self._given},
                dimension_names=("tile", "row", "column"),
            )
        except OSError as error:
            raise InputError(
                "a folder of tiles must be writable",
                received=f"{str(self.folder)!r} ({error})",
                cause="a full disk, or a folder that this user may not write",
                fix="give another folder, or none to compute tiles again",
            ) from error

    def _not_ours(self, what: str) -> InputError:
        return InputError(
            "a folder of tiles must be empty, new, or hold tiles",
            received=f"{str(self.folder)!r}, which holds {what}",
            cause="a folder that is used for something else",
            fix="give another folder",
        )

    def read(self, number: int) -> np.ndarray | None:
        """A tile, None where it is missing or damaged."""
        with suppress(ValueError, OSError, RuntimeError):  # a checksum, a chunk that was cut off
            values = np.asarray(self._array[number])
            row, column = (self._grid.cut(k) for k in self._grid.place(number))
            values = values[: row.stop - row.start, : column.stop - column.start]
            if not np.isnan(values[0, 0]):
                return values
        return None

    def write(self, number: int, values: np.ndarray) -> None:
        """Keep a tile."""
        side = self._grid.size
        missing = [(0, side - length) for length in values.shape]
        self._array[number] = np.pad(values, missing) if any(m[1] for m in missing) else values


@final
class TileStorage:
    """Which tiles are kept where: the first in memory, the next on disk, while there is room.

    Args:
        grid: the tiles of the kernel.
        dtype: of the entries.
        memory: bytes for tiles, those that are being computed included.
        disk: bytes for tiles on disk; None means half of what is free.
        folder: of tiles on disk; None for none.
        identity: digest of points and kernel.
        numbers: tiles that are asked for here; None for all.
    """

    def __init__(
        self,
        grid: Grid,
        dtype: np.dtype,
        *,
        memory: float,
        disk: float | None,
        folder: Any,
        identity: str,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self._bytes = grid.size**2 * dtype.itemsize
        working = _WORKING * self._bytes
        if memory < working:
            raise InputError(
                f"memory must hold at least one tile of {grid.size} x {grid.size} while it is computed, "
                f"{working} bytes",
                received=f"{memory:g} bytes",
                cause="a budget in megabytes instead of bytes, or one meant for tiles that are kept",
                fix=f"give {working} bytes or more, or a smaller tile",
            )
        self.num_threads_at_most = max(1, int(memory // working))
        count = grid.num_tiles if numbers is None else len(numbers)
        self._positions = None if numbers is None else {n: p for p, n in enumerate(numbers)}
        left = max(0.0, memory - working * min(self.num_threads_at_most, _THREADS_WITH_ROOM))
        self.num_in_memory = min(count, int(left // self._bytes))
        self._kept: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()
        self._store: TileStore | None = None
        self._is_full = False
        self.num_on_disk = 0
        if folder is not None:
            place = local_path("a folder of tiles", folder)
            self._store = TileStore(place, grid, dtype, identity)
            room = _SHARE_OF_DISK * shutil.disk_usage(place).free if disk is None else disk
            rest = count - self.num_in_memory
            self.num_on_disk = min(rest, int(room // self._bytes))

    def find(self, number: int) -> np.ndarray | None:
        """A tile that is kept."""
        found = self._kept.get(number)
        if found is None and self._store is not None and self._on_disk(number):
            found = self._store.read(number)
        return found

    def keep(self, number: int, values: np.ndarray) -> None:
        """Keep a tile where it belongs, if anywhere."""
        if self._position(number) < self.num_in_memory:
            with self._lock:
                self._kept[number] = values
        elif self._store is not None and self._on_disk(number):
            self._write(self._store, number, values)

    def _write(self, store: TileStore, number: int, values: np.ndarray) -> None:
        """On disk; where that fills up, tiles are computed again from then on."""
        if self._is_full:
            return
        try:
            store.write(number, values)
        except OSError as error:
            self._is_full = True
            warnings.warn(
                f"No more tiles are kept in {str(store.folder)!r} ({error}): the rest are computed again "
                "for every product.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _on_disk(self, number: int) -> bool:
        return 0 <= self._position(number) - self.num_in_memory < self.num_on_disk

    def _position(self, number: int) -> int:
        return number if self._positions is None else self._positions[number]


_THREADS_WITH_ROOM = 2
