"""What does the page of a study of random schemes show, and in which order?"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lazyscope._entry import checked
from lazyscope.report.parts import (
    NEUTRAL,
    Cell,
    Figure,
    Key,
    Legend,
    Page,
    Panel,
    Table,
    category_colors,
    check_stored,
    decimal,
    interval,
    listing,
    number,
    outcome_table,
    percent,
    render_page,
    settings_section,
    study_page,
    write_whole,
)


@checked()
def write_random_schemes_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a study of random schemes, in one HTML file that needs nothing else.

    Args:
        result: the stored JSON object of the study.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or format, or the path cannot be written.
    """
    check_stored(result, "random-schemes")
    return write_whole(render_page(_page(result)), path)


def _page(result: Mapping[str, Any]) -> Page:
    """The sections of the page, in order."""
    outcomes, settings = result["outcomes"], result["settings"]
    colors = category_colors(list(result["depths"]))
    return study_page(
        result,
        lead=(
            f"ReLU networks with {', '.join(result['depths'])} hidden layers, whose scales and learning "
            f"rates are powers of the width drawn at random, trained {_by(settings)} on "
            f"{settings['num_points']} points of {settings['data']}. {_widths(result)}"
            "The law says with which power of the width every layer moves; the runs alone, extrapolated, "
            "say what it is."
        ),
        facts=[
            ("schemes", str(sum(settings["counts"]))),
            ("layers", str(result["num_layers"])),
            ("runs", str(sum(outcomes.values()))),
            ("did not converge", str(sum(outcomes.values()) - outcomes.get("converged", 0))),
        ],
        sections=[
            _law_figure(result, colors),
            _error_figure(result, colors),
            depth_table(result),
            _worst_table(result),
            outcome_table(outcomes),
            settings_section(result),
        ],
    )


def _by(settings: Mapping[str, Any]) -> str:
    """Who trains, in words."""
    method = settings.get("method", "flow")
    return "by gradient flow" if method == "flow" else f"by {method} in small steps"


def _is_virtual(result: Mapping[str, Any]) -> bool:
    return not result["settings"].get("widths")


def _widths(result: Mapping[str, Any]) -> str:
    """At which virtual widths, in words; nothing where widths are real."""
    if not _is_virtual(result):
        return ""
    largest = max((max(one["widths"]) for one in result["layers"]), default=0.0)
    units = result["settings"]["width"]
    return f"Networks of {units} units stand for virtual widths to {number(largest, 1)}. "


def _exponent(result: Mapping[str, Any]) -> int:
    """Digits behind the point of an exponent: virtual widths show more of them."""
    return 4 if _is_virtual(result) else 2


def _layers(result: Mapping[str, Any], depth: str) -> list[Mapping[str, Any]]:
    """The layers of one depth that have an estimate, the nearest to its prediction first."""
    held = (one for one in result["layers"] if len(one["scale_exponents"]) == int(depth) + 1)
    known = [one for one in held if None not in (one["exponent"], one["low"], one["high"])]
    return sorted(known, key=lambda one: one["exponent"] - one["predicted"])


def _hover(layer: Mapping[str, Any]) -> str:
    return (
        f"layer {layer['layer']} of {len(layer['scale_exponents'])}: {decimal(layer['exponent'])} "
        f"{interval([layer['low'], layer['high']])}, law {decimal(layer['predicted'])}<br>"
        f"scales {listing(layer['scale_exponents'], 4)}<br>speeds {listing(layer['speed_exponents'], 4)}"
    )


def _points(
    layers: Sequence[Mapping[str, Any]], x: Sequence[float], centre: str, depth: str, color: str
) -> dict[str, Any]:
    """Estimates with their intervals, less `centre` where one is named."""
    shift = [one[centre] if centre else 0.0 for one in layers]
    y = [one["exponent"] - less for one, less in zip(layers, shift, strict=True)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"depth {depth}",
        "meta": {"depth": depth},
        "x": list(x),
        "y": y,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [one["high"] - one["exponent"] for one in layers],
            "arrayminus": [one["exponent"] - one["low"] for one in layers],
            "thickness": 0.8,
            "width": 0,
        },
        "marker": {"color": color, "size": 6},
        "hovertext": [_hover(one) for one in layers],
        "hoverinfo": "text",
    }


