"""How far is a sweep: done, running, failed, time left?"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


@final
class OneLine:
    """Counts on one line that is written over, where nothing else can be moved: notebooks without widgets."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, force_jupyter=False)
        self._title, self._total, self._longest = "", 0, 0

    def add_task(self, description: str, *, total: int, completed: int, counts: str) -> Any:
        """Begin to show one count."""
        self._title, self._total = description, total
        self.update(0, completed=completed, counts=counts)
        return 0

    def update(self, task_id: Any, *, completed: int, counts: str) -> None:
        """Write the line again."""
        done = round(_BAR * completed / max(self._total, 1))
        share = f"{100 * completed / max(self._total, 1):3.0f}%"
        line = f"{self._title} [{'#' * done}{'.' * (_BAR - done)}] {share} {counts}"
        self._longest = max(self._longest, len(line))
        sys.stderr.write(f"\r{line:<{self._longest}}")
        sys.stderr.flush()


_BAR = 24
"""Characters of a bar."""


@final
class SweepProgress:
    """Counts of a sweep, shown on standard error while it runs.

    Args:
        bar: the display.
        title: name of the sweep.
        num_cells: runs of the whole design.
        num_before: runs that the store held at the start.
        work: expected seconds of all that is left, the measure of time left.
    """

    def __init__(
        self, bar: Progress | OneLine, title: str, num_cells: int, num_before: int, work: float
    ) -> None:
        self._bar = bar
        self._done = num_before
        self._failed = 0
        self._work = work
        self._worked = 0.0
        self._began = time.monotonic()
        self._task = bar.add_task(title, total=num_cells, completed=num_before, counts="starting")

    def advance(self, done: int, failed: int, work: float, running: int) -> None:
        """Add runs that ended, `failed` of them without converging, and say how many run now."""
        self._done += done
        self._failed += failed
        self._worked += work
        counts = f"{self._done} done, {running} running, {self._failed} failed, {self._left()}"
        self._bar.update(self._task, completed=self._done, counts=counts)

    def say(self, sentence: str) -> None:
        """Show a sentence above the display."""
        self._bar.console.print(f"lazyscope: {sentence}", markup=False, highlight=False)

    def _left(self) -> str:
        if self._worked <= 0:
            return "time left unknown"
        elapsed = time.monotonic() - self._began
        seconds = max(0.0, elapsed * (self._work - self._worked) / self._worked)
        minutes, seconds = divmod(round(seconds), 60)
        return f"{minutes}:{seconds:02d} left"


@contextmanager
def sweep_progress(
    title: str, *, num_cells: int, num_before: int, work: float, show: bool
) -> Iterator[SweepProgress]:
    """The progress of one sweep; drawn only where `show` says so."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    console = Console(stderr=True)
    if show and console.is_jupyter and find_spec("ipywidgets") is None:
        yield SweepProgress(OneLine(), title, num_cells, num_before, work)
        sys.stderr.write("\n")
        return
    with Progress(*columns, console=console, disable=not show) as bar:
        yield SweepProgress(bar, title, num_cells, num_before, work)
