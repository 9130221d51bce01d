"""How does a page reach the disk whole or not at all?"""

import os
import tempfile
from pathlib import Path

from lazyscope._checks import InputError


def write_whole(text: str, path: str | os.PathLike[str]) -> Path:
    """Write a text file in one step: beside its place first, then renamed into it.

    A reader never sees half a file, and a failure leaves what was there before.

    Raises:
        InputError: the path is a folder, its folder does not exist, or it cannot be written.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(
            "the page needs the path of a file",
            received=str(target),
            cause="the path of an existing folder",
            fix=f"give a file name in it, such as {target / 'page.html'}",
        )
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".part"
        )
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise InputError(
            "the page needs a path that can be written",
            received=f"{target} ({error.strerror or error})",
            cause="a folder that does not exist or is read-only, or a full disk",
            fix="create the folder, or give another path",
        ) from error
    return target


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
