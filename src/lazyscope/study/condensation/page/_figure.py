"""How does the order parameter of condensation look in a paper? Matplotlib axes."""

from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyscope._checks import check_choice
from lazyscope._entry import checked
from lazyscope.study.phase_diagram.page._study import estimate_axes, stored_list


@checked()
def draw_order_parameter(
    estimates: xr.Dataset,
    stage: Literal["initial", "early", "final"] = "final",
    axes: Axes | None = None,
) -> Axes:
    """Draw the order parameter of a study of condensation over the plane, with the law's boundary.

    Args:
        estimates: as the study of condensation makes them.
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
