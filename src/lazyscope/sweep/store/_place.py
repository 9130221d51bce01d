"""Which folder does a path given for a store mean?"""

import os
import re
from pathlib import Path
from typing import Any

from lazyscope._checks import InputError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://|(s3|gs|gcs|az|abfss?|file|https?|s?ftp|hdfs):/")


def store_path(path: Any) -> Path:
    """The absolute path that `path` means now; a leading ``~`` is the home of the user.

    Raises:
        InputError: an address of another machine, an empty text, or no path at all.

    Example:
        >>> str(store_path("/data/../plane"))
        '/plane'
    """
    if not isinstance(path, str | os.PathLike):
        raise _no_path(repr(path), "a number or nothing where a path belongs")
    text = os.fspath(path)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise _no_path(repr(text)[:100], "an unset variable, or text that is no path")
    if _ADDRESS.match(text):
        raise InputError(
            "a store is a folder of this machine's file system",
            received=repr(text),
            cause="an address, as of a bucket or a web page",
            fix="name a folder, without an address before it, and copy it when the sweep has ended",
        )
    home = os.path.expanduser(text)
    if text.startswith("~") and home == text:
        raise _no_path(repr(text), "a user without a home folder")
    try:
        return Path(os.path.abspath(home))
    except OSError as error:
        raise _no_path(repr(text), "a current folder that was removed") from error


def _no_path(received: str, cause: str) -> InputError:
    return InputError(
        "a store must be named by the path of a folder",
        received=received,
        cause=cause,
        fix="give a path such as plane or /data/plane",
    )
