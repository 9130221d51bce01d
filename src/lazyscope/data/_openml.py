"""How does one get a data set of OpenML by its name?"""

import warnings
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np

from lazyscope._checks import InputError
from lazyscope._file import unwritable
from lazyscope.data._raw import RawData


def read_openml(name: str) -> RawData:
    """The active version of an OpenML data set; scikit-learn keeps a copy on disk."""
    from sklearn import datasets  # a second that few commands need

    if not name:
        raise InputError(
            "an OpenML source must have a name",
            received="'openml:'",
            cause="the name was left out",
            fix="write for instance openml:mnist_784",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # several versions of one name: the active one is used
            bunch: Any = datasets.fetch_openml(name=name, version="active", as_frame=False)
    except (OSError, HTTPException) as error:
        if isinstance(error, OSError) and error.filename and not isinstance(error, URLError):
            folder = "the folder in which scikit-learn keeps copies must be usable"
            raise unwritable(folder, Path(error.filename), error) from error
        raise InputError(
            "an OpenML data set is downloaded when it is first used",
            received=f"'openml:{name}'",
            cause=f"no connection to openml.org ({error})",
            fix="connect once, or give the path of an .npz file",
        ) from error
    except ValueError as error:
        raise InputError(
            "an OpenML source must name an active data set",
            received=f"'openml:{name}'",
            cause=f"a misspelt name ({str(error).rstrip('.')})",
            fix="look the name up on openml.org",
        ) from error
    x = bunch.data if isinstance(bunch.data, np.ndarray) else bunch.data.toarray()
    y, coding = _as_numbers(np.asarray(bunch.target))
    origin = f"OpenML {name}, version {bunch.details.get('version', 'unknown')}{coding}"
    return RawData(name, origin, x, y)


def _as_numbers(target: np.ndarray) -> tuple[np.ndarray, str]:
    """Targets as numbers, with words on how text was read."""
    if target.dtype.kind in "biuf":
        return target, ""
    text = target.astype(str)
    try:
        return text.astype(np.int64), ", labels read as integers"
    except ValueError:
        names, codes = np.unique(text, return_inverse=True)
        coding = ", ".join(f"{k} = {name}" for k, name in enumerate(names[:20]))
        return codes, f", labels numbered {coding}{', ...' if len(names) > 20 else ''}"
