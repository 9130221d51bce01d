"""How does a sweep run on a Dask cluster?

The client process cuts the work into units, sends them to the scheduler and alone writes the store.
A worker that dies loses only the units it was doing; the scheduler gives them to others.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast, final

from lazyscope._cluster import open_client
from lazyscope._portable import PortableError
from lazyscope.sweep.design._units import Unit
from lazyscope.sweep.run._batch import RunUnit, UnitResult, run_elsewhere
from lazyscope.sweep.run._workers import PATIENCE, AbstractWorkers, UnitEnd

if TYPE_CHECKING:
    from distributed import Client, Future


FIRST_WORD = 5.0
"""Seconds without a worker after which the user is told."""

NEXT_WORD = 60.0
"""Seconds after which it is said again."""


CLOSING = 1.0
"""Seconds that the end of a sweep waits for a scheduler to let the client go."""


class SchedulerLostError(PortableError, RuntimeError):
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
        self._futures: dict[Future, Unit] = {}
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()

    @property
    def num_workers(self) -> int:
        """Threads of all workers that are there now, at least one."""
        return max(1, sum(self._threads().values()))

    def results(self, run_unit: RunUnit, units: Sequence[Unit]) -> Iterator[UnitEnd]:
        """Every unit once; on leaving early, units that have not ended are cancelled."""
        self._done = queue.SimpleQueue()
        self._futures = {}
        try:
            for place, unit in enumerate(units):
                with self._scheduler_watched():
                    future = self._client.submit(
                        run_elsewhere, run_unit, unit, pure=False, priority=-place
                    )
                self._futures[future] = unit
                future.add_done_callback(self._done.put)
            yield from self._as_they_end()
        finally:
            self._cancel()

    def left(self) -> Iterator[UnitEnd]:
        """What has ended and was not taken; the unit that was given last is given again."""
        for future, unit in list(self._futures.items()):
            if future.status == "finished":
                with suppress(Exception):
                    yield unit, cast("UnitResult", future.result(timeout=PATIENCE))

    def memory(self) -> float | None:
        """The least that a worker's limit leaves each of its threads; None without a limit."""
        with self._scheduler_watched():
            try:
                told: Any = self._client.scheduler_info(n_workers=-1)
            except TypeError:  # earlier versions of Dask tell all workers always
                told = self._client.scheduler_info()
        workers = told["workers"].values()
        room = [each["memory_limit"] / each["nthreads"] for each in workers if each["memory_limit"]]
        return min(room, default=None)

    def _as_they_end(self) -> Iterator[UnitEnd]:
        heard = time.monotonic()
        told = 0.0
        while self._futures:
            try:
                future = self._done.get(timeout=1.0)
            except queue.Empty:
                if self._client.status not in ("running", "connecting") or self._any_lost():
                    raise SchedulerLostError(self._address) from None
                alone = time.monotonic() - heard
                if self._client.status == "running" and self._threads():
                    heard, told = time.monotonic(), 0.0
                elif alone >= max(FIRST_WORD, told + NEXT_WORD if told else 0.0):
                    told = alone
                    self.tell(self._waiting(alone))
                continue
            heard, told = time.monotonic(), 0.0
            with self._scheduler_watched():
                ended = self._ended(future)
            yield self._futures[future], ended
            del self._futures[future]  # not before: an interruption here loses nothing

    def _threads(self) -> dict[str, int]:
        """Threads of every worker that is there now."""
        with self._scheduler_watched():
            threads: Any = self._client.nthreads()
        return dict(threads)

    def _any_lost(self) -> bool:
        return any(future.status in ("lost", "cancelled") for future in self._futures)

    def _waiting(self, seconds: float) -> str:
        return (
            f"No worker has been at the scheduler {self._address} for {seconds:.0f} s; waiting. Start "
            f"one with: dask worker {self._address} --nthreads 1"
        )

    def _cancel(self) -> None:
        """Cancel what has not ended, without waiting long for a scheduler that does not answer."""
        left = [future for future in self._futures if future.status == "pending"]
        if left and self._client.status == "running":
            _at_most(PATIENCE, lambda: self._client.cancel(left))

    def _ended(self, future: "Future") -> UnitResult | BaseException:
        """What a unit gave, or the exception that it raised where it ran."""
        if future.status == "finished":
            return cast("UnitResult", future.result())
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


def _at_most(seconds: float, work: Callable[[], object]) -> None:
    """Do `work`, and leave it to itself when it takes longer."""

    def quietly() -> None:
        with suppress(Exception):
            work()

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    thread.join(seconds)


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """A client of the scheduler at `address`.

    Raises:
        InputError: Dask is not installed, or no scheduler answers.
    """
    client = open_client(address, "a sweep")
    try:
        yield client
    finally:
        _at_most(CLOSING, client.close)
