"""What is the kernel of a composition on one rectangle of pairs of points?

Covariances carry the positions of one point, then (where all pairs are needed) those of the other, then all
pairs of points of the rectangle as one axis, along which a compiled program runs without breaks.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lazyscope.limit.composed._plan import Need, Plan, Row, Step
from lazyscope.limit.composed._single import branch_shares
from lazyscope.limit.composed._windows import convolved, equal_positions, pooled
from lazyscope.limit.dual._closed_forms import PiecewiseLinear
from lazyscope.limit.dual._dual import AbstractClosedForm, AbstractPairMap, Side
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


class SlotSide(NamedTuple):
    """What one part needs to know of the points of one side, see `Slot`; in the kernel's precision.

    Attributes:
        variances: (*positions, n).
        seconds: (*positions, n).
        weights: (*positions, *positions, n).
        features: (positions, n, F) numbers for the pair map.
    """

    variances: Any
    seconds: Any
    weights: Any
    features: Any


class Side2(NamedTuple):
    """One side of a rectangle: points (n, *positions, channels), a number that equal points have in common,
    and a `SlotSide` for every slot.
    """

    x: Any
    alike: Any
    slots: tuple[SlotSide, ...]


class Numbers(NamedTuple):
    """What both sides share: squared standard deviations, and a pair map for every slot."""

    weights: Any
    biases: Any
    maps: tuple[AbstractPairMap | None, ...]


Shares: TypeAlias = dict[int, Array]
"""Tangent kernels by layer; all together under the number zero unless they are kept apart."""

State: TypeAlias = tuple[Array, Shares]
"""Covariance, and what is there of the tangent kernel."""


@final
class Rectangle:
    """The kernel on one rectangle, by a program for every few steps.

    A program ends before and behind every sum over windows, whose terms a compiler would otherwise compute
    once for every tap.

    Args:
        plan: the steps.
        what: covariance, tangent kernel, or the tangent kernel by layer ("layers").
        alike: whether some points of one side equal some of the other.
        training: whether entries are dropped.
        compiled: whether all pair maps can be compiled.
    """

    def __init__(
        self, plan: Plan, what: str, *, alike: bool, training: bool, compiled: bool
    ) -> None:
        self.plan, self.what = plan, what
        self.settings = {"what": what, "alike": alike, "training": training}
        self.wrap = jax.jit if compiled else (lambda function: function)
        self.inputs = jax.jit(partial(_inputs, pairs=plan.row.before == Need.PAIRS))
        self.programs: dict[int, list[tuple[tuple[Step, ...], Any]]] = {}

    def __call__(self, left: Side2, right: Side2, numbers: Numbers) -> np.ndarray:
        """(n1, n2), with a leading axis of layers where they are kept apart."""
        state: State = (self.inputs(left.x, right.x), {})
        covariance, shares = self._row(self.plan.row, state, left, right, numbers)
        shape = len(left.x), len(right.x)
        if self.what == "layers":
            kept = [np.asarray(shares[layer]).reshape(shape) for layer in sorted(shares)]
            return np.stack(kept)
        return np.asarray(covariance if self.what == "covariance" else shares[0]).reshape(shape)

    def _row(self, row: Row, state: State, left: Side2, right: Side2, numbers: Numbers) -> State:
        if id(row) not in self.programs:
            self.programs[id(row)] = [
                (steps, self.wrap(partial(_few_steps, steps=steps, **self.settings)))
                for steps in _segments(row.steps)
            ]
        for steps, program in self.programs[id(row)]:
            if isinstance(steps[0].node.part, FanOut):
                state = self._branches(steps[0], state, left, right, numbers)
                continue
            slots = [step.slot for step in steps if step.slot is not None]
            sides = ({slot: side.slots[slot] for slot in slots} for side in (left, right))
            maps = {slot: numbers.maps[slot] for slot in slots}
            state = program(
                state, (left.alike, right.alike), *sides, maps, numbers.weights, numbers.biases
            )
        return state

    def _branches(
        self, step: Step, state: State, left: Side2, right: Side2, numbers: Numbers
    ) -> State:
        axes, covariance, shares = len(step.node.before.positions), None, {}
        for share, row in zip(branch_shares(step), step.branches, strict=True):
            given = state
            if row.before < step.before and axes:
                given = _each(state, lambda a: equal_positions(a, axes))
            cov, thetas = self._row(row, given, left, right, numbers)
            cov = cov if share == 1.0 else share * cov
            covariance = cov if covariance is None else covariance + cov
            for layer, theta in thetas.items():
                part = theta if share == 1.0 else share * theta
                shares[layer] = shares[layer] + part if layer in shares else part
        return covariance, shares  # pyright: ignore[reportReturnType]


def _segments(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    """Steps in few programs: sums over windows, attention and branches stand alone."""
    found: list[list[Step]] = []
    for step in steps:
        if not found or _stands_alone(step) or _stands_alone(found[-1][0]):
            found.append([step])
        else:
            found[-1].append(step)
    return [tuple(few) for few in found]


def _stands_alone(step: Step) -> bool:
    summed = isinstance(step.node.part, ConvPart | AttentionPart | PoolPart | FlattenPart)
    return summed or isinstance(step.node.part, FanOut)


def _inputs(x: Array, y: Array, *, pairs: bool) -> Array:
    """<x_p, x'_q> / channels."""
    positions, channels = x.shape[1:-1], x.shape[-1]
    x, y = (jnp.moveaxis(a.reshape(len(a), -1, channels), 0, 1) for a in (x, y))
    if not pairs:
        found = jnp.einsum("pac,pbc->pab", x, y, precision="highest")
        return found.reshape(*positions, -1) / channels
    found = jnp.einsum("pac,qbc->pqab", x, y, precision="highest")
    return found.reshape(*positions, *positions, -1) / channels


