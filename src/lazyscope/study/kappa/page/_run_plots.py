"""How do the runs of a kappa study look as plots, one point per run?"""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from lazyscope.report.parts import (
    NEUTRAL,
    Panel,
    decimal,
    interval,
    is_number,
    listing,
    log_axis,
    log_range,
    number,
)
from lazyscope.study.kappa.page._study import KappaRecord, Run

Trace = dict[str, Any]
Quantity = Callable[[Run], Any]


def displacement_panel(
    study: KappaRecord,
    name: str = "largest_displacement",
    label: str = "largest relative displacement",
) -> Panel:
    """Largest displacement against kappa: runs, means over seeds, a line of slope -1."""
    quantity: Quantity = lambda run: run[name]  # noqa: E731
    traces = _points_and_means(study, quantity, label)
    pairs = [(run["kappa"], run[name]) for run in study.runs]
    guide = _reference(study.kappas, pairs)
    values = [*(value for _, value in pairs), *(y for trace in guide for y in trace["y"])]
    return Panel(
        data=[*guide, *traces],
        layout={
            "xaxis": kappa_axis(study),
            "yaxis": log_axis(label, values),
        },
        title="Runs, and means over seeds",
        size="large",
    )


def slope_panel(study: KappaRecord, stored: Sequence[Mapping[str, Any]]) -> Panel:
    """The fitted slope of each shape with its interval, against the prediction."""
    by_shape = {fit["shape"]: fit for fit in stored}
    fits = [by_shape[s] for s in study.shapes if s in by_shape]
    fits = [fit for fit in fits if is_number(fit["slope"])]
    without = [shape for shape in study.shapes if shape not in {fit["shape"] for fit in fits}]
    ends = [end for fit in fits for end in (*fit["interval"], fit["predicted"]) if is_number(end)]
    low, high = min(ends, default=-1.0), max(ends, default=-1.0)
    pad = max(0.12 * (high - low), 0.02)
    predicted = sorted({fit["predicted"] for fit in fits if is_number(fit["predicted"])})
    return Panel(
        data=[_slope_trace(study, fit) for fit in fits],
        layout={
            "xaxis": {
                "title": {"text": "slope in <i>κ</i>"},
                "range": [low - pad, high + pad],
                "nticks": 5,
            },
            "yaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [escape(s) for s in reversed(study.shapes)],
                "range": [-0.6, len(study.shapes) - 0.4],
                "showgrid": False,
            },
            "annotations": [_no_fit(shape) for shape in without],
            "shapes": [_vertical(x) for x in predicted],
        },
        title="Fitted slope with its interval",
        size="large",
    )


def _no_fit(shape: str) -> dict[str, Any]:
    """A row without a fit says so in its place."""
    place = {"xref": "paper", "x": 0.5, "yref": "y", "y": escape(shape)}
    return {**place, "text": "no fit", "showarrow": False}


def forecast_panels(study: KappaRecord) -> list[Panel]:
    """Displacement forecast from initialization against the measured one, a panel per group."""
    pairs = [
        value
        for run in study.runs
        for name in ("forecast", "displacement")
        for value in run[name]["frobenius"]
    ]
    ends = log_range(pairs)
    panels = []
    for layer in range(study.num_layers):
        traces = [
            _points(
                study,
                shape,
                width,
                x=lambda run, layer=layer: run["forecast"]["frobenius"][layer],
                y=lambda run, layer=layer: run["displacement"]["frobenius"][layer],
                text=lambda run, layer=layer: _forecast_text(run, layer, study.groups[layer]),
                size=6.5,
            )
            for shape in study.shapes
            for width in study.widths
        ]
        panels.append(
            Panel(
                data=traces,
                layout={
                    "xaxis": {**log_axis("forecast", pairs), "scaleanchor": "y"},
                    "yaxis": log_axis("measured" if layer == 0 else "", pairs),
                    "shapes": [_diagonal(ends)] if ends else [],
                },
                title=study.groups[layer],
                size="medium",
            )
        )
    return panels


def gap_panels(study: KappaRecord) -> list[Panel]:
    """Distance from the linearised network on training and test points, and kernel change."""
    quantities: list[tuple[str, Quantity]] = [
        ("Gap on training points", lambda run: run["linearisation_gap"]["train"]),
        ("Gap on test points", lambda run: run["linearisation_gap"]["test"]),
        ("Kernel change", lambda run: run["kernel_change"]),
    ]
    known = quantities[-1:] if study.optimiser else quantities
    return [_quantity_panel(study, title, quantity) for title, quantity in known]


def rate_panels(study: KappaRecord) -> list[Panel]:
    """The measured decay rate over the bound, where there is one, and over that of the initial kernel."""
    over = {"bound": "Measured rate / bound", "kernel": "Measured rate / kernel rate"}
    panels = [
        _quantity_panel(study, title, _over(name), around=[1.0])
        for name, title in over.items()
        if name == "kernel" or study.has_bounds
    ]
    for panel in panels:
        line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1}
        dash = {"line": {"dash": "dash"}, "layer": "between"}
        panel.layout["shapes"].append({**line, **dash})
    return panels


