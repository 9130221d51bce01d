"""How are finished runs written, so that they are there entirely or not at all?

A batch file is a zip file with one Zarr group. The attributes of the group hold the batch's number, the
store that it belongs to, and name and checksum of every other entry; a last checksum is over these
attributes themselves. A file with anything else in it is refused.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from lazyscope._outcome import Outcome
from lazyscope.experiment import Quantity, Value, setting
from lazyscope.sweep.design._design import Cell
from lazyscope.sweep.store._group import (
    GROUP,
    Array,
    array_entries,
    group_entry,
    read_array,
    read_group,
)
from lazyscope.sweep.store._tables import SUM, checksum, damaged

SUFFIX = ".zarr.zip"
FORMAT = 3
"""Version of the layout of a store, of its batch files and of what the hash of a cell is made of.

1: settings that no run reads took part in the hash at first, later not; two definitions of one number.
2: they do not; data sets are known by their number of test points too.
3: hashes as in 2; every file has checksums, every batch knows its number and its store, and a store the
   random numbers of its runs.
"""

SUMS = "sums"
_WRITTEN = (1980, 1, 1, 0, 0, 0)
"""Time of every entry: zip files know no earlier one, whatever the clock says."""

_END = 22
"""Bytes at the end of a zip file without a comment."""


@final
@dataclass(frozen=True)
class RunResult:
    """What one run gave.

    Attributes:
        cell: the run.
        outcome: how it ended; failed runs are results too.
        seconds: wall time that the run took, its share where several ran together.
        values: the recorded quantities by name, with the shapes of their dims.
        data: digest of the data that the run was given; empty where it is not known.
    """

    cell: Cell
    outcome: Outcome
    seconds: float
    values: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""


@final
@dataclass(frozen=True)
class RunFailure:
    """A run that ended with an exception and has no result.

    Attributes:
        cell: the run.
        error: type and message of the exception.
    """

    cell: Cell
    error: str


class Batch(NamedTuple):
    """Runs as they were stored together.

    Attributes:
        attrs: ``cells`` (hashes of the runs) and where they come from.
        arrays: settings, outcomes and recorded quantities, runs along the first dim.
    """

    attrs: dict[str, Any]
    arrays: dict[str, Array]


def batch_file(
    results: Sequence[RunResult], kept: Mapping[str, Quantity], attributes: Mapping[str, Any]
) -> bytes:
    """The bytes of a batch file with `results` and these further attributes."""
    arrays = _batch_arrays(results, kept)
    entries: dict[str, bytes] = {}
    for name in sorted(arrays):
        entries.update(array_entries(name, arrays[name]))
    attrs = {**attributes, "format": FORMAT, "cells": [r.cell.hash for r in results]}
    attrs[SUMS] = {name: checksum(content) for name, content in entries.items()}
    attrs[SUM] = checksum(attrs)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (*entries.items(), (GROUP, group_entry(attrs))):
            archive.writestr(zipfile.ZipInfo(name, _WRITTEN), content)
    return buffer.getvalue()


def read_batch(
    content: bytes, kept: Mapping[str, Quantity], expected: Mapping[str, Any], path: Path
) -> Batch:
    """The batch in the file at `path` that has this `content`.

    Args:
        content: all bytes of the file.
        kept: the quantities that it must have.
        expected: attributes that it must have.
        path: for the message.

    Raises:
        StoreError: anything is missing, too much, or other than it was written.
    """
    try:
        entries = zip_entries(content)
        batch = _checked(entries, expected)
        check_arrays(batch, kept)
    except Exception as error:
        raise damaged(path, str(error)[:200] or type(error).__name__) from error
    return batch


def zip_entries(content: bytes) -> dict[str, bytes]:
    """The entries of a zip file that holds nothing beside them.

    Raises:
        Exception: of many types, as damaged files lead to; ValueError for what the zip format lets
            pass: entries twice or packed, and bytes between and behind them.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:  # reading an entry checks its sum
        told = archive.infolist()
        size = sum(76 + 2 * len(info.filename.encode()) + info.file_size for info in told) + _END
        packed = any(info.compress_type != zipfile.ZIP_STORED or info.extra for info in told)
        if packed or len({info.filename for info in told}) < len(told):
            raise ValueError("it holds entries that are packed, or there twice")
        if size != len(content) or archive.comment:
            raise ValueError(f"it has {len(content)} bytes where its entries take {size}")
        return {info.filename: archive.read(info) for info in told}


