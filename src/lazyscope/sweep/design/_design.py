"""Which runs does a sweep consist of?"""

import itertools
import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self, final

from pydantic import BaseModel, ConfigDict

from lazyscope._checks import InputError, check_choice, check_text
from lazyscope._file import local_path, read_whole, unreadable
from lazyscope._jax import check_seed
from lazyscope._loss import LOSSES
from lazyscope.experiment import (
    DEFAULT_RECORD,
    METHODS,
    Value,
    canonical,
    check_model,
    check_training,
    default_settings,
    drawn_scheme,
    is_parametrisation,
    layer_of,
    record_names,
    run_scheme,
    setting,
    setting_names,
    settings_hash,
    unknown_key,
)
from lazyscope.model import activation_names
from lazyscope.sweep.design._axis import (
    check_number_of_runs,
    draw_column,
    least_number_of_runs,
    read_axis,
    read_list,
)

POINTS = "point"
"""Name of the axis along which listed or drawn points lie."""

_KEYS = ("name", "axes", "points", "fixed", "record")
_POINTS_KEYS = ("draw", "draw_seed", "columns")


@final
@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        settings: every setting of the run, defaults included.
        place: index along every axis of the design.
        hash: content hash of the settings; equal for equal runs in any design.
    """

    settings: Mapping[str, Value]
    place: Mapping[str, int]
    hash: str


@final
class SweepDesign(BaseModel):
    """What to run: axes, whose product is taken, points, fixed settings and what to record.

    In a sweep file (TOML) or as keyword arguments::

        name = "two-layer"
        record = ["displacement", "loss_curve"]
        [axes]
        gamma = { from = 0.25, to = 1.75, num = 11 }
        width = [100, 1000, 10000]
        [fixed]
        gamma_prime = 0.0

    ``[points]`` holds settings that vary together: either ``columns`` of equally long lists, or
    ``draw = 60`` with columns that are ranges, drawn at random with ``draw_seed``. Points form one
    axis, ``point``, in the product with the others. Ranges and draws are turned into values when
    the design is read, so a stored design does not depend on how they were made.

    Args:
        name: short name, for the page and the progress display.
        axes: values of every varied setting.
        points: values of the settings that vary together.
        fixed: settings that hold for every run; what is named nowhere takes its default.
        record: names of the quantities kept from every run.

    Raises:
        InputError: unknown keys, empty or repeated values, contradictions between settings; the
            whole design is checked, cell by cell, before anything runs.

    Example:
        >>> design = SweepDesign(
        ...     axes={"width": [64, 128], "seed": [0, 1, 2]}, fixed={"scheme": "ntk"}
        ... )
        >>> design.num_cells, design.dims
        (6, {'width': 2, 'seed': 3})
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "sweep"
    axes: dict[str, tuple[Value, ...]]
    points: dict[str, tuple[Value, ...]] = {}
    fixed: dict[str, Value] = {}
    record: tuple[str, ...] = DEFAULT_RECORD

    def __init__(self, **table: Any) -> None:
        super().__init__(**_read_table(table))
        _check_cells(self)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """The design written in the TOML file `path`.

        Raises:
            InputError: the file is missing, is not TOML, or describes no valid design.
        """
        source = local_path("a sweep file", path)
        try:
            table = tomllib.loads(read_whole(source).decode())
        except OSError as error:
            rule, fix = "a sweep file must be readable", "give the path of a TOML file"
            raise unreadable(rule, source, error, fix=fix) from error
        except RecursionError as error:
            raise _no_toml(source, "brackets nested too deeply") from error
        except ValueError as error:
            raise _no_toml(source, str(error)[:200]) from error
        return cls(**{"name": source.stem, **table})

    @property
    def dims(self) -> dict[str, int]:
        """Axis names and lengths; the order does not depend on how the design was written."""
        sizes = {name: len(values) for name, values in self.axes.items()}
        if self.points:
            sizes[POINTS] = len(next(iter(self.points.values())))
        return {name: sizes[name] for name in sorted(sizes, key=_axis_order)}

    @property
    def num_cells(self) -> int:
        """Number of runs."""
        return math.prod(self.dims.values())

    def cells(self) -> Iterator[Cell]:
        """Every run exactly once, the last axis fastest."""
        dims = self.dims
        common = {**default_settings(), **self.fixed}
        for place in itertools.product(*(range(size) for size in dims.values())):
            index = dict(zip(dims, place, strict=True))
            varied = {name: self.axes[name][i] for name, i in index.items() if name != POINTS}
            drawn = {name: column[index[POINTS]] for name, column in self.points.items()}
            settings = {**common, **varied, **drawn}
            yield Cell(settings, index, settings_hash(settings))

    def to_table(self) -> dict[str, Any]:
        """The design as a table that JSON and TOML can hold; reading it gives an equal design."""
        table = self.model_dump(mode="json")
        points = table.pop("points")
        return {**table, "points": {"columns": points}} if points else table


