"""How does a sweep over one axis look, or over a list of points?"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._provenance import version_of
from lazyscope.report.parts import (
    AGREEMENT_TONES,
    MISSING,
    NEUTRAL,
    Cell,
    Figure,
    Key,
    Legend,
    Page,
    Panel,
    Selector,
    Settings,
    Table,
    category_colors,
    decimal,
    interval,
    listing,
    log_axis,
    outcome_table,
    render_page,
    sweep_commands,
    write_whole,
)
from lazyscope.study.phase_diagram.page._study import stored_json, symbol

Record = Mapping[str, Any]


@checked()
def write_exponents_page(
    runs: xr.Dataset,
    exponents: Sequence[Mapping[str, Any]],
    path: str | os.PathLike[str],
    *,
    title: str = "",
) -> Path:
    """Write the page of a sweep over one axis, or a list of points: exponents of the width along it.

    Args:
        runs: what ``lazyscope.sweep.open_store`` gives, over width, seed and at most one further axis.
        exponents: what `sweep_exponents` makes of these runs.
        path: where the page goes; its folder must exist.
        title: of the page; the name of the sweep unless given.

    Returns:
        The path of the page.

    Raises:
        InputError: two further axes or more, no exponents, or a path that cannot be written.

    Cost: 1.5 MB for plotly.js and a few bytes per run.
    """
    return write_whole(render_page(_page(runs, exponents, title)), path)


@checked()
def draw_exponents(
    runs: xr.Dataset, exponents: Sequence[Mapping[str, Any]], axes: Axes | None = None
) -> Axes:
    """Draw the exponents of a sweep over one axis, or of a list of points, with intervals and the law.

    Args:
        runs: as for `write_exponents_page`.
        exponents: what `sweep_exponents` makes of these runs.
        axes: where to draw; a new figure of 5 by 4 inches by default.

    Raises:
        InputError: two further axes or more, or no exponents.
    """
    axis, places = _axis(runs, exponents)
    drawing = Drawing(figsize=(5, 4), layout="constrained").subplots() if axes is None else axes
    drawing.spines[["top", "right"]].set_visible(False)
    colors = category_colors(_layers(exponents))
    looks = "_" if axis == "point" else "--_"
    for layer, color in colors.items():
        rows = _of_layer(exponents, layer)
        known = [k for k, row in enumerate(rows) if row["exponent"] is not None]
        x, y = [places[k] for k in known], [rows[k]["exponent"] for k in known]
        ends = [[_distance(rows[k], end) for k in known] for end in ("low", "high")]
        drawing.errorbar(
            x, y, yerr=ends, fmt="o", markersize=4, color=color, label=f"layer {layer}"
        )
        said = [(p, row["predicted"]) for p, row in zip(places, rows, strict=True)]
        law = [(p, e) for p, e in said if e is not None]
        drawing.plot([p for p, _ in law], [e for _, e in law], looks, color=color, linewidth=1)
    drawing.plot([], [], looks, color=NEUTRAL, linewidth=1, label="law")
    drawing.set(xlabel=axis, ylabel="exponent of the width")
    drawing.legend(frameon=False, fontsize="small")
    return drawing


def _axis(runs: xr.Dataset, exponents: Sequence[Record]) -> tuple[str, list[Any]]:
    """The name of the axis and the places of the cells on it, numbers or words."""
    further = [str(d) for d in runs["outcome"].dims if d not in ("width", "seed")]
    if len(further) > 1:
        raise InputError(
            "a page of exponents needs at most one axis besides width and seed",
            received=f"axes {', '.join(further)}",
            cause="a sweep over a plane",
            fix="write_map_page, or select one value of the other axes with .sel",
        )
    if not exponents:
        raise InputError(
            "a page of exponents needs exponents",
            received="an empty list",
            cause="records of another store",
            fix="give what sweep_exponents(runs) returned",
        )
    if not further:
        return "sweep", ["all runs"]
    name = further[0]
    if name not in runs.coords:
        return "point", [k + 1 for k in range(runs.sizes[name])]
    values = runs[name].values
    numeric = values.dtype.kind in "iuf"
    if name == "point":
        return "point", [int(v) + 1 for v in values] if numeric else [str(v) for v in values]
    return symbol(name), [v.item() if numeric else str(v) for v in values]


def _over(axis: str) -> str:
    return "over the list of points" if axis == "point" else f"along {axis}"


def _layers(exponents: Sequence[Record]) -> list[int]:
    return sorted({int(row["layer"]) for row in exponents})


def _of_layer(exponents: Sequence[Record], layer: int) -> list[Record]:
    return [row for row in exponents if row["layer"] == layer]


def _distance(row: Record, end: str) -> float:
    return 0.0 if row[end] is None else abs(row[end] - row["exponent"])


_OWN = {
    "layer",
    "exponent",
    "low",
    "high",
    "sign",
    "predicted",
    "verdict",
    "runs",
    "failed",
    "note",
}


def _place_words(runs: xr.Dataset, row: Record) -> str:
    """The settings of a cell in words."""
    known = {str(name) for name in runs.coords} - {"width", "seed", "layer"}
    told = [f"{symbol(k)} = {_short(v)}" for k, v in row.items() if k in known and k not in _OWN]
    return ", ".join(told) or "all runs"


def _short(value: Any) -> str:
    return listing([value], 4) if isinstance(value, int | float) else str(value)


def _page(runs: xr.Dataset, exponents: Sequence[Record], title: str) -> Page:
    axis, places = _axis(runs, exponents)
    layers, count = _layers(exponents), Counter(row["verdict"] for row in exponents)
    known = sum(row["exponent"] is not None for row in exponents)
    widths = [int(w) for w in np.atleast_1d(runs["width"].values)]
    design = stored_json(runs, "design") or {}
    version = version_of("lazyscope")
    seeds = runs.sizes.get("seed", 1)
    names, numbers = np.unique(runs["outcome"].values.astype(str), return_counts=True)
    return Page(
        title=title or f"Exponents of the sweep {design.get('name', '')}".strip(),
        eyebrow="lazyscope, sweep",
        found=(
            f"Of {known} exponents that could be estimated, {count['agrees']} agree with the displacement "
            f"law, {count['disagrees']} disagree and {count['undecided']} are undecided."
        ),
        facts=[("cells", str(len(places))), ("widths", listing(widths, 6)), ("seeds", str(seeds))],
        lead=(
            f"How the relative displacement of each of {len(layers)} layers scales with the width, "
            f"{_over(axis) if len(places) > 1 else 'in one cell'}. Below zero a layer is lazy: it moves "
            "ever less as the width grows; above zero it is condensed."
        ),
        sections=[
            _exponent_figure(runs, exponents, axis, places),
            _displacement_figure(runs, exponents, widths),
            _table(runs, exponents),
            outcome_table(dict(zip(names.tolist(), numbers.tolist(), strict=True))),
            _settings(runs, design),
        ],
        footer=f"Made by lazyscope {version} from stored results.",
        version=version,
    )


def _exponent_figure(
    runs: xr.Dataset, exponents: Sequence[Record], axis: str, places: Sequence[Any]
) -> Figure:
    colors = category_colors(_layers(exponents))
    traces: list[dict[str, Any]] = []
    for layer, color in colors.items():
        rows, words = _of_layer(exponents, layer), f"layer {layer}"
        pairs = list(zip(places, rows, strict=True))
        law = [(place, row["predicted"]) for place, row in pairs if row["predicted"] is not None]
        meta = {"layer": str(layer)}
        traces.append(
            {
                "type": "scatter",
                "mode": "markers" if axis == "point" else "lines+markers",
                "name": f"{words}, law",
                "meta": {**meta, "what": "law"},
                "x": [place for place, _ in law],
                "y": [said for _, said in law],
                "line": {"color": color, "dash": "dash", "width": 1.4},
                "marker": {
                    "color": color,
                    "symbol": "line-ew-open",
                    "size": 16,
                    "line": {"width": 2},
                },
                "hoverinfo": "skip",
            }
        )
        known = [(place, row) for place, row in pairs if row["exponent"] is not None]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": words,
                "meta": {**meta, "what": "measured"},
                "x": [place for place, _ in known],
                "y": [row["exponent"] for _, row in known],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_distance(row, "high") for _, row in known],
                    "arrayminus": [_distance(row, "low") for _, row in known],
                    "color": color,
                    "thickness": 1.4,
                },
                "marker": {"color": color, "size": 8},
                "hovertext": [
                    f"{escape(_place_words(runs, row))}<br>{words}: {decimal(row['exponent'])} "
                    f"{interval([row['low'], row['high']])}, {row['verdict'] or 'no prediction'}"
                    for _, row in known
                ],
                "hoverinfo": "text",
            }
        )
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
    return Figure(
        anchor="exponents",
        title=f"Exponents of the width {_over(axis)}"
        if len(places) > 1
        else "Exponents of the width",
        caption=(
            "Look for intervals that contain the dash of their layer, which is the displacement law. Cells "
            "without an estimate have no mark here; the table below keeps them."
        ),
        panels=[
            Panel(
                traces,
                {
                    "xaxis": {"title": {"text": escape(axis)}},
                    "yaxis": {"title": {"text": "exponent of the width"}},
                    "shapes": [{**line, "line": {"dash": "dot"}}],
                },
                size="large",
            )
        ],
        legends=[
            Legend("layer", "Layer", [Key(str(n), f"layer {n}", c) for n, c in colors.items()]),
            Legend("what", "Shown", [Key("measured", "measured"), Key("law", "law", dash="dash")]),
        ],
    )


def _displacement_figure(
    runs: xr.Dataset, exponents: Sequence[Record], widths: Sequence[int]
) -> Figure:
    colors = category_colors(_layers(exponents))
    further = [d for d in runs["outcome"].dims if d not in ("width", "seed")]
    values = runs["displacement_operator"]
    if "seed" not in values.dims:
        values = values.expand_dims("seed")
    values = values.transpose(*further, "layer", "width", "seed").values
    values = values.reshape(-1, *values.shape[-3:])
    cells = list(dict.fromkeys(_place_words(runs, row) for row in exponents))
    traces = []
    for cell, held in zip(cells, values, strict=True):
        for (layer, color), points in zip(colors.items(), held, strict=True):
            shown = [
                (width, float(v))
                for width, row in zip(widths, points, strict=True)
                for v in row
                if np.isfinite(v) and v > 0
            ]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"layer {layer}",
                    "meta": {"cell": cell, "layer": str(layer)},
                    "x": [width for width, _ in shown],
                    "y": [v for _, v in shown],
                    "marker": {"color": color, "size": 7, "opacity": 0.75},
                }
            )
    return Figure(
        anchor="displacement",
        title="Displacement against the width",
        caption="Look for straight rows of points, one per seed: their slope is the exponent.",
        panels=[
            Panel(
                traces,
                {
                    "xaxis": log_axis("width", widths),
                    "yaxis": log_axis("relative displacement", [y for t in traces for y in t["y"]]),
                },
            )
        ],
        selectors=[Selector.of_values("cell", "Cell", cells)],
        legends=[
            Legend("layer", "Layer", [Key(str(n), f"layer {n}", c) for n, c in colors.items()])
        ],
    )


def _table(runs: xr.Dataset, exponents: Sequence[Record]) -> Table:
    return Table(
        anchor="table",
        title="Every exponent",
        caption="A dash stands where nothing could be estimated, with the reason.",
        header=[
            "Cell",
            "Layer",
            "Exponent",
            "Interval",
            "Law",
            "Verdict",
            "Runs",
            "Failed",
            "Note",
        ],
        rows=[
            [
                _place_words(runs, row),
                str(row["layer"]),
                decimal(row["exponent"]),
                interval([row["low"], row["high"]]) if row["exponent"] is not None else MISSING,
                decimal(row["predicted"]),
                Cell(row["verdict"] or MISSING, AGREEMENT_TONES.get(row["verdict"] or "", "")),
                str(row["runs"]),
                str(row["failed"]),
                Cell(row["note"] or "", "note"),
            ]
            for row in exponents
        ],
        folded=f"All {len(exponents)} of them" if len(exponents) > 24 else "",
    )


def _settings(runs: xr.Dataset, design: Mapping[str, Any]) -> Settings:
    shared = stored_json(runs, "settings") or {}
    items = [(key.replace("_", " "), str(value)) for key, value in shared.items()]
    return Settings("settings", "How this was made", items, sweep_commands(design))
