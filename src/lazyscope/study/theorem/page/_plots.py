"""How do the rates, curves and kernels of a theorem study look as plots?"""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyscope.report.parts import NEUTRAL, Panel, interval, is_number, log_axis, number, packed
from lazyscope.study.theorem.page._study import Record, TheoremRecord

Trace = dict[str, Any]

_ROOM = 2.0
_MOST_RECORDS = 20_000
"""Records of loss curves on one page: about 0.2 MB of it."""

RATIOS = {
    "rate_ratio": "measured rate / bound",
    "kernel_ratio": "rate from K(0) / bound",
    "training_ratio": "measured rate / rate from K(0)",
}
KERNELS = {
    "frobenius": "|K(0) − limit| / |limit|",
    "smallest": "λ_min(K(0)) / λ_min(limit)",
    "weyl": "‖K(0) − limit‖ / λ_min(limit)",
}


def ratio_panels(study: TheoremRecord) -> list[Panel]:
    """The three ratios of rates against the width, one line per named scheme."""
    return [_ratio_panel(study, key) for key in RATIOS]


def kappa_panels(study: TheoremRecord) -> list[Panel]:
    """Measured rate over bound, and over K(0), against kappa: one point per run."""
    kept = study.stored["settings"]["kept"]
    panels = []
    for reference, title in (
        ("bound", RATIOS["rate_ratio"]),
        ("kernel", RATIOS["training_ratio"]),
    ):
        runs = [run for run in study.of_kind("spread") if run["rate"] and run[reference]]
        ratios = [run["rate"] / run[reference] for run in runs]
        panels.append(
            Panel(
                data=[
                    _points(study, name, width, runs, ratios)
                    for name in study.spreads
                    for width in study.threshold_widths
                ],
                layout={
                    "xaxis": log_axis("kappa", study.kappas),
                    "yaxis": log_axis(title, [*ratios, 1.0, kept]),
                    "shapes": [_level(1.0, "dash"), _level(kept, "dot")],
                },
                title=title,
                size="large",
            )
        )
    return panels


