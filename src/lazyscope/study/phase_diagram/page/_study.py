"""What is in a stored phase diagram, and does it fit together?

Two datasets: the runs, as a sweep's store gives them, and the estimates, one exponent per cell and
layer. Both have the same two axes; everything that is drawn or said is stored in them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import xarray as xr

from lazyscope._checks import InputError

LARGEST = ("largest_measured", "largest_low", "largest_high")
"""What the largest width shows, and between which ends the others expect it."""
ESTIMATES = (
    "exponent",
    "low",
    "high",
    "predicted",
    "sign",
    "verdict",
    "fit",
    "assumption",
    *LARGEST,
)
"""Variables of the estimates with a meaning of their own; further ones are shown as quantities."""
_NEEDED = ("exponent", "low", "high", "verdict")
_SYMBOLS = {
    "gamma": "γ",
    "gamma_prime": "γ′",
    "scale_exponent_1": "a₁",
    "scale_exponent_2": "a₂",
    "rho": "ρ",
    "kappa": "κ",
    "width": "width m",
    "output_scale": "output scale",
}


_OUTCOMES, _SECONDS = ("outcome", "outcome_early"), ("seconds", "seconds_early")
"""Of the runs of a cell: those that trained to the end, and those that stopped with an initial stage."""


@final
@dataclass(frozen=True)
class MapAxis:
    """One axis of the map: its name in the datasets, how it is written, and its values."""

    name: str
    label: str
    values: np.ndarray
    is_log: bool


@final
@dataclass(frozen=True)
class MapStudy:
    """A phase diagram ready to be shown; arrays have the axes (x, y, ...) in this order.

    Attributes:
        runs: dims (x, y, width, seed, ...).
        estimates: dims (x, y, layer, ...).
        x, y: the axes of the map.
        quantity: name of the variable of `runs` whose exponent was estimated.
        boundaries: lines of theory or measurement: ``name``, ``kind``, ``x``, ``y``.
        regions: words on the map: ``name``, ``x``, ``y``.
    """

    runs: xr.Dataset
    estimates: xr.Dataset
    x: MapAxis
    y: MapAxis
    quantity: str
    boundaries: Sequence[Mapping[str, Any]]
    regions: Sequence[Mapping[str, Any]]

    @property
    def layers(self) -> list[int]:
        """The weight layers that have estimates."""
        return [int(layer) for layer in self.estimates["layer"].values]

    @property
    def widths(self) -> list[int]:
        """The widths of the sweep; places of those of a cell where these are virtual."""
        return [int(width) for width in self.runs["width"].values]

    @property
    def virtual_widths(self) -> np.ndarray | None:
        """The virtual widths over (x, y, width), if they are virtual."""
        if "virtual_width" not in self.runs:
            return None
        return self.runs["virtual_width"].transpose(self.x.name, self.y.name, "width").values

    @property
    def largest_width(self) -> str:
        """What the largest width of a cell is called."""
        return "the largest virtual width" if self.is_virtual else f"width {self.widths[-1]}"

    @property
    def is_virtual(self) -> bool:
        """Whether every cell has virtual widths of its own."""
        return "virtual_width" in self.runs

    @property
    def seconds(self) -> float | None:
        """Seconds that all runs took together; None where they were not kept."""
        kept = [self.runs[name].values for name in _SECONDS if name in self.runs]
        return float(sum(np.nansum(values) for values in kept)) if kept else None

    @property
    def outcomes(self) -> dict[str, int]:
        """How many runs ended in which way, the most frequent first; those of an early stage count too."""
        ended = [self.runs[name].values.ravel() for name in _OUTCOMES if name in self.runs]
        names, counts = np.unique(np.concatenate(ended).astype(str), return_counts=True)
        pairs = zip(names.tolist(), counts.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))


def read_map_study(runs: xr.Dataset, estimates: xr.Dataset) -> MapStudy:
    """Arrange the two datasets of a phase diagram for showing.

    Args:
        runs: results over (x, y, width, seed), as ``lazyscope.sweep.open_store`` gives them.
        estimates: per cell and layer; see ``docs/report.md``.

    Raises:
        InputError: variables or axes are missing, or the two do not share their cells.
    """
    x, y = estimate_axes(estimates)
    for axis in (x, y):
        _check_shared(axis.name, runs, estimates)
    quantity = str(estimates.attrs.get("quantity", "displacement_operator"))
    return MapStudy(
        runs=_arranged_runs(runs, x, y, quantity),
        estimates=estimates.transpose(x.name, y.name, "layer", ...),
        x=x,
        y=y,
        quantity=quantity,
        boundaries=stored_list(estimates, "boundaries"),
        regions=stored_list(estimates, "regions"),
    )


def estimate_axes(estimates: xr.Dataset) -> tuple[MapAxis, MapAxis]:
    """The two axes of the map that estimates are over, x first.

    Raises:
        InputError: variables are missing, or the axes are not two increasing rows of numbers.
    """
    missing = [name for name in _NEEDED if name not in estimates]
    if missing:
        raise InputError(
            f"estimates of a map must have the variables {', '.join(_NEEDED)}",
            received=f"no {', '.join(missing)}",
            cause="a dataset of runs in place of estimates",
            fix="estimate the exponents first",
        )
    names = [str(dim) for dim in estimates["exponent"].dims if dim != "layer"]
    if len(names) != 2 or "layer" not in estimates["exponent"].dims:
        raise InputError(
            "a map needs exponents over exactly two axes and the layer",
            received=f"axes {', '.join(map(str, estimates['exponent'].dims))}",
            cause="a sweep over more or fewer axes",
            fix="select one value of the other axes, for instance with .sel(depth=1)",
        )
    return _axis(names[0], estimates), _axis(names[1], estimates)


def stored_estimates(record: Mapping[str, Any]) -> xr.Dataset:
    """The dataset of estimates that the JSON file of a study holds; null is NaN.

    Args:
        record: ``attrs``, ``coords`` and ``variables``; of each ``dims``, ``values`` and ``attrs``.
    """
    read = {
        kind: {
            name: (held["dims"], _array(held["values"]), held["attrs"])
            for name, held in record[kind].items()
        }
        for kind in ("variables", "coords")
    }
    return xr.Dataset(read["variables"], read["coords"], record["attrs"])


def estimates_of(result: Mapping[str, Any]) -> xr.Dataset:
    """The estimates of a stored result, with the study's name and what ran it as attributes."""
    told = {"study": result.get("study"), "command": result.get("settings", {}).get("command")}
    known = {name: text for name, text in told.items() if text}
    return stored_estimates(result["estimates"]).assign_attrs(known)


