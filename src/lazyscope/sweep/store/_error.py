"""Why can a store not be used as asked?"""

import errno
import os
from pathlib import Path

from lazyscope._checks import InputError


class StoreError(InputError):
    """A store that cannot be written or read as asked. What was finished in it stays readable."""


def os_refusal(error: OSError, path: Path) -> StoreError:
    """The refusal that says what the operating system's `error` at `path` means for a store."""
    cause, fix = _special(error, path) or _CAUSES.get(error.errno or 0, _REFUSED)
    return StoreError(
        "a store needs a folder that can be written, with room in it",
        received=f"{path}: {error.strerror}",
        cause=cause,
        fix=f"{fix}; finished runs are kept, and the same command goes on from them",
    )


def reading_refusal(error: OSError, path: Path) -> StoreError:
    """The refusal that says why the operating system does not let `path` of a store be read."""
    cause, fix = _special(error, path) or _READING_CAUSES.get(error.errno or 0, _REFUSED)
    return StoreError(
        "every file of a store must be readable",
        received=f"{path}: {error.strerror or error}",
        cause=cause,
        fix=fix,
    )


def _special(error: OSError, path: Path) -> tuple[str, str] | None:
    """What an error means where the place tells more than its number."""
    if os.path.islink(path):
        return _of_link(error, path)
    if error.errno == errno.ENOENT and _takes_nothing(path.parent):
        return "a place of the system in which nothing can be made", "name another folder"
    return None


def _of_link(error: OSError, path: Path) -> tuple[str, str] | None:
    try:
        os.stat(path)
    except OSError as lost:
        if lost.errno == errno.ELOOP:
            return _CIRCLE
        if error.errno in (errno.ENOENT, errno.EEXIST):
            return "a link that leads nowhere", "bring back what it led to, or remove the link"
    if error.errno == errno.ELOOP:
        return "a link where a file belongs", "remove it, or put the file itself there"
    return None


def _takes_nothing(folder: Path) -> bool:
    """Whether a folder belongs to the system's own tables of processes and devices."""
    real = os.path.realpath(folder)
    return any(real == root or real.startswith(root + os.sep) for root in ("/proc", "/sys"))


_REFUSED = ("a file system that refused the request", "check the folder and its disk")
_FULL = ("a full disk or an exceeded quota", "free some space or move the folder")
_CLOSED = (
    "a folder that this user may not write to",
    "name another folder or change its permissions",
)
_OCCUPIED = ("a file, a pipe or a broken link where a folder belongs", "name another folder")
_LONG = ("a path that is longer than the file system allows", "name a shorter path")
_MANY = ("too many open files", "close some, or raise the limit, see ulimit -n")
_CIRCLE = ("links that lead to each other", "name the folder itself")
_CAUSES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: ("a limit on the size of files", "raise the limit, see ulimit -f"),
    errno.EROFS: (
        "a file system that is mounted read-only",
        "name a folder on another file system",
    ),
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.ENOTDIR: ("a file where a folder belongs", "name another folder"),
    errno.EEXIST: ("a file where a folder belongs", "name another folder"),
    errno.ENXIO: _OCCUPIED,
    errno.EISDIR: ("a folder where a file belongs", "move it away, or name another folder"),
    errno.ENAMETOOLONG: _LONG,
    errno.ELOOP: _CIRCLE,
    errno.EMFILE: _MANY,
    errno.ENFILE: _MANY,
    errno.ENOENT: (
        "a folder or a file in it that was removed or moved meanwhile",
        "leave the folder where it is while a sweep writes to it",
    ),
    errno.ESTALE: ("a folder on another machine that went away", "mount it again"),
}
_DISK = ("a damaged disk", "copy the store to another disk, or restore this file from a copy")
_SECRET = ("a file or folder that this user may not read", "change its permissions, see chmod")
_READING_CAUSES = {
    errno.EACCES: _SECRET,
    errno.EPERM: _SECRET,
    errno.EIO: _DISK,
    errno.ENOENT: ("a file that was removed or moved meanwhile", "read the store again"),
    errno.ENXIO: ("a socket or a device where a file belongs", "move it away"),
    errno.EISDIR: ("a folder where a file belongs", "move it away"),
    errno.ENOTDIR: ("a file where a folder belongs", "name the folder of the store"),
    errno.ENAMETOOLONG: _LONG,
    errno.ELOOP: _CIRCLE,
    errno.EMFILE: _MANY,
    errno.ENFILE: _MANY,
    errno.ESTALE: ("a folder on another machine that went away", "mount it again"),
}
