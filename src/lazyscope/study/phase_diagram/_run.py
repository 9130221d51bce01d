"""How does a sweep over a plane become a phase diagram?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import xarray as xr

from lazyscope._checks import (
    InputError,
    check_count,
    check_finite,
    check_fraction,
    check_positive,
)
from lazyscope._entry import check_fields
from lazyscope.measure import MIN_SPARE
from lazyscope.study.phase_diagram._estimates import map_estimates
from lazyscope.sweep import SweepDesign, SweepSummary, open_store, run_sweep


@dataclass(frozen=True)
class MapResult:
    """A phase diagram as it was run and estimated.

    Attributes:
        runs: results over (x, y, width, seed), as `lazyscope.sweep.open_store` gives them.
        estimates: exponents over (x, y, layer), see ``docs/report.md``.
        summary: what this call did; runs that were in the store before are not counted as done.
    """

    runs: xr.Dataset
    estimates: xr.Dataset
    summary: SweepSummary


class RunSettings(Protocol):
    """What the settings of every study over widths and seeds have."""

    @property
    def widths(self) -> tuple[int, ...]: ...
    @property
    def seeds(self) -> int: ...
    @property
    def data(self) -> str: ...
    @property
    def stop(self) -> float: ...
    @property
    def tolerance(self) -> float: ...
    @property
    def max_steps(self) -> int: ...


def run_map_study(
    design: SweepDesign, store: str | Path, *, title: str, show_progress: bool = False
) -> MapResult:
    """Do what is missing of `design`, then estimate every cell of its plane."""
    summary = run_sweep(design, store, show_progress=show_progress)
    runs = open_store(store)
    return MapResult(runs, map_estimates(runs, title=title), summary)


def check_settings(settings: RunSettings, axes: Sequence[str]) -> None:
    """Refuse settings that make no study; `axes` names the rows of values that span it.

    Raises:
        InputError: fewer than three widths, fewer than two values of an axis, rows that do not
            increase, numbers outside their range.
    """
    check_fields(settings)
    check_count("seeds", settings.seeds)
    check_count("max_steps", settings.max_steps)
    check_fraction("stop fraction", settings.stop)
    check_positive("tolerance", settings.tolerance)
    for width in settings.widths:
        check_count("width", width)
    for axis in axes:
        _check_increasing(axis, getattr(settings, axis), minimum=2)
    _check_increasing("widths", settings.widths, minimum=3)
    check_enough_runs(len(settings.widths), settings.seeds)


def check_enough_runs(num_widths: int, seeds: int) -> None:
    """Refuse so few runs that no exponent could have an interval, before any of them is made."""
    if num_widths * (seeds - 1) < MIN_SPARE:
        raise InputError(
            f"an interval needs at least {MIN_SPARE} runs beyond one per width",
            received=f"{seeds} {'seed' if seeds == 1 else 'seeds'} at each of {num_widths} widths",
            cause="a single seed, which says nothing about scatter",
            fix=f"use {1 + -(-MIN_SPARE // num_widths)} seeds or more; 3 are better",
        )


def run_settings(settings: RunSettings) -> dict[str, Any]:
    """Those of the settings that every run has, as a sweep names them."""
    return {
        "data": settings.data,
        "stop": settings.stop,
        "tolerance": settings.tolerance,
        "max_steps": settings.max_steps,
    }


def _check_increasing(what: str, values: Sequence[float], *, minimum: int) -> None:
    """Refuse values of an axis that are too few, not finite or not increasing."""
    numbers = [check_finite(what, value) for value in values]
    if len(numbers) < minimum or not all(a < b for a, b in pairwise(numbers)):
        raise InputError(
            f"{what} must be at least {minimum} increasing numbers",
            received=list(values),
            cause="an unsorted or short list, or a value that was typed twice",
            fix="list each value once, the smallest first",
        )
