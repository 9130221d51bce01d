"""Can results be written where they are asked for, before anything is computed?"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lazyscope._checks import InputError


@contextmanager
def claimed_folder(path: Path) -> Iterator[Path]:
    """A folder that can be written, made where there is none.

    Where the work inside fails, folders that were made for it and are empty are removed again.

    Raises:
        InputError: the folder cannot be made or written.
    """
    made = [p for p in (path, *path.parents) if not p.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        _remove_empty(made)
        raise _unwritable(path, error) from error
    try:
        yield path
    except BaseException:
        _remove_empty(made)
        raise


def check_writable_file(path: Path) -> None:
    """Refuse a path where no file can be written, without leaving a trace.

    Raises:
        InputError: the path is a folder, or its folder does not exist or cannot be written.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "is a folder")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "is not writable")
    except OSError as error:
        raise _unwritable(path, error) from error


def write_whole(text: str, path: Path) -> Path:
    """Write a text file in one step: beside its place first, then renamed into it.

    Raises:
        InputError: it cannot be written; what was there before is left as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise _unwritable(path, error) from error
    return path


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        "results need a path that can be written",
        received=f"{path} ({error.strerror or error})",
        cause="a file or folder in the way, a folder that is read-only, or a full disk",
        fix="give another path with --output",
    )
