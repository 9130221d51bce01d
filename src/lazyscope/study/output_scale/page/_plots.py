"""How do the curves of a study of the output scale look as plots?"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from lazyscope.report.parts import Panel, listing, log_axis, number

Trace = dict[str, Any]


def crossover_panel(
    result: Mapping[str, Any], colors: Mapping[Any, str], *, against: Literal["alpha", "kappa"]
) -> Panel:
    """Every quantity against alpha or kappa, one line per width."""
    scales = np.array(result["output_scale"], float)
    rows = {"alpha": [scales] * len(result["widths"]), "kappa": np.array(result["kappa"], float)}
    power = listing([result["kappa_exponent"]])
    title = {"alpha": "α", "kappa": f"κ (α m<sup>{power}</sup> times a constant)"}[against]
    return Panel(
        data=[
            _curve(name, entry, width, x, entry["values"][place], colors[width])
            for name, entry in result["quantities"].items()
            for place, (width, x) in enumerate(zip(result["widths"], rows[against], strict=True))
        ],
        layout={
            "xaxis": log_axis(title, [v for row in rows[against] for v in row]),
            "yaxis": {"type": "log"},
        },
        title={"alpha": "At equal α", "kappa": "At equal kappa"}[against],
        size="large",
    )


def threshold_panel(result: Mapping[str, Any], colors: Mapping[str, str]) -> Panel:
    """The alpha at which each quantity comes down through its level, against the width."""
    widths = np.array(result["widths"], float)
    traces: list[Trace] = []
    everything: list[float] = []
    for name, found in result["collapse"].items():
        table = np.array(found["thresholds"], float)  # null becomes NaN
        place = np.broadcast_to(widths[:, None], table.shape)
        known = np.isfinite(table)
        if not known.any():
            continue
        everything += table[known].tolist()
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": result["quantities"][name]["label"],
                "meta": {"quantity": name},
                "x": place[known].tolist(),
                "y": table[known].tolist(),
                "marker": {"color": colors[name], "size": 7, "opacity": 0.75},
                "hovertemplate": "width %{x}<br>α = %{y:.3g}<extra></extra>",
            }
        )
        traces.append(_guide(name, colors[name], widths, place[known], table[known], found))
    ticks = {"tickvals": result["widths"], "ticktext": [number(m, 5) for m in result["widths"]]}
    return Panel(
        data=traces,
        layout={
            "xaxis": {"type": "log", "title": {"text": "width m"}, **ticks},
            "yaxis": log_axis("α at the level", everything),
        },
        title="Thresholds",
        size="large",
    )


def spread_panel(result: Mapping[str, Any], colors: Mapping[str, str]) -> Panel:
    """Distance between the widths as functions of alpha m^p, for every p."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": result["quantities"][name]["label"],
            "meta": {"quantity": name},
            "x": found["powers"],
            "y": [None if s is None else float(np.expm1(s)) for s in found["spreads"]],
            "line": {"color": colors[name], "width": 2},
            "hovertemplate": "p = %{x:.2f}<br>%{y:.1%} apart<extra></extra>",
        }
        for name, found in result["collapse"].items()
    ]
    predicted = result["kappa_exponent"]
    return Panel(
        data=traces,
        layout={
            "xaxis": {"title": {"text": "p in α m<sup>p</sup>"}},
            "yaxis": {
                "type": "log",
                "title": {"text": "distance between widths"},
                "tickformat": ".0%",
                "dtick": "D2",
            },
            "shapes": [
                {
                    "type": "line",
                    "x0": predicted,
                    "x1": predicted,
                    "y0": 0,
                    "y1": 1,
                    "yref": "paper",
                    "line": {"dash": "dash"},
                }
            ],
        },
        title="Distance between widths",
        size="large",
    )


def _curve(
    name: str, entry: Mapping[str, Any], width: int, x: np.ndarray, runs: Any, color: str
) -> Trace:
    values = np.array(runs, float)
    if name != "test_error":
        values = np.where(values > 0, values, np.nan)
    known = np.isfinite(values).any(axis=-1)
    values, x = values[known], x[known]
    means = np.nanmean(values, axis=-1)
    if name != "test_error":
        means = np.exp(np.nanmean(np.log(values), axis=-1))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"width {width}",
        "meta": {"quantity": name, "width": width},
        "x": x.tolist(),
        "y": means.tolist(),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (np.nanmax(values, axis=-1) - means).tolist(),
            "arrayminus": (means - np.nanmin(values, axis=-1)).tolist(),
            "thickness": 1,
            "width": 2,
        },
        "line": {"color": color, "width": 1.8},
        "marker": {"color": color, "size": 6},
        "hovertemplate": f"width {width}<br>at %{{x:.3g}}: %{{y:.3g}}<extra></extra>",
    }


def _guide(
    name: str,
    color: str,
    widths: np.ndarray,
    place: np.ndarray,
    table: np.ndarray,
    found: Mapping[str, Any],
) -> Trace:
    """The predicted power through the middle of the points."""
    power = -float(found["predicted"])
    constant = np.exp(np.mean(np.log(table) - power * np.log(place)))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"predicted: m^{listing([power])}",
        "meta": {"quantity": name},
        "x": widths.tolist(),
        "y": (constant * widths**power).tolist(),
        "line": {"color": color, "width": 1.2, "dash": "dash"},
        "hoverinfo": "skip",
    }