def _array(values: Any) -> np.ndarray:
    array = np.array(values)
    return array.astype(float) if array.dtype == object else array


def stored_json(dataset: xr.Dataset, name: str) -> Any:
    """An attribute that holds JSON, or None where there is none."""
    text = dataset.attrs.get(name)
    return json.loads(text) if isinstance(text, str) else text


def stored_list(dataset: xr.Dataset, name: str) -> Sequence[Mapping[str, Any]]:
    """An attribute that holds a JSON list; empty where there is none."""
    return stored_json(dataset, name) or []


def _check_shared(name: str, runs: xr.Dataset, estimates: xr.Dataset) -> None:
    if name not in runs.dims or not np.array_equal(runs[name].values, estimates[name].values):
        raise InputError(
            f"runs and estimates must share the axis {name}",
            received=f"{_told(runs, name)} in the runs, {_told(estimates, name)} in the estimates",
            cause="estimates of another sweep, or of a part of it",
            fix="estimate from the same store",
        )


def _axis(name: str, estimates: xr.Dataset) -> MapAxis:
    values = np.asarray(estimates[name].values)
    if values.dtype.kind not in "iuf" or np.any(np.diff(values) <= 0):
        raise InputError(
            f"the axis {name} of a map must be numbers that increase",
            received=_told(estimates, name),
            cause="an axis of names, or an unsorted one",
            fix="sort its values, or map two other axes",
        )
    return MapAxis(name, symbol(name), values, _is_log(values))


def symbol(name: str) -> str:
    """How pages write a setting."""
    return _SYMBOLS.get(name, name.replace("_", " "))


def _arranged_runs(runs: xr.Dataset, x: MapAxis, y: MapAxis, quantity: str) -> xr.Dataset:
    for name in ("outcome", quantity):
        if name not in runs:
            raise InputError(
                f"runs of a map must have the variable {name}",
                received=f"the variables {', '.join(map(str, runs.data_vars))}",
                cause="a sweep that did not record it",
                fix="add 'displacement' to the sweep's record and run it again",
            )
    others = [str(dim) for dim in runs["outcome"].dims]
    if sorted(others) != sorted((x.name, y.name, "width", "seed")):
        raise InputError(
            f"runs of a map must have the axes {x.name}, {y.name}, width and seed",
            received=f"axes {', '.join(others)}",
            cause="a sweep with further axes, or without seeds",
            fix="select one value of the other axes, for instance with .sel(depth=1)",
        )
    return runs.transpose(x.name, y.name, "width", "seed", ...)


def _is_log(values: np.ndarray) -> bool:
    """Whether an axis is spaced evenly in its logarithm and not in itself."""
    if len(values) < 3 or values[0] <= 0:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return not np.allclose(steps, steps[0], rtol=0.2) and np.allclose(ratios, ratios[0], rtol=0.2)


def _told(dataset: xr.Dataset, name: str) -> str:
    if name not in dataset.coords:
        return "no such axis"
    values = dataset[name].values
    return f"{len(values)} values from {values[0]} to {values[-1]}"
