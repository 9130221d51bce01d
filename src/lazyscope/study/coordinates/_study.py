"""How do the layers of a user's network depend on its width: lazy, muP, or neither?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, overload

import numpy as np

from lazyscope._checks import InputError, check_array, check_count, check_text
from lazyscope._jax import kept_data, own_settings
from lazyscope._provenance import versions
from lazyscope._trace import growing_axes
from lazyscope.data import Dataset, from_tensor, points_and_targets
from lazyscope.measure import estimate_exponents
from lazyscope.observe import Build, check_shapes, clearest, rates_of, uneven_sizes
from lazyscope.study.coordinates._drawn import check_seeds, drawn_network
from lazyscope.study.coordinates._layers import find_layers
from lazyscope.study.coordinates._network import Network, network_of
from lazyscope.study.coordinates._readout import (
    Outline,
    find_readout,
    named_readout,
)
from lazyscope.study.coordinates._record import CoordinateCheck, Measured
from lazyscope.study.coordinates._run import FirstSteps
from lazyscope.study.coordinates._verdict import Exponents
from lazyscope.study.coordinates.trained._asked import Train, asked_training
from lazyscope.study.coordinates.trained._check import WIDTH, Grid, check_training
from lazyscope.study.coordinates.trained._record import TrainedCheck

DEFAULT_WIDTHS = (64, 128, 256, 512)
DEFAULT_SEEDS = 4
DEFAULT_STEPS = 16
DEFAULT_TRAINED_STEPS = 4


@overload
def coordinate_check(
    build: Build,
    data: Dataset | tuple[Any, Any],
    widths: Sequence[int] = DEFAULT_WIDTHS,
    seeds: int = DEFAULT_SEEDS,
    *,
    steps: int | None = None,
    readout: str | Sequence[str] | None = None,
    train: None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CoordinateCheck: ...


@overload
def coordinate_check(
    build: Build,
    data: Dataset | tuple[Any, Any],
    widths: Sequence[int] = DEFAULT_WIDTHS,
    seeds: int = DEFAULT_SEEDS,
    *,
    steps: int | None = None,
    readout: str | Sequence[str] | None = None,
    train: Train,
    progress: Callable[[int, int], None] | None = None,
    **training: Any,
) -> TrainedCheck: ...


def coordinate_check(
    build: Build,
    data: Dataset | tuple[Any, Any],
    widths: Sequence[int] = DEFAULT_WIDTHS,
    seeds: int = DEFAULT_SEEDS,
    *,
    steps: int | None = None,
    readout: str | Sequence[str] | None = None,
    train: Train | None = None,
    progress: Callable[[int, int], None] | None = None,
    **training: Any,
) -> CoordinateCheck | TrainedCheck:
    """Draw a network at several widths, take its first steps, and say which parametrisation it has.

    Of every network are measured: the share of every layer in the tangent kernel, kappa from the
    readout (``sqrt(m) rms(w) sqrt(share)``, which sees multipliers too), and after `steps` steps of
    full-batch descent on R = 1/(2n) sum |f - y|^2 how far every layer moved and how much its output
    changed. Each step is n / lambda_max of the kernel at that moment, so that all widths make the same
    progress whatever their learning rate; the exponent of that step is reported.

    Args:
        build: ``build(width, seed)`` -> (apply, params), (apply, params, groups),
            (apply, params, groups, rates), an Equinox or Flax NNX module, a Flax Linen module as
            (module, variables); or a PyTorch module, alone or as
            (module, groups, rates), which is copied in double precision. `rates` are learning rates of
            plain descent by group; only their ratios and their dependence on the width matter.
        data: a data set, or (x, y) with y of shape (n, C); some tens of points are enough.
        widths: at least 3, increasing, better over a factor of 8 or more.
        seeds: networks of every width; 3 or more than 3 runs beyond one per width.
        steps: steps; 16 of descent, 4 of a training of your own unless given.
        readout: names of the layer (or of the layers or arrays) that writes the output. None: what alone
            feeds it, as the graph of the network shows. Where no layer does (an embedding that is the
            output as well, gated heads, units that are summed without weights), none is named:
            then there is no kappa, and the regime is judged by how far the layers moved; `notes` say so.
        train: who trains instead of plain descent: ``"sgd"``, ``"momentum"``, ``"adam"``, ``"adamw"``,
            ``"sign"``, ``"lion"`` or ``"muon"``; ``f(module)`` or ``f(module, width)`` that makes an
            optimiser of PyTorch, with parameter groups, or a list of them; a transformation of Optax; or a
            function that trains by so many steps from where it starts, ``train(module, x, y, steps)`` for
            PyTorch or ``train(apply, params, x, y, steps)`` -> params for JAX.
        progress: called with runs done and all runs.
        **training: with `train`: ``lr`` and ``decay`` of a name; ``loss``, a name or
            ``loss(outputs, targets)``; ``batch_size``; ``axis``, what the widths are of, such as depth,
            heads, rank.

    Returns:
        A `CoordinateCheck`; with `train` a `TrainedCheck`, which judges every array from the first step in
        which it moved, so that readouts and queries may start at zero.

    Raises:
        InputError: build cannot be called or ignores the width, its networks cannot be differentiated
            (see `lazyscope.tangent_kernel`), the readout starts at zero under plain descent, too few
            widths or seeds, data or parameters that are not finite real numbers, an unknown name of a
            readout or an optimiser, an optimiser that holds a parameter twice or not at all, or the
            parameters of another model, a training that moves nothing.

    Cost: one compilation per width; in every run two eigendecompositions' worth of n C x n C and
    3 `steps` + 2 backward passes over the data.

    Trust: exponents come with intervals that include what finite width hides, see
    `lazyscope.estimate_exponent`. The kernel sees only kappa and s_l / alpha_l^2, which are all that
    matters for how far layers move; alpha_l and s_l by themselves are not identified, since a factor can
    be moved between layers. Without `train` it is that of plain descent.

    Reference: Yang & Hu 2021 (arXiv 2011.14522); the identification is derived in
    ``docs/coordinate-check.md``.

    Example:
        >>> import jax, jax.numpy as jnp, numpy as np
        >>> def build(width, seed):
        ...     rng = np.random.default_rng(seed)
        ...     w, v = rng.normal(size=(2, width)), rng.normal(size=(width, 1)) / np.sqrt(width)
        ...     return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, v)
        >>> x = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> check = coordinate_check(build, (x, np.ones((3, 1))), (16, 32, 64, 128), steps=2)
        >>> check.regime, check.schemes
        ('theta-lazy', ('standard',))
    """
    axis = check_text("axis", training.get("axis", WIDTH)) if train is not None else WIDTH
    widths = _checked_widths(widths, axis)
    seeds = check_count("seeds", seeds, minimum=2)
    x, y = _checked_data(data)
    if train is not None:
        told = {name: value for name, value in training.items() if name != "axis"}
        grid = Grid(axis, widths, seeds)
        _check_told(told)
        many = DEFAULT_TRAINED_STEPS if steps is None else steps
        asked = asked_training(train, steps=many, **told)
        return check_training(build, (x, y), grid, asked, readout, progress)
    if training:
        raise _without_train(training)
    steps = check_count("steps", DEFAULT_STEPS if steps is None else steps)
    # Made at once, since a build may use its arrays or its module again.
    runs = [
        Run(width, seed, network_of(drawn_network(build, width, seed), x))
        for width in widths
        for seed in range(seeds)
    ]
    return _from_runs(runs, y, widths, seeds, steps, readout, progress)


_TOLD = ("lr", "decay", "loss", "batch_size", "axis")


def _check_told(told: Mapping[str, Any]) -> None:
    unknown = [name for name in told if name not in _TOLD]
    if unknown:
        raise InputError(
            "arguments of a check must be its own or say how networks are trained",
            received=", ".join(unknown),
            cause="a misspelt name",
            fix=f"use names among {', '.join(_TOLD)}",
        )


def _without_train(training: Mapping[str, Any]) -> InputError:
    return InputError(
        "a training must be named before it is described",
        received=f"{', '.join(training)} without train",
        cause="plain descent on the squared loss, which finds its own steps, was left as it is",
        fix="give train='sgd', 'adamw' or your own optimiser beside it",
    )


class Run(NamedTuple):
    """One network of a check."""

    width: int
    seed: int
    network: Network


def _from_runs(
    runs: Sequence[Run],
    y: Any,
    widths: tuple[int, ...],
    seeds: int,
    steps: int,
    wanted: str | Sequence[str] | None,
    progress: Callable[[int, int], None] | None,
) -> CoordinateCheck:
    first = [run.network for run in runs if run.seed == 0]
    first[0].check()
    outlines = [network.outline() for network in first]
    groups, leaf_group = outlines[0].groups, outlines[0].leaf_group
    check_shapes([each.shapes for each in outlines], widths)
    shapes = [each.shapes for each in outlines]
    roles = clearest(first[0], first[1], growing_axes(shapes[0], shapes[-1]))
    readout = (
        find_readout(outlines[0], roles)
        if wanted is None
        else named_readout(wanted, outlines[0], roles)
    )
    layers = find_layers(groups, leaf_group, shapes, widths, readout.leaves, roles)
    leaves = [layer.leaf for layer in layers]
    axes = _row_axes(outlines, leaves)
    rates = [rates_of(run.network.described, groups)[list(leaf_group)] for run in runs]
    for run in runs:
        _check_targets(y, run.network.num_points, run.network.num_outputs)
        _check_readout(run, readout.leaves)
    found: list[FirstSteps] = []
    for done, (run, by_leaf) in enumerate(zip(runs, rates, strict=True), start=1):
        found.append(run.network.first_steps(y, axes, by_leaf, steps))
        if progress is not None:
            progress(done, len(runs))
    check_seeds(np.array([each.loss for each in found]).reshape(len(widths), seeds, -1), "width")
    measured = _measured(found, rates, leaves, readout.leaves, widths, seeds)
    fixed = [layer.name for layer in layers if layer.kind == "fixed"]
    return CoordinateCheck(
        widths=widths,
        seeds=seeds,
        steps=steps,
        num_points=runs[0].network.num_points,
        layers=layers,
        measured=measured,
        exponents=_exponents(measured, widths),
        versions=versions() | dict(first[0].versions),
        notes=(
            *first[0].notes,
            *readout.notes,
            *uneven_sizes(outlines[0].names, shapes, widths),
            *([_FIXED.format(", ".join(fixed))] if fixed else ()),
        ),
    )


_FIXED = (
    "{}: no axis grows with the width, so the law says nothing of it and no scheme is judged by it."
)


def _checked_data(data: Any) -> tuple[Any, Any]:
    """Finite inputs and targets that stay what they are."""
    x, y = (from_tensor(each) for each in points_and_targets(data))
    with own_settings(double=False):
        return kept_data("inputs", x), np.array(check_array("targets", y))


def _check_readout(run: Run, leaves: Sequence[int]) -> None:
    if leaves and all(run.network.is_zero(leaf) for leaf in leaves):
        raise InputError(
            "a coordinate check needs a readout that does not start at zero",
            received=f"initial weights of the last layer that are all zero, width {run.width}",
            cause="a readout started at zero, for which kappa is zero and no other layer has a gradient",
            fix="check the same model with a small random readout, for muP of entries 1 / width",
        )


def _checked_widths(widths: Any, axis: str) -> tuple[int, ...]:
    """At least 3 values, increasing; one unit is no layer, but one head, block or rank is what it says."""
    single = getattr(widths, "ndim", 1) == 0 or not isinstance(widths, Iterable)
    if isinstance(widths, str) or single:
        widths = () if isinstance(widths, str) else (widths,)
    of_width = axis == WIDTH
    every = "every width" if of_width else f"every value of {axis}"
    found = tuple(check_count(every, width, minimum=1 + of_width) for width in widths)
    if len(found) < 3 or any(a >= b for a, b in pairwise(found)):
        raise InputError(
            f"a coordinate check needs at least 3 increasing {'widths' if of_width else f'values of {axis}'}",
            received=", ".join(map(str, found)) or "none",
            cause="a single one, or another order",
            fix=f"give for instance {'64, 128, 256, 512' if of_width else '1, 2, 4, 8'}",
        )
    return found


def _row_axes(outlines: Sequence[Outline], leaves: Sequence[int]) -> list[int | None]:
    """The axis that counts rows, for layers that grow in two directions; None otherwise.

    A layer with one growing axis has a change of bounded rank, and a start whose Frobenius norm has the
    exponent of its operator norm without its corrections.
    """
    first, last = outlines[0].shapes, outlines[-1].shapes
    axes: list[int | None] = [None] * len(first)
    for leaf in leaves:
        growing = [k for k, (a, b) in enumerate(zip(first[leaf], last[leaf], strict=True)) if b > a]
        axes[leaf] = growing[-1] if len(growing) > 1 else None
    return axes


def _check_targets(y: Any, points: int, outputs: int) -> None:
    if np.shape(y) != (points, outputs):
        raise InputError(
            "targets must fit the points and the outputs of the network",
            received=f"targets of shape {np.shape(y)} for {points} points and {outputs} outputs",
            cause="a network with another number of outputs than the data has",
            fix=f"give targets of shape ({points}, {outputs})",
        )


def _measured(
    found: Sequence[FirstSteps],
    rates: Sequence[np.ndarray],
    leaves: Sequence[int],
    readouts: Sequence[int],
    widths: Sequence[int],
    seeds: int,
) -> Measured:
    """All runs as arrays (widths, seeds) and (layers, widths, seeds)."""
    grid = (len(widths), seeds)
    by_leaf = np.array([run.share for run in found], float)
    sizes = np.array([run.size for run in found], float)
    last = list(readouts)
    # Outputs of several readouts add up, or stand beside each other: so do their mean squares.
    squares = (sizes[:, last] ** 2 * by_leaf[:, last]).sum(axis=1).reshape(grid)
    if not last:
        squares = np.full(grid, np.nan)
    kappa = np.sqrt(np.array(widths, float))[:, None] * np.sqrt(squares)
    weighed = np.array(rates)[:, leaves] * by_leaf[:, leaves]
    weighed = np.moveaxis(weighed.reshape(*grid, -1), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = weighed / kappa**2

    def layered(name: str) -> np.ndarray:
        values = np.array([np.asarray(getattr(run, name))[leaves] for run in found], float)
        return np.moveaxis(values.reshape(*grid, -1), -1, 0)

    losses = np.array([run.loss for run in found], float)
    return Measured(
        kappa=kappa,
        speed=speed,
        displacement=layered("displacement"),
        output_change=layered("output_change"),
        output=np.array([run.output for run in found], float).reshape(grid),
        kernel=weighed.sum(0),
        loss_fraction=(losses[:, -1] / losses[:, 0]).reshape(grid),
    )


def _exponents(measured: Measured, widths: Sequence[int]) -> Exponents:
    count = len(measured.speed)
    cells = np.concatenate(
        [
            measured.kappa[None],
            measured.kernel[None],
            measured.speed,
            measured.displacement,
            measured.output_change,
        ]
    )
    cells = np.where(np.isfinite(cells) & (cells > 0), cells, np.nan)
    found = estimate_exponents(np.array(widths, float), cells)
    each = [found.cell(k) for k in range(len(cells))]
    parts = [each[2 + k * count : 2 + (k + 1) * count] for k in range(3)]
    return Exponents(each[0], each[1], *map(tuple, parts))
