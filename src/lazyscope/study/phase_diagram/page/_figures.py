"""How does a phase diagram look in a paper? Matplotlib axes from the stored estimates."""

import textwrap
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lazyscope._checks import InputError, check_choice
from lazyscope._entry import checked
from lazyscope.report.parts import CONVERGED, category_colors, decimal, interval, listing
from lazyscope.study.phase_diagram.page._data import quantity_name
from lazyscope.study.phase_diagram.page._study import (
    MapAxis,
    MapStudy,
    estimate_axes,
    read_map_study,
    stored_list,
)

_LABEL_WIDTH = 12  # letters in a line of a region's name
_INK, _BLANK = "#1a1d21", "#aeb4bc"


@checked()
def draw_map(estimates: xr.Dataset, layer: int = 1, axes: Axes | None = None) -> Axes:
    """Draw the measured exponent of one layer over the plane, with theory's lines on top.

    Blue is negative (lazy), orange positive (condensed), saturated beyond one. Circles mark cells
    whose interval contains zero, diamonds those that exclude the prediction; cells without an
    estimate are grey with a cross.

    Args:
        estimates: exponents over (x, y, layer), as for `write_map_page`.
        layer: which weight layer, counted from 1.
        axes: where to draw; a new figure of 5 by 4 inches by default.

    Raises:
        InputError: variables are missing, or there is no such layer.

    Example:
        >>> import numpy as np, xarray as xr
        >>> plane = {"gamma": [0.5, 1.5], "gamma_prime": [0.0, 0.5], "layer": [1]}
        >>> numbers = np.array([[-0.5, -0.4], [0.5, 0.2]])[..., None]
        >>> dims = ("gamma", "gamma_prime", "layer")
        >>> ends = {"low": (dims, numbers - 0.1), "high": (dims, numbers + 0.1)}
        >>> verdict = (dims, np.full((2, 2, 1), "agrees"))
        >>> data = {"exponent": (dims, numbers), **ends, "verdict": verdict}
        >>> draw_map(xr.Dataset(data, plane)).get_xlabel()
        'γ'
    """
    x, y = estimate_axes(estimates)
    layers = [str(value) for value in estimates["layer"].values]
    check_choice("layer", str(layer), layers)
    chosen = estimates.transpose(x.name, y.name, "layer", ...).sel(layer=layer)
    exponent = chosen["exponent"].values
    drawing = _axes(axes)
    drawing.set_facecolor(_BLANK)
    largest = max(float(np.nanmax(np.abs(exponent), initial=0.0)), 0.05)
    end = min(1.0, largest)
    mesh = drawing.pcolormesh(
        _edges(x),
        _edges(y),
        np.ma.masked_invalid(exponent.T),
        cmap=LinearSegmentedColormap.from_list("lazy", ["#0072b2", "#f4f4f2", "#d55e00"]),
        vmin=-end,
        vmax=end,
        edgecolors="white",
        linewidth=0.5,
    )
    extend = "both" if largest > end else "neither"
    drawing.figure.colorbar(mesh, ax=drawing, label=f"exponent of layer {layer}", extend=extend)
    _draw_marks(drawing, x, y, chosen)
    for line in stored_list(estimates, "boundaries"):
        style = "--" if line.get("kind") == "measured" else "-"
        drawing.plot(line["x"], line["y"], style, color=_INK, linewidth=1.4, label=line["name"])
    for region in stored_list(estimates, "regions"):
        words = textwrap.fill(region["name"], _LABEL_WIDTH)
        place = (region["x"], region["y"])
        paper = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
        drawing.annotate(words, place, ha="center", va="center", fontsize="small", bbox=paper)
    drawing.set(xlabel=x.label, ylabel=y.label)
    return drawing


