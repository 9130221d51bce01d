"""How does a command end when it is interrupted or told to end?

The first signal raises ``KeyboardInterrupt`` in the main thread, so that locks are released and what is
unfinished is removed. A compiler or a worker thread may keep the main thread from hearing of it: a thread
of its own, woken by the system, then ends the process after `PATIENCE` seconds.
"""

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

PATIENCE = 1.5
"""Seconds in which an interrupted command may end by itself."""

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_state: dict[str, int] = {}


def stopped_by() -> int:
    """128 plus the number of the signal that ended this command, 0 where none did."""
    return 128 + _state["signal"] if "signal" in _state else 0


def listen() -> None:
    """Answer the signals by which a process is stopped; those that are ignored stay so."""
    heard = [
        getattr(signal, name)
        for name in _SIGNALS
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN
    ]
    for number in heard:
        signal.signal(number, _hear)
    if os.name == "posix":
        ear, mouth = os.pipe()
        os.set_blocking(mouth, False)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        threading.Thread(
            target=_watch, args=(ear, frozenset(map(int, heard))), daemon=True, name="signals"
        ).start()
    sys.unraisablehook = _quiet(sys.unraisablehook)


def end_now(code: int) -> NoReturn:
    """End the process without waiting for its threads, after one line on standard error."""
    _tell()
    _tidy()
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(code)


def _hear(number: int, frame: Any) -> None:
    """In the main thread: begin to end, once."""
    if "raised" not in _state:
        _state["raised"] = 1
        _state.setdefault("signal", number)
        raise KeyboardInterrupt


def _watch(ear: int, heard: frozenset[int]) -> None:
    """In a thread: wait for a signal, then for the main thread, then end the process."""
    while True:
        for number in os.read(ear, 1):
            if number in heard:
                _state.setdefault("signal", number)
                select.select([ear], [], [], PATIENCE)  # a second signal ends it at once
                end_now(128 + _state["signal"])


def _tell() -> None:
    """Say once that the command was stopped."""
    if _state.setdefault("told", threading.get_ident()) == threading.get_ident():
        with suppress(Exception):
            mouth = sys.stderr.fileno()
            if sys.stderr.isatty():
                os.write(mouth, b"\r\x1b[K\x1b[?25h")  # clear a progress bar, show the cursor again
            os.write(mouth, b"lazyscope: Stopped.\n")


def _tidy() -> None:
    """Remove what is unfinished: parts of files, and folders made for results that do not come."""
    module = sys.modules.get("lazyscope._file")
    unfinished = [] if module is None else list(module.UNFINISHED)
    for path in sorted(unfinished, key=lambda one: len(one.parts), reverse=True):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _quiet(hook: Any) -> Any:
    """The hook for errors that cannot be raised, silent about interruptions."""

    def told(error: Any) -> None:
        if not stopped_by():
            hook(error)

    return told