def _no_toml(path: str | Path, said: str) -> InputError:
    return InputError(
        "a sweep file must be valid TOML",
        received=f"{path}: {said}",
        cause="a missing quotation mark or bracket, or another kind of file",
        fix="correct the line that is named, or write the numbers that are meant",
    )


def _read_table(table: Mapping[str, Any]) -> dict[str, Any]:
    for key in table:
        if key not in _KEYS:
            raise _misplaced(key, table[key])
    axes = _table(table, "axes")
    points = _read_points(_table(table, "points"))
    fixed = _table(table, "fixed")
    check_number_of_runs("the number of runs of a sweep", least_number_of_runs(axes))
    names = [*axes, *points, *fixed]
    for name in names:
        setting(name)
        if names.count(name) > 1:
            raise InputError(
                "a setting must be varied or fixed in one place",
                received=f"{name} in more than one of [axes], [points] and [fixed]",
                cause="a setting that became an axis and was left under [fixed]",
                fix=f"keep {name} in one of them",
            )
    return {
        "name": check_text("name", table.get("name", "sweep")),
        "axes": {name: read_axis(name, written) for name, written in axes.items()},
        "points": points,
        "fixed": {name: canonical(name, value) for name, value in fixed.items()},
        "record": _read_record(table.get("record", DEFAULT_RECORD)),
    }


def _misplaced(name: str, value: Any) -> InputError:
    """The refusal of what stands above all tables and is none of them: a setting, in whatever spelling."""
    known = setting_names()
    close = get_close_matches(name, known, n=1)
    if name not in known and layer_of(name) is None and not close:
        return unknown_key("key at the top of a sweep file", name, _KEYS)
    meant = name if name in known or layer_of(name) else close[0]
    several = isinstance(value, list | Mapping)
    home, entry = ("axes", "several values") if several else ("fixed", "one value")
    return InputError(
        "a setting of the runs must stand below [axes] or [fixed]",
        received=f"{name!r} above all tables",
        cause=f"a line [{home}] that is missing",
        fix=f"write [{home}] on a line of its own, and {meant}, which has {entry}, below it",
    )


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, Mapping):
        raise InputError(
            f"[{key}] must be a table",
            received=repr(found),
            cause="a value written where a table belongs",
            fix=f"write [{key}] on a line of its own, and below it one setting per line",
        )
    return found


