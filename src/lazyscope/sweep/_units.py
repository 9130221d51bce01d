"""Which runs are done together, and in which order?"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lazyscope.sweep._design import Cell
from lazyscope.sweep._settings import Value

_SHAPE = (
    "width",
    "depth",
    "activation",
    "use_bias",
    "centred",
    "data",
    "num_points",
    "num_test",
    "input_dim",
    "target",
    "method",
)
UNITS_PER_WORKER = 12
"""Units that a worker gets at least, so that the last ones to end leave no worker idle for long."""

LONGEST_UNIT = 20.0
"""Expected seconds of a unit at most: what a killed process loses."""

SHORTEST_UNIT = 0.5
"""Expected seconds below which a unit is not cut further."""

Unit = list[Cell]
"""Runs of one shape, done by one worker and written as one batch."""


def shape_of(settings: Mapping[str, Value]) -> tuple[Any, ...]:
    """What decides the compiled program of a run; equal for runs that share one.

    Example:
        >>> shape_of({"width": 8, "seed": 0}) == shape_of({"width": 8, "seed": 1})
        True
    """
    return tuple(settings.get(name) for name in _SHAPE)


def cut_into_units(
    cells: Iterable[Cell], seconds: Callable[[Cell], float], num_workers: int
) -> list[Unit]:
    """Every cell in exactly one unit; runs of one shape together, the longest units first.

    Before all others comes one unit of every shape, so that workers compile different programs at
    the same time.

    Units are cut by expected work, not by number, and cost about the same: a share of the total
    that leaves each worker `UNITS_PER_WORKER` of them, between `SHORTEST_UNIT` and `LONGEST_UNIT`.

    Args:
        cells: the runs to do.
        seconds: expected wall time of a run.
        num_workers: workers that share the units.
    """
    shapes: dict[Any, list[tuple[float, Cell]]] = defaultdict(list)
    for cell in cells:
        shapes[shape_of(cell.settings)].append((seconds(cell), cell))
    total = sum(cost for group in shapes.values() for cost, _ in group)
    share = total / (UNITS_PER_WORKER * num_workers)
    limit = min(LONGEST_UNIT, max(SHORTEST_UNIT, share))
    first: list[tuple[float, Unit]] = []
    others: list[tuple[float, Unit]] = []
    for group in shapes.values():
        group.sort(key=lambda entry: -entry[0])
        units = _cut(group, limit)
        first.append(units[0])
        others.extend(units[1:])
    ordered = (sorted(units, key=lambda entry: -entry[0]) for units in (first, others))
    return [unit for units in ordered for _, unit in units]


def _cut(group: list[tuple[float, Cell]], limit: float) -> list[tuple[float, Unit]]:
    units: list[tuple[float, Unit]] = []
    for cost, cell in group:
        if units and units[-1][0] + cost <= limit:
            units[-1] = (units[-1][0] + cost, [*units[-1][1], cell])
        else:
            units.append((cost, [cell]))
    return units
