"""Who does the work of a sweep in this process?"""

import abc
import atexit
import contextlib
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import final

from lazyscope._checks import check_count
from lazyscope._cores import usable_cores
from lazyscope._outcome import INTERRUPTED
from lazyscope.flow import one_lapack_thread
from lazyscope.model import physical_memory
from lazyscope.sweep.design._units import Unit
from lazyscope.sweep.run._batch import Ended, RunUnit, UnitResult, failure
from lazyscope.sweep.store._batchfile import RunFailure, RunResult

UnitEnd = tuple[Unit, Ended | UnitResult | BaseException]
"""A unit with its results, or with what went wrong."""

PATIENCE = 1.0
"""Seconds that an interrupted sweep waits for runs that are being done."""


def say(sentence: str) -> None:
    """Write a sentence on standard error, if there is one."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"lazyscope: {sentence}\n")
        sys.stderr.flush()


class AbstractWorkers(abc.ABC):
    """A number of workers that take units and give results back in any order.

    Attributes:
        tell: is called with a sentence that the user should see while waiting.
    """

    tell: Callable[[str], None] = staticmethod(say)

    @property
    @abc.abstractmethod
    def num_workers(self) -> int:
        """How many units are done at the same time."""

    @abc.abstractmethod
    def results(self, run_unit: RunUnit, units: Sequence[Unit]) -> Iterator[UnitEnd]:
        """Every unit once, with its results or with what went wrong, as they end."""

    def left(self) -> Iterator[UnitEnd]:
        """Stop, and give what has ended since; what is being done is not waited for long."""
        return iter(())

    def memory(self) -> float | None:
        """Bytes that each of the units done at the same time may take; None where it is unknown."""
        return None


@final
class ThreadWorkers(AbstractWorkers):
    """Threads of this process. Compiled programs run outside Python's lock, so they share cores.

    Args:
        num_workers: threads; all cores that this process may use unless given.
    """

    def __init__(self, num_workers: int | None = None) -> None:
        given = None if num_workers is None else check_count("num_workers", num_workers)
        self._num_workers = given or usable_cores()
        self._desk = _Desk(())
        self._threads: list[threading.Thread] = []

    @property
    def num_workers(self) -> int:
        """Number of threads."""
        return self._num_workers

    def results(self, run_unit: RunUnit, units: Sequence[Unit]) -> Iterator[UnitEnd]:
        """Every unit once; on leaving early, units that have not begun are dropped."""
        desk = self._desk = _Desk(units)
        self._threads = [
            threading.Thread(
                target=_work, args=(run_unit, desk), name=f"sweep-{number}", daemon=True
            )
            for number in range(min(self._num_workers, len(units)))
        ]
        with one_lapack_thread():
            try:
                for thread in self._threads:
                    thread.start()
                for _ in units:
                    desk.bell.get()
                    desk.taken = desk.ended[0]  # an interruption here loses nothing
                    desk.ended.popleft()
                    yield desk.taken
            finally:
                self._rest()

    def left(self) -> Iterator[UnitEnd]:
        """Stop, and give what has ended since, runs of units that were begun included.

        The unit that was given last is given again, since an interruption may have come before.
        """
        _interrupted.set()
        self._rest()
        desk = self._desk
        begun = [(unit, list(results)) for unit, results in list(desk.begun.values())]
        yield from [*([desk.taken] if desk.taken else []), *desk.ended, *begun]

    def memory(self) -> float:
        """An equal share of this machine's memory."""
        return physical_memory() / self._num_workers

    def _rest(self) -> None:
        """Let no thread begin another run; a run or compilation under way is left to itself."""
        self._desk.stop.set()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        _abandoned.extend(thread for thread in self._threads if thread.is_alive())
        self._threads = []


@final
class _Desk:
    """What threads that share units leave for each other and for who waits."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.todo = deque(units)
        self.begun: dict[int, tuple[Unit, list[RunResult | RunFailure]]] = {}
        self.ended: deque[UnitEnd] = deque()
        self.taken: UnitEnd | None = None
        self.bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.stop = threading.Event()


def _work(run_unit: RunUnit, desk: _Desk) -> None:
    """Do units until there are none, run by run, so that a stop loses one run at most."""
    while not desk.stop.is_set():
        try:
            unit = desk.todo.popleft()
        except IndexError:
            return
        results: list[RunResult | RunFailure] = []
        desk.begun[threading.get_ident()] = unit, results
        for cell in unit:
            if desk.stop.is_set():
                return
            try:
                results.extend(run_unit([cell]))
            except BaseException as error:
                results.append(failure(cell, error))
        desk.ended.append((unit, results))
        del desk.begun[threading.get_ident()]
        desk.bell.put(None)


_abandoned: list[threading.Thread] = []
_interrupted = threading.Event()


def _end_with_threads() -> None:
    """Let no interpreter end while a thread is inside a compiled program, which would crash.

    An interruption ends the process at once. After anything else the runs and compilations under way are
    waited for, so that the exit code and what others do at the end of a process stay what they are.
    """
    try:
        if not _interrupted.is_set():
            _wait()
    except KeyboardInterrupt:
        _interrupted.set()
    if any(thread.is_alive() for thread in _abandoned):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(INTERRUPTED)


def _wait() -> None:
    """Wait for the threads of sweeps that ended early, and say so where it takes long."""
    deadline = time.monotonic() + PATIENCE
    for thread in _abandoned:
        thread.join(max(0.0, deadline - time.monotonic()))
    alive = [thread for thread in _abandoned if thread.is_alive()]
    if alive:
        say(f"Waiting for {len(alive)} runs under way; Ctrl-C ends the process at once.")
    for thread in alive:
        thread.join()


atexit.register(_end_with_threads)
