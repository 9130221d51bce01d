"""Which runs are done together, and in which order?"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from lazyscope._cores import usable_cores
from lazyscope.experiment import SHAPES_TOGETHER, shape_of
from lazyscope.sweep.design._design import Cell

UNITS_PER_WORKER = 12
"""Units that a worker gets at least, so that the last ones to end leave no worker idle for long."""

LONGEST_UNIT = 20.0
"""Expected seconds of a unit at most: what a killed process loses."""

SHORTEST_UNIT = 0.5
"""Expected seconds below which a unit is not cut further."""

Unit = list[Cell]
"""Runs of one shape, done by one worker and written as one batch."""


def cut_into_units(
    cells: Iterable[Cell], seconds: Callable[[Cell], float], num_workers: int
) -> list[Unit]:
    """Every cell in exactly one unit; runs of one shape together, the longest units first.

    Shapes are taken some at a time, those with the most work first, since a process keeps a limited
    number of compiled programs. Among them one unit of every shape comes before all others, so that
    workers compile different programs at the same time.

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
    together = max(SHAPES_TOGETHER, min(num_workers, usable_cores()))
    groups = sorted(shapes.values(), key=lambda group: -sum(cost for cost, _ in group))
    ordered: list[Unit] = []
    for start in range(0, len(groups), together):
        cut = [_cut(_longest_first(group), limit) for group in groups[start : start + together]]
        ordered += _longest_units([units[0] for units in cut])
        ordered += _longest_units([unit for units in cut for unit in units[1:]])
    return ordered


def _longest_first(group: list[tuple[float, Cell]]) -> list[tuple[float, Cell]]:
    return sorted(group, key=lambda entry: -entry[0])


def _longest_units(units: list[tuple[float, Unit]]) -> list[Unit]:
    return [unit for _, unit in sorted(units, key=lambda entry: -entry[0])]


def _cut(group: list[tuple[float, Cell]], limit: float) -> list[tuple[float, Unit]]:
    units: list[tuple[float, Unit]] = []
    for cost, cell in group:
        if units and units[-1][0] + cost <= limit:
            units[-1] = (units[-1][0] + cost, [*units[-1][1], cell])
        else:
            units.append((cost, [cell]))
    return units
