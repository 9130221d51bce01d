"""How does the command behave as a process: its streams, its end, its exit code?

The answer goes to standard output. Where that is closed, full or not read to its end, the exit code says
so; nothing that happens to standard error changes an answer.
"""

import errno
import os
import sys
import threading

from lazyscope.cli.process._compiled import keep_compiled
from lazyscope.cli.process._signals import end_now, listen, stopped_by
from lazyscope.cli.process._streams import ReadyStreams, ready_streams, widen_terminal

FAILED = 1
NOT_READ = 141
"""128 + SIGPIPE, as of a command that writes into a pipe whose reader has ended."""


def main() -> None:
    """Entry point of the console script."""
    streams = ready_streams()
    listen()
    widen_terminal()
    keep_compiled()
    code = _run(streams)
    if stopped_by():
        end_now(code)
    if _is_busy():
        os._exit(code)  # nothing can stop them, and the interpreter would wait for them or crash
    sys.exit(code)


def _is_busy() -> bool:
    """Whether a sweep that ended early left runs or compilations under way."""
    return any(thread.name.startswith(_THREADS_OF_SWEEPS) for thread in threading.enumerate())


_THREADS_OF_SWEEPS = "sweep-"


def _run(streams: ReadyStreams) -> int:
    """The exit code of the command, its answer written out."""
    try:
        code = _answered()
        streams.finish()
    except OSError as error:
        is_unread = error.errno == errno.EPIPE
        code = NOT_READ if is_unread else _tell(_os_words(error, streams))
    except KeyboardInterrupt:
        code = stopped_by() or _tell("Stopped.", 130)
    except Exception as error:
        if not stopped_by() and not _is_memory(error):
            raise
        code = stopped_by() or _tell(_MEMORY)
    streams.forget()
    return stopped_by() or code


def _answered() -> int:
    from lazyscope.cli._app import app

    try:
        app(prog_name="lazyscope")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def _is_memory(error: Exception) -> bool:
    """Whether a computation asked for more memory than there is."""
    text = str(error)
    return isinstance(error, MemoryError) or any(words in text for words in _MEMORY_WORDS)


_MEMORY_WORDS = ("RESOURCE_EXHAUSTED", "failed to map segment", "Cannot allocate memory")


_MEMORY = (
    "The memory of this machine is exhausted; ask for fewer points, a smaller width or fewer runs at "
    "a time."
)


def _os_words(error: OSError, streams: ReadyStreams) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    if streams.failed is not None:
        return (
            f"The answer cannot be written to standard output ({reason}); files that were asked for "
            "are written."
        )
    place = f" {error.filename}" if error.filename else ""
    return f"The operating system refuses{place}: {reason}."


def _tell(message: str, code: int = FAILED) -> int:
    print(f"lazyscope: {message}", file=sys.stderr)  # noqa: T201
    return code
