"""How does one panel of a coordinate check look?"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from lazyscope.report.parts import decimal, interval, plain_log_ticks


def draw_series(axes: Axes, widths: Sequence[int], runs: Any, color: str, label: str) -> None:
    """Runs as marks, and a line through their geometric means."""
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


def series_label(name: str, estimate: Mapping[str, Any]) -> str:
    """A name with its exponent."""
    low, high = estimate["interval"]
    return f"{name}: {decimal(estimate['exponent'])} {interval([low, high])}"


def finish_panel(axes: Axes, widths: Sequence[int], axis: str = "width") -> None:
    """Both axes logarithmic; a panel without a value says so."""
    if not any(np.isfinite(np.asarray(line.get_ydata(), float)).any() for line in axes.lines):
        axes.text(0.5, 0.5, "not measured: no readout", ha="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return
    axes.set(xscale="log", yscale="log", xlabel=axis)
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    if high < 4 * low:  # a flat line must look flat
        middle = float(np.sqrt(low * high))
        axes.set_ylim(middle / 2, middle * 2)
    plain_log_ticks(axes.yaxis)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small")


def wrapped(text: str, length: int = 110) -> str:
    """Text in lines."""
    return "\n".join(textwrap.wrap(text, length))