def _few_steps(
    state: State,
    points: tuple[Array, Array],
    left: dict[int, SlotSide],
    right: dict[int, SlotSide],
    maps: dict[int, AbstractPairMap | None],
    weights: Array,
    biases: Array,
    *,
    steps: tuple[Step, ...],
    what: str,
    **settings: bool,
) -> State:
    """Through steps in a row, without branches."""
    walk = _Steps(points, (left, right), maps, (weights, biases), what, **settings)
    for step in steps:
        state = walk.step(step, state)
    return state


@final
class _Steps:
    """What steps need to know."""

    def __init__(
        self,
        points: tuple[Array, Array],
        sides: Any,
        maps: Any,
        numbers: Any,
        what: str,
        *,
        alike: bool,
        training: bool,
    ) -> None:
        self.points, (self.left, self.right) = points, sides
        self.n1, self.n2 = map(len, points)
        self.maps, (self.weights, self.biases), self.what = maps, numbers, what
        self.alike, self.training = alike, training

    def step(self, step: Step, state: State) -> State:
        """Through one step."""
        state = self._mapped(step, state, pairs=step.before == Need.PAIRS)
        axes = len(step.node.after.positions)
        if axes and step.after == Need.EQUAL and state[0].ndim - 1 > axes:
            return _each(state, lambda a: equal_positions(a, axes))
        return state

    def _mapped(self, step: Step, state: State, *, pairs: bool) -> State:
        part, axes = step.node.part, len(step.node.before.positions)
        if isinstance(part, DensePart | ConvPart):
            return self._weighted(step, state, pairs=pairs)
        if isinstance(part, ActivationPart):
            return self._activated(step, state, pairs=pairs)
        if isinstance(part, LayerNormPart):
            root = self._outer_root(step, pairs=pairs)
            return _each(state, lambda a: a / root)
        if isinstance(part, FlattenPart):
            return _each(state, lambda a: jnp.mean(a, axis=tuple(range(axes)))) if axes else state
        if isinstance(part, PoolPart) and part.window is None:
            return _each(state, lambda a: jnp.mean(a, axis=tuple(range(2 * axes))))
        if isinstance(part, PoolPart):
            return _each(state, lambda a: pooled(a, part.window, mean=part.mean))  # pyright: ignore[reportArgumentType]
        if isinstance(part, AttentionPart):
            return self._attended(step, state)
        assert isinstance(part, DropoutPart)
        if not (self.training and self.alike):
            return state
        factor = jnp.where(
            self._same(axes, state[0].shape[:axes], pairs=pairs), 1.0 / part.keep, 1.0
        )
        return _each(state, lambda a: a * factor)

    def _weighted(self, step: Step, state: State, *, pairs: bool) -> State:
        """Weights and bias, which add their own share of the tangent kernel."""
        part = step.node.part
        if isinstance(part, ConvPart):
            state = _each(state, lambda a: convolved(a, part.window, pairs=pairs))
        square, bias = (a[step.node.first] for a in (self.weights, self.biases))
        covariance, shares = state
        covariance = square * covariance + bias
        shares = {layer: square * theta for layer, theta in shares.items()}
        return covariance, self._with(shares, step.node.first, covariance)

    def _with(self, shares: Shares, layer: int, new: Array) -> Shares:
        if self.what == "covariance":
            return shares
        if self.what == "tangent":
            return {0: shares[0] + new if shares else new}
        return {**shares, layer: new}

    def _outer_root(self, step: Step, *, pairs: bool) -> Array:
        one, other = self._sides(step, "variances", pairs=pairs)
        return jnp.sqrt(one) * jnp.sqrt(other)

    def _sides(self, step: Step, name: str, *, pairs: bool) -> tuple[Array, Array]:
        """Numbers of the points of both sides, shaped to be combined: one of them for every pair of points.

        They are written out once: loops over a broadcast inner axis are slow.
        """
        axes = len(step.node.before.positions)
        n1, n2 = self.n1, self.n2
        one, other = (getattr(side[step.slot], name) for side in (self.left, self.right))
        positions, ones = one.shape[:axes], (1,) * axes if pairs else ()
        shape = (*positions, n1, n2)
        one = jnp.broadcast_to(one[..., :, None], shape).reshape(*positions, *ones, -1)
        other = jnp.broadcast_to(other[..., None, :], shape).reshape(*ones, *positions, -1)
        return jax.lax.optimization_barrier((one, other))

    def _same(self, axes: int, positions: tuple[int, ...], *, pairs: bool) -> Array:
        """Where both sides are the same position of equal points."""
        one, other = self.points
        same = (one[:, None] == other[None, :]).reshape(-1)
        if not (axes and pairs):
            return same
        equal = np.eye(math.prod(positions), dtype=bool).reshape(*positions, *positions, 1)
        return jnp.asarray(equal) & same

    def _activated(self, step: Step, state: State, *, pairs: bool) -> State:
        axes = len(step.node.before.positions)
        one = self.maps[step.slot]
        assert one is not None
        covariance, shares = state
        if isinstance(one, PiecewiseLinear):  # needs the product of both deviations alone
            q1, q2 = self._sides(step, "variances", pairs=pairs)
            scale = jnp.sqrt(q1) * jnp.sqrt(q2)
            unused = Side(scale, scale, scale, scale)
            sides, root = (unused, unused), (one.even**2 + one.odd**2) * scale
        else:
            (q1, q2), (k1, k2) = (
                self._sides(step, name, pairs=pairs) for name in ("variances", "seconds")
            )
            s1, s2, r1, r2 = (jnp.sqrt(a) for a in (q1, q2, k1, k2))
            none = jnp.zeros((0, 0), covariance.dtype)
            sides, scale, root = (Side(q1, s1, r1, none), Side(q2, s2, r2, none)), s1 * s2, r1 * r2
        rho = covariance / jnp.where(scale > 0, scale, 1.0)
        gap, total = jnp.clip(1.0 - rho, 0.0, 2.0), jnp.clip(1.0 + rho, 0.0, 2.0)
        if self.alike:
            same = self._same(axes, covariance.shape[:axes], pairs=pairs)
            gap, total = jnp.where(same, 0.0, gap), jnp.where(same, 2.0, total)
        if isinstance(one, AbstractClosedForm):
            found = one.pairs(*sides, gap, total)
            new_gap, slopes = found.gap, found.slopes
        else:
            known, others = self.left[step.slot], self.right[step.slot]
            new_gap, slopes = _by_blocks(one, known, others, gap, total, axes, pairs=pairs)
        new = root * (1.0 - new_gap)
        return new, {layer: slopes * theta for layer, theta in shares.items()}

    def _attended(self, step: Step, state: State) -> State:
        part = step.node.part
        assert isinstance(part, AttentionPart)
        first, axes = step.node.first, len(step.node.before.positions)
        shape, count = state[0].shape, math.prod(state[0].shape[:axes])
        n1, n2 = self.n1, self.n2
        covariance, shares = _each(state, lambda a: a.reshape(count, count, n1, n2))
        weights, biases = self.weights, self.biases
        if part.scaling == "linear":
            a, b = (
                side[step.slot].weights.reshape(count, count, -1)
                for side in (self.left, self.right)
            )
            gain, bias = weights[first + 1] * weights[first + 2], biases[first + 2]

            def gathered(m: Array) -> Array:
                half = jnp.einsum("pax,abxy->pbxy", a, m, precision="highest")
                return gain * jnp.einsum("qby,pbxy->pqxy", b, half, precision="highest")

            new = gathered(covariance)
            shares = {layer: gathered(theta) for layer, theta in shares.items()}
            own = ((first, jnp.zeros_like(new)), (first + 1, new), (first + 2, new + bias))
        else:
            gain, bias = jnp.prod(weights[first : first + 4]), biases[first + 3]
            square = jnp.sum(covariance**2, axis=(0, 1))
            new = gain * covariance * square

            def moved(theta: Array) -> Array:
                both = jnp.sum(covariance * theta, axis=(0, 1))
                return gain * (theta * square + 2.0 * covariance * both)

            shares = {layer: moved(theta) for layer, theta in shares.items()}
            own = (*((first + i, new) for i in range(3)), (first + 3, new + bias))
        for layer, share in own:
            shares = self._with(shares, layer, share)
        return _each((new + bias, shares), lambda m: m.reshape(shape))


