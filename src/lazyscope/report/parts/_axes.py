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
    ticks = _log_ticks(low, high)
    return axis if ticks is None else {**axis, "tickvals": ticks[0], "ticktext": ticks[1]}


def _log_ticks(low: float, high: float) -> tuple[list[float], list[str]] | None:
    """Round numbers and their words between two powers of ten; None where powers of ten are better."""
    if high - low > 2.5:
        return None
    if high - low < 0.2:
        return _even_ticks(10**low, 10**high)
    steps: Sequence[float] = (1, 2, 5) if high - low < 1.6 else (1, 3)
    if high - low < 0.8:
        steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    powers = range(math.floor(low) - 1, math.ceil(high) + 2)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return ticks, [number(tick, 2) for tick in ticks]


def _even_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Three to seven multiples of a round step, where a range is too short for steps of a logarithm."""
    least = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(least))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= least)
    digits = max(2, 1 + math.floor(math.log10(high)) - math.floor(math.log10(step) + 1e-9))
    ticks = [
        k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]
    return ticks, [number(tick, digits) for tick in ticks]


def plain_log_ticks(axis: Any) -> None:
    """The same ticks on a logarithmic axis of Matplotlib, as `log_axis` has them for its range."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    low, high = axis.get_view_interval()
    told = _log_ticks(math.log10(low), math.log10(high))
    if told is None:
        return
    pairs = zip(*told, strict=True)
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
