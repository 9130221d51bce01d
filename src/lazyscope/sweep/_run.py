"""How is a sweep run, and resumed, to the end?"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from lazyscope.sweep._batch import run_unit
from lazyscope.sweep._batchfile import RunResult
from lazyscope.sweep._cluster import ClusterWorkers, connected
from lazyscope.sweep._cost import run_seconds
from lazyscope.sweep._data import data_digests
from lazyscope.sweep._design import SweepDesign
from lazyscope.sweep._error import StoreError
from lazyscope.sweep._progress import sweep_progress
from lazyscope.sweep._store import SweepStore, writing_store
from lazyscope.sweep._units import Unit, cut_into_units
from lazyscope.sweep._workers import AbstractWorkers, ThreadWorkers

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class SweepSummary:
    """What one call of `run_sweep` did.

    Attributes:
        path: folder of the store.
        num_cells: runs of the design.
        num_before: runs that the store held already.
        outcomes: how many of the runs done now ended in which way.
        errors: runs that ended with an exception and are not in the store, by its message.
        seconds: wall time of the call.
    """

    path: Path
    num_cells: int
    num_before: int
    outcomes: Mapping[str, int]
    errors: Mapping[str, int]
    seconds: float

    @property
    def num_done(self) -> int:
        """Runs done now, whatever their outcome."""
        return sum(self.outcomes.values())

    @property
    def complete(self) -> bool:
        """Whether the store now holds every run of the design."""
        return self.num_before + self.num_done == self.num_cells


def run_sweep(
    design: SweepDesign,
    path: str | Path,
    *,
    scheduler: "str | Client | None" = None,
    num_workers: int | None = None,
    show_progress: bool = False,
) -> SweepSummary:
    """Do every run of `design` that the store at `path` does not hold yet.

    Runs that diverge, stall or run out of steps are stored with their outcome. A run that ends with
    an exception is not stored and counted under ``errors``; the others go on. Interrupted in any
    way, the same call goes on from what was finished.

    Args:
        design: the sweep.
        path: folder of the store; made where there is none.
        scheduler: address of a Dask scheduler, or a client of one; without it the runs are done by
            threads of this process.
        num_workers: threads of this process, all usable cores unless given.
        show_progress: draw a progress bar on standard error.

    Returns:
        Counts; the results are read with `open_store`.

    Raises:
        StoreError: the store is written by another process, holds another sweep or other data, or
            its disk is full.
        SchedulerLostError: the scheduler went away; finished runs are in the store.
    """
    with _workers(scheduler, num_workers) as workers:
        return run_sweep_with(workers, run_unit, design, path, show_progress=show_progress)


def run_sweep_with(
    workers: AbstractWorkers,
    run: Callable[..., list[RunResult]],
    design: SweepDesign,
    path: str | Path,
    *,
    show_progress: bool = False,
) -> SweepSummary:
    """`run_sweep` with `workers` that do each unit by ``run(unit, record=design.record)``."""
    began = time.monotonic()
    digests = data_digests(design.cells())
    with writing_store(path, design) as store:
        _check_same_data(store, digests)
        before = len(store.finished)
        num_workers = workers.num_workers
        seconds = {cell.hash: run_seconds(cell.settings) for cell in store.missing()}
        units = cut_into_units(store.missing(), lambda cell: seconds[cell.hash], num_workers)
        with sweep_progress(
            design.name,
            num_cells=design.num_cells,
            num_before=before,
            work=sum(seconds.values()),
            show=show_progress,
        ) as progress:
            outcomes, errors = Counter(), Counter()
            running = {unit[0].hash: unit for unit in units}
            for unit, ended in workers.results(partial(run, record=design.record), units):
                failed = _take(store, digests, unit, ended, outcomes, errors)
                del running[unit[0].hash]
                now = sum(map(len, islice(running.values(), num_workers)))
                work = sum(seconds[cell.hash] for cell in unit)
                progress.advance(len(unit), failed, work, now)
    elapsed = time.monotonic() - began
    return SweepSummary(Path(path), design.num_cells, before, dict(outcomes), dict(errors), elapsed)


def _take(
    store: SweepStore,
    digests: Mapping[str, str],
    unit: Unit,
    ended: list[RunResult] | BaseException,
    outcomes: Counter[str],
    errors: Counter[str],
) -> int:
    """Write and count what a unit gave; the number of its runs that did not converge."""
    if isinstance(ended, BaseException):
        errors[f"{type(ended).__name__}: {ended}"] += len(unit)
        return len(unit)
    store.write(ended, data=digests)
    outcomes.update(result.outcome.label for result in ended)
    return sum(not result.outcome.ok for result in ended)


@contextmanager
def _workers(
    scheduler: "str | Client | None", num_workers: int | None
) -> Iterator[AbstractWorkers]:
    if scheduler is None:
        yield ThreadWorkers(num_workers)
    elif isinstance(scheduler, str):
        with connected(scheduler) as client:
            yield ClusterWorkers(client)
    else:
        yield ClusterWorkers(scheduler)


def _check_same_data(store: SweepStore, digests: Mapping[str, str]) -> None:
    """Refuse to go on with data that changed since the store was begun."""
    changed = [
        choice for choice, digest in store.data.items() if digests.get(choice, digest) != digest
    ]
    if changed:
        raise StoreError(
            "a sweep must go on with the data that it began with",
            received=f"other numbers behind {changed[0]}",
            cause="a data file that was replaced",
            fix="restore the file, or name a new folder for the new data",
        )
