"""Many runs over widths, parametrisations, depths and seeds: designed, run and kept on disk."""

from lazyscope.experiment import record_names, setting_names
from lazyscope.sweep.design._cost import CostEstimate, estimate_cost
from lazyscope.sweep.design._design import Cell, SweepDesign
from lazyscope.sweep.run._cluster import SchedulerLostError
from lazyscope.sweep.run._run import SweepSummary, run_sweep
from lazyscope.sweep.store._batchfile import RunResult
from lazyscope.sweep.store._error import StoreError
from lazyscope.sweep.store._open import finished_cells, open_store
from lazyscope.sweep.store._store import SweepStore, writing_store

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
