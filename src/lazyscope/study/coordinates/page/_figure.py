"""How does a coordinate check look in a paper? Matplotlib axes from the stored result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.report.parts import NEUTRAL, category_colors, decimal, interval
from lazyscope.study.coordinates.page._format import FORMAT


@checked()
def draw_coordinate_check(result: Mapping[str, Any]) -> Figure:
    """Draw kappa, and every layer's speed, displacement and change of output, against the width.

    Small marks are runs, lines go through the geometric means; legends carry the fitted exponents with
    their intervals.

    Args:
        result: the stored JSON object, ``CoordinateCheck.to_json()``.

    Returns:
        A figure of four panels; ``.savefig("figure.pdf")`` (or ``.svg``, ``.png``) ends the job.

    Raises:
        InputError: another object.
    """
    if result.get("format") != FORMAT:
        raise InputError(
            f"a coordinate check must have the format {FORMAT}",
            received=repr(result.get("format")),
            cause="another result, or one of another version of lazyscope",
            fix="give the object that lazyscope check --json wrote",
        )
    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    widths, measured, layers = result["widths"], result["measured"], result["layers"]
    names = [layer["name"] for layer in layers]
    colors = category_colors(names)
    _series(axes[0, 0], widths, measured["kappa"], NEUTRAL, _label("κ", result["kappa_exponent"]))
    axes[0, 0].set_title("κ")
    titles = {
        "speed": ("relative_speed_exponent", "relative speed  s / α²"),
        "displacement": ("displacement_exponent", "relative displacement |ΔW| / |W|"),
        "output_change": ("output_change_exponent", "relative change of the layer's output"),
    }
    for place, (name, (exponent, title)) in zip(axes.flat[1:], titles.items(), strict=True):
        for number, layer in enumerate(layers):
            label = _label(layer["name"], layer[exponent])
            _series(place, widths, measured[name][number], colors[layer["name"]], label)
        place.set_title(title)
    for place in axes.flat:
        _finish(place, widths)
    figure.suptitle(_wrapped(result["sentence"]), fontsize="medium")
    return figure


def _series(axes: Axes, widths: Sequence[int], runs: Any, color: str, label: str) -> None:
    values = np.array(runs, float)
    values[~(values > 0)] = np.nan
    axes.plot(
        np.broadcast_to(np.array(widths)[:, None], values.shape).ravel(),
        values.ravel(),
        ".",
        color=color,
        alpha=0.5,
    )
    known = [row[np.isfinite(row)] for row in values]
    means = [float(np.exp(np.log(row).mean())) if len(row) else np.nan for row in known]
    axes.plot(widths, means, color=color, label=label)


def _label(name: str, estimate: Mapping[str, Any]) -> str:
    low, high = estimate["interval"]
    return f"{name}: {decimal(estimate['exponent'])} {interval([low, high])}"


def _finish(axes: Axes, widths: Sequence[int]) -> None:
    if not any(np.isfinite(np.asarray(line.get_ydata(), float)).any() for line in axes.lines):
        axes.text(0.5, 0.5, "not measured: no readout", ha="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return
    axes.set(xscale="log", yscale="log", xlabel="width")
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    if high < 4 * low:  # a flat line must look flat
        middle = float(np.sqrt(low * high))
        axes.set_ylim(middle / 2, middle * 2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small")


def _wrapped(text: str, length: int = 110) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, length))
