"""Which values does one axis of a sweep take?"""

import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope._checks import InputError, check_choice, check_count, check_finite, check_positive
from lazyscope._jax import check_seed
from lazyscope.experiment import Value, canonical, setting, unknown_key

MOST_RUNS = 1_000_000
"""Runs of one sweep; a design holds about a kilobyte for each."""

_RANGE_KEYS = ("from", "to", "num", "spacing", "draw_seed")


def read_axis(name: str, written: Any) -> tuple[Value, ...]:
    """The values of the setting `name` that `written`, from a sweep file or from Python, describes.

    A list (or array) is taken as it is. A table is a range: ``{ from, to, num }`` with both ends
    included, evenly spaced or with ``spacing = "log"`` evenly in the logarithm; with ``draw_seed``
    the `num` values are drawn uniformly instead. Counts are rounded. More values of one draw keep
    those already drawn.

    Raises:
        InputError: an unknown key, an empty or misplaced list, a bad range, a repeated value.

    Example:
        >>> read_axis("width", {"from": 10, "to": 1000, "num": 3, "spacing": "log"})
        (10, 100, 1000)
    """
    setting(name)
    if isinstance(written, Mapping):
        table = _read_range(name, written, _RANGE_KEYS)
        values = _range_values(name, table)
    else:
        values = read_list(name, written)
    repeated = sorted(repr(value) for value, times in Counter(values).items() if times > 1)
    if repeated:
        raise InputError(
            f"the values of axis {name} must differ from each other",
            received=f"{', '.join(repeated[:5])} more than once",
            cause="a copied entry, or a range of counts so fine that neighbours round to one",
            fix="list every value once",
        )
    return values


def draw_column(name: str, written: Any, *, num: int, draw_seed: int) -> tuple[Value, ...]:
    """`num` values of the setting `name`, drawn between the ends that `written` gives.

    Each column has its own stream, so neither more points nor more columns change those drawn.
    """
    if not isinstance(written, Mapping):
        raise InputError(
            f"the column {name} of drawn points must be a range",
            received=repr(written),
            cause="a list of values together with draw = ...",
            fix="give { from = ..., to = ... }, or remove draw and list all columns",
        )
    table = _read_range(name, {**written, "num": num}, ("from", "to", "num", "spacing"))
    return _spread(name, table, _draw(name, num, draw_seed))


def check_number_of_runs(name: str, value: Any) -> int:
    """Return `value` as an int if one sweep can have as many runs, or refuse it."""
    number = check_count(name, value)
    if number > MOST_RUNS:
        raise InputError(
            f"{name} must be at most {MOST_RUNS:,}, the largest number of runs of one sweep",
            received=f"{number:,}" if number < 10**60 else "a number of more than 60 digits",
            cause="a step written where a number of values belongs, or too many axes",
            fix="take fewer values, or cut the sweep into several with stores of their own",
        )
    return number


def read_list(name: str, written: Any) -> tuple[Value, ...]:
    """The values that a list or an array holds, each in its canonical form."""
    if isinstance(written, str) or not isinstance(written, Sequence | np.ndarray):
        raise InputError(
            f"axis {name} must be a list of values or a range",
            received=repr(written),
            cause="a single value, which belongs under [fixed]",
            fix=f"write {name} = [{written!r}], or move it to [fixed]",
        )
    if not _length(written):
        raise InputError(
            f"axis {name} must have at least one value",
            received="an empty list",
            cause="a list whose entries were removed or commented out",
            fix="give values, or remove the axis",
        )
    check_number_of_runs(f"the number of values of axis {name}", _length(written))
    values = written.tolist() if isinstance(written, np.ndarray) else written
    return tuple(canonical(name, value) for value in values)


def least_number_of_runs(axes: Mapping[str, Any]) -> int:
    """How many cells the axes as written have at least, before any value is made; 1 where unclear."""
    return math.prod(max(1, _told_length(written)) for written in axes.values())


def _told_length(written: Any) -> int:
    if isinstance(written, Mapping):
        num = written.get("num", 1)
        return int(num) if isinstance(num, int | np.integer) else 1
    return _length(written) if isinstance(written, Sequence | np.ndarray) else 1


def _length(written: Any) -> int:
    """Entries of a list, also of a range that counts further than ``len`` does."""
    if isinstance(written, range):
        return max(0, -((written.start - written.stop) // written.step))
    return len(written) if np.ndim(written) or not isinstance(written, np.ndarray) else 0


def _read_range(name: str, written: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    for key in written:
        if key not in known:
            raise unknown_key(f"key of axis {name}", str(key), known)
    for key in ("from", "to", "num"):
        if key not in written:
            raise InputError(
                f"the range of axis {name} must have from, to and num",
                received=f"only {', '.join(written) or 'nothing'}",
                cause=f"a forgotten {key}",
                fix=f"add {key} = ...",
            )
    if setting(name).kind in ("name", "flag", "numbers"):
        raise InputError(
            f"axis {name} must be a list",
            received="a range",
            cause="a setting whose values have no order",
            fix=f"write {name} = [...]",
        )
    spacing = check_choice(
        f"spacing of axis {name}", written.get("spacing", "linear"), ("linear", "log")
    )
    check_end = check_positive if spacing == "log" else check_finite
    start, stop = (check_end(f"{key} of axis {name}", written[key]) for key in ("from", "to"))
    num = check_number_of_runs(f"num of axis {name}", written["num"])
    if num > 1 and start == stop:
        raise InputError(
            f"the range of axis {name} must have two different ends",
            received=f"from {start:g} to {stop:g} in {num} values",
            cause="the same number written twice",
            fix="change one end, or use num = 1",
        )
    return {**written, "from": start, "to": stop, "num": num, "spacing": spacing}


def _range_values(name: str, table: Mapping[str, Any]) -> tuple[Value, ...]:
    num = table["num"]
    if "draw_seed" not in table:
        return _spread(name, table, np.linspace(0.0, 1.0, num))
    seed = check_seed(f"draw_seed of axis {name}", table["draw_seed"])
    return _spread(name, table, np.sort(_draw(name, num, seed)))


def _draw(name: str, num: int, draw_seed: int) -> np.ndarray:
    return np.random.default_rng([draw_seed, zlib.crc32(name.encode())]).random(num)


def _spread(name: str, table: Mapping[str, Any], places: np.ndarray) -> tuple[Value, ...]:
    start, stop = table["from"], table["to"]
    if table["spacing"] == "log":
        raw = np.exp(np.log(start) + places * (np.log(stop) - np.log(start)))
    else:
        raw = start + places * (stop - start)
    whole = setting(name).kind in ("count", "integer")
    return tuple(canonical(name, round(value) if whole else value) for value in raw.tolist())
