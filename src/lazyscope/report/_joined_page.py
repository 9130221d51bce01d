"""What does the page of joined observations show: exponents of the width over training?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.observe import JOINED_FORMAT
from lazyscope.report.parts import (
    Figure,
    Key,
    Legend,
    Page,
    Panel,
    Table,
    category_colors,
    decimal,
    interval,
    listing,
    render_page,
    write_whole,
)

_WORDS = {
    "kernel_change": "kernel change",
    "linearisation_share": "distance from linearised network",
    "sharpness": "sharpness",
}
_NORMS = {"group_operator": "operator norm", "group_frobenius": "Frobenius norm"}


@checked()
def write_joined_page(
    stored: Mapping[str, Any], path: str | os.PathLike[str], *, title: str = "Observed widths"
) -> Path:
    """Write the page of joined observations, one HTML file that opens without a network.

    Args:
        stored: what ``JoinedObservations.summary()`` returned, or the JSON made of it.
        path: where the page goes; its folder must exist.
        title: of the page.

    Raises:
        InputError: another object, or a path that cannot be written.
    """
    if stored.get("format") != JOINED_FORMAT:
        raise InputError(
            f"a page of joined observations needs the format {JOINED_FORMAT}",
            received=repr(stored.get("format")),
            cause="another JSON file, or one record of several",
            fix="give the summary() of what join_observations returned",
        )
    if not _is_whole(stored):
        raise InputError(
            "a page needs exponents of every group at every step",
            received="an object with other steps, groups or exponents, or without them",
            cause="a summary that was shortened or changed; it must be as summary() gave it",
            fix="write json.dumps(joined.summary()) again",
        )
    return write_whole(render_page(_page(stored, title)), path)


def _is_whole(stored: Mapping[str, Any]) -> bool:
    """Whether there is an exponent, or None, wherever the page looks for one."""
    try:
        listing(stored["widths"], 8)
        listing(stored["seeds"], 8)
        steps = np.array(stored["steps"], float)
        lines = [found for panel in _lines(stored).values() for found in panel.values()]
        counted = all(
            len(rows[0]) == len(stored["groups"])
            for name, rows in stored["exponents"].items()
            if name in _NORMS
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return False
    return counted and len(steps) > 0 and all(found.shape == (len(steps), 3) for found in lines)


def _page(stored: Mapping[str, Any], title: str) -> Page:
    widths = listing(stored["widths"], 8)
    return Page(
        title=title,
        eyebrow="lazyscope, observers joined",
        lead=(
            f"Networks of widths {widths}, with {listing(stored['seeds'], 8)} seeds, seen together at "
            f"{len(stored['steps'])} steps of their training."
        ),
        verdict=None,
        facts=[("widths", widths), ("last common step", str(stored["steps"][-1]))],
        sections=[_figure(stored), _table(stored)],
    )


def _lines(stored: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """For every panel its lines, (steps, 3) of value and ends, NaN where there is no estimate."""
    exponents = {
        name: np.array(rows, float) for name, rows in stored["exponents"].items()
    }  # (T, groups, 3)
    panels = {
        f"displacement, {words}": {
            group: exponents[name][:, g] for g, group in enumerate(stored["groups"])
        }
        for name, words in _NORMS.items()
    }
    panels["of the function"] = {words: exponents[name][:, 0] for name, words in _WORDS.items()}
    return panels


def _figure(stored: Mapping[str, Any]) -> Figure:
    colors = category_colors((*stored["groups"], *_WORDS.values()))
    steps, panels = np.array(stored["steps"], float), []
    for words, lines in _lines(stored).items():
        traces = [
            _trace(steps, found, name, colors[name])
            for name, found in lines.items()
            if np.isfinite(found[:, 0]).any()
        ]
        layout = {
            "xaxis": {"type": "log", "title": {"text": "step"}},
            "yaxis": {"title": {"text": f"exponent of the width, {words}"}},
        }
        panels.append(Panel(traces, layout))
    return Figure(
        anchor="exponents",
        title="Powers of the width over training",
        caption=(
            "Look for lines below zero: what they stand for vanishes as the network becomes wide, which is "
            "laziness; at zero it stays. Bars are 95 % intervals of seeds and finite width together; an end "
            "that nothing bounds is not drawn."
        ),
        panels=panels,
        legends=[Legend("line", "Line", [Key(name, name, colors[name]) for name in colors])],
        columns="repeat(auto-fit, minmax(min(100%, 22rem), 1fr))",
    )


def _trace(steps: np.ndarray, found: np.ndarray, name: str, color: str) -> dict[str, Any]:
    shown = np.isfinite(found[:, 0])
    value, low, high = found[shown].T
    ends = {
        "array": np.nan_to_num(high - value).tolist(),
        "arrayminus": np.nan_to_num(value - low).tolist(),
    }
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "meta": {"line": name},
        "x": steps[shown].tolist(),
        "y": value.tolist(),
        "error_y": {"type": "data", "symmetric": False, "thickness": 1, "color": color, **ends},
        "hovertemplate": f"{name}<br>step %{{x}}: %{{y:.2f}}<extra></extra>",
        "line": {"color": color, "width": 1.6},
        "marker": {"color": color, "size": 4},
    }


def _table(stored: Mapping[str, Any]) -> Table:
    rows = [
        (words, name, *_cells(found[-1]))
        for words, lines in _lines(stored).items()
        for name, found in lines.items()
    ]
    return Table(
        anchor="last",
        title=f"Exponents at step {stored['steps'][-1]}",
        header=("of what", "line", "exponent", "95 % interval"),
        rows=rows,
    )


def _cells(found: np.ndarray) -> tuple[str, str]:
    if not np.isfinite(found[0]):
        return "not estimated", ""
    ends = [None if np.isnan(end) else float(end) for end in found[1:]]
    return decimal(float(found[0])), interval(ends)