def kappa_axis(study: KappaRecord) -> dict[str, Any]:
    """A logarithmic axis with a tick at every kappa of the study."""
    return {
        **log_axis("<i>κ</i>", study.kappas),
        "tickvals": list(study.kappas),
        "ticktext": [number(kappa) for kappa in study.kappas],
    }


def _quantity_panel(
    study: KappaRecord, title: str, quantity: Quantity, around: Sequence[float] = ()
) -> Panel:
    values = [*(quantity(run) for run in study.runs), *around]
    return Panel(
        data=_points_and_means(study, quantity, title),
        layout={"xaxis": kappa_axis(study), "yaxis": log_axis("", values), "shapes": []},
        title=title,
        size="medium",
    )


def _over(name: str) -> Quantity:
    def ratio(run: Run) -> Any:
        rate = run["decay_rate"]
        if is_number(rate["measured"]) and is_number(rate[name]) and rate[name] > 0:
            return rate["measured"] / rate[name]
        return None

    return ratio


def _points_and_means(study: KappaRecord, quantity: Quantity, label: str) -> list[Trace]:
    """Lines behind, then runs, then means, so that what is read first lies on top."""
    lines = [line for shape in study.shapes for line in _lines(study, shape, quantity)]
    points, means = [], []
    for shape in study.shapes:
        for index, width in enumerate(study.widths):
            dodge = _dodge_step(study) ** (index - (len(study.widths) - 1) / 2)
            points.append(
                _points(
                    study,
                    shape,
                    width,
                    x=lambda run, dodge=dodge: run["kappa"] * dodge,
                    y=quantity,
                    text=lambda run: _run_text(run, label, quantity(run)),
                )
            )
            means.append(_means(study, shape, width, quantity, dodge, label))
    return [*lines, *points, *means]


def _dodge_step(study: KappaRecord) -> float:
    """How far the marks of neighbouring widths are set apart, as a factor in kappa."""
    if len(study.kappas) < 2:
        return 1.04
    logs = [math.log(kappa) for kappa in study.kappas]
    nearest = min(high - low for low, high in pairwise(logs))
    return math.exp(min((logs[-1] - logs[0]) / 65, nearest / (3 * len(study.widths))))


def _lines(study: KappaRecord, shape: str, quantity: Quantity) -> list[Trace]:
    """Geometric mean over widths and seeds against kappa: solid in the fitted range, else dotted."""
    means = [
        (kappa, _geometric_mean([quantity(run) for run in _converged(study, shape, kappa)]))
        for kappa in study.kappas
    ]
    shown = [(kappa, mean) for kappa, mean in means if mean is not None]
    low, high = study.fits.get(shape, {}).get("kappa_range") or (-math.inf, math.inf)
    parts = {
        "before": [point for point in shown if point[0] <= low],
        "solid": [point for point in shown if low <= point[0] <= high],
        "after": [point for point in shown if point[0] >= high],
    }
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": escape(shape),
            "meta": {"shape": shape},
            "showlegend": False,
            "x": [kappa for kappa, _ in points],
            "y": [mean for _, mean in points],
            "hoverinfo": "skip",
            "opacity": 0.8,
            "line": {
                "color": study.shape_colors[shape],
                "width": 1.6,
                "dash": "solid" if part == "solid" else "dot",
            },
        }
        for part, points in parts.items()
        if len(points) > 1
    ]


def _points(
    study: KappaRecord,
    shape: str,
    width: int,
    *,
    x: Quantity,
    y: Quantity,
    text: Quantity,
    size: float = 4,
) -> Trace:
    """One small marker per run; a run that did not converge is a cross, if it left a number."""
    shown = [run for run in study.group(shape, width) if _positive(x(run)) and _positive(y(run))]
    converged = [run["outcome"] == "converged" for run in shown]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{escape(shape)}, width {width}",
        "meta": {"shape": shape, "width": width},
        "x": [x(run) for run in shown],
        "y": [y(run) for run in shown],
        "hovertext": [text(run) for run in shown],
        "hoverinfo": "text",
        "marker": {
            "color": study.shape_colors[shape],
            "symbol": [study.width_markers[width] if ok else "x-open" for ok in converged],
            "size": size,
            "opacity": 0.45,
        },
    }


