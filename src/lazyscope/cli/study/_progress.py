"""How is the progress of a study told while it runs?"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import typer


@contextmanager
def study_progress() -> Iterator[dict[str, Any]]:
    """How a study tells its runs on standard error: a bar on a terminal, ten lines elsewhere.

    Warnings about what cannot be decided become lines as well.
    """
    shown = typer.get_text_stream("stderr").isatty()
    first = Timer(_SILENCE, _tell_compiling)
    first.daemon = True
    try:
        with _warnings_told():
            yield {"show_progress": shown, "progress": _nothing if shown else _tenths(first)}
    finally:
        first.cancel()


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Show what cannot be decided as one line, not as Python shows warnings."""
    from lazyscope.study import HopelessWarning

    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: Any, *where: Any, **more: Any) -> None:
            if issubclass(category, HopelessWarning):
                text = f"{str(message)[:1].upper()}{str(message)[1:]}."
                typer.echo(f"lazyscope: {text}", err=True)
            else:
                shown(message, category, *where, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", HopelessWarning)
        yield


_SILENCE = 1.5  # seconds, in which data that do not fit are refused in one line


def _tell_compiling() -> None:
    typer.echo("lazyscope: compiling one program per width first", err=True)


def _tenths(first: Timer) -> Callable[[int, int], None]:
    """Writes a line whenever another tenth of the runs is done; `first` is started before all of them."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if not done and first.ident is None:
            first.start()
        if 10 * done // total > told:
            told = 10 * done // total
            typer.echo(f"lazyscope: {done} of {total} runs done", err=True)

    return tell


def _nothing(done: int, total: int) -> None:
    """Where the bar of the sweep tells it."""