@checked()
def draw_scaling(
    runs: xr.Dataset, estimates: xr.Dataset, cell: tuple[float, float], axes: Axes | None = None
) -> Axes:
    """Draw the displacement of every run of one cell against the width, with the stored fits.

    Args:
        runs: results over (x, y, width, seed), as for `write_map_page`.
        estimates: exponents over (x, y, layer), as for `write_map_page`.
        cell: the values (x, y) of the cell; the nearest cell is drawn.
        axes: where to draw; a new figure by default.

    Raises:
        InputError: the two datasets do not fit together, or the cell is outside the map.
    """
    study = read_map_study(runs, estimates)
    drawing = _axes(axes)
    place = {axis.name: _nearest(axis, v) for axis, v in zip((study.x, study.y), cell, strict=True)}
    colors, virtual = category_colors(study.layers), study.virtual_widths
    values = study.runs[study.quantity].isel(place).transpose("width", "seed", "layer").values
    ok = study.runs["outcome"].isel(place).values.astype(str) == CONVERGED
    own = np.array(study.widths) if virtual is None else virtual[tuple(place.values())]
    widths = np.broadcast_to(own[:, None], ok.shape)
    for number, layer in enumerate(study.layers):
        known = np.isfinite(values[..., number])
        for chosen, marker in ((known & ok, "o"), (known & ~ok, "x")):
            drawing.plot(
                widths[chosen], values[..., number][chosen], marker, color=colors[layer], alpha=0.7
            )
        _draw_fit(drawing, study, place, number, colors[layer])
    drawing.set(
        xscale="log",
        yscale="log",
        xlabel="width" if virtual is None else "virtual width",
        ylabel=quantity_name(study),
    )
    if virtual is None:
        drawing.set_xticks(study.widths, [str(width) for width in study.widths])
        drawing.xaxis.set_minor_locator(NullLocator())
    drawing.legend(frameon=False, fontsize="small")
    where = ((axis, float(axis.values[place[axis.name]])) for axis in (study.x, study.y))
    drawing.set_title(
        ", ".join(f"{axis.label} = {listing([value])}" for axis, value in where), fontsize="medium"
    )
    return drawing


def _draw_fit(axes: Axes, study: MapStudy, place: dict[str, int], number: int, color: str) -> None:
    chosen = study.estimates.isel({**place, "layer": number})
    low, high = float(chosen["low"]), float(chosen["high"])
    label = f"layer {study.layers[number]}: {decimal(float(chosen['exponent']))} "
    label += interval([low, high])
    if "fit" in chosen and np.isfinite(chosen["fit"].values).any():
        along = "fit_widths" if study.is_virtual else "fit_width"
        axes.plot(chosen[along].values, chosen["fit"].values, color=color, label=label)
    else:
        axes.plot([], [], color=color, label=label)


def _draw_marks(axes: Axes, x: MapAxis, y: MapAxis, chosen: xr.Dataset) -> None:
    known = np.isfinite(chosen["exponent"].values)
    undecided = (chosen["low"].values <= 0) & (chosen["high"].values >= 0)
    if "sign" in chosen:
        undecided = chosen["sign"].values.astype(str) == "undecided"
    disagrees = chosen["verdict"].values.astype(str) == "disagrees"
    marks: list[tuple[Any, str, float]] = [
        (known & undecided, "o", 5.0),
        (known & disagrees, "D", 6.0),
        (~known, "x", 5.0),
    ]
    for where, marker, size in marks:
        i, j = np.nonzero(where)
        axes.plot(
            x.values[i],
            y.values[j],
            linestyle="none",
            marker=marker,
            markersize=size,
            color=_INK,
            markerfacecolor="none",
        )


def _axes(axes: Axes | None) -> Axes:
    return Figure(figsize=(5, 4), layout="constrained").subplots() if axes is None else axes


def _edges(axis: MapAxis) -> np.ndarray:
    """Edges of the cells, half way to the neighbours (in the logarithm where the axis is)."""
    values = np.log(axis.values) if axis.is_log else np.asarray(axis.values, dtype=float)
    if len(values) == 1:
        edges = np.array([values[0] - 0.5, values[0] + 0.5])
    else:
        inner = (values[1:] + values[:-1]) / 2
        edges = np.concatenate([[2 * values[0] - inner[0]], inner, [2 * values[-1] - inner[-1]]])
    return np.exp(edges) if axis.is_log else edges


def _nearest(axis: MapAxis, value: float) -> int:
    edges = _edges(axis)
    if not edges[0] <= value <= edges[-1]:
        raise InputError(
            f"{axis.name} of the cell must lie on the map",
            received=str(value),
            cause="the two coordinates in the other order",
            fix=f"give a number between {axis.values[0]} and {axis.values[-1]}",
        )
    return int(np.argmin(np.abs(axis.values - value)))
