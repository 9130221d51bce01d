"""Which powers of the width do the measured quantities of a training follow?"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from lazyscope.measure import ExponentEstimate, estimate_exponents
from lazyscope.study.coordinates._verdict import KINDS
from lazyscope.study.coordinates.trained._family import Family
from lazyscope.study.coordinates.trained._steps import Steps


class TrainedArray(NamedTuple):
    """One array that is trained.

    Attributes:
        name: of the array.
        kind: ``input``, ``hidden``, ``output``, ``fixed``, ``tied``, or ``readout`` for what alone writes
            the output; along another axis than the width ``array`` where it does not grow.
        matrix: whether it is a matrix, or has more axes.
        gated: whether it alone writes a factor of a product of data with data over units, as queries and
            keys do; the signal that reaches it vanishes at the start.
        zero: whether it starts at zero.
        optimiser: what moves it: ``sgd``, ``adam``, ``muon`` or ``other``, as its steps show.
        moved_at: the first step in which a gradient moved it; 0 where none did.
    """

    name: str
    kind: str
    matrix: bool
    gated: bool
    zero: bool
    optimiser: str
    moved_at: int

    @property
    def called(self) -> str:
        """Its name as sentences say it: what begins with a place in a sequence gets a noun."""
        return f"layer {self.name}" if self.name[:1].isdecimal() else self.name


class TrainedMeasured(NamedTuple):
    """What was measured of every run; arrays (K), widths (W), seeds (S), softmaxes (A), steps (T).

    Attributes:
        size: rms of the entries at the start.
        step: |dw| / |w| by the first step that moved the array.
        displacement: the same at the end.
        own: relative change of what the array writes, by its own change in the first such step; the rms of
            the change where it starts at zero, or where an array is no product NaN.
        own_end: the same at the end.
        reach: by how much that step lowers the loss.
        reach_end: by how much the last step does.
        decay: share that one step takes off.
        kappa: sqrt(m) rms(w) sqrt(share) of the readout; NaN without one, or where it starts at zero.
        output: rms of the outputs at the start.
        output_change: rms of their change in the first step that changed them.
        output_change_end: at the end.
        scores: rms of what goes into softmaxes at the start.
        score_change: rms of its change in the first step that changed it.
        loss: before every step and at the end.
    """

    size: Float[ndarray, "K W S"]
    step: Float[ndarray, "K W S"]
    displacement: Float[ndarray, "K W S"]
    own: Float[ndarray, "K W S"]
    own_end: Float[ndarray, "K W S"]
    reach: Float[ndarray, "K W S"]
    reach_end: Float[ndarray, "K W S"]
    decay: Float[ndarray, "K W S"]
    kappa: Float[ndarray, "W S"]
    output: Float[ndarray, "W S"]
    output_change: Float[ndarray, "W S"]
    output_change_end: Float[ndarray, "W S"]
    scores: Float[ndarray, "A W S"]
    score_change: Float[ndarray, "A W S"]
    loss: Float[ndarray, "W S T+1"]


OF_ARRAYS = ("size", "step", "displacement", "own", "own_end", "reach", "reach_end", "decay")
OF_RATIOS = {"alignment": ("own", "step"), "alignment_end": ("own_end", "displacement")}
"""What an array's change makes of its inputs, over its size, beside the same of the array at the start."""
OF_SCORES = ("scores", "score_change")
OF_ALL = ("kappa", "output", "output_change", "output_change_end")
OF_KINDS = ("own_of_kind", "reach_of_kind")
OF_SUMS = ("reach_of_all",)
"""What all arrays do together."""


class TrainedExponents(NamedTuple):
    """Exponents of what `TrainedMeasured` holds, by the same names but for the loss.

    Attributes:
        alignment: of (|dW x| / |dW|) / (|W x| / |W|) in the first step that moved the array: how much better
            its update is aligned with what it reads than its start is, whose own does not depend on the
            width in matrices with two sides that grow; NaN where it starts at zero or is no product.
        alignment_end: the same of its change at the end.
        own_of_kind, reach_of_kind: those of the geometric means over the arrays of every kind, `KINDS`,
            which are less noisy: of own over those that do not start at zero, of reach over those that
            are not gated, and moved as early as any of their kind.
        reach_of_all: that of what the first steps of all arrays take off the loss, as a share of it.
    """

    size: tuple[ExponentEstimate, ...]
    step: tuple[ExponentEstimate, ...]
    displacement: tuple[ExponentEstimate, ...]
    own: tuple[ExponentEstimate, ...]
    own_end: tuple[ExponentEstimate, ...]
    reach: tuple[ExponentEstimate, ...]
    reach_end: tuple[ExponentEstimate, ...]
    decay: tuple[ExponentEstimate, ...]
    alignment: tuple[ExponentEstimate, ...]
    alignment_end: tuple[ExponentEstimate, ...]
    kappa: ExponentEstimate
    output: ExponentEstimate
    output_change: ExponentEstimate
    output_change_end: ExponentEstimate
    scores: tuple[ExponentEstimate, ...]
    score_change: tuple[ExponentEstimate, ...]
    own_of_kind: tuple[ExponentEstimate, ...]
    reach_of_kind: tuple[ExponentEstimate, ...]
    reach_of_all: ExponentEstimate


