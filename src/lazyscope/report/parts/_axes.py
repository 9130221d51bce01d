"""Which range and which ticks does an axis get?"""

import math
from collections.abc import Sequence
from typing import Any

from lazyscope.report.parts._numbers import is_number, number


def log_axis(title: str, values: Sequence[Any]) -> dict[str, Any]:
    """A logarithmic axis over the positive values, with some room and ticks one can read.

    Up to two and a half decades the ticks are round numbers written in full; beyond that they are
    powers of ten, which Plotly places itself.
    """
    axis: dict[str, Any] = {"type": "log", "title": {"text": title}}
    ends = log_range(values)
    if ends is None:
        return axis
    low, high = (math.log10(end) for end in ends)
    axis["range"] = [low, high]
    if high - low > 2.5:
        return axis
    steps: Sequence[float] = (1, 2, 5) if high - low < 1.6 else (1, 3)
    if high - low < 0.8:
        steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    powers = range(math.floor(low) - 1, math.ceil(high) + 2)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return {**axis, "tickvals": ticks, "ticktext": [number(tick, 2) for tick in ticks]}


def plain_log_ticks(axis: Any) -> None:
    """The same ticks on a logarithmic axis of Matplotlib, as `log_axis` has them for its range."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    low, high = axis.get_view_interval()
    told = log_axis("", [low, high])
    if "tickvals" not in told:
        return
    pairs = zip(told["tickvals"], told["ticktext"], strict=True)
    shown = [(tick, text) for tick, text in pairs if low <= tick <= high]
    axis.set_major_locator(FixedLocator([tick for tick, _ in shown]))
    axis.set_major_formatter(FixedFormatter([text for _, text in shown]))
    axis.set_minor_locator(NullLocator())


def log_range(values: Sequence[Any]) -> tuple[float, float] | None:
    """The ends of the positive values with some room, or None where there are none."""
    positive = [value for value in values if is_number(value) and value > 0]
    if not positive:
        return None
    low, high = math.log10(min(positive)), math.log10(max(positive))
    pad = 0.06 * (high - low) + 0.04
    return 10 ** (low - pad), 10 ** (high + pad)
