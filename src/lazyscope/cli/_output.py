"""Can results be written where they are asked for, before anything is computed?"""

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lazyscope._checks import InputError
from lazyscope._file import UNFINISHED, local_path, open_regular, unwritable, write_text_whole

_RULE = "results need a path that can be written"
_HEAD = 4096  # bytes, in which every file of ours says what it is
_MARKS = {
    ".html": (b'content="lazyscope',),
    ".md": (b"# Validation",),
    ".json": (b'"study"', b'"effort"'),
}


@contextmanager
def claimed_folder(path: Path, replaced: Sequence[str] = ()) -> Iterator[Path]:
    """A folder that can be written, made where there is none.

    Where the work inside fails, folders that were made for it and are empty are removed again.

    Args:
        path: the folder.
        replaced: names of files that will be written into it.

    Raises:
        InputError: the folder cannot be made or written, or one of the files is there and is not ours.
    """
    folder = local_path("the output", path)
    made: list[Path] = []
    try:
        made += [p for p in (folder, *folder.parents) if not p.exists()]
        UNFINISHED.update(made)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for name in replaced:
            _check_ours(folder / name)
    except OSError as error:
        _forget(made)
        raise unwritable(_RULE, folder, error) from error
    except InputError:
        _forget(made)
        raise
    try:
        yield folder
    except BaseException:
        _forget(made)
        raise
    UNFINISHED.difference_update(made)


def check_writable_file(path: Path, *, page: bool = False) -> None:
    """Refuse a path where no file can be written, without leaving a trace.

    Args:
        path: where a file will be written.
        page: whether it is a page, which replaces pages only.

    Raises:
        InputError: the path is a folder, its folder does not exist or cannot be written, or a page
            would replace another kind of file.
    """
    target = local_path("the output", path)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        with tempfile.TemporaryFile(dir=Path(os.path.realpath(target)).parent):
            pass
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "is not writable")
        if page:
            _check_page(target)
    except OSError as error:
        raise unwritable(_RULE, target, error) from error


def write_whole(text: str, path: Path) -> Path:
    """Write a text file in one step: beside its place first, then renamed into it.

    Raises:
        InputError: it cannot be written; what was there before is left as it was.
    """
    return write_text_whole(_RULE, text, path)


def _check_page(target: Path) -> None:
    """Refuse to replace what is no page."""
    head = _head(target)
    if head.strip() and b"<html" not in head.lower() and b"<!doctype html" not in head.lower():
        raise InputError(
            "a page replaces only pages",
            received=f"{target}, which is there and is no HTML",
            cause="the path of data or of a record, given as --output",
            fix="give another path, or move that file away",
        )


def _check_ours(target: Path) -> None:
    """Refuse to replace a file that lazyscope did not write."""
    head = _head(target)
    if head.strip() and not any(mark in head for mark in _MARKS[target.suffix]):
        raise InputError(
            "results replace only results of lazyscope",
            received=f"{target}, which is there and was made by something else",
            cause="a folder that holds other files",
            fix="give another folder with --output, or move that file away",
        )


def _head(target: Path) -> bytes:
    if not target.exists():
        return b""
    with open_regular(target) as file:
        return file.read(_HEAD)


def _forget(made: list[Path]) -> None:
    """Remove those of the folders that are empty."""
    for folder in made:
        with suppress(OSError):
            folder.rmdir()
    UNFINISHED.difference_update(made)
