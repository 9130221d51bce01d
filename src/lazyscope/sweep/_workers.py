"""Who does the work of a sweep in this process?"""

import abc
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import final

from lazyscope.flow import one_lapack_thread
from lazyscope.sweep._batchfile import RunResult
from lazyscope.sweep._units import Unit

RunUnit = Callable[[Unit], list[RunResult]]
"""Does all runs of a unit."""


class AbstractWorkers(abc.ABC):
    """A number of workers that take units and give results back in any order."""

    @property
    @abc.abstractmethod
    def num_workers(self) -> int:
        """How many units are done at the same time."""

    @abc.abstractmethod
    def results(
        self, run_unit: RunUnit, units: Sequence[Unit]
    ) -> Iterator[tuple[Unit, list[RunResult] | BaseException]]:
        """Every unit once, with its results or with what went wrong, as they end."""


@final
class ThreadWorkers(AbstractWorkers):
    """Threads of this process. Compiled programs run outside Python's lock, so they share cores.

    Args:
        num_workers: threads; all cores that this process may use unless given.
    """

    def __init__(self, num_workers: int | None = None) -> None:
        self._num_workers = num_workers or usable_cores()

    @property
    def num_workers(self) -> int:
        """Number of threads."""
        return self._num_workers

    def results(
        self, run_unit: RunUnit, units: Sequence[Unit]
    ) -> Iterator[tuple[Unit, list[RunResult] | BaseException]]:
        """Every unit once; on leaving early, units that have not begun are dropped."""
        pool = ThreadPoolExecutor(self._num_workers, thread_name_prefix="sweep")
        with one_lapack_thread():
            try:
                futures = {pool.submit(run_unit, unit): unit for unit in units}
                for future in as_completed(futures):
                    error = future.exception()
                    yield futures.pop(future), future.result() if error is None else error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))