def _each(state: State, function: Any) -> State:
    covariance, shares = state
    return function(covariance), {layer: function(theta) for layer, theta in shares.items()}


def _by_blocks(
    one: AbstractPairMap,
    left: SlotSide,
    right: SlotSide,
    gap: Array,
    total: Array,
    axes: int,
    *,
    pairs: bool,
) -> tuple[Array, Array]:
    """A map that takes rectangles of points: one for each position, or one of all positions and points."""
    shape, count = gap.shape, math.prod(left.variances.shape[:axes])
    n1, n2 = left.variances.shape[-1], right.variances.shape[-1]
    rows, columns = (
        [a.reshape(count, -1) for a in (s.variances, s.seconds)] for s in (left, right)
    )

    def block(q1, k1, f1, q2, k2, f2, gap, total):
        a = Side(q1[:, None], jnp.sqrt(q1)[:, None], jnp.sqrt(k1)[:, None], f1)
        b = Side(q2[None, :], jnp.sqrt(q2)[None, :], jnp.sqrt(k2)[None, :], f2)
        found = one.pairs(a, b, gap, total)
        return found.gap, found.slopes

    if pairs and axes:

        def flat(a: Array) -> Array:
            return a.reshape(count, count, n1, n2).transpose(0, 2, 1, 3).reshape(count * n1, -1)

        sides = [
            (*(a.reshape(-1) for a in known), s.features.reshape(count * n, -1))
            for known, s, n in ((rows, left, n1), (columns, right, n2))
        ]
        given = (*sides[0], *sides[1], flat(gap), flat(total))
        found = block(*given)  # pyright: ignore[reportCallIssue]
        back = (a.reshape(count, n1, count, n2).transpose(0, 2, 1, 3).reshape(shape) for a in found)
        return tuple(back)  # pyright: ignore[reportReturnType]
    gap, total = (a.reshape(count, n1, n2) for a in (gap, total))
    given = (*rows, left.features, *columns, right.features, gap, total)
    if one.compiled:
        found = jax.vmap(block)(*given)
    else:
        each: Sequence[Any] = [block(*(a[p] for a in given)) for p in range(count)]
        found = tuple(jnp.stack(part) for part in zip(*each, strict=True))
    return tuple(a.reshape(shape) for a in found)  # pyright: ignore[reportReturnType]