def _read_points(table: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    if not table:
        return {}
    for key in table:
        if key not in _POINTS_KEYS:
            if key in setting_names() or layer_of(key):
                raise InputError(
                    "a setting that varies from point to point must stand below [points.columns]",
                    received=f"{key!r} below [points]",
                    cause="the line [points] in place of [points.columns]",
                    fix=f"write [points.columns] on a line of its own, and {key} below it",
                )
            raise unknown_key("key of [points]", key, _POINTS_KEYS)
    columns = _table(table, "columns")
    if not columns:
        raise InputError(
            "points must have columns",
            received=", ".join(table),
            cause="settings written under [points] itself",
            fix="write them under [points.columns]",
        )
    if "draw" not in table:
        values = {name: read_list(name, written) for name, written in columns.items()}
    else:
        num = check_number_of_runs("draw of points", table["draw"])
        seed = check_seed("draw_seed of points", table.get("draw_seed", 0))
        values = {
            name: draw_column(name, written, num=num, draw_seed=seed)
            for name, written in columns.items()
        }
    _check_columns(values)
    return values


def _check_columns(columns: Mapping[str, tuple[Value, ...]]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            "the columns of points must be equally long",
            received=", ".join(f"{name}: {length}" for name, length in lengths.items()),
            cause="an entry left out of one column",
            fix="give every point a value in every column",
        )
    rows = list(zip(*columns.values(), strict=True))
    repeated = [row for row, times in Counter(rows).items() if times > 1]
    if repeated:
        raise InputError(
            "points must differ from each other",
            received=f"{dict(zip(columns, repeated[0], strict=True))} more than once",
            cause="a copied row",
            fix="list every point once",
        )


def _read_record(written: Any) -> tuple[str, ...]:
    if isinstance(written, str) or not isinstance(written, list | tuple):
        raise InputError(
            "record must be a list of names",
            received=repr(written),
            cause="a single name without brackets",
            fix=f"write record = [{written!r}]",
        )
    named = {check_choice("every entry of record", name, record_names()) for name in written}
    return tuple(name for name in record_names() if name in named)


def _axis_order(name: str) -> tuple[int, int]:
    """Points first, then settings in their order, then layers."""
    if name == POINTS:
        return -1, 0
    stem, layer = layer_of(name) or (name, 0)
    return setting_names().index(f"{stem}_1" if layer else name), layer


def _check_cells(design: SweepDesign) -> None:
    """Refuse a design with a cell that could not run, before anything runs."""
    if "width" not in {*design.axes, *design.points, *design.fixed}:
        raise InputError(
            "a sweep must say the width of its networks",
            received="no width",
            cause="a setting left out",
            fix="add width = [64, 256, 1024] under [axes], or width = 256 under [fixed]",
        )
    check_number_of_runs("the number of runs of a sweep", design.num_cells)
    checked, seen = set(), {}
    for cell in design.cells():
        if cell.hash in seen:
            raise _same_run(seen[cell.hash], cell)
        seen[cell.hash] = cell
        told = {name: cell.settings.get(name) for name in _CHECKED} | {
            name: value for name, value in cell.settings.items() if is_parametrisation(name)
        }
        combination = tuple(sorted(told.items()))
        if combination not in checked:
            checked.add(combination)
            _check_cell(told)
            check_training(told, design.record)
            _check_neurons(design, told)


def _check_cell(told: Mapping[str, Any]) -> None:
    """Refuse settings that contradict each other, that nothing knows or that overflow."""
    check_choice("activation", told["activation"], activation_names())
    check_choice("method", told["method"], METHODS)
    check_choice("loss", told["loss"], LOSSES)
    given = {name: value for name, value in told.items() if value is not None}
    check_model(given)
    drawn_scheme(given, run_scheme(given)).kappa(told["width"])
    if told["num_records"] % 2:
        raise InputError(
            "num_records must be an even number, since every second record is dropped when all are taken",
            received=str(told["num_records"]),
            cause="an odd number",
            fix=f"use {told['num_records'] + 1}",
        )


def _check_neurons(design: SweepDesign, told: Mapping[str, Any]) -> None:
    if "neurons" in design.record and told["model"] != "dense":
        raise InputError(
            "neurons are those of a dense network",
            received=f"model {told['model']} with record {list(design.record)}",
            cause="a network whose first layer is no matrix over the features",
            fix="leave neurons out of record, or use model = 'dense'",
        )


def _same_run(first: Cell, second: Cell) -> InputError:
    differing = [n for n in second.settings if first.settings.get(n) != second.settings[n]]
    return InputError(
        "every cell of a sweep must be a run of its own",
        received=f"cells that differ only in {', '.join(differing)}, which nothing reads",
        cause="an axis that belongs to another method",
        fix=f"remove the axis {differing[0]}, or change method",
    )


_CHECKED = (
    *("activation", "method", "width", "virtual_width", "model", "use_bias", "output_scale"),
    *("num_records", "loss", "step", "step_size", "share"),
)
