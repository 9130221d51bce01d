"""Which data do the settings of a run mean?"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lazyscope._checks import InputError
from lazyscope._file import local_path
from lazyscope.data import BUNDLED, Dataset, four_points, idx_files, load_dataset, sphere_teacher
from lazyscope.experiment._settings import Value

_SETTINGS = ("data", "num_points", "num_test", "input_dim", "data_seed", "target")


def run_data(settings: Mapping[str, Value]) -> Dataset:
    """The data of a run: ``four-points``, ``sphere-teacher``, or a source by name or path.

    Raises:
        InputError: no such data, or a size that the data needs and that is not given.

    Example:
        >>> run_data({"data": "four-points"}).x_train.shape
        (4, 2)
    """
    return _known(_choice(settings))


def data_digests(runs: Iterable[Mapping[str, Value]], *, fresh: bool = False) -> dict[str, str]:
    """What the arrays of every data set of a sweep are, by the settings that choose it.

    Args:
        runs: settings of every run.
        fresh: look whether the files behind the data changed since this process read them, and read
            those that did again.

    Raises:
        InputError: as `run_data`.
    """
    digests = {}
    for choice in dict.fromkeys(map(_choice, runs)):
        if fresh and choice in _stamps and _stamps[choice] != _stamp(str(choice[0])):
            _stamps.clear()
            _cached.cache_clear()
            _sizes.cache_clear()
        digests[repr(choice)] = data_digest(_known(choice))
    return digests


def data_keys(runs: Iterable[Mapping[str, Value]]) -> list[str]:
    """The settings that choose the data of `runs`, as keys of `data_digests`."""
    return list(dict.fromkeys(repr(_choice(settings)) for settings in runs))


def data_sizes(settings: Mapping[str, Value]) -> tuple[int, int, int]:
    """Points, features and outputs of the training data of a run."""
    return _sizes(_choice(settings))


_NAMED = ("four-points", "sphere-teacher", *BUNDLED)
_stamps: dict[tuple[Any, ...], Any] = {}
"""What the files behind data sets were like when they were first read."""


def _choice(settings: Mapping[str, Value]) -> tuple[Any, ...]:
    return tuple(settings.get(name) for name in _SETTINGS)


def _known(choice: tuple[Any, ...]) -> Dataset:
    if choice not in _stamps:
        _stamps[choice] = _stamp(str(choice[0]))
    stamp = _stamps[choice]
    return _cached((choice[0] if stamp is None else stamp[0], *choice[1:]))


@lru_cache(maxsize=65536)
def _sizes(choice: tuple[Any, ...]) -> tuple[int, int, int]:
    data = _known(choice)
    return len(data.x_train), data.x_train.shape[1], data.y_train.shape[1]


def _stamp(name: str) -> Any:
    """The place of the file or folder `name` and what changes when it does; None where it is none.

    Beside a file of images lie those of its labels and of the test points, which count as well.
    """
    if name in _NAMED or name.startswith("openml:"):
        return None
    try:
        path = local_path("data", name).absolute()
        path.stat()
        files = sorted(path.iterdir()) if path.is_dir() else idx_files(path)
        return str(path), tuple((file.name, _state(file)) for file in files)
    except (OSError, ValueError):
        return None


def _state(file: Path) -> tuple[int, ...]:
    """What changes with the content of a file; nothing where there is none."""
    try:
        told = file.stat()
    except FileNotFoundError:
        return ()
    return told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_dev, told.st_ino


@lru_cache(maxsize=256)
def data_digest(data: Dataset) -> str:
    """What the arrays of `data` are, in a few letters."""
    return data.summary()["digest"]


@lru_cache(maxsize=64)
def _cached(choice: tuple[Any, ...]) -> Dataset:
    name, num_points, num_test, input_dim, seed, target = choice
    num_test = num_test or 0
    if name == "four-points":
        return four_points()
    if name == "sphere-teacher":
        n, d = _given("num_points", num_points, name), _given("input_dim", input_dim, name)
        return sphere_teacher(num_points=n, input_dim=d, num_test=num_test, seed=seed or 0)
    n = _given("num_points", num_points, name)
    return load_dataset(name, num_points=n, num_test=num_test, target=target, seed=seed or 0)


def _given(setting: str, value: Any, data: str) -> Any:
    if value is None:
        raise InputError(
            f"the data {data} need {setting}",
            received=f"no {setting}",
            cause="a setting left out",
            fix=f"add {setting} = ... under [fixed] or [axes]",
        )
    return value
