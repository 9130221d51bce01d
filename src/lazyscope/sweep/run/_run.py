"""How is a sweep run, and resumed, to the end?"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, final

import xarray as xr

from lazyscope._checks import InputError, shown
from lazyscope._entry import checked
from lazyscope._result import AbstractResult
from lazyscope.experiment import data_digests, data_keys
from lazyscope.sweep.design._cost import check_memory, run_seconds
from lazyscope.sweep.design._design import Cell, SweepDesign
from lazyscope.sweep.design._units import Unit, cut_into_units
from lazyscope.sweep.run._batch import Ended, UnitResult, failure, run_unit
from lazyscope.sweep.run._cluster import ClusterWorkers, connected
from lazyscope.sweep.run._fingerprint import differences, fingerprint, process_name
from lazyscope.sweep.run._progress import sweep_progress
from lazyscope.sweep.run._workers import AbstractWorkers, ThreadWorkers
from lazyscope.sweep.store._batchfile import RunFailure, RunResult
from lazyscope.sweep.store._error import StoreError
from lazyscope.sweep.store._open import open_store
from lazyscope.sweep.store._place import store_path
from lazyscope.sweep.store._store import SweepStore, writing_store

if TYPE_CHECKING:
    from distributed import Client

_LOG = logging.getLogger(__name__)


@final
@dataclass(frozen=True, repr=False)
class SweepSummary(AbstractResult):
    """What one call of `run_sweep` did.

    Attributes:
        path: folder of the store.
        num_cells: runs of the design.
        num_before: runs that the store held already.
        outcomes: how many of the runs done now ended in which way.
        errors: runs that ended with an exception and are not in the store, by its message and by the
            settings that all of them share.
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

    def opened(self) -> xr.Dataset:
        """The store as `open_store` gives it.

        Raises:
            StoreError: as `open_store`.
        """
        return open_store(self.path)


