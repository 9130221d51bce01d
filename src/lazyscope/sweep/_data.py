"""Which data do the settings of a run mean?"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from lazyscope._checks import InputError
from lazyscope.data import Dataset, four_points, load_dataset, sphere_teacher
from lazyscope.sweep._design import Cell
from lazyscope.sweep._settings import Value

_SETTINGS = ("data", "num_points", "num_test", "input_dim", "data_seed", "target")


def run_data(settings: Mapping[str, Value]) -> Dataset:
    """The data of a run: ``four-points``, ``sphere-teacher``, or a source by name or path.

    Raises:
        InputError: no such data, or a size that the data needs and that is not given.

    Example:
        >>> run_data({"data": "four-points"}).x_train.shape
        (4, 2)
    """
    return _cached(tuple(settings.get(name) for name in _SETTINGS))


def data_digests(cells: Iterable[Cell]) -> dict[str, str]:
    """What the arrays of every data set of a sweep are, by the settings that choose it."""
    chosen = dict.fromkeys(tuple(cell.settings.get(name) for name in _SETTINGS) for cell in cells)
    return {repr(choice): _cached(choice).summary()["digest"] for choice in chosen}


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
