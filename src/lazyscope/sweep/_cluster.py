"""How does a sweep run on a Dask cluster?

The client process cuts the work into units, sends them to the scheduler and alone writes the store.
A worker that dies loses only the units it was doing; the scheduler gives them to others.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast, final

from lazyscope._checks import InputError
from lazyscope.sweep._batchfile import RunResult
from lazyscope.sweep._units import Unit
from lazyscope.sweep._workers import AbstractWorkers, RunUnit

if TYPE_CHECKING:
    from distributed import Client, Future


class SchedulerLostError(RuntimeError):
    """The scheduler went away while a sweep was running. Finished runs are in the store."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The scheduler at {address} was lost. Finished runs are in the store; the same command "
            "goes on from them, with a new --scheduler or without one in this process."
        )


@final
class ClusterWorkers(AbstractWorkers):
    """The workers that a Dask client reaches.

    Args:
        client: a connected ``distributed.Client``.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client

    @property
    def num_workers(self) -> int:
        """Threads of all workers that are there now, at least one."""
        with self._scheduler_watched():
            threads: Any = self._client.nthreads()
        return max(1, sum(threads.values()))

    def results(
        self, run_unit: RunUnit, units: Sequence[Unit]
    ) -> Iterator[tuple[Unit, list[RunResult] | BaseException]]:
        """Every unit once; on leaving early, units that have not ended are cancelled."""
        from distributed import as_completed

        futures = {}
        try:
            for place, unit in enumerate(units):
                with self._scheduler_watched():
                    future = self._client.submit(run_unit, unit, pure=False, priority=-place)
                futures[future] = unit
            for future in as_completed(list(futures)):
                unit = futures.pop(future)
                with self._scheduler_watched():
                    ended = self._ended(future)
                yield unit, ended
        finally:
            if futures and self._client.status == "running":
                self._client.cancel(list(futures))

    def _ended(self, future: "Future") -> list[RunResult] | BaseException:
        """What a unit gave, or the exception that it raised where it ran."""
        if future.status == "finished":
            return cast("list[RunResult]", future.result())
        error: Any = future.exception() if future.status == "error" else None
        if error is None:
            raise SchedulerLostError(self._address)
        return cast("BaseException", error)

    @property
    def _address(self) -> str:
        return getattr(self._client.scheduler, "address", "an unknown address")

    @contextmanager
    def _scheduler_watched(self) -> Iterator[None]:
        """Name a connection that breaks, while the client talks to its scheduler, for what it is."""
        try:
            yield
        except (OSError, TimeoutError, CancelledError) as error:
            raise SchedulerLostError(self._address) from error


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """A client of the scheduler at `address`.

    Raises:
        InputError: Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "a sweep on a cluster needs Dask",
            received=f"scheduler {address!r}",
            cause="lazyscope was installed without its extra",
            fix="pip install 'lazyscope[cluster]'",
        ) from error
    try:
        client = Client(address)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            "a scheduler must answer at its address",
            received=f"{address!r} ({error})",
            cause="a scheduler that has ended, or a mistyped address",
            fix="start one with dask scheduler and copy the address that it prints",
        ) from error
    with client:
        yield client
