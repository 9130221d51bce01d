"""How does a sweep over a plane become a phase diagram?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import xarray as xr

from lazyscope._checks import InputError, check_finite
from lazyscope.study._map_estimates import map_estimates
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


def run_map_study(
    design: SweepDesign, store: str | Path, *, title: str, show_progress: bool = False
) -> MapResult:
    """Do what is missing of `design`, then estimate every cell of its plane."""
    summary = run_sweep(design, store, show_progress=show_progress)
    runs = open_store(store)
    return MapResult(runs, map_estimates(runs, title=title), summary)


def check_increasing(what: str, values: Sequence[float], *, minimum: int) -> None:
    """Refuse values of an axis that are too few, not finite or not increasing."""
    numbers = [check_finite(what, value) for value in values]
    if len(numbers) < minimum or not all(a < b for a, b in pairwise(numbers)):
        raise InputError(
            f"{what} must be at least {minimum} increasing numbers",
            received=list(values),
            cause="an unsorted or short list, or a value that was typed twice",
            fix="list each value once, the smallest first",
        )