@checked(own=("path", "scheduler", "num_workers"))
def run_sweep(
    design: SweepDesign,
    path: str | Path,
    *,
    scheduler: "str | Client | None" = None,
    num_workers: int | None = None,
    show_progress: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
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
        progress: called with (runs in the store or done, runs in all) whenever some have ended.

    Returns:
        Counts; the results are read with `open_store`.

    Raises:
        StoreError: the store is written by another process, was moved, holds another sweep, other
            data or other random numbers, its disk is full, or a worker of the cluster has another
            version, other data or another precision than this process.
        InputError: runs that do not fit into memory together, or a path that is none.
        KeyboardInterrupt: within seconds; the runs that ended are in the store.
        SchedulerLostError: the scheduler went away; finished runs are in the store.
    """
    with _workers(scheduler, num_workers) as workers:
        shown = {"show_progress": show_progress, "progress": progress}
        return run_sweep_with(workers, run_unit, design, path, **shown)


def run_sweep_with(
    workers: AbstractWorkers,
    run: Callable[..., Ended],
    design: SweepDesign,
    path: str | Path,
    *,
    show_progress: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SweepSummary:
    """`run_sweep` with `workers` that do each unit by ``run(unit, record=design.record)``."""
    began = time.monotonic()
    place = store_path(path)
    digests = data_digests((cell.settings for cell in design.cells()), fresh=True)
    check_memory(design.cells(), workers.memory())
    with writing_store(place, design) as store:
        _check_same_data(store, digests)
        before, missing = len(store.finished), store.missing()
        _LOG.info(
            "%s: %d of %d runs to do in %s", design.name, len(missing), design.num_cells, place
        )
        seconds = {cell.hash: run_seconds(cell.settings) for cell in missing}
        num_workers = workers.num_workers
        units = cut_into_units(missing, lambda cell: seconds[cell.hash], num_workers)
        with sweep_progress(
            design.name,
            num_cells=design.num_cells,
            num_before=before,
            work=sum(seconds.values()),
            show=show_progress,
        ) as display:
            if show_progress:
                workers.tell = display.say
            intake = _Intake(store, digests)
            waiting = sum(map(len, units))
            ended_units = workers.results(partial(run, record=design.record), units)
            try:
                for unit, ended in ended_units:
                    failed = intake.take(unit, ended)
                    waiting -= len(unit)
                    now = min(waiting, num_workers * len(unit))
                    work = sum(seconds[cell.hash] for cell in unit)
                    display.advance(len(unit), failed, work, now)
                    progress(design.num_cells - waiting, design.num_cells)
            except KeyboardInterrupt:
                for unit, ended in workers.left():
                    intake.take(unit, ended)
                raise
    elapsed = time.monotonic() - began
    outcomes, errors = dict(intake.outcomes), intake.errors()
    for error, count in errors.items():
        _LOG.warning("%s: %d runs: %s", design.name, count, error)
    _LOG.info("%s: %s in %.1f s", design.name, outcomes, elapsed)
    return SweepSummary(place, design.num_cells, before, outcomes, errors, elapsed)


@final
class _Intake:
    """Writes and counts what units give."""

    def __init__(self, store: SweepStore, digests: Mapping[str, str]) -> None:
        self.outcomes: Counter[str] = Counter()
        self._failed: dict[str, list[Cell]] = {}
        self._store = store
        self._digests = digests

    def take(self, unit: Unit, ended: Ended | UnitResult | BaseException) -> int:
        """Write and count what `unit` gave; the number of its runs that did not converge.

        Raises:
            StoreError: a worker whose numbers would not be those of this process, or as `write`.
        """
        if isinstance(ended, BaseException):
            ended = [failure(cell, ended) for cell in unit]
        data = {key: self._digests[key] for key in data_keys(cell.settings for cell in unit)}
        worker = process_name()
        if isinstance(ended, UnitResult):
            worker = ended.worker
            ours, theirs = {**fingerprint(), **data}, {**ended.fingerprint, **ended.data}
            if ours != theirs:
                raise _other_numbers(worker, differences(ours, theirs))
            ended = ended.ended
        results = [
            each
            for each in ended
            if isinstance(each, RunResult) and not self._store.holds(each.cell)
        ]
        for result in results:
            (key,) = data_keys([result.cell.settings])
            if result.data and result.data != self._digests[key]:
                raise _other_data(key)
        origin = {"worker": worker, "fingerprint": fingerprint()}
        _uninterrupted(lambda: self._store.write(results, data=data, **origin))
        self.outcomes.update(result.outcome.label for result in results)
        for each in ended:
            if isinstance(each, RunFailure):
                self._failed.setdefault(each.error, []).append(each.cell)
        return len(ended) - sum(result.outcome.ok for result in results)

    def errors(self) -> dict[str, int]:
        """How many runs ended with which exception, and with which settings all of them have."""
        varied = (*self._store.design.axes, *self._store.design.points)
        errors = {}
        for error, cells in self._failed.items():
            shared = [
                f"{name} = {cells[0].settings[name]}"
                for name in varied
                if all(cell.settings[name] == cells[0].settings[name] for cell in cells)
            ]
            errors[f"{error} ({', '.join(shared)})" if shared else error] = len(cells)
        return errors


def _uninterrupted(write: Callable[[], None]) -> None:
    """Write in a thread, which no interruption reaches: it is done when an interruption goes on."""
    with ThreadPoolExecutor(1, thread_name_prefix="sweep-write") as pool:
        pool.submit(write).result()


def _other_numbers(worker: str, found: list[str]) -> StoreError:
    return StoreError(
        "all workers of a sweep must have the same package, versions, data and precision",
        received=f"{worker}, which has {'; '.join(found)}",
        cause="an environment or a file on that machine that is older or newer than here",
        fix="give it what this process has and start it again, or stop it; nothing of it was stored, "
        "and the same command goes on",
    )


@contextmanager
def _workers(
    scheduler: "str | Client | None", num_workers: int | None
) -> Iterator[AbstractWorkers]:
    if scheduler is None:
        yield ThreadWorkers(num_workers)
    elif isinstance(scheduler, str):
        with connected(scheduler) as client:
            yield ClusterWorkers(client)
    elif not hasattr(scheduler, "scheduler_info"):
        raise InputError(
            "scheduler must be an address or a client of Dask",
            received=shown(scheduler),
            cause="a cluster, or an object that is no client",
            fix="give distributed.Client(cluster), or the address of its scheduler as text",
        )
    else:
        yield ClusterWorkers(scheduler)


def _check_same_data(store: SweepStore, digests: Mapping[str, str]) -> None:
    """Refuse to go on with data that changed since the store was begun."""
    changed = [
        choice for choice, digest in store.data.items() if digests.get(choice, digest) != digest
    ]
    if changed:
        raise _other_data(changed[0])


def _other_data(choice: str) -> StoreError:
    return StoreError(
        "a sweep must go on with the data that it began with",
        received=f"other numbers behind {choice}",
        cause="a data file that was replaced",
        fix="restore the file, or name a new folder for the new data",
    )
