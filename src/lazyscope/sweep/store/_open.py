"""What does a store hold, as one dataset over the axes of its sweep?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._outcome import Outcome
from lazyscope.experiment import Value, default_settings, quantities, setting
from lazyscope.sweep.design._design import POINTS, SweepDesign
from lazyscope.sweep.store._batchfile import FORMAT, Batch
from lazyscope.sweep.store._contents import opened_store, read_contents
from lazyscope.sweep.store._error import StoreError
from lazyscope.sweep.store._place import store_path

MISSING = "missing"
"""Outcome of a cell whose run is not in the store."""


def open_store(path: str | Path) -> xr.Dataset:
    """The results in the store at `path`, over all axes of its sweep.

    A store can be opened while it is being written: what is complete is there. Runs that failed
    have their outcome and what they recorded; cells without a run have the outcome ``missing`` and
    NaN. Records of different length are filled up with NaN.

    Args:
        path: folder of the store.

    Returns:
        One variable per recorded quantity with ``units`` and ``long_name``; ``outcome`` (label),
        ``seconds`` (wall time), ``cell`` (content hash of the settings) and ``batch`` (place in the
        list of batches, -1 where missing). The attributes hold the design, the settings that all
        runs share, and the versions and times of every batch, as JSON.

    Raises:
        StoreError: no store is there, its format is unknown, it holds runs twice or runs that are no
            cell of its sweep, or a file cannot be read, is damaged or has another name.
        InputError: a path that is none of a folder.
    """
    place = store_path(path)
    with opened_store(place) as folder:
        contents = read_contents(folder)
    if contents.design is None:
        raise StoreError(
            "a store must hold a sweep",
            received=f"{place}, without a design",
            cause="a sweep that ended before it began",
            fix="start the sweep again",
        )
    return assemble(contents.design, list(contents.batches.values()))


def finished_cells(path: str | Path) -> frozenset[str]:
    """Content hashes of the cells whose runs are in the store at `path`.

    Raises:
        StoreError: as `open_store`.
    """
    with opened_store(store_path(path)) as folder:
        return frozenset(read_contents(folder).held)


def assemble(design: SweepDesign, batches: list[Batch]) -> xr.Dataset:
    """One dataset over the axes of `design` from its batches."""
    cells = list(design.cells())
    index = {cell.hash: place for place, cell in enumerate(cells)}
    places = [np.array([index.get(c, -1) for c in batch.attrs["cells"]]) for batch in batches]
    sizes = tuple(design.dims.values())
    dims = tuple(design.dims)
    outcome = np.full(len(cells), MISSING, dtype=object)
    number = np.full(len(cells), -1, dtype=np.int64)
    seconds = np.full(len(cells), np.nan)
    for count, (batch, place) in enumerate(zip(batches, places, strict=True)):
        held = place >= 0
        labels = [Outcome(code).label for code in batch.arrays["outcome"].values[held].tolist()]
        outcome[place[held]] = labels
        number[place[held]] = count
        seconds[place[held]] = batch.arrays["seconds"].values[held]
    hashes = np.array([cell.hash for cell in cells], dtype=object)
    variables: dict[str, Any] = {
        "outcome": (dims, outcome.astype(str).reshape(sizes), {"long_name": "how the run ended"}),
        "seconds": (
            dims,
            seconds.reshape(sizes),
            {"units": "s", "long_name": "wall time of the run"},
        ),
        "cell": (
            dims,
            hashes.astype(str).reshape(sizes),
            {"long_name": "content hash of the settings"},
        ),
        "batch": (
            dims,
            number.reshape(sizes),
            {"long_name": "place in the list of batches, or -1"},
        ),
    }
    kept = quantities(design.record)
    largest = {dim: 0 for quantity in kept.values() for dim in quantity.dims}
    for batch in batches:
        for name in kept:
            array = batch.arrays[name]
            for dim, size in zip(array.dims[1:], array.values.shape[1:], strict=True):
                largest[dim] = max(largest[dim], size)
    for name, quantity in kept.items():
        shape = (len(cells), *(largest[dim] for dim in quantity.dims))
        full = _gathered(name, batches, places, shape)
        shape = (*sizes, *full.shape[1:])
        attrs = {"units": quantity.units, "long_name": quantity.meaning}
        variables[name] = ((*dims, *quantity.dims), full.reshape(shape), attrs)
    return xr.Dataset(variables, _coords(design, variables), _attributes(design, batches))


def _gathered(
    name: str, batches: list[Batch], places: list[np.ndarray], shape: tuple[int, ...]
) -> np.ndarray:
    full = np.full(shape, np.nan)
    for batch, place in zip(batches, places, strict=True):
        held = place >= 0
        values = batch.arrays[name].values
        full[(place[held], *(slice(size) for size in values.shape[1:]))] = values[held]
    return full


def _coords(design: SweepDesign, variables: Mapping[str, Any]) -> dict[str, Any]:
    coords: dict[str, Any] = {}
    for name in design.dims:
        if name == POINTS:
            for column, values in design.points.items():
                coords[column] = ((POINTS,), _coordinate(values), _coordinate_attributes(column))
        else:
            coords[name] = ((name,), _coordinate(design.axes[name]), _coordinate_attributes(name))
    layers = max(
        (v[1].shape[v[0].index("layer")] for v in variables.values() if "layer" in v[0]), default=0
    )
    if layers:
        attrs = {"long_name": "layer, counted from the input", "units": "1"}
        coords["layer"] = (("layer",), np.arange(1, layers + 1), attrs)
    return coords


def _coordinate(values: tuple[Value, ...]) -> np.ndarray:
    if any(isinstance(value, tuple) for value in values):
        return np.array([json.dumps(value) for value in values])
    return np.array(values)


def _coordinate_attributes(name: str) -> dict[str, str]:
    return {"long_name": setting(name).meaning, "units": setting(name).units}


def _attributes(design: SweepDesign, batches: list[Batch]) -> dict[str, Any]:
    shared = {**default_settings(), **design.fixed}
    varied = {*design.axes, *design.points}
    common = {name: value for name, value in shared.items() if name not in varied}
    told = [{k: v for k, v in batch.attrs.items() if k != "cells"} for batch in batches]
    return {
        "title": design.name,
        "format": FORMAT,
        "design": json.dumps(design.to_table()),
        "settings": json.dumps(common),
        "batches": json.dumps(told),
        "num_cells": design.num_cells,
        "num_finished": sum(len(batch.attrs["cells"]) for batch in batches),
    }
