"""What do the batch files of stores of format 2 hold?

They were written by Zarr itself, without checksums of their own: an array of zeros or NaN has no entry
at all, so a missing one cannot be told there.
"""

import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope.experiment import Quantity
from lazyscope.sweep.store._batchfile import Batch, check_arrays
from lazyscope.sweep.store._group import Array
from lazyscope.sweep.store._tables import damaged

EARLIER_FORMAT = 2
_MOST_NUMBERS = 2**28
"""In one array; a damaged shape must not fill the memory."""


def read_earlier_batch(content: bytes, kept: Mapping[str, Quantity], path: Path) -> Batch:
    """The batch in the file of format 2 at `path` that has this `content`.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if len(set(archive.namelist())) < len(archive.namelist()):
                raise ValueError("an entry is there twice")
            if sum(info.file_size for info in archive.infolist()) > len(content):
                raise ValueError("its entries are larger than the file")
            entries = {key: archive.read(key) for key in archive.namelist()}
        batch = _unpacked(entries)
        check_arrays(batch, kept)
    except Exception as error:
        raise damaged(path, str(error)[:200] or type(error).__name__) from error
    return batch


def _unpacked(entries: Mapping[str, bytes]) -> Batch:
    import xarray as xr
    from zarr.buffer import cpu
    from zarr.storage import MemoryStore

    for key, content in entries.items():
        shape = json.loads(content).get("shape", []) if key.endswith("/zarr.json") else []
        if not 0 <= math.prod(shape) <= _MOST_NUMBERS:
            raise ValueError(f"{key} has the shape {shape}")
    buffers: dict[str, Any] = {key: cpu.Buffer.from_bytes(entries[key]) for key in entries}
    dataset = xr.open_zarr(MemoryStore(buffers), consolidated=False, chunks=None).load()  # type: ignore[arg-type]
    if dataset.attrs.get("format") != EARLIER_FORMAT:
        raise ValueError(f"its format is {dataset.attrs.get('format')}, not {EARLIER_FORMAT}")
    arrays = {}
    for name, variable in dataset.variables.items():
        values = np.asarray(variable.values)
        values = values.astype(object) if values.dtype.kind in "UT" else values
        arrays[str(name)] = Array(tuple(map(str, variable.dims)), values, dict(variable.attrs))
    return Batch(dict(dataset.attrs), arrays)
