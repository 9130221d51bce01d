"""What does the compiler write to standard error that is no error?

Where a program takes XLA over two minutes, it writes an alarm of five lines to the descriptor, which asks for
a report of a bug. A process of its own reads the descriptor and says it in one line, so that the last words
of a crash are passed on too; what Python writes goes where it went.
"""

import os
import re
import signal
from collections.abc import Iterator
from typing import final

_FIRST = re.compile(rb"[EWI]\d{4} [\d:.]+ +\d+ slow_operation_alarm\.cc:\d+\] (.*)\n")
_BEGUN = re.compile(rb"[EWI](\d.*)?$")
"""A line that is not whole yet and may become a first one."""

_MORE = re.compile(rb"\*+\n|\n|(\[Compiling .*)?Very slow compile\?.*\n")
_NAME = re.compile(rb"\[Compiling module (?:jit_)?(\S+) ")
_TOOK = re.compile(rb"The operation took (\S+)")


@final
class Passing:
    """What is passed on of what was written; alarms become one line."""

    def __init__(self) -> None:
        self._open = b""
        self._alarm: list[bytes] = []

    def of(self, written: bytes) -> bytes:
        """What can be passed on by now, in the order in which it was written."""
        lines = (self._open + written).splitlines(keepends=True)
        self._open = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        passed = b"".join(part for line in lines for part in self._line(line))
        if self._open and not self._alarm and not _BEGUN.match(self._open):
            passed, self._open = passed + self._open, b""
        return passed

    def rest(self) -> bytes:
        """What is left where nothing more is written."""
        held, self._alarm = b"".join(self._alarm) + self._open, []
        self._open = b""
        return held

    def _line(self, line: bytes) -> Iterator[bytes]:
        if self._alarm and _MORE.fullmatch(line):
            self._alarm.append(line)
            if sum(each.startswith(b"**") for each in self._alarm) == 2:
                yield _in_words(b"".join(self._alarm))
                self._alarm = []
            return
        yield from self._alarm
        self._alarm = []
        if _FIRST.fullmatch(line):
            self._alarm = [line]
        else:
            yield line


def _in_words(alarm: bytes) -> bytes:
    name, took = _NAME.search(alarm), _TOOK.search(alarm)
    program = b"the program " + name[1] if name else b"a program"
    if took:
        return b"lazyscope: compiling " + program + b" took " + took[1] + b"\n"
    return b"lazyscope: compiling " + program + b" takes over two minutes; it goes on\n"


def apart() -> int:
    """Have the descriptor of standard error read by a process; return the one that Python may write to."""
    if not hasattr(os, "fork"):
        return 2
    mouth = os.dup(2)
    ear, to_ear = os.pipe()
    if os.fork() == 0:
        _read(ear, mouth, to_ear)
    os.dup2(to_ear, 2)
    for number in (ear, to_ear):
        os.close(number)
    return mouth


def _read(ear: int, mouth: int, to_ear: int) -> None:
    """Pass on what is read, until nobody can write any more; ends this process."""
    try:
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        for number in (0, 1, 2, to_ear):
            os.close(number)
        passing = Passing()
        while written := os.read(ear, 1 << 16):
            _write(mouth, passing.of(written))
        _write(mouth, passing.rest())
    finally:
        os._exit(0)


def _write(mouth: int, content: bytes) -> None:
    """All of it, or what standard error takes."""
    try:
        while content:
            content = content[os.write(mouth, content) :]
    except OSError:
        return
