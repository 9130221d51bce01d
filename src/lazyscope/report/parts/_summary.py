"""What does a figure show, in words for readers who do not see it?"""

import base64
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

import numpy as np

from lazyscope.report.parts._numbers import number

_MOST = 12  # series that are told one by one


def panel_summary(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    """The axes of a plot, and of every series its number of points and its ends; a few sentences.

    Traces of one name are one series. Values that are packed are read as the page's script reads them.

    Args:
        data: traces of Plotly.
        layout: with the titles of the axes.

    Example:
        >>> line = {"name": "width 8", "x": [1, 2], "y": [0.5, 0.25]}
        >>> panel_summary([line], {"xaxis": {"title": {"text": "<i>κ</i>"}}})
        'Horizontal: κ. width 8: 2 points, from 0.500 at 1 to 0.250 at 2.'
    """
    titles = [
        f"{words}: {_title(layout, axis)}."
        for words, axis in (("Horizontal", "xaxis"), ("vertical", "yaxis"))
        if _title(layout, axis)
    ]
    series: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for trace in data:
        series.setdefault(plain_text(str(trace.get("name", "reference"))), []).append(
            _points(trace)
        )
    told = [f"{name}: {_extent(parts)}." for name, parts in list(series.items())[:_MOST]]
    more = [f"And {len(series) - _MOST} more series."] if len(series) > _MOST else []
    return " ".join([*titles, *told, *more])


def plain_text(text: str) -> str:
    """Words without markup.

    Example:
        >>> plain_text("<i>κ</i> &lt; 1")
        'κ < 1'
    """
    return unescape(" ".join(re.sub(r"</?[A-Za-z][^>]*>", " ", text).split()))


def _title(layout: Mapping[str, Any], axis: str) -> str:
    return plain_text(str(((layout.get(axis) or {}).get("title") or {}).get("text", "")))


def _extent(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts])
    known = np.isfinite(y)
    if not known.any():
        return "no points"
    if len(x) != len(y) or not np.isfinite(x[known]).all():
        low, high = number(float(y[known].min())), number(float(y[known].max()))
        count = int(known.sum())
        return f"{low}, 1 point" if count == 1 else f"{count} points, from {low} to {high}"
    x, y = x[known], y[known]
    first, last = int(np.argmin(x)), int(np.argmax(x))
    count = f"{len(y)} point{'s' if len(y) > 1 else ''}"
    start = f"{number(float(y[first]))} at {number(float(x[first]))}"
    if first == last:
        return f"{count}, {start}"
    return f"{count}, from {start} to {number(float(y[last]))} at {number(float(x[last]))}"


def _points(trace: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    y = _values(trace.get("y"))
    if not np.isfinite(y).any():  # rows with names: what is told lies along the other axis
        y = _values(trace.get("x"))
        return np.full(len(y), np.nan), y
    x = _values(trace.get("x")) if trace.get("x") is not None else np.arange(len(y), dtype=float)
    return x, y


def _values(held: Any) -> np.ndarray:
    """Numbers of a trace, packed or not; NaN for what is no number."""
    if isinstance(held, Mapping):
        return np.frombuffer(base64.b64decode(held["bdata"]), "<f4").astype(float)
    found = [v if isinstance(v, (int, float)) and v is not None else np.nan for v in held or ()]
    return np.array(found, float)
