"""What is in an .npz file with inputs and targets?"""

import math
import zipfile
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from lazyscope._checks import InputError
from lazyscope._file import open_regular, unreadable
from lazyscope.data._raw import RawData, check_fits

_ENDING = ".npy"


def read_npz(path: Path) -> RawData:
    """Arrays ``x_train, y_train`` and optionally ``x_test, y_test``, or ``x, y``, of one file."""
    try:
        file = open_regular(path)
    except OSError as error:
        rule, fix = "a data file must be readable", "check the path and its permissions"
        raise unreadable(rule, path, error, fix=fix) from error
    with file:
        try:
            archive = zipfile.ZipFile(file)
            present = [name.removesuffix(_ENDING) for name in archive.namelist()]
        except Exception as error:  # whatever a damaged archive makes its reader raise
            raise _damaged(path, error) from error
        names = _choose_names(path, present)
        arrays = {name: _read(path, archive, name) for name in names}
    x_train, y_train = (arrays[name] for name in names[:2])
    origin = f"file {path.name}, arrays {', '.join(names)}"
    return RawData(path.stem, origin, x_train, y_train, arrays.get("x_test"), arrays.get("y_test"))


def _choose_names(path: Path, present: list[str]) -> list[str]:
    """Names of the arrays to read, inputs and targets first."""
    for wanted in (["x_train", "y_train"], ["x", "y"]):
        if set(wanted) <= set(present):
            with_test = wanted[0] == "x_train"
            return wanted + [n for n in ("x_test", "y_test") if with_test and n in present]
    raise InputError(
        "an .npz file must hold x_train and y_train, or x and y",
        received=f"{path.name} with {', '.join(present) or 'no arrays'}",
        cause="other names were used when it was saved",
        fix="save it with numpy.savez(path, x_train=..., y_train=...)",
    )


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array; its header is held against the size of its entry and against memory first."""
    try:
        with archive.open(_entry(archive, name)) as file:
            dtype, content_size = _announced(file)
        entry = archive.getinfo(_entry(archive, name))
        if dtype.hasobject:
            raise _pickled(path, name)
        header = entry.file_size - content_size
        if not 0 < header <= _LONGEST_HEADER:
            raise ValueError(f"{name} announces {content_size} bytes, {entry.file_size} there")
        check_fits(path, content_size)
        with archive.open(entry) as file:
            array: Any = npy.read_array(file, allow_pickle=False)
            if file.read(1):
                raise ValueError(f"{name} has more entries than it announces")
    except InputError:
        raise
    except Exception as error:  # whatever a damaged archive makes its readers raise
        raise _damaged(path, error) from error
    return array


_LONGEST_HEADER = 2**17


def _entry(archive: zipfile.ZipFile, name: str) -> str:
    """The name of an entry, which must be there once."""
    found = [one for one in archive.namelist() if one in (name, name + _ENDING)]
    if len(found) > 1:
        raise ValueError(f"{name} is there {len(found)} times")
    return found[0]


def _announced(file: IO[bytes] | BufferedIOBase) -> tuple[np.dtype, int]:
    """Number type and bytes of the entries that the header of an array announces."""
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if any(length < 0 for length in shape) or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"the shape {str(shape)[:80]}")
    return dtype, math.prod(shape) * dtype.itemsize


MOST_DIMENSIONS = 32


def _pickled(path: Path, name: str) -> InputError:
    return InputError(
        f"{name} must be a plain array of numbers",
        received=f"pickled Python objects in {path.name}",
        cause="rows of different lengths, or text, were saved; pickles can run code",
        fix="save an array with a number type",
    )


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        "an .npz file must be a complete NumPy archive",
        received=repr(str(path)),
        cause=f"the file is cut short or damaged ({error or type(error).__name__})",
        fix="copy or save it again with numpy.savez",
    )
