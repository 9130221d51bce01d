"""How does the crossover of scaled outputs look in a paper? Matplotlib axes."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyscope._checks import check_choice
from lazyscope._entry import checked
from lazyscope.report.parts import ordered_colors


@checked()
def draw_crossover(
    record: Mapping[str, Any],
    quantity: str = "displacement",
    *,
    against: Literal["alpha", "kappa"] = "kappa",
    axes: Axes | None = None,
) -> Axes:
    """Draw a quantity of a study of the output scale against alpha or kappa, a line per width.

    Args:
        record: as the study of the output scale stores it.
        quantity: one of its quantities.
        against: what runs of different widths are compared at.
        axes: where to draw; a new figure of 5 by 4 inches by default.

    Raises:
        InputError: no such quantity, or another `against`.
    """
    check_choice("quantity", quantity, tuple(record["quantities"]))
    check_choice("against", against, ("alpha", "kappa"))
    drawing = _axes(axes)
    entry = record["quantities"][quantity]
    scales = np.array(record["output_scale"], float)
    for place, (width, color) in enumerate(ordered_colors(record["widths"]).items()):
        values = np.array(entry["values"][place], float)
        x = scales if against == "alpha" else np.array(record["kappa"][place], float)
        ends = np.nanmin(values, axis=1), np.nanmax(values, axis=1)
        drawing.fill_between(x, *ends, color=color, alpha=0.2, linewidth=0)
        mean = np.nanmean(values if quantity == "test_error" else np.log(values), axis=1)
        mean = mean if quantity == "test_error" else np.exp(mean)
        drawing.plot(x, mean, ".-", color=color, label=f"m = {width}")
    drawing.set_xscale("log")
    if quantity != "test_error":
        drawing.set_yscale("log")
    symbol = {"alpha": "output scale α", "kappa": "κ"}[against]
    drawing.set(xlabel=symbol, ylabel=entry["label"])
    drawing.legend(frameon=False, fontsize="small")
    return drawing


def _axes(axes: Axes | None) -> Axes:
    return axes if axes is not None else Figure((5, 4), layout="constrained").subplots()
