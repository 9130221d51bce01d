"""Which standard streams has the process, and what becomes of what they cannot take?

A closed stream is replaced, so that no file that is opened later gets its number. Progress and messages
that standard error cannot take are dropped. Characters that a stream cannot show become escapes.
"""

import io
import os
import shutil
import sys
from dataclasses import dataclass
from typing import Any, final

from lazyscope.cli.process._alarms import apart


@final
@dataclass
class ReadyStreams:
    """Standard streams that can be used.

    Attributes:
        output: the raw standard output.
    """

    output: "_Output"

    @property
    def failed(self) -> OSError | None:
        """Why standard output could not take the answer."""
        return self.output.failed

    def finish(self) -> None:
        """Write out what is left of the answer.

        Raises:
            OSError: standard output cannot take it.
        """
        sys.stdout.flush()
        if self.failed is not None:
            raise self.failed

    def forget(self) -> None:
        """Drop what could not be written, so that the end of the process does not try again."""
        self.output.silent = True
        sys.stdout.flush()


def ready_streams() -> ReadyStreams:
    """Replace the standard streams by some that are open and take any text."""
    is_open = [_keep_number(number) for number in range(3)]
    output = _Output(1, closed=not is_open[1])
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(_Lossy(apart()), sys.stderr, line_buffering=True)
    if not is_open[0] or sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    return ReadyStreams(output)


def widen_terminal() -> None:
    """Let a terminal of no width, or of too few columns for a word, count as a narrow one."""
    told = os.environ.get("COLUMNS", "").strip()
    if not told.isdecimal() or int(told) == 0:
        os.environ.pop("COLUMNS", None)
    if shutil.get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)


_NARROWEST = 40


def _keep_number(number: int) -> bool:
    """Whether a descriptor was open; a closed one becomes the null device."""
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
        os.set_inheritable(number, True)
        return False
    return True


def _text(raw: io.RawIOBase, before: Any, *, line_buffering: bool = False) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    buffered: Any = io.BufferedWriter(raw)
    is_shown = line_buffering or raw.isatty()
    return io.TextIOWrapper(
        buffered, encoding, errors="backslashreplace", line_buffering=is_shown, write_through=False
    )


class _AbstractRaw(io.RawIOBase):
    """A descriptor that stays open."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def fileno(self) -> int:
        """The descriptor."""
        return self._number

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._number)

    def writable(self) -> bool:
        """Always."""
        return True


@final
class _Output(_AbstractRaw):
    """Standard output, which remembers why it could not take something."""

    def __init__(self, number: int, *, closed: bool) -> None:
        super().__init__(number)
        self.failed: OSError | None = None
        self.silent = False
        self._was_closed = closed

    def write(self, content: Any) -> int:
        """Write some bytes; raise why it cannot be done."""
        if self.silent:
            return len(content)
        try:
            if self._was_closed:
                raise OSError(9, "it is closed")
            return os.write(self._number, content)
        except BlockingIOError:
            self._wait()
            return 0
        except OSError as error:
            self.failed = error
            raise

    def _wait(self) -> None:
        """Wait until a reader of a non-blocking pipe is ready."""
        import select

        select.select([], [self._number], [], 1.0)


@final
class _Lossy(_AbstractRaw):
    """Standard error, which drops what it cannot take."""

    def write(self, content: Any) -> int:
        """Write some bytes, or drop them."""
        try:
            return os.write(self._number, content)
        except OSError:
            return len(content)
