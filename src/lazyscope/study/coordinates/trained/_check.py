"""How do the layers of a user's network move along an axis, trained as the user trains it?"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lazyscope._checks import InputError
from lazyscope._provenance import versions
from lazyscope._trace import ArrayRoles, growing_axes
from lazyscope.observe import Build, Described, check_shapes, clearest, uneven_sizes
from lazyscope.study.coordinates._drawn import check_seeds, drawn_network
from lazyscope.study.coordinates._readout import Outline, Readout, find_readout, named_readout
from lazyscope.study.coordinates.trained._asked import AskedTraining
from lazyscope.study.coordinates.trained._exponents import (
    TrainedArray,
    exponents_of,
    first_steps_of,
    measured_of,
)
from lazyscope.study.coordinates.trained._family import Family
from lazyscope.study.coordinates.trained._record import TrainedCheck
from lazyscope.study.coordinates.trained._steps import Steps, TrainedNetwork

WIDTH = "width"


class Grid(NamedTuple):
    """Along which axis networks are drawn.

    Attributes:
        axis: its name.
        values: on it.
        seeds: networks of every value.
    """

    axis: str
    values: tuple[int, ...]
    seeds: int


def check_training(
    build: Build,
    points: tuple[Any, Any],
    grid: Grid,
    asked: AskedTraining,
    readout: str | Sequence[str] | None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainedCheck:
    """Draw networks along the axis, train them, and fit.

    Args:
        build: ``build(value, seed)``.
        points: inputs and targets.
        grid: the axis.
        asked: the training.
        readout: names of what writes the output; None to have it found.
        progress: called with runs done and all runs.

    Raises:
        InputError: as `lazyscope.coordinate_check`.
    """
    asked.batches(len(points[1]), 0)  # refused before anything is drawn
    at = [(value, seed) for value in grid.values for seed in range(grid.seeds)]
    networks = [_drawn(build, points, asked, each, grid) for each in at]
    plan = _plan(networks[:: grid.seeds], grid, readout)
    first = [network.families() for network in networks[:: grid.seeds]]  # which no seed changes
    families = [found for found in first for _ in range(grid.seeds)]
    runs: list[Steps] = []
    for done, network in enumerate(networks, start=1):
        axes = [plan.axes.get(key) for key in _keys(network.outline(), plan.merged)]
        runs.append(network.train(axes, plan.readout.leaves))
        if progress is not None:
            progress(done, len(networks))
    outlines = [network.outline() for network in networks]
    runs, families = _merged(runs, families, outlines, plan)
    moved_at = first_steps_of(runs)
    _check_moves(moved_at, runs, plan, grid)
    _check_counts(runs, asked)
    measured = measured_of(runs, families, (grid.values, grid.seeds), moved_at, plan.readout.leaves)
    arrays = tuple(
        array._replace(optimiser=family.optimiser, moved_at=int(at_step))
        for array, family, at_step in zip(plan.arrays, families[0], moved_at, strict=True)
    )
    lost = np.asarray(~np.isfinite(measured.loss).all(axis=-1))
    return TrainedCheck(
        axis=grid.axis,
        widths=grid.values,
        seeds=grid.seeds,
        steps=asked.steps,
        num_points=len(points[1]),
        training=asked.words,
        loss_name=asked.loss if isinstance(asked.loss, str) else "given",
        arrays=arrays,
        measured=measured,
        exponents=exponents_of(measured, grid.values, arrays),
        heads_grow=plan.heads_grow,
        versions=versions() | dict(networks[0].versions),
        notes=(
            *networks[0].notes,
            *plan.readout.notes,
            *_uneven(outlines[:: grid.seeds], grid),
            *_lost(lost, grid),
            *_zeros(arrays),
            *_still(arrays, runs, grid),
        ),
    )


class Plan(NamedTuple):
    """What is known of the arrays before they are trained.

    Attributes:
        arrays: by their keys, without what only a training shows.
        axes: the axis that counts the rows of every array that grows along two, by its key.
        readout: what writes the output.
        heads_grow: whether products of data with data grow.
        merged: whether arrays whose names differ by numbers are one.
        shapes_differ: whether anything grows.
    """

    arrays: tuple[TrainedArray, ...]
    axes: dict[str, int | None]
    readout: Readout
    heads_grow: bool
    merged: bool
    shapes_differ: bool


def _drawn(
    build: Build, points: tuple[Any, Any], asked: AskedTraining, at: tuple[int, int], grid: Grid
) -> TrainedNetwork:
    """The network at one place of the grid; a refusal of another than the first says which."""
    try:
        return _network(drawn_network(build, *at), points, asked, at)
    except InputError as error:
        if at == (grid.values[0], 0):
            raise
        where = f"{error.received} ({grid.axis} {at[0]}, seed {at[1]}; not at those before)"
        raise InputError(error.rule, received=where, cause=error.cause, fix=error.fix) from error


def _network(
    made: Any, points: tuple[Any, Any], asked: AskedTraining, at: tuple[int, int]
) -> TrainedNetwork:
    """The network in the words of its library. PyTorch is imported for its own modules only."""
    if isinstance(made, Described):
        from lazyscope.study.coordinates.trained._function import FunctionTraining

        return FunctionTraining(made, points, asked, at)
    from lazyscope.study.coordinates.trained._module import ModuleTraining

    return ModuleTraining(made, points, asked, at)


def _plan(first: Sequence[TrainedNetwork], grid: Grid, wanted: str | Sequence[str] | None) -> Plan:
    """What the first network of every value shows."""
    outlines = [network.outline() for network in first]
    shapes = [each.shapes for each in outlines]
    zeros = first[0].zeros()
    if grid.axis == WIDTH:
        check_shapes(shapes, grid.values)
    if grid.axis != WIDTH and any(len(each) != len(shapes[0]) for each in shapes):
        keys = list(dict.fromkeys(_keys(outlines[0], merged=True)))
        zero = dict(zip(_keys(outlines[0], merged=True), zeros, strict=True))
        many = {
            key: len(s) > 1
            for key, s in zip(_keys(outlines[0], merged=True), shapes[0], strict=True)
        }
        arrays = tuple(TrainedArray(k, "array", many[k], False, zero[k], "other", 0) for k in keys)
        return Plan(arrays, {}, Readout(()), False, True, True)
    growing = growing_axes(shapes[0], shapes[-1])
    roles = clearest(first[0], first[1], growing)
    readout = _readout(outlines[0], roles, wanted, grid)
    lengths = [network.products() for network in (first[0], first[-1])]
    grown = [
        (one[0] < two[0], one[1])
        for one, two in zip(*lengths, strict=len(lengths[0]) == len(lengths[1]))
    ]
    gated = frozenset[int]().union(*(tags for grows, tags in grown if grows))
    arrays, axes = [], {}
    for k, role in enumerate(roles):
        name = outlines[0].names[k]
        kind = "readout" if k in readout.leaves else role.role
        kind = "array" if kind in ("fixed", "unused") and grid.axis != WIDTH else kind
        matrix = len(outlines[0].shapes[k]) > 1
        arrays.append(TrainedArray(name, kind, matrix, k in gated, zeros[k], "other", 0))
        axes[name] = role.growing[-1] if len(role.growing) > 1 else None
    return Plan(
        arrays=tuple(arrays),
        axes=axes,
        readout=readout,
        heads_grow=any(grows for grows, _ in grown),
        merged=False,
        shapes_differ=bool(growing),
    )


def _readout(
    outline: Outline, roles: ArrayRoles, wanted: str | Sequence[str] | None, grid: Grid
) -> Readout:
    if wanted is not None:
        return named_readout(wanted, outline, roles)
    found = find_readout(outline, roles)
    if found.leaves or grid.axis != WIDTH:
        return found._replace(notes=found.notes if found.leaves else ())
    tied = [each.name for each in roles if each.tied]
    if tied:
        told = f"{' and '.join(tied)} is used at both ends (one entry, two uses): what it looks up counts."
        return Readout((), (told,))
    return found


def _keys(outline: Outline, merged: bool) -> list[str]:
    """Names of the arrays; numbers in them as * where arrays come and go along the axis."""
    return [re.sub(r"\d+", "*", name) if merged else name for name in outline.names]


def _merged(
    runs: list[Steps],
    families: Sequence[tuple[Family, ...]],
    outlines: Sequence[Outline],
    plan: Plan,
) -> tuple[list[Steps], list[tuple[Family, ...]]]:
    """Runs with one entry per key: root mean squares of sizes and changes, sums of what the loss loses."""
    if not plan.merged:
        return runs, list(families)
    found, kinds = [], []
    for run, family, outline in zip(runs, families, outlines, strict=True):
        keys = _keys(outline, merged=True)
        members = [[k for k, key in enumerate(keys) if key == array.name] for array in plan.arrays]
        found.append(_reduced(run, members))
        kinds.append(tuple(family[each[0]] for each in members))
    return found, kinds


def _reduced(run: Steps, members: Sequence[Sequence[int]]) -> Steps:
    def middle(values: np.ndarray) -> np.ndarray:
        parts = [np.sqrt(np.mean(values[..., each] ** 2, axis=-1)) for each in members]
        return np.stack(parts, axis=-1)

    def over_all(values: np.ndarray) -> np.ndarray:
        return np.sqrt(np.mean(values**2, axis=-1, keepdims=True)) if values.shape[-1] else values

    return run._replace(
        size=middle(run.size),
        share=np.full(len(members), np.nan),
        displacement=middle(run.displacement),
        own=middle(run.own),
        reach=np.stack([run.reach[:, each].sum(axis=-1) for each in members], axis=-1),
        scores=over_all(run.scores),
        score_change=over_all(run.score_change),
    )


def _check_moves(moved_at: np.ndarray, runs: Sequence[Steps], plan: Plan, grid: Grid) -> None:
    """Refuse trainings that do nothing, climb or are not finite, and axes or seeds that change nothing."""
    _check_finite(runs, grid, started=bool(moved_at.any()))
    if not moved_at.any():
        raise InputError(
            "the training must move the parameters",
            received=f"no array that a gradient moved in {len(runs[0].reach)} steps",
            cause="a learning rate of zero (the first step of a warm-up), frozen parameters, or a train "
            "that works on a copy",
            fix="take more steps, or let train change the parameters that it gets",
        )
    first = int(moved_at[moved_at > 0].min()) - 1
    if all(run.reach[first].sum() < 0 for run in runs):
        raise InputError(
            "a training must lower the loss",
            received=f"a step {first + 1} along which it rises, to first order, in all {len(runs)} runs",
            cause="updates of the wrong sign (a transformation without a learning rate, maximize=True), or a "
            "function that trains on another loss than that of the check",
            fix="turn the sign, or give the loss of the training as loss=",
        )
    shape = len(grid.values), grid.seeds
    by_value = runs[:: grid.seeds]
    if not plan.shapes_differ and all(
        np.array_equal(run.loss, by_value[0].loss) for run in by_value[1:]
    ):
        raise InputError(
            f"something must change along the axis {grid.axis}",
            received=f"the same losses at {', '.join(map(str, grid.values))}",
            cause="an argument that build ignores",
            fix="use the first argument of build",
        )
    check_seeds(np.array([run.loss for run in runs]).reshape(*shape, -1), grid.axis)


def _check_counts(runs: Sequence[Steps], asked: AskedTraining) -> None:
    """Refuse functions that train by the same steps however many they are told."""
    if asked.by != "function" or asked.steps == 1:
        return
    if all(np.isfinite(run.loss).all() and (run.loss[1:] == run.loss[1]).all() for run in runs):
        raise InputError(
            "a function that trains must take as many steps as it is told",
            received=f"the same losses after 1 to {asked.steps} steps, in all {len(runs)} runs",
            cause="a number of steps or epochs of its own",
            fix="use its last argument, steps, which counts from the start",
        )


def _check_finite(runs: Sequence[Steps], grid: Grid, *, started: bool) -> None:
    """Refuse losses at the start, or first steps where none counts, that are no numbers: where they are."""
    first = ("the first step, or the gradient that it follows,", [r.reach[0].sum() for r in runs])
    begun = ("the loss at the start", [run.loss[0] for run in runs])
    for what, values in (begun,) if started else (begun, first):
        lost = (~np.isfinite(values)).reshape(len(grid.values), grid.seeds).sum(axis=1)
        if lost.any():
            raise InputError(
                f"{what} must be finite",
                received=_counted(lost, grid),
                cause="a loss that divides by nothing (no target that counts, a logarithm of zero), numbers "
                "out of range, or a root at zero",
                fix="call the loss and its gradient on a network of that size on their own",
            )


def _counted(lost: np.ndarray, grid: Grid) -> str:
    pairs = zip(lost, grid.values, strict=True)
    return ", ".join(f"{k} of {grid.seeds} at {grid.axis} {value}" for k, value in pairs if k)


def _uneven(outlines: Sequence[Outline], grid: Grid) -> tuple[str, ...]:
    """A sentence on widths that are not those of the arrays."""
    if grid.axis != WIDTH:
        return ()
    return uneven_sizes(outlines[0].names, [each.shapes for each in outlines], grid.values)


def _lost(lost: np.ndarray, grid: Grid) -> list[str]:
    """A sentence on runs that diverged."""
    if not lost.any():
        return []
    told = _counted(lost.sum(axis=1), grid)
    return [f"The loss was not finite in {told}; the first steps are judged."]


def _zeros(arrays: Sequence[TrainedArray]) -> list[str]:
    """A sentence on what starts at zero."""
    found = [each for each in arrays if each.zero and each.matrix and each.moved_at]
    if not found:
        return []
    names = ", ".join(each.called for each in found[:4]) + (" and more" if len(found) > 4 else "")
    late = max((each.moved_at for each in arrays), default=1)
    when = f" Arrays behind them are judged from step {late}, their first." if late > 1 else ""
    return [f"Start at zero, and are judged from their first step: {names}.{when}"]


def _still(arrays: Sequence[TrainedArray], runs: Sequence[Steps], grid: Grid) -> list[str]:
    """Sentences on what no gradient has moved: at these values of the axis, so that nothing is said of it."""
    steps = len(runs[0].reach)
    many = f"{steps} steps" if steps > 1 else "one step"
    by_values: dict[str, list[str]] = {}
    for k, each in enumerate(arrays):
        if each.moved_at or not each.matrix:
            continue
        parts = [runs[i * grid.seeds : (i + 1) * grid.seeds] for i in range(len(grid.values))]
        at = [
            str(value)
            for value, part in zip(grid.values, parts, strict=True)
            if not first_steps_of(part)[k]
        ]
        where = "" if len(at) == len(grid.values) else f" at {grid.axis} {', '.join(at)}"
        by_values.setdefault(where, []).append(each.called)
    return [
        f"Not moved by a gradient in {many}{where}, so that nothing is said of them: "
        f"{', '.join(names[:4])}{' and more' if len(names) > 4 else ''}."
        for where, names in by_values.items()
    ]
