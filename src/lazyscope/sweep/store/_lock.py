"""Who may write to a store right now?"""

import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

from lazyscope.sweep.store._error import StoreError, os_refusal
from lazyscope.sweep.store._folder import Folder

LOCK = "lock"
"""Name of the file that is locked."""


@final
class StoreLock:
    """The lock of a store that this process holds."""

    def __init__(self, folder: Folder, handle: int) -> None:
        self.folder = folder
        self.handle = handle
        self._process = os.getpid()

    def check(self) -> None:
        """Refuse to go on where somebody else may write by now.

        Raises:
            StoreError: the folder was moved, the lock file was removed or replaced, or this is a
                child of the process that took the lock.
        """
        if os.getpid() != self._process:
            received = f"a write by process {os.getpid()} to a store that {self._process} holds"
            raise self._lost(received, "a process that was forked while a sweep was running")
        if not self.folder.is_in_place():
            received = f"{self.folder.path}, whose folder is now {self.folder.whereabouts()}"
            raise self._lost(received, "a folder that was moved or removed while it was written")
        if not self.folder.is_same(LOCK, self.handle):
            received = f"{self.folder.path / LOCK}, which is no longer the file that was locked"
            raise self._lost(received, "a lock that was removed by hand; it needs no cleaning up")

    def _lost(self, received: str, cause: str) -> StoreError:
        return StoreError(
            "the process that holds the lock of a store writes to it, where it was",
            received=received,
            cause=cause,
            fix="leave store and lock alone while a sweep runs; finished runs are kept there, and "
            "the same command goes on from them",
        )


_held: set[StoreLock] = set()


def _let_go_in_child() -> None:
    """A child shares the locks of its parent, and would keep them when the parent has ended."""
    for lock in _held:
        os.close(lock.handle)
        lock.handle = -1
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def writing_lock(folder: Folder) -> Iterator[StoreLock]:
    """Hold the lock of the store in `folder` while the body runs.

    The kernel holds the lock for the process and drops it when the process ends, however it ends:
    nothing is left behind that would have to be removed by hand.

    Raises:
        StoreError: another process holds it, or the file cannot be made.
    """
    path = folder.path / LOCK
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(LOCK, flags, 0o644, dir_fd=folder.handle)
    except OSError as error:
        raise os_refusal(error, path) from error
    lock = StoreLock(folder, handle)
    _held.add(lock)
    try:
        _take(handle, path)
        yield lock
    finally:
        _held.discard(lock)
        if lock.handle >= 0:
            os.close(lock.handle)


def _take(handle: int, path: Path) -> None:
    """Lock the open file `handle` and write into it who holds it."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise StoreError(
            "the lock of a store is a file",
            received=f"{path}, which is a pipe or a device",
            cause="something else that was put into the store",
            fix="move it away",
        )
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    except BlockingIOError as error:
        raise _occupied(handle, path) from error
    except OSError as error:
        raise os_refusal(error, path) from error


def _occupied(handle: int, path: Path) -> StoreError:
    """The refusal of a second writer, which names the first."""
    holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
    named = re.fullmatch(r"process (\d+) on (.+)", holder)
    cause, fix = "the same sweep was started twice", "wait for the other to end, or name another"
    if named and named[2] == socket.gethostname() and not Path("/proc", named[1]).exists():
        heirs = ", ".join(map(str, _holders(handle))) or "of another user"
        holder = f"a child of {holder}, which has ended (process {heirs}),"
        cause, fix = "a child that outlived its sweep", "end the child, or name another"
    return StoreError(
        "one process at a time writes to a store",
        received=f"{path.parent}, which {holder} is writing to",
        cause=cause,
        fix=f"{fix} folder; reading is always possible",
    )


def _holders(handle: int) -> list[int]:
    """Other processes that have the open file `handle` open, as far as this one may look."""
    wanted, found = os.fstat(handle), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            same = any(
                os.path.samestat(wanted, entry.stat()) for entry in (process / "fd").iterdir()
            )
        except OSError:
            continue
        if same and int(process.name) != os.getpid():
            found.append(int(process.name))
    return sorted(found)