def check_arrays(batch: Batch, kept: Mapping[str, Quantity]) -> None:
    """Refuse a batch whose arrays are not those of its runs.

    Raises:
        ValueError: with the array that is wrong.
    """
    cells, arrays = batch.attrs.get("cells"), batch.arrays
    if not isinstance(cells, list) or not all(isinstance(cell, str) for cell in cells):
        raise ValueError("it does not say which runs it holds")
    if len(set(cells)) < len(cells):
        raise ValueError("it holds a run twice")
    told = {"cell": ((), "object"), "outcome": ((), "int8"), "seconds": ((), "float64")}
    told |= {name: (quantity.dims, "float64") for name, quantity in kept.items()}
    sizes = {"run": len(cells)}
    for name, (dims, kind) in told.items():
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        array = arrays[name]
        if array.dims != ("run", *dims) or array.values.dtype != kind:
            raise ValueError(f"{name} has dims {array.dims} and type {array.values.dtype}")
        for dim, size in zip(array.dims, array.values.shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                raise ValueError(f"{name} has {size} along {dim}, not {sizes[dim]}")
    if arrays["cell"].values.tolist() != cells:
        raise ValueError("its list of runs is that of another batch")
    known = [int(outcome) for outcome in Outcome]
    if not np.isin(arrays["outcome"].values, known).all():
        raise ValueError("an outcome is none")


def _checked(entries: Mapping[str, bytes], expected: Mapping[str, Any]) -> Batch:
    """The batch in these entries, each with the checksum that is told."""
    attrs = read_group(entries)
    own = attrs.pop(SUM, None)
    if own != checksum(attrs):
        raise ValueError("its attributes do not have their checksum")
    for name, value in expected.items():
        if attrs.get(name) != value:
            raise ValueError(f"its {name} is {attrs.get(name)}, not {value}")
    sums = attrs.pop(SUMS)
    for name in {*sums, *entries} - {GROUP}:
        if name not in entries or sums.get(name) != checksum(entries[name]):
            raise ValueError(f"the entry {name} is missing, too much, or not as it was written")
    names = [name.removesuffix(f"/{GROUP}") for name in sums if name.endswith(f"/{GROUP}")]
    return Batch(attrs, {name: read_array(name, entries) for name in names})


def _batch_arrays(results: Sequence[RunResult], kept: Mapping[str, Quantity]) -> dict[str, Array]:
    """The runs of one batch along the dim ``run``, settings as coords, shorter records padded."""
    names = list(dict.fromkeys(name for result in results for name in result.cell.settings))
    arrays = {
        name: _setting_column(name, [r.cell.settings.get(name) for r in results]) for name in names
    }
    arrays["cell"] = Array(("run",), _texts([r.cell.hash for r in results]), _CELL)
    coords = {"coordinates": " ".join(sorted(arrays))}
    codes = np.array([int(r.outcome) for r in results], dtype=np.int8)
    seconds = np.array([r.seconds for r in results], dtype=np.float64)
    arrays["outcome"] = Array(("run",), codes, {**_OUTCOME, **coords})
    arrays["seconds"] = Array(("run",), seconds, {**_SECONDS, **coords})
    values = {name: _arrays(name, kept[name], results) for name in kept}
    sizes = _sizes(values, kept)
    for name, quantity in kept.items():
        column = _padded(values[name], tuple(sizes[dim] for dim in quantity.dims))
        attrs = {"units": quantity.units, "long_name": quantity.meaning, **coords}
        arrays[name] = Array(("run", *quantity.dims), column, attrs)
    return arrays


def _setting_column(name: str, values: Sequence[Value | None]) -> Array:
    attrs = {"long_name": setting(name).meaning, "units": setting(name).units}
    kinds = {type(value) for value in values}
    if kinds <= {bool}:
        return Array(("run",), np.array(values, dtype=bool), attrs)
    if kinds <= {int}:
        return Array(("run",), np.array(values, dtype=np.int64), attrs)
    if kinds <= {int, float, type(None)}:
        numbers = [np.nan if v is None else v for v in values]
        return Array(("run",), np.array(numbers, dtype=np.float64), attrs)
    return Array(
        ("run",), _texts([v if isinstance(v, str) else json.dumps(v) for v in values]), attrs
    )


def _texts(words: Sequence[str]) -> np.ndarray:
    return np.array(words, dtype=object)


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


_CELL = {"long_name": "content hash of the settings of the run"}
_SECONDS = {"units": "s", "long_name": "wall time of the run"}
_OUTCOME = {
    "long_name": "how the run ended",
    "flag_values": [int(outcome) for outcome in Outcome],
    "flag_meanings": " ".join(outcome.label for outcome in Outcome),
}
