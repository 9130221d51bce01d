"""What is in an .npz file with inputs and targets?"""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lazyscope._checks import InputError
from lazyscope.data._raw import RawData

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, NotImplementedError)


def read_npz(path: Path) -> RawData:
    """Arrays ``x_train, y_train`` and optionally ``x_test, y_test``, or ``x, y``, of one file."""
    with path.open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
        except (ValueError, *_DAMAGE) as error:
            raise _damaged(path, error) from error
        names = _choose_names(path, archive.files)
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


def _read(path: Path, archive: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    try:
        array = archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise _damaged(path, error) from error
        raise InputError(
            f"{name} must be a plain array of numbers",
            received=f"pickled Python objects in {path.name}",
            cause="rows of different lengths, or text, were saved; pickles can run code",
            fix="save an array with a number type",
        ) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if not isinstance(array, np.ndarray):
        raise _damaged(path, TypeError(f"{name} is no array"))
    return array


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        "an .npz file must be a complete NumPy archive",
        received=repr(str(path)),
        cause=f"the file is cut short or damaged ({error or type(error).__name__})",
        fix="copy or save it again with numpy.savez",
    )
