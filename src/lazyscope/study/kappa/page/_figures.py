"""How does a kappa study look in a paper? Matplotlib axes from the same stored result as the page.

Every function takes the stored result and, if you like, axes of your own figure; it returns the
axes, so that ``axes.figure.savefig("displacement.pdf")`` (or ``.svg``) ends the job. No state of
pyplot is touched, so no window opens and none has to be closed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lazyscope._checks import check_choice
from lazyscope._entry import checked
from lazyscope.report.parts import (
    NEUTRAL,
    category_colors,
    decimal,
    interval,
    is_number,
    log_range,
    matplotlib_marker,
    number,
)
from lazyscope.study.kappa.page._study import KappaRecord, Run, read_kappa_study

_LINES = {"loss": "-", "linearised": ":", "bound": "--"}
_LABELS = {"loss": "network", "linearised": "linearised network", "bound": "bound"}


@checked()
def draw_displacement(result: Mapping[str, Any], axes: Axes | None = None) -> Axes:
    """Draw the largest relative displacement of every run against kappa, log-log.

    Colour is the shape, the marker is the width, the grey line has slope -1; the legend carries
    the stored slopes with their intervals. Failed runs without a number are left out.

    Args:
        result: the stored JSON object of a kappa study.
        axes: where to draw; a new figure of 5 by 4 inches by default.

    Raises:
        InputError: the result is another study or format.
    """
    study, drawing = read_kappa_study(result), _axes(axes)
    for shape in study.shapes:
        for width in study.widths:
            runs = [r for r in study.group(shape, width) if _drawable(r["largest_displacement"])]
            drawing.plot(
                [run["kappa"] for run in runs],
                [run["largest_displacement"] for run in runs],
                linestyle="none",
                marker=matplotlib_marker(study.width_markers[width]),
                markersize=4,
                alpha=0.7,
                color=study.shape_colors[shape],
                label=_fit_label(study, shape) if width == study.widths[0] else None,
            )
    _draw_guide(drawing, study)
    drawing.set(
        xscale="log", yscale="log", xlabel=r"$\kappa$", ylabel="largest relative displacement"
    )
    drawing.set_xticks(study.kappas, [number(kappa) for kappa in study.kappas])
    drawing.xaxis.set_minor_locator(NullLocator())
    drawing.legend(frameon=False, fontsize="small")
    return drawing


@checked()
def draw_loss(
    result: Mapping[str, Any],
    shape: str | None = None,
    width: int | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw loss against time for every kappa of one shape and width, with linearisation and bound.

    Args:
        result: the stored JSON object of a kappa study.
        shape: which shape; the first by default.
        width: which width; the largest by default.
        axes: where to draw; a new figure by default.

    Raises:
        InputError: the result is another study, or has no such shape or width.
    """
    study, drawing = read_kappa_study(result), _axes(axes)
    shape = check_choice("shape", study.shapes[0] if shape is None else shape, study.shapes)
    chosen = study.widths[-1] if width is None else width
    check_choice("width", str(chosen), map(str, study.widths))
    for curve in study.stored["curves"]:
        if curve["shape"] != shape or curve["width"] != chosen:
            continue
        for name, style in _LINES.items():
            if not curve[name]:
                continue
            drawing.plot(
                curve["time"],
                [value if is_number(value) else math.nan for value in curve[name]],
                style,
                color=study.kappa_colors[float(curve["kappa"])],
                linewidth=1.4 if name == "loss" else 0.9,
            )
    for kappa, color in study.kappa_colors.items():
        drawing.plot([], [], color=color, label=rf"$\kappa$ = {number(kappa)}")
    for name, style in _LINES.items():
        drawing.plot([], [], style, color=NEUTRAL, label=_LABELS[name])
    drawing.set(xscale="log", yscale="log", xlabel="time of gradient flow", ylabel="loss")
    drawing.set_title(f"{shape}, width {chosen}", fontsize="medium")
    drawing.legend(frameon=False, fontsize="small", ncols=2)
    return drawing


@checked()
def draw_forecast(result: Mapping[str, Any], axes: Axes | None = None) -> Axes:
    """Draw measured displacement against the forecast from initialization, log-log, all layers.

    Relative displacements in Frobenius norm; colour is the layer, the grey line is equality.

    Args:
        result: the stored JSON object of a kappa study.
        axes: where to draw; a new figure by default.

    Raises:
        InputError: the result is another study or format.
    """
    study, drawing = read_kappa_study(result), _axes(axes)
    colors = category_colors(range(study.num_layers))
    ends = log_range([value for pair in _layer_pairs(study.runs) for value in pair])
    for layer, color in colors.items():
        pairs = _layer_pairs(study.runs, layer)
        drawing.plot(
            [forecast for forecast, _ in pairs],
            [measured for _, measured in pairs],
            linestyle="none",
            marker="o",
            markersize=3.5,
            alpha=0.6,
            color=color,
            label=f"layer {layer + 1}",
        )
    if ends:
        drawing.plot(ends, ends, "--", color=NEUTRAL, linewidth=1)
    drawing.set(xscale="log", yscale="log", aspect="equal", xlabel="forecast", ylabel="measured")
    drawing.legend(frameon=False, fontsize="small")
    return drawing


def _axes(axes: Axes | None) -> Axes:
    drawing = Figure(figsize=(5, 4), layout="constrained").subplots() if axes is None else axes
    drawing.spines[["top", "right"]].set_visible(False)
    return drawing


def _drawable(value: Any) -> bool:
    return is_number(value) and value > 0


def _fit_label(study: KappaRecord, shape: str) -> str:
    fit = study.fits.get(shape)
    return f"{shape}: {decimal(fit['slope'])} {interval(fit['interval'])}" if fit else shape


def _draw_guide(axes: Axes, study: KappaRecord) -> None:
    products = [
        run["kappa"] * run["largest_displacement"]
        for run in study.runs
        if _drawable(run["largest_displacement"])
    ]
    if products:
        ends = [study.kappas[0], study.kappas[-1]]
        guide = [1.35 * max(products) / end for end in ends]
        axes.plot(ends, guide, "--", color=NEUTRAL, linewidth=1, label="slope −1")


def _layer_pairs(runs: Sequence[Run], layer: int | None = None) -> list[tuple[float, float]]:
    """(forecast, measured) of one layer or of all, where both are there."""
    pairs = []
    for run in runs:
        both = zip(run["forecast"]["frobenius"], run["displacement"]["frobenius"], strict=True)
        for index, (forecast, measured) in enumerate(both):
            if layer in (None, index) and _drawable(forecast) and _drawable(measured):
                pairs.append((forecast, measured))
    return pairs
