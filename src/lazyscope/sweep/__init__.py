"""Many runs over widths, parametrisations, depths and seeds: designed, run and kept on disk."""

from lazyscope.sweep._batchfile import RunResult
from lazyscope.sweep._cluster import SchedulerLostError
from lazyscope.sweep._cost import CostEstimate, estimate_cost
from lazyscope.sweep._design import Cell, SweepDesign
from lazyscope.sweep._error import StoreError
from lazyscope.sweep._open import finished_cells, open_store
from lazyscope.sweep._record import record_names
from lazyscope.sweep._run import SweepSummary, run_sweep
from lazyscope.sweep._settings import setting_names
from lazyscope.sweep._store import SweepStore, writing_store

__all__ = [
    "Cell",
    "CostEstimate",
    "RunResult",
    "SchedulerLostError",
    "StoreError",
    "SweepDesign",
    "SweepStore",
    "SweepSummary",
    "estimate_cost",
    "finished_cells",
    "open_store",
    "record_names",
    "run_sweep",
    "setting_names",
    "writing_store",
]
