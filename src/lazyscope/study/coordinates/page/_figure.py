"""How does a coordinate check look in a paper? Matplotlib axes from the stored result."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.report.parts import NEUTRAL, category_colors
from lazyscope.study.coordinates.page._format import FORMAT, TRAINED_FORMAT
from lazyscope.study.coordinates.page._panel import draw_series, finish_panel, series_label, wrapped
from lazyscope.study.coordinates.page._trained import draw_training_check


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
    if result.get("format") == TRAINED_FORMAT:
        return draw_training_check(result)
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
    draw_series(
        axes[0, 0], widths, measured["kappa"], NEUTRAL, series_label("κ", result["kappa_exponent"])
    )
    axes[0, 0].set_title("κ")
    titles = {
        "speed": ("relative_speed_exponent", "relative speed  s / α²"),
        "displacement": ("displacement_exponent", "relative displacement |ΔW| / |W|"),
        "output_change": ("output_change_exponent", "relative change of the layer's output"),
    }
    for place, (name, (exponent, title)) in zip(axes.flat[1:], titles.items(), strict=True):
        for number, layer in enumerate(layers):
            label = series_label(layer["name"], layer[exponent])
            draw_series(place, widths, measured[name][number], colors[layer["name"]], label)
        place.set_title(title)
    for place in axes.flat:
        finish_panel(place, widths)
    figure.suptitle(wrapped(result["sentence"]), fontsize="medium")
    return figure
