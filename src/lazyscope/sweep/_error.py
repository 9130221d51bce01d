"""Why can a store not be used as asked?"""

import errno
from pathlib import Path

from lazyscope._checks import InputError


class StoreError(InputError):
    """A store that cannot be written or read as asked. What was finished in it stays readable."""


def os_refusal(error: OSError, path: Path) -> StoreError:
    """The refusal that says what the operating system's `error` at `path` means for a store."""
    cause, fix = _CAUSES.get(
        error.errno or 0,
        ("a file system that refused the request", "check the folder and its disk"),
    )
    return StoreError(
        "a store needs a folder that can be written, with room in it",
        received=f"{path}: {error.strerror}",
        cause=cause,
        fix=f"{fix}; finished runs are kept, and the same command goes on from them",
    )


_FULL = ("a full disk or an exceeded quota", "free some space or move the folder")
_CLOSED = (
    "a folder that this user may not write to",
    "name another folder or change its permissions",
)
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
}