def _means(
    study: KappaRecord, shape: str, width: int, quantity: Quantity, dodge: float, label: str
) -> Trace:
    """The geometric mean over the seeds at each kappa, with bars from smallest to largest."""
    kappas, centres, above, below, texts = [], [], [], [], []
    for kappa in study.kappas:
        runs = [run for run in _converged(study, shape, kappa) if run["width"] == width]
        values = [quantity(run) for run in runs if _positive(quantity(run))]
        centre = _geometric_mean(values)
        if centre is None:
            continue
        kappas.append(kappa * dodge)
        centres.append(centre)
        above.append(max(values) - centre)
        below.append(centre - min(values))
        head = f"<b>{escape(shape)}</b>, width {width}, <i>κ</i> = {number(kappa)}"
        spread = f"{number(min(values))} to {number(max(values))} over {len(values)} seeds"
        texts.append(f"{head}<br>{escape(label)}: {number(centre)}<br>{spread}")
    color = study.shape_colors[shape]
    bars = {"type": "data", "array": above, "arrayminus": below, "color": color, "thickness": 1}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{escape(shape)}, width {width}",
        "meta": {"shape": shape, "width": width},
        "showlegend": False,
        "x": kappas,
        "y": centres,
        "error_y": {**bars, "width": 2},
        "hovertext": texts,
        "hoverinfo": "text",
        "marker": {"color": color, "symbol": study.width_markers[width], "size": 7.5},
    }


def _reference(kappas: Sequence[float], pairs: Sequence[tuple[float, Any]]) -> list[Trace]:
    """A guide for the eye of slope -1, above the points so that it hides none."""
    products = [kappa * value for kappa, value in pairs if _positive(value)]
    if not products or len(kappas) < 2:
        return []
    constant = 1.35 * max(products)
    places = [kappas[0], math.sqrt(kappas[0] * kappas[-1]), kappas[-1]]
    return [
        {
            "type": "scatter",
            "mode": "lines+text",
            "name": "slope −1",
            "x": places,
            "y": [constant / place for place in places],
            "text": ["", "slope −1", ""],
            "textposition": "top right",
            "textfont": {"color": NEUTRAL},
            "hoverinfo": "skip",
            "line": {"color": NEUTRAL, "width": 1.6, "dash": "dash"},
        }
    ]


def _slope_trace(study: KappaRecord, fit: Mapping[str, Any]) -> Trace:
    color, (low, high) = study.shape_colors[fit["shape"]], fit["interval"]
    known = is_number(low) and is_number(high)
    bars = {
        "type": "data",
        "array": [high - fit["slope"] if known else 0],
        "arrayminus": [fit["slope"] - low if known else 0],
        "color": color,
        "thickness": 2,
        "width": 5,
    }
    text = (
        f"<b>{escape(fit['shape'])}</b><br>slope {decimal(fit['slope'], 3)} "
        f"{interval(fit['interval'], 3)}<br>predicted {decimal(fit['predicted'])}: "
        f"{escape(fit['verdict'])}<br>{fit['num_runs']} runs"
    )
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(fit["shape"]),
        "meta": {"shape": fit["shape"]},
        "x": [fit["slope"]],
        "y": [escape(fit["shape"])],
        "error_x": bars,
        "hovertext": [text],
        "hoverinfo": "text",
        "marker": {
            "color": color,
            "size": 11,
            "symbol": "circle-open" if fit["verdict"] in ("undecided", "outside") else "circle",
        },
    }


def _vertical(x: float) -> dict[str, Any]:
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", **ends, "line": {"dash": "dash"}, "layer": "between"}


def _diagonal(ends: tuple[float, float]) -> dict[str, Any]:
    corners = {"x0": ends[0], "y0": ends[0], "x1": ends[1], "y1": ends[1]}
    return {"type": "line", **corners, "line": {"dash": "dash"}, "layer": "between"}


def _converged(study: KappaRecord, shape: str, kappa: float) -> list[Run]:
    runs = [run for run in study.runs if run["shape"] == shape and run["kappa"] == kappa]
    return [run for run in runs if run["outcome"] == "converged"]


def _geometric_mean(values: Sequence[Any]) -> float | None:
    logs = [math.log(value) for value in values if _positive(value)]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def _positive(value: Any) -> bool:
    return is_number(value) and value > 0


def _run_text(run: Run, label: str, value: Any) -> str:
    return (
        f"{run_title(run)}<br>{escape(label)}: {number(value)}<br>"
        f"layers, operator norm: {listing(run['displacement']['operator'])}<br>"
        f"{escape(run['outcome'])}, {number(run['steps'])} steps"
    )


def _forecast_text(run: Run, layer: int, name: str) -> str:
    forecast = run["forecast"]["frobenius"][layer]
    measured = run["displacement"]["frobenius"][layer]
    return (
        f"{run_title(run)}<br>{escape(name)}: forecast {number(forecast)}, "
        f"measured {number(measured)}<br>forecast / measured {number(forecast / measured)}"
    )


def run_title(run: Run) -> str:
    """Which run this is, for a hover text."""
    return (
        f"<b>{escape(run['shape'])}</b>, width {run['width']}, "
        f"<i>κ</i> = {number(run['kappa'])}, seed {run['seed']}"
    )