def first_steps_of(runs: Sequence[Steps]) -> np.ndarray:
    """The first step (from 1) in which every array was moved by a gradient in all runs; 0 for none."""
    reach = np.stack([run.reach for run in runs])
    sizes = np.abs(reach).max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        moved = (np.abs(reach) > 1e-12 * sizes).all(axis=0)
    return np.where(moved.any(axis=0), moved.argmax(axis=0) + 1, 0)


def measured_of(
    runs: Sequence[Steps],
    families: Sequence[Sequence[Family]],
    grid: tuple[Sequence[int], int],
    moved_at: np.ndarray,
    readouts: Sequence[int],
) -> TrainedMeasured:
    """All runs, width by width and seed by seed, on the grid (widths, number of seeds)."""
    widths, seeds = grid
    shape = (len(widths), seeds)
    at = np.maximum(moved_at, 1) - 1
    arrays = np.arange(len(at))
    changed = _first_change([run.output_change for run in runs])
    scored = [
        _first_change([run.score_change[:, k] for run in runs]) for k in range(len(runs[0].scores))
    ]

    def by_array(values: Sequence[np.ndarray]) -> np.ndarray:
        return np.moveaxis(np.array(values, float).reshape(*shape, -1), -1, 0)

    def whole(values: Sequence[float]) -> np.ndarray:
        return np.array(values, float).reshape(shape)

    last = list(readouts)
    squares = [(run.size[last] ** 2 * run.share[last]).sum() if last else np.nan for run in runs]
    kappa = np.sqrt(np.array(widths, float))[:, None] * np.sqrt(whole(squares))
    return TrainedMeasured(
        size=by_array([run.size for run in runs]),
        step=by_array([run.displacement[at, arrays] for run in runs]),
        displacement=by_array([run.displacement[-1] for run in runs]),
        own=by_array([run.own[at, arrays] for run in runs]),
        own_end=by_array([run.own[-1] for run in runs]),
        reach=by_array([run.reach[at, arrays] for run in runs]),
        reach_end=by_array([run.reach[-1] for run in runs]),
        decay=by_array([np.array([each.decay for each in found]) for found in families]),
        kappa=np.where(kappa > 0, kappa, np.nan),
        output=whole([run.output for run in runs]),
        output_change=whole([run.output_change[changed] for run in runs]),
        output_change_end=whole([run.output_change[-1] for run in runs]),
        scores=by_array([run.scores for run in runs]),
        score_change=by_array(
            [np.array([run.score_change[t, k] for k, t in enumerate(scored)]) for run in runs]
        ),
        loss=np.array([run.loss for run in runs]).reshape(*shape, -1),
    )


def _first_change(runs: Sequence[np.ndarray]) -> int:
    """The first step in which something changed in all runs; the last where it never did."""
    with np.errstate(invalid="ignore"):
        changed = (np.stack(runs) > 0).all(axis=0)
    return int(changed.argmax()) if changed.any() else -1


def exponents_of(
    measured: TrainedMeasured, widths: Sequence[int], arrays: Sequence[TrainedArray]
) -> TrainedExponents:
    """Exponents with intervals of everything; without a value where something is zero or not measured."""
    named = {
        name: np.asarray(getattr(measured, name)) for name in (*OF_ARRAYS, *OF_ALL, *OF_SCORES)
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, (over, under) in OF_RATIOS.items():
            named[name] = np.divide(named[over], named[under])
    named["own_of_kind"] = _of_kinds(measured.own, arrays, lambda each: not each.zero)
    named["reach_of_kind"] = _of_kinds(measured.reach, arrays, lambda each: not each.gated)
    moved = [k for k, each in enumerate(arrays) if each.moved_at]
    with np.errstate(divide="ignore", invalid="ignore"):
        named["reach_of_all"] = (
            np.asarray(measured.reach)[moved].sum(axis=0) / measured.loss[..., 0]
        )
    flat = [each.reshape(-1, *each.shape[-2:]) for each in named.values()]
    cells = np.concatenate(flat)
    cells = np.where(np.isfinite(cells) & (cells > 0), cells, np.nan)
    # An axis may begin at 1, as depth and rank do; its unit is free, and changes no exponent.
    found = estimate_exponents(np.array(widths, float) * max(1.0, 2 / widths[0]), cells)
    made, place = {}, 0
    for name, each in zip(named, flat, strict=True):
        cell = tuple(found.cell(place + k) for k in range(len(each)))
        made[name] = cell[0] if name in (*OF_ALL, *OF_SUMS) else cell
        place += len(each)
    return TrainedExponents(**made)


def _of_kinds(
    values: np.ndarray, arrays: Sequence[TrainedArray], counts: Callable[[TrainedArray], bool]
) -> np.ndarray:
    """Geometric means over the arrays of every kind that count."""
    found = []
    for kind in KINDS:
        known = [k for k, a in enumerate(arrays) if a.kind == kind and a.moved_at and counts(a)]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(values[known])
        seen = [each for each in logs if np.isfinite(each).any()]
        first = min((arrays[k].moved_at for k in known), default=0)
        early = [
            each
            for k, each in zip(known, logs, strict=True)
            if arrays[k].moved_at == first and np.isfinite(each).any()
        ]
        chosen = early or seen
        empty = np.full(values.shape[1:], np.nan)
        found.append(np.exp(np.mean(chosen, axis=0)) if chosen else empty)
    return np.stack(found)
