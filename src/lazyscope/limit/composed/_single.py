"""How do the variances of single points travel through a composition?

Once for every point, in double precision on the host: for every part that needs them, the variances at all
positions; for attention, the weights that positions give each other.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, final

import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError
from lazyscope.limit._network import limit_dual
from lazyscope.limit._variances import vanishing
from lazyscope.limit.composed._plan import Need, Plan, Row, Step
from lazyscope.limit.composed._windows import convolved, equal_positions, pooled
from lazyscope.limit.dual._dual import AbstractDual, Side
from lazyscope.model.composed import (
    ActivationPart,
    AttentionPart,
    ConvPart,
    DensePart,
    DropoutPart,
    FanOut,
    FlattenPart,
    LayerNormPart,
    PoolPart,
)

SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-30, 1e30
"""Variances outside of these are on their way out of single precision."""


class Slot(NamedTuple):
    """What one part needs to know of every point.

    Attributes:
        variances: (*positions, n) of what comes in.
        seconds: the same of what an activation passes on; empty for others.
        weights: (*positions, *positions, n) of attention; empty for others.
    """

    variances: np.ndarray
    seconds: np.ndarray
    weights: np.ndarray


class Scales(NamedTuple):
    """Squared standard deviations of weights and biases of all layers, in the NTK parametrisation."""

    weights: np.ndarray
    biases: np.ndarray


def single_slots(
    plan: Plan, x: np.ndarray, scales: Scales, *, training: bool, chunk: int
) -> list[Slot]:
    """A `Slot` for every part that needs one, of points x (n, *positions, channels)."""
    parts = []
    for start in range(0, len(x), chunk):
        found: dict[int, Slot] = {}
        some = np.ascontiguousarray(x[start : start + chunk], np.float64)
        if np.any(some) and not np.any(np.square(some)):
            raise vanishing("0 for points that are not zero")
        walk = _Walk(found, scales, training=training)
        walk.begin(plan.row, some)
        parts.append([found[number] for number in range(plan.slots)])
    return [
        Slot(*(np.concatenate(group, axis=-1) for group in zip(*slots, strict=True)))
        for slots in zip(*parts, strict=True)
    ]


@final
class _Walk:
    """One walk of a chunk of points."""

    def __init__(self, found: dict[int, Slot], scales: Scales, *, training: bool) -> None:
        self.found, self.scales, self.training = found, scales, training

    def begin(self, row: Row, x: np.ndarray) -> None:
        """Walk from the points."""
        if row.own_before == Need.NONE:
            return
        channels = x.shape[-1]
        if row.own_before == Need.EQUAL:
            state = np.moveaxis(np.einsum("n...c,n...c->n...", x, x), 0, -1) / channels
        else:
            flat = x.reshape(len(x), -1, channels)
            state = np.einsum("npc,nqc->pqn", flat, flat) / channels
            state = state.reshape(*x.shape[1:-1] * 2, len(x))
        self.row(row, state)

    def row(self, row: Row, state: np.ndarray | None) -> np.ndarray | None:
        """Through steps in a row."""
        for step in row.steps:
            if state is None:
                return None
            state = self.step(step, state)
        return state

    def step(self, step: Step, state: np.ndarray) -> np.ndarray | None:
        """Through one step; None where nothing more is needed."""
        part, axes = step.node.part, len(step.node.before.positions)
        pairs = step.own_before == Need.PAIRS
        if isinstance(part, FanOut):
            return self._branches(step, state, axes)
        if step.slot is not None:
            variances = equal_positions(state, axes) if pairs else state
            self.found[step.slot] = self._slot(step, variances, state)
        if step.own_after == Need.NONE:
            return None
        new = self._mapped(step, state, axes, pairs=pairs)
        if new.ndim - 1 > len(step.node.after.positions) and step.own_after == Need.EQUAL:
            new = equal_positions(new, len(step.node.after.positions))
        return new

    def _branches(self, step: Step, state: np.ndarray, axes: int) -> np.ndarray | None:
        part = step.node.part
        assert isinstance(part, FanOut)
        ends = []
        for row in step.branches:
            narrowed = step.own_before == Need.PAIRS and row.own_before == Need.EQUAL
            given = equal_positions(state, axes) if narrowed else state
            ends.append(self.row(row, None if row.own_before == Need.NONE else given))
        if step.own_after == Need.NONE:
            return None
        shares = branch_shares(step)
        total = [share * end for share, end in zip(shares, ends, strict=True) if end is not None]
        return np.sum(total, axis=0)

    def _slot(self, step: Step, variances: np.ndarray, state: np.ndarray) -> Slot:
        part, empty = step.node.part, np.empty((0, variances.shape[-1]))
        if isinstance(part, ActivationPart):
            return Slot(variances, self._seconds(part, variances), empty)
        if isinstance(part, LayerNormPart):
            return Slot(_norm_variances(step, part, variances), empty, empty)
        assert isinstance(part, AttentionPart)
        return Slot(variances, empty, softmax_weights(part, state, self.scales, step))

    @staticmethod
    def _seconds(part: ActivationPart, q: np.ndarray) -> np.ndarray:
        dual = limit_dual(part.sigma)
        different, places = np.unique(q, return_inverse=True)
        return dual.second_moment(different)[places].reshape(q.shape)

    def _mapped(self, step: Step, state: np.ndarray, axes: int, *, pairs: bool) -> np.ndarray:
        part = step.node.part
        if isinstance(part, DensePart | ConvPart):
            if isinstance(part, ConvPart):
                state = convolved(state, part.window, pairs=pairs)
            new = self.scales.weights[step.node.first] * state + self.scales.biases[step.node.first]
            _check_range(
                step, equal_positions(new, len(step.node.after.positions)) if pairs else new
            )
            return new
        if isinstance(part, ActivationPart):
            return self._activated(part, step, state, axes, pairs=pairs)
        if isinstance(part, LayerNormPart):
            root = np.sqrt(self.found[step.slot].variances)  # pyright: ignore[reportArgumentType]
            return state / (_outer(root, axes) if pairs else root**2)
        if isinstance(part, FlattenPart):
            return state.reshape(-1, state.shape[-1]).mean(axis=0) if axes else state
        if isinstance(part, PoolPart):
            if part.window is None:
                return state.reshape(-1, state.shape[-1]).mean(axis=0)
            return pooled(state, part.window, mean=part.mean)
        if isinstance(part, AttentionPart):
            weights = None if step.slot is None else self.found[step.slot].weights
            return attended_own(part, state, weights, self.scales, step)
        assert isinstance(part, DropoutPart)
        if not self.training:
            return state
        if not pairs:
            return state / part.keep
        same = np.eye(math.prod(state.shape[:axes])).reshape(*state.shape[: 2 * axes], 1)
        return state * (1.0 + same * (1.0 / part.keep - 1.0))

    def _activated(
        self, part: ActivationPart, step: Step, state: np.ndarray, axes: int, *, pairs: bool
    ) -> np.ndarray:
        assert step.slot is not None
        slot = self.found[step.slot]
        if not pairs:
            return slot.seconds
        count, points = math.prod(state.shape[:axes]), state.shape[-1]
        q, k = (a.reshape(count, points) for a in (slot.variances, slot.seconds))
        cov = state.reshape(count, count, points)
        new = np.empty_like(cov)
        dual = limit_dual(part.sigma)
        for i in range(points):
            new[..., i] = _own_pairs(dual, q[:, i], k[:, i], cov[..., i])
        return new.reshape(state.shape)


def _own_pairs(dual: AbstractDual, q: np.ndarray, k: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """E sigma(u_p) sigma(u_q) for all pairs of positions of one point."""
    prepared = dual.pair_map(q, q)
    root = np.sqrt(q)
    scale = root[:, None] * root[None, :]
    gap = np.clip(1.0 - cov / np.where(scale > 0, scale, 1.0), 0.0, 2.0)
    np.fill_diagonal(gap, 0.0)
    left, right = (
        Side(*[jnp.asarray(a[cut]) for a in (q, root, np.sqrt(k))], features=jnp.asarray(features))
        for cut, features in (
            (np.s_[:, None], prepared.features1),
            (np.s_[None, :], prepared.features2),
        )
    )
    found = prepared.map.pairs(left, right, jnp.asarray(gap), jnp.asarray(2.0 - gap))
    new = np.array(np.sqrt(k[:, None] * k[None, :]) * (1.0 - np.asarray(found.gap)))
    np.fill_diagonal(new, k)
    return new


def branch_shares(step: Step) -> Sequence[float]:
    """By what the covariances of branches are multiplied before they are added."""
    part = step.node.part
    assert isinstance(part, FanOut)
    if part.combine == "sum":
        return [number**2 for number in part.multipliers]
    ends = [row.steps[-1].node.after if row.steps else step.node.before for row in step.branches]
    if any(end.wide for end in ends):  # beside infinitely many channels finitely many count nothing
        total = sum(end.wide for end in ends)
        return [end.wide / total for end in ends]
    total = sum(end.fixed for end in ends)
    return [end.fixed / total for end in ends]


def _norm_variances(step: Step, part: LayerNormPart, variances: np.ndarray) -> np.ndarray:
    """By what covariances are divided: variances plus epsilon, of the position or the mean over all."""
    if part.over == "all":
        axes = tuple(range(variances.ndim - 1))
        variances = np.broadcast_to(variances.mean(axis=axes, keepdims=True), variances.shape)
    divisors = variances + part.epsilon
    if not np.all(divisors > 0):
        raise InputError(
            "a layer normalisation needs signals that are not zero, or an epsilon above zero",
            received=f"{int(np.sum(divisors <= 0))} of {divisors.size} variances that are zero at "
            f"{step.node.place}",
            cause="points or patches of zeros without a bias, beside epsilon=0",
            fix="leave epsilon at its default, give a bias, or drop empty points",
        )
    return divisors


def softmax_weights(
    part: AttentionPart, state: np.ndarray, scales: Scales, step: Step
) -> np.ndarray:
    """Softmax over the second position of the scores key_std^2 cov, which do not fluctuate."""
    axes = len(step.node.before.positions)
    count = math.prod(state.shape[:axes])
    scores = scales.weights[step.node.first] * state.reshape(count, count, -1)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (scores / scores.sum(axis=1, keepdims=True)).reshape(state.shape)


def attended_own(
    part: AttentionPart,
    state: np.ndarray,
    weights: np.ndarray | None,
    scales: Scales,
    step: Step,
) -> np.ndarray:
    """Covariances of all pairs of positions of each point behind attention."""
    first, shape = step.node.first, state.shape
    count = math.prod(step.node.before.positions)
    cov = state.reshape(count, count, -1)
    if part.scaling == "linear":
        assert weights is not None
        seen = weights.reshape(count, count, -1)
        gathered = np.einsum("pan,abn,qbn->pqn", seen, cov, seen, optimize=True)
        gain = scales.weights[first + 1] * scales.weights[first + 2]
        bias = scales.biases[first + 2]
    else:
        gathered = cov * np.sum(cov**2, axis=(0, 1))
        gain, bias = np.prod(scales.weights[first : first + 4]), scales.biases[first + 3]
    return (gain * gathered + bias).reshape(shape)


def _outer(root: np.ndarray, axes: int) -> np.ndarray:
    ones = (1,) * axes
    left = root.reshape(*root.shape[:axes], *ones, -1)
    return left * root.reshape(*ones, *root.shape[:axes], -1)


def _check_range(step: Step, variances: np.ndarray) -> None:
    """Refuse variances that left the range of single precision, with the layer."""
    known = variances[variances > 0]
    low, high = float(np.min(known, initial=1.0)), float(np.max(variances, initial=0.0))
    if np.isfinite(high) and low >= SMALLEST_VARIANCE and high <= LARGEST_VARIANCE:
        return
    vanishing = low < SMALLEST_VARIANCE
    raise InputError(
        f"variances of pre-activations must stay between {SMALLEST_VARIANCE:g} and {LARGEST_VARIANCE:g}",
        received=f"{low if vanishing else high:.3g} in layer {step.node.first + 1} "
        f"({step.node.drawings[0].name}, {step.node.place})",
        cause="weights so "
        + ("small that variances vanish" if vanishing else "large that variances explode")
        + " with the depth",
        fix="use weight_std near 2**0.5 for relu and 1 for tanh, a layer_norm, or inputs of order one",
    )
