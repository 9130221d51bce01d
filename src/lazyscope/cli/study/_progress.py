"""How is the progress of a study told while it runs?"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import typer


@contextmanager
def study_progress() -> Iterator[Callable[[int, int], None]]:
    """Runs done and left on standard error: a bar on a terminal, ten lines elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        first = Timer(_SILENCE, _tell_compiling)
        first.daemon = True
        first.start()
        try:
            with warnings_told(lambda text: typer.echo(text, err=True)):
                yield _tell_tenths
        finally:
            first.cancel()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description="runs")

        with warnings_told(lambda text: console.print(text, highlight=False, soft_wrap=True)):
            yield advance


@contextmanager
def warnings_told(tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Show what cannot be decided as one line, not as Python shows warnings."""
    from lazyscope.study import HopelessWarning

    tell = tell or (lambda text: typer.echo(text, err=True))
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: Any, *where: Any, **more: Any) -> None:
            if issubclass(category, HopelessWarning):
                tell(f"lazyscope: {str(message)[:1].upper()}{str(message)[1:]}.")
            else:
                shown(message, category, *where, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", HopelessWarning)
        yield


_SILENCE = 1.5  # seconds, in which bad input is refused in one line


def _tell_compiling() -> None:
    typer.echo("lazyscope: compiling one program per width first", err=True)


def _tell_tenths(done: int, total: int) -> None:
    """A line whenever another tenth of the runs is done."""
    if 10 * done // total > 10 * (done - 1) // total:
        typer.echo(f"lazyscope: {done} of {total} runs done", err=True)