def _legend(result: Mapping[str, Any], colors: Mapping[str, str]) -> Legend:
    keys = [Key(d, f"{d} hidden", colors[d]) for d in result["depths"]]
    return Legend("depth", "Depth", keys)


def _law_figure(result: Mapping[str, Any], colors: Mapping[str, str]) -> Figure:
    traces = []
    for depth in result["depths"]:
        layers = _layers(result, depth)
        traces.append(
            _points(layers, [one["predicted"] for one in layers], "", depth, colors[depth])
        )
    ends = [value for trace in traces for value in trace["x"]] or [0.0]
    low, high = min(ends), max(ends)
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "name": "law",
        "x": [low, high],
        "y": [low, high],
        "line": {"color": NEUTRAL, "dash": "dash"},
        "hoverinfo": "skip",
    }
    return Figure(
        anchor="law",
        title="The law against measurement",
        caption=(
            "Look for intervals that cross the dashed line, where measurement is the law. One point per "
            "layer and scheme; the vertical line is the 95 % interval of the exponent."
        ),
        panels=[
            Panel(
                data=[diagonal, *traces],
                layout={
                    "xaxis": {"title": {"text": "exponent of the law"}},
                    "yaxis": {"title": {"text": "measured exponent"}},
                },
                size="large",
            )
        ],
        legends=[_legend(result, colors)],
    )


def _error_figure(result: Mapping[str, Any], colors: Mapping[str, str]) -> Figure:
    traces, start = [], 0
    for depth in result["depths"]:
        layers = _layers(result, depth)
        places = [float(start + k + 1) for k in range(len(layers))]
        traces.append(_points(layers, places, "predicted", depth, colors[depth]))
        start += len(layers)
    line = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0}
    return Figure(
        anchor="coverage",
        title="How often an interval contains the law",
        caption=(
            f"{percent(result['coverage'])} of the intervals cross zero, where 95 % should if the law is "
            "right and finite width hides no more than they allow for. Layers of a depth in order of "
            "their error."
        ),
        panels=[
            Panel(
                data=traces,
                layout={
                    "xaxis": {"title": {"text": "layers, in order of their error"}},
                    "yaxis": {"title": {"text": "measured − law"}},
                    "shapes": [{**line, "line": {"dash": "dash", "color": NEUTRAL}}],
                },
                size="large",
            )
        ],
        legends=[_legend(result, colors)],
    )


def depth_table(result: Mapping[str, Any]) -> Table:
    """Distance from the law, coverage and width of the intervals, by depth, together, and away from ties."""
    groups = [(f"{depth} hidden", held) for depth, held in result["depths"].items()]
    away = result["away"]
    groups += [("all", result), (f"farther than {decimal(away['tie'])} from a tie", away)]
    return Table(
        anchor="depths",
        title="Measured exponents beside the law",
        caption="rms: of measured minus predicted. Coverage: share of 95 % intervals with the law's.",
        header=["Layers", "Number", "rms", "Coverage", "Median half-width"],
        rows=[
            [
                name,
                str(held["num_layers"]),
                decimal(held["rms"], max(3, _exponent(result))),
                percent(held["coverage"]),
                decimal(held["median_half_width"], _exponent(result)),
            ]
            for name, held in groups
        ],
    )


def _worst_table(result: Mapping[str, Any]) -> Table:
    return Table(
        anchor="worst",
        title="The worst schemes",
        caption="Layers whose exponent is farthest from the law's.",
        header=[
            "Scale exponents",
            "Speed exponents",
            "Layer",
            "Measured",
            "Interval",
            "Law",
            "Error",
        ],
        rows=[
            [
                listing(one["scale_exponents"], 4),
                listing(one["speed_exponents"], 4),
                str(one["layer"]),
                decimal(one["exponent"], _exponent(result)),
                interval([one["low"], one["high"]], _exponent(result)),
                decimal(one["predicted"], _exponent(result)),
                Cell(
                    decimal(one["error"], _exponent(result)),
                    "" if one["low"] <= one["predicted"] <= one["high"] else "bad",
                ),
            ]
            for one in result["worst"]
        ],
    )
