"""How does a command open a store, whatever became of its files?"""

from pathlib import Path
from typing import TYPE_CHECKING

from lazyscope._checks import InputError
from lazyscope._file import local_path

if TYPE_CHECKING:
    import xarray as xr


def opened_store(path: str | Path) -> "xr.Dataset":
    """The results in a store.

    Raises:
        InputError: a URL, no store, or one with a file that is damaged.
    """
    from lazyscope.sweep import open_store

    folder = local_path("a store", path)
    try:
        return open_store(folder)
    except RecursionError as error:
        raise InputError(
            "the files of a store must be as a sweep wrote them",
            received=f"{folder}, with brackets nested too deeply",
            cause="a file that was damaged or is of another kind",
            fix="restore the folder from a copy, or run the sweep again",
        ) from error
