"""Many runs over widths, parametrisations, depths and seeds: designed, run and kept on disk."""

from lazyscope.sweep._batchfile import RunResult
from lazyscope.sweep._design import Cell, SweepDesign
from lazyscope.sweep._error import StoreError
from lazyscope.sweep._open import finished_cells, open_store
from lazyscope.sweep._record import record_names
from lazyscope.sweep._settings import setting_names
from lazyscope.sweep._store import SweepStore, writing_store

__all__ = [
    "Cell",
    "RunResult",
    "StoreError",
    "SweepDesign",
    "SweepStore",
    "finished_cells",
    "open_store",
    "record_names",
    "setting_names",
    "writing_store",
]
