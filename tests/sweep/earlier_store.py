"""Stores as earlier versions wrote them, through xarray and Zarr, transcribed from there."""

import json
import zipfile
from dataclasses import replace

import xarray as xr
from zarr.storage import MemoryStore

from lazyscope.experiment._quantities import quantities
from lazyscope.sweep.store._batchfile import _batch_arrays
from sweep.store_cases import made_up, small_design


def earlier_store(path, stored_format, *, sweep=None, other_hashes=False):
    """A store of `stored_format`; with runs that are told apart in another way if asked."""
    sweep = sweep or small_design(num_widths=1, num_seeds=2)
    (path / "designs").mkdir(parents=True)
    (path / "runs").mkdir()
    (path / "store.json").write_text(json.dumps({"format": stored_format}))
    (path / "designs" / "0001.json").write_text(json.dumps(sweep.to_table()))
    cells = list(sweep.cells())
    if other_hashes:
        cells = [replace(cell, hash=f"{i:016x}") for i, cell in enumerate(cells, start=1)]
    write_earlier_batch(path / "runs" / "000001.zarr.zip", sweep, cells, stored_format)
    return sweep


def write_earlier_batch(file, sweep, cells, stored_format=2):
    arrays = _batch_arrays([made_up(cell) for cell in cells], quantities(sweep.record))
    dataset = xr.Dataset(
        {
            name: (
                array.dims,
                array.values,
                {k: v for k, v in array.attrs.items() if k != "coordinates"},
            )
            for name, array in arrays.items()
        },
        attrs={"format": stored_format, "cells": [cell.hash for cell in cells]},
    )
    dataset = dataset.set_coords([name for name in cells[0].settings if name in dataset] + ["cell"])
    memory = {}
    dataset.to_zarr(MemoryStore(memory), zarr_format=3, consolidated=False)
    with zipfile.ZipFile(file, "w") as archive:
        for key in sorted(memory):
            archive.writestr(key, memory[key].to_bytes())
