"""How is a quantity of an observed training drawn over its steps?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope.observe import Observations
from lazyscope.report.parts import log_axis


def is_known(record: Observations, name: str) -> bool:
    """Whether a quantity has a number at some look."""
    return bool(np.isfinite(record.series(name)).any())


def line_of(
    record: Observations,
    values: np.ndarray,
    name: str,
    color: str,
    meta: Mapping[str, str],
    *,
    start: bool = False,
) -> dict[str, Any]:
    """One line over the steps; step 0 has no place on a logarithmic axis and is put at 1/2."""
    steps = np.where(record.steps > 0, record.steps, 0.5)
    shown = np.isfinite(values) & (start | (record.steps > 0)) & (start | (values > 0))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "meta": dict(meta),
        "x": steps[shown].tolist(),
        "y": values[shown].tolist(),
        "customdata": record.steps[shown].tolist(),
        "hovertemplate": f"{name}<br>step %{{customdata}}: %{{y:.3g}}<extra></extra>",
        "line": {"color": color, "width": 1.6},
        "marker": {"color": color, "size": 4},
    }


def layout_of(title: str, values: Sequence[float]) -> dict[str, Any]:
    """Axes of a panel over steps, both logarithmic."""
    return {
        "xaxis": {"type": "log", "title": {"text": "step"}},
        "yaxis": log_axis(title, values),
    }


def step_axis(record: Observations, *, start: bool) -> dict[str, Any]:
    """Steps on a logarithmic axis, with a place for the start."""
    last = max(int(record.steps[-1]), 1)
    ticks = [10**k for k in range(int(np.log10(last)) + 1)]
    return {
        "type": "log",
        "title": {"text": "step"},
        "tickvals": [0.5, *ticks] if start else ticks,
        "ticktext": ["0", *map(str, ticks)] if start else list(map(str, ticks)),
    }
