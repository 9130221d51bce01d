"""How do the studies of output scale and condensation look in a paper? Matplotlib axes."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyscope._checks import check_choice
from lazyscope._entry import checked
from lazyscope.report._palette import ordered_colors
from lazyscope.report.phase_diagram._study import estimate_axes, stored_list


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
        record: as `lazyscope.study.run_output_scale_study` stores it.
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


@checked()
def draw_order_parameter(
    estimates: xr.Dataset,
    stage: Literal["initial", "early", "final"] = "final",
    axes: Axes | None = None,
) -> Axes:
    """Draw the order parameter of a study of condensation over the plane, with the law's boundary.

    Args:
        estimates: as `lazyscope.study.run_condensation_study` gives them.
        stage: before training, at the end of the initial stage, or after training.
        axes: where to draw; a new figure of 5 by 4 inches by default.

    Raises:
        InputError: no such stage, or other estimates.
    """
    check_choice("stage", stage, ("initial", "early", "final"))
    x, y = estimate_axes(estimates)
    drawing = _axes(axes)
    values = estimates[f"order_{stage}"].transpose(x.name, y.name)
    mesh = drawing.pcolormesh(
        x.values, y.values, np.ma.masked_invalid(values.values.T), vmin=0, vmax=1, shading="nearest"
    )
    drawing.figure.colorbar(mesh, ax=drawing, label="order parameter")
    for line in stored_list(estimates, "boundaries"):
        style = {"measured": "w--", "early": "w:"}.get(str(line.get("kind")), "w-")
        drawing.plot(line["x"], line["y"], style, linewidth=1.4, label=line["name"])
    drawing.set(xlabel=x.label, ylabel=y.label)
    return drawing


def _axes(axes: Axes | None) -> Axes:
    return axes if axes is not None else Figure((5, 4), layout="constrained").subplots()
