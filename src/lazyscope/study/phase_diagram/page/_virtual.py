"""What does the page of a plane at virtual widths show besides its map?"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lazyscope.report.parts import (
    CONVERGED,
    Cell,
    Figure,
    Key,
    Legend,
    Panel,
    Settings,
    Table,
    category_colors,
    check_stored,
    decimal,
    interval,
    listing,
    log_axis,
    outcome_table,
    render_page,
    settings_section,
    sweep_commands,
    write_whole,
)
from lazyscope.study.phase_diagram.page._page import map_page
from lazyscope.study.phase_diagram.page._study import (
    MapAxis,
    estimate_axes,
    read_map_study,
    stored_estimates,
    stored_json,
)

_LOOKS = (
    ("narrow", "networks that stand for these widths", "solid"),
    ("law", "law at each width", "dash"),
)
Record = Mapping[str, Any]
Axes = Sequence[tuple[str, np.ndarray]]


def write_plane_page(
    result: Record,
    plane_of: Callable[[Axes], xr.Dataset],
    path: str | os.PathLike[str],
    *,
    others: Sequence[Record] = (),
) -> Path:
    """Write the page of a plane at virtual widths: the map, its boundaries, and cells at real widths.

    Args:
        result: the stored JSON object of the study.
        plane_of: gives the stored runs over (x, y, width, seed), for names and values of both axes.
        path: where the page goes; its folder must exist.
        others: designs of the sweeps beside that of the plane.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or not whole, or the path cannot be written.
    """
    check_stored(result, str(result.get("study")), parts=("estimates", "boundaries", "real"))
    estimates = stored_estimates(result["estimates"])
    axes = estimate_axes(estimates)
    plane = plane_of([(axis.name, axis.values) for axis in axes])
    page = map_page(read_map_study(plane, estimates))
    whole_map, layers, disagreements, *_ = page.sections
    sections = [
        whole_map,
        boundary_table(result, axes),
        _crossover_figure(result, axes),
        layers,
        disagreements,
        outcome_table(result["outcomes"]),
        _settings(result, plane, others),
    ]
    name = f"lazyscope, study {result['study']}"
    ended = result["outcomes"]
    counted = {
        "runs": sum(ended.values()),
        "did not converge": sum(ended.values()) - ended.get(CONVERGED, 0),
    }
    facts = [(what, str(counted.get(what, told))) for what, told in page.facts]
    return write_whole(
        render_page(replace(page, eyebrow=name, facts=facts, sections=sections)), path
    )


def _settings(result: Record, plane: xr.Dataset, others: Sequence[Record]) -> Settings:
    """What every study tells of how it was made, and its sweeps."""
    section = settings_section(result)
    told = sweep_commands(stored_json(plane, "design"), section.commands[0][1], others=others)
    return replace(section, commands=told)


def boundary_table(result: Record, axes: Sequence[MapAxis]) -> Table:
    """Where every layer changes its regime, with intervals, beside the law."""
    x, y = axes
    lines = result["boundaries"]
    inside = sum(line["contained"] for line in lines)
    return Table(
        anchor="boundaries",
        title="Boundaries of the phases",
        caption=(
            f"Where the exponent of a layer goes through zero along {x.label}. {inside} of {len(lines)} "
            "intervals contain the boundary of the law. They hold for every exponent within its interval, "
            "and for a kink of up to a factor of four at the boundary."
        ),
        header=["Layer", y.label, x.label, "Interval", "Law", ""],
        rows=[
            [
                str(line["layer"]),
                listing([line[y.name]], 4),
                decimal(line["value"], 3),
                interval([line["low"], line["high"]], 3),
                decimal(line["predicted"], 3),
                Cell("contains", "good") if line["contained"] else Cell("elsewhere", "bad"),
            ]
            for line in lines
        ],
        folded=f"All {len(lines)} of them" if len(lines) > 24 else "",
    )


def _crossover_figure(result: Record, axes: Sequence[MapAxis]) -> Figure:
    """Displacement against real widths, with what was to be expected of them."""
    real, units = result["real"], result["settings"]["width"]
    other = result["settings"].get("method", "flow") not in ("flow", "sgd", "momentum")
    layers = [str(one["layer"]) for one in real["cells"][0]["layers"]]
    colors = category_colors(layers)
    return Figure(
        anchor="real-widths",
        title="The same at real widths",
        caption=(
            f"Points are networks of {real['widths'][0]} to {real['widths'][-1]} units, geometric means and "
            f"the range of seeds, in {len(real['cells'])} drawn cells. Solid lines are networks of {units} "
            "units that stand for these widths, dashed ones the law at each width; nothing is fitted. Look "
            "for points on the solid lines: what differs from the map is a crossover that the narrow network "
            f"has too. Slopes differ by {decimal(real['rms_of_narrow'])} (rms) from its own, by "
            f"{decimal(real['rms_of_law'])} from those of the law at these widths, and by "
            f"{decimal(real['rms_of_limit'])} from the exponents of the limit."
            + " The law at each width is up to a factor that does not depend on the width."
            * other
        ),
        panels=[_panel(cell, real["widths"], axes, colors) for cell in real["cells"]],
        legends=[
            Legend("layer", "Layer", [Key(one, f"layer {one}", colors[one]) for one in layers]),
            Legend("what", "Shown", _keys()),
        ],
        columns="repeat(auto-fit, minmax(min(100%, 17rem), 1fr))",
        table=_slope_table(result, axes),
    )


def _keys() -> list[Key]:
    lines = [Key(name, words, "", "", dash) for name, words, dash in _LOOKS]
    return [Key("measured", "real widths"), *lines]


def _panel(
    cell: Record, widths: Sequence[int], axes: Sequence[MapAxis], colors: Mapping[str, str]
) -> Panel:
    traces: list[dict[str, Any]] = []
    for layer in cell["layers"]:
        number, name = str(layer["layer"]), f"layer {layer['layer']}"
        color = colors[number]
        traces += [
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{name}, {words}",
                "meta": {"layer": number, "what": what},
                "x": list(widths),
                "y": layer[what],
                "line": {"color": color, "dash": dash, "width": 1.6},
            }
            for what, words, dash in _LOOKS
        ]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "meta": {"layer": number, "what": "measured"},
                "x": list(widths),
                "y": layer["measured"],
                "error_y": _range(layer),
                "marker": {"color": color, "size": 6},
            }
        )
    shown = [value for trace in traces for value in trace["y"]]
    return Panel(
        data=traces,
        layout={
            "xaxis": log_axis("width", widths),
            "yaxis": log_axis("relative displacement", shown),
            "showlegend": False,
        },
        title=_place(cell, axes),
    )


def _range(layer: Record) -> dict[str, Any]:
    """From the smallest seed to the largest; nothing where a run failed."""
    rows = zip(layer["measured"], layer["smallest"], layer["largest"], strict=True)
    known = [(0.0, 0.0) if None in row else (row[2] - row[0], row[0] - row[1]) for row in rows]
    return {
        "type": "data",
        "symmetric": False,
        "array": [up for up, _ in known],
        "arrayminus": [down for _, down in known],
        "thickness": 1,
        "width": 2,
    }


def _place(cell: Record, axes: Sequence[MapAxis]) -> str:
    return ", ".join(f"{axis.label} = {listing([cell[axis.name]], 4)}" for axis in axes)


def _slope_table(result: Record, axes: Sequence[MapAxis]) -> Table:
    names = ("slope", "narrow_slope", "law_slope", "exponent")
    return Table(
        anchor="slopes",
        title="Slopes at real widths",
        caption="Of straight lines through all of these widths.",
        header=[
            *(axis.label for axis in axes),
            "Layer",
            "Real widths",
            "Narrow networks",
            "Law at these widths",
            "Law in the limit",
        ],
        rows=[
            [
                *(listing([cell[axis.name]], 4) for axis in axes),
                str(layer["layer"]),
                *(decimal(layer[name]) for name in names),
            ]
            for cell in result["real"]["cells"]
            for layer in cell["layers"]
        ],
        folded="Slopes of all drawn cells",
    )
