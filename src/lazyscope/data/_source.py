"""Which reader does a source need?"""

import os
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

from lazyscope._checks import InputError
from lazyscope._file import local_path, open_regular, unreadable
from lazyscope.data._bundled import BUNDLED, read_bundled
from lazyscope.data._idx import read_idx
from lazyscope.data._npz import read_npz
from lazyscope.data._openml import read_openml
from lazyscope.data._raw import RawData

_RULE = "data must be 'digits', 'diabetes', 'openml:NAME' or the path of a file"
_FOLDER = b"folder"
_TABLES = (".csv", ".tsv", ".parquet", ".feather", ".xlsx")


def read_source(source: str | PathLike[str]) -> RawData:
    """The arrays of a source, by its name or by the first bytes of its file."""
    if not isinstance(source, str | PathLike) or not str(source):
        raise InputError(
            _RULE,
            received=repr(source) if isinstance(source, str) else type(source).__name__,
            cause="an array or nothing was given",
            fix="save arrays with numpy.savez and give the path",
        )
    text = str(source)
    if text in BUNDLED:
        return read_bundled(text)
    if text.startswith("openml:"):
        return read_openml(text.removeprefix("openml:"))
    path = local_path("data", text)
    start = _first_bytes(path)
    if start == b"PK":
        return read_npz(path)
    if start in (_FOLDER, b"\x1f\x8b", b"\0\0"):
        return read_idx(path)
    is_table = path.suffix.lower() in _TABLES
    raise InputError(
        "a data file must be an .npz archive or an IDX file",
        received=repr(text),
        cause="a table, which does not say which columns are inputs and which are targets"
        if is_table
        else "an empty file or another format, such as text or a single .npy array",
        fix="read it by pandas and keep numpy.savez('mine.npz', x=table[inputs].to_numpy(), "
        "y=table[target].to_numpy())"
        if is_table
        else "save it with numpy.savez(path, x_train=..., y_train=...)",
    )


def _first_bytes(path: Path) -> bytes:
    """Two bytes that tell the format, `_FOLDER` for a folder, or a refusal."""
    try:
        if os.path.isdir(path):
            return _FOLDER
        with open_regular(path) as file:
            return file.read(2)
    except FileNotFoundError as error:
        close = get_close_matches(str(path), BUNDLED, n=1)
        raise InputError(
            _RULE,
            received=repr(str(path)),
            cause="a misspelt name" if close else f"no such file (looked for {path.absolute()})",
            fix=f"use {close[0]!r}" if close else "check the spelling, or give the full path",
        ) from error
    except OSError as error:
        fix = "check the path and its permissions"
        raise unreadable("a data file must be readable", path, error, fix=fix) from error
