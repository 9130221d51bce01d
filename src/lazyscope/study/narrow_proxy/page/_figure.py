"""How does a predicted loss look in a paper? Matplotlib axes from the stored result."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.report.parts import NEUTRAL, ordered_colors, plain_log_ticks

PROXY_FORMAT = 1


@checked()
def draw_predicted_loss(result: Mapping[str, Any]) -> Figure:
    """Draw the loss of every proxy width, and that of the wide network with its interval, against the step.

    Args:
        result: the stored JSON object, ``NarrowProxy.to_json()``.

    Returns:
        A figure; ``.savefig("figure.pdf")`` (or ``.svg``, ``.png``) ends the job.

    Raises:
        InputError: another object.
    """
    if result.get("format") != PROXY_FORMAT:
        raise InputError(
            f"a predicted network must have the format {PROXY_FORMAT}",
            received=repr(result.get("format")),
            cause="another result, or one of another version of lazyscope",
            fix="give the object that lazyscope proxy --json wrote",
        )
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    steps, colors = result["steps"], ordered_colors(result["proxy_widths"])
    for width, curve in zip(result["proxy_widths"], result["proxy_loss"], strict=True):
        axes.plot(steps, _numbers(curve), color=colors[width], lw=1, label=f"width {width}")
    loss = result["loss"]
    ends = np.array([_numbers(each["interval"]) for each in loss])
    axes.fill_between(steps, ends[:, 0], ends[:, 1], color=NEUTRAL, alpha=0.25, lw=0)
    value = _numbers([each["value"] for each in loss])
    axes.plot(steps, value, color=NEUTRAL, lw=2, label=f"width {result['width']}, predicted")
    if result["verification"] is not None:
        measured = _numbers(result["verification"]["loss"])
        axes.plot(steps, measured, "k:", lw=1.5, label=f"width {result['width']}, trained")
    axes.set_yscale("log")
    plain_log_ticks(axes.yaxis)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.legend(frameon=False)
    return figure


_LARGEST_DRAWN = 1e60
"""Losses above it have diverged; a logarithmic axis to the end of the numbers has no ticks."""


def _numbers(values: Any) -> np.ndarray:
    found = np.array([np.nan if each is None else each for each in values], float)
    return np.where(found <= _LARGEST_DRAWN, found, np.nan)
