"""Where are the runs of a study while it is done, and how are they made?"""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr

from lazyscope.sweep import SweepDesign, run_sweep


@contextmanager
def kept_runs(folder: str | Path | None) -> Iterator[Path]:
    """The folder that was named, or one that is removed at the end."""
    if folder is not None:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix="lazyscope-") as made:
        yield Path(made)


def finished_runs(design: SweepDesign, store: Path, **how: Any) -> xr.Dataset:
    """Every run of a design that can be made, from its store.

    Warns:
        RuntimeWarning: runs that ended with an exception, which the store has no result of.
    """
    summary = run_sweep(design, store, **how)
    if summary.errors:
        told = "; ".join(f"{count} runs: {error}" for error, count in summary.errors.items())
        warnings.warn(f"runs are missing. {told}", RuntimeWarning, stacklevel=3)
    return summary.opened()
