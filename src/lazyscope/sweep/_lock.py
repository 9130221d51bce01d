"""Who may write to a store right now?"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lazyscope.sweep._error import StoreError, os_refusal


@contextmanager
def writing_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the body runs.

    The kernel holds the lock for the process and drops it when the process ends, however it ends:
    nothing is left behind that would have to be removed by hand.

    Raises:
        StoreError: another process holds it, or the file cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise os_refusal(error, path) from error
    try:
        _take(handle, path)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    """Lock the open file `handle` and write into it who holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    except BlockingIOError as error:
        holder = os.read(handle, 200).decode(errors="replace").strip() or "another process"
        raise StoreError(
            "one process at a time writes to a store",
            received=f"{path.parent}, which {holder} is writing to",
            cause="the same sweep was started twice",
            fix="wait for the other to end, or name another folder; reading is always possible",
        ) from error
    except OSError as error:
        raise os_refusal(error, path) from error
