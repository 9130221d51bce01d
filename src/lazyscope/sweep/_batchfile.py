"""How are finished runs written, so that they are there entirely or not at all?"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from zarr.buffer import cpu
from zarr.storage import MemoryStore

from lazyscope._outcome import Outcome
from lazyscope.sweep._design import Cell
from lazyscope.sweep._error import StoreError, os_refusal
from lazyscope.sweep._record import Quantity
from lazyscope.sweep._settings import Value, setting

SUFFIX = ".zarr.zip"
UNFINISHED = ".part"


@dataclass(frozen=True)
class RunResult:
    """What one run gave.

    Attributes:
        cell: the run.
        outcome: how it ended; failed runs are results too.
        seconds: wall time that the run took, its share where several ran together.
        values: the recorded quantities by name, with the shapes of their dims.
    """

    cell: Cell
    outcome: Outcome
    seconds: float
    values: Mapping[str, Any] = field(default_factory=dict)


def write_batch(
    path: Path,
    results: Sequence[RunResult],
    kept: Mapping[str, Quantity],
    provenance: Mapping[str, Any],
) -> None:
    """Write `results` as one Zarr group in one zip file, under a temporary name until complete.

    Raises:
        StoreError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    memory: dict[str, Any] = {}
    dataset = batch_dataset(results, kept, provenance)
    dataset.to_zarr(MemoryStore(memory), zarr_format=3, consolidated=False)  # type: ignore[call-overload]
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for key in sorted(memory):
                    archive.writestr(key, memory[key].to_bytes())
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove(unfinished)
        raise os_refusal(error, path) from error


def batch_dataset(
    results: Sequence[RunResult], kept: Mapping[str, Quantity], provenance: Mapping[str, Any]
) -> xr.Dataset:
    """The runs of one batch along the dim ``run``, settings as coords, shorter records padded."""
    names = list(dict.fromkeys(name for result in results for name in result.cell.settings))
    coords = {
        name: _setting_column(name, [r.cell.settings.get(name) for r in results]) for name in names
    }
    coords["cell"] = (("run",), np.array([r.cell.hash for r in results], dtype=object), _CELL)
    codes = np.array([int(r.outcome) for r in results], dtype=np.int8)
    seconds = np.array([r.seconds for r in results], dtype=np.float64)
    variables: dict[str, Any] = {
        "outcome": (("run",), codes, _OUTCOME),
        "seconds": (("run",), seconds, {"units": "s", "long_name": "wall time of the run"}),
    }
    arrays = {name: _arrays(name, kept[name], results) for name in kept}
    sizes = _sizes(arrays, kept)
    for name, quantity in kept.items():
        column = _padded(arrays[name], tuple(sizes[dim] for dim in quantity.dims))
        attrs = {"units": quantity.units, "long_name": quantity.meaning}
        variables[name] = (("run", *quantity.dims), column, attrs)
    attrs = {**provenance, "cells": [r.cell.hash for r in results]}
    return xr.Dataset(variables, coords, attrs)


def batch_attributes(path: Path) -> dict[str, Any]:
    """Attributes of the batch at `path`, without reading its arrays.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("zarr.json"))["attributes"]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise _damaged(path, error) from error


def read_batch(path: Path) -> xr.Dataset:
    """The batch at `path`, loaded.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # reading an entry checks its sum
            entries = {key: cpu.Buffer.from_bytes(archive.read(key)) for key in archive.namelist()}
        return xr.open_zarr(MemoryStore(entries), consolidated=False, chunks=None).load()  # type: ignore[arg-type]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(
        "every batch file of a store must be whole",
        received=f"{path} ({error})",
        cause="a damaged disk, or a copy that was cut short",
        fix="copy the file again, or move it away: the same sweep then repeats its runs",
    )


def _setting_column(name: str, values: Sequence[Value | None]) -> tuple[Any, ...]:
    attrs = {"long_name": setting(name).meaning, "units": setting(name).units}
    kinds = {type(value) for value in values}
    if kinds <= {int} or kinds <= {bool}:
        return ("run",), np.array(values), attrs
    if kinds <= {int, float, type(None)}:
        return ("run",), np.array([np.nan if v is None else v for v in values], dtype=float), attrs
    texts = [v if isinstance(v, str) else json.dumps(v) for v in values]
    return ("run",), np.array(texts, dtype=object), attrs


def _arrays(name: str, quantity: Quantity, results: Sequence[RunResult]) -> list[np.ndarray]:
    """The values of one quantity, float64; empty for a run that has none."""
    empty = np.full((0,) * len(quantity.dims), np.nan) if quantity.dims else np.nan
    return [np.asarray(result.values.get(name, empty), np.float64) for result in results]


def _sizes(
    arrays: Mapping[str, Sequence[np.ndarray]], kept: Mapping[str, Quantity]
) -> dict[str, int]:
    """The largest size of every dim."""
    sizes: dict[str, int] = {}
    for name, values in arrays.items():
        for axis, dim in enumerate(kept[name].dims):
            sizes[dim] = max(sizes.get(dim, 0), *(array.shape[axis] for array in values))
    return sizes


def _padded(arrays: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Arrays stacked, each filled up with NaN to `shape`."""
    stacked = np.full((len(arrays), *shape), np.nan)
    for place, array in enumerate(arrays):
        stacked[(place, *(slice(size) for size in array.shape))] = array
    return stacked


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


_CELL = {"long_name": "content hash of the settings of the run"}
_OUTCOME = {
    "long_name": "how the run ended",
    "flag_values": [int(outcome) for outcome in Outcome],
    "flag_meanings": " ".join(outcome.label for outcome in Outcome),
}