def curve_stride(study: TheoremRecord) -> int:
    """Every how many records of a loss curve are drawn; the first and the last always are."""
    held = sum(len(curve["fraction"]) for curve in study.stored["curves"])
    return max(1, -(-held // _MOST_RECORDS))


def curve_panel(study: TheoremRecord) -> Panel:
    """Loss over its start against time in units of the bound, so that the bound is one line."""
    curves = [c for c in study.stored["curves"] if c["kind"] == "spread" and c["scaled_time"]]
    times = [t for curve in curves for t in curve["scaled_time"] if t]
    losses = [value for curve in curves for value in curve["fraction"]]
    stop = study.stored["settings"]["stop"]
    ends = study.stored["bound_curve"]
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "bound",
        "x": ends["scaled_time"],
        "y": ends["fraction"],
        "line": {"color": NEUTRAL, "dash": "dash", "width": 2},
        "hoverinfo": "skip",
    }
    return Panel(
        data=[line, *(_curve(study, curve, curve_stride(study)) for curve in curves)],
        layout={
            "xaxis": log_axis("time × bound", times),
            "yaxis": log_axis("loss / loss at the start", [*losses, stop, 1.0]),
        },
        size="large",
    )


def kernel_panels(study: TheoremRecord) -> list[Panel]:
    """How far kernels at the start are from their limit, one point per network."""
    kernels = study.stored["kernels"]
    panels = []
    for key, title in KERNELS.items():
        pairs = [
            (width, value)
            for width, row in zip(kernels["widths"], kernels[key], strict=True)
            for value in row
            if is_number(value) and value > 0
        ]
        values = [value for _, value in pairs]
        trace = {
            "type": "scatter",
            "mode": "markers",
            "name": "networks",
            "x": [width for width, _ in pairs],
            "y": values,
            "marker": {"color": "#0072b2", "size": 5, "opacity": 0.6},
            "hovertemplate": "width %{x}<br>%{y:.3g}<extra></extra>",
        }
        level = {"smallest": [_level(1.0, "dash")], "weyl": [_level(0.25, "dash")]}.get(key, [])
        values = [*values, 1.0] if key == "smallest" else values
        panels.append(
            Panel(
                data=[trace],
                layout={
                    "xaxis": log_axis("width m", kernels["widths"]),
                    "yaxis": log_axis("", [*values, *([0.25] if key == "weyl" else [])]),
                    "shapes": level,
                },
                title=title,
                size="medium",
            )
        )
    return panels


def _ratio_panel(study: TheoremRecord, key: str) -> Panel:
    rows = [row for row in study.stored["bounds"] if row[key]["value"]]
    values = [row[key]["value"] for row in rows]
    ends = [end for row in rows for end in row[key]["interval"] if is_number(end)]
    # Intervals of two seeds can span many decades: bars may leave the plot, means may not.
    near = [e for e in ends if min(values) / _ROOM < e < max(values) * _ROOM]
    return Panel(
        data=[
            _ratio_trace(study, name, [row for row in rows if row["name"] == name], key)
            for name in study.schemes
        ],
        layout={
            "xaxis": log_axis("width m", study.widths),
            "yaxis": log_axis("", [*values, *near, 1.0]),
            "shapes": [_level(1.0, "dash")],
        },
        title=RATIOS[key],
        size="medium",
    )


def _ratio_trace(study: TheoremRecord, name: str, rows: Sequence[Record], key: str) -> Trace:
    """Geometric means over seeds with their intervals."""
    values = [row[key]["value"] for row in rows]
    ends = [row[key]["interval"] for row in rows]
    color = study.scheme_colors[name]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "meta": {"scheme": name},
        "x": [row["width"] for row in rows],
        "y": values,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [_reach(e[1], v, 1) for e, v in zip(ends, values, strict=True)],
            "arrayminus": [_reach(e[0], v, -1) for e, v in zip(ends, values, strict=True)],
            "color": color,
            "thickness": 1,
            "width": 3,
        },
        "text": [f"kappa {number(row['kappa'])}, {interval(row[key]['interval'])}" for row in rows],
        "hovertemplate": f"{name}<br>width %{{x}}<br>%{{y:.3g}} at %{{text}}<extra></extra>",
        "line": {"color": color, "width": 1.5},
        "marker": {"color": color, "symbol": study.scheme_markers[name], "size": 8},
    }


def _points(
    study: TheoremRecord,
    name: str,
    width: int,
    runs: Sequence[Record],
    ratios: Sequence[float],
) -> Trace:
    here = [
        (run, ratio)
        for run, ratio in zip(runs, ratios, strict=True)
        if run["name"] == name and run["width"] == width
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "meta": {"spread": name, "width": width},
        "x": [run["kappa"] for run, _ in here],
        "y": [ratio for _, ratio in here],
        "text": [f"width {width}, seed {run['seed']}" for run, _ in here],
        "hovertemplate": f"{name}, kappa %{{x}}<br>%{{text}}<br>%{{y:.3g}}<extra></extra>",
        "marker": {"color": study.spread_colors[name], "size": 7, "opacity": 0.75},
    }


def _curve(study: TheoremRecord, curve: Mapping[str, Any], stride: int) -> Trace:
    kappa, count = float(curve["kappa"]), len(curve["fraction"])
    drawn = sorted({*range(0, count, stride), count - 1})
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"kappa {number(kappa)}",
        "meta": {"spread": curve["name"], "width": curve["width"], "kappa": number(kappa)},
        "x": packed([curve["scaled_time"][k] for k in drawn]),
        "y": packed([curve["fraction"][k] for k in drawn]),
        "line": {"color": study.kappa_colors[kappa], "width": 2},
        "hovertemplate": (
            f"{curve['name']}, kappa {number(kappa)}, width {curve['width']}<br>time × bound "
            "%{x:.3g}<br>loss share %{y:.3g}<extra></extra>"
        ),
    }


def _level(y: float, dash: str) -> dict[str, Any]:
    """A horizontal line right across a plot."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": y,
        "y1": y,
        "line": {"dash": dash},
        "layer": "below",
    }


def _reach(end: Any, value: float, side: int) -> float:
    return max(side * (end - value), 0.0) if is_number(end) else 0.0
