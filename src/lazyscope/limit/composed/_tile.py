"""What is the kernel of a composition on one rectangle of pairs of points?

Covariances carry the positions of one point, then (where all pairs are needed) those of the other, then the
two axes of points. A compiled program does all steps of one rectangle.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lazyscope.limit.composed._plan import Need, Plan, Row, Step
from lazyscope.limit.composed._single import branch_shares
from lazyscope.limit.composed._windows import as_sides, convolved, equal_positions, pooled
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
    """One side of a rectangle: points (n, *positions, channels), and a `SlotSide` for every slot."""

    x: Any
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


def rectangle_kernel(
    left: Side2,
    right: Side2,
    numbers: Numbers,
    *,
    plan: Plan,
    what: str,
    diagonal: bool,
    training: bool,
) -> Array:
    """The kernel on one rectangle, (n1, n2), with a leading axis of layers where they are kept apart.

    Args:
        left: points of the rows.
        right: points of the columns.
        numbers: what both share.
        plan: the steps.
        what: covariance, tangent kernel, or the tangent kernel by layer ("layers").
        diagonal: whether both sides are the same points.
        training: whether entries are dropped.
    """
    walk = _Rectangle(left, right, numbers, what, diagonal=diagonal, training=training)
    covariance, shares = walk.begin(plan)
    if what == "covariance":
        return covariance
    return shares[0] if what == "tangent" else jnp.stack([shares[i] for i in sorted(shares)])


@final
class _Rectangle:
    """One walk from the points to the outputs."""

    def __init__(
        self,
        left: Side2,
        right: Side2,
        numbers: Numbers,
        what: str,
        *,
        diagonal: bool,
        training: bool,
    ) -> None:
        self.left, self.right, self.numbers, self.what = left, right, numbers, what
        self.diagonal, self.training = diagonal, training

    def begin(self, plan: Plan) -> State:
        """Covariance and shares of the outputs."""
        return self._row(plan.row, (self._inputs(plan), {}))

    def _inputs(self, plan: Plan) -> Array:
        """<x_p, x'_q> / channels."""
        x, y = self.left.x, self.right.x
        positions, channels = x.shape[1:-1], x.shape[-1]
        x, y = (jnp.moveaxis(a.reshape(len(a), -1, channels), 0, 1) for a in (x, y))
        if plan.row.before == Need.EQUAL:
            found = jnp.einsum("pac,pbc->pab", x, y, precision="highest")
            return found.reshape(*positions, *found.shape[1:]) / channels
        found = jnp.einsum("pac,qbc->pqab", x, y, precision="highest")
        return found.reshape(*positions, *positions, *found.shape[2:]) / channels

    def _row(self, row: Row, state: State) -> State:
        for step in row.steps:
            state = self._step(step, state)
        return state

    def _step(self, step: Step, state: State) -> State:
        if isinstance(step.node.part, FanOut):
            return self._branches(step, state)
        state = self._mapped(step, state, pairs=step.before == Need.PAIRS)
        axes = len(step.node.after.positions)
        if axes and step.after == Need.EQUAL and state[0].ndim - 2 > axes:
            return _each(state, lambda a: equal_positions(a, axes))
        return state

    def _branches(self, step: Step, state: State) -> State:
        axes, covariance, shares = len(step.node.before.positions), None, {}
        for share, row in zip(branch_shares(step), step.branches, strict=True):
            given = state
            if row.before < step.before and axes:
                given = _each(state, lambda a: equal_positions(a, axes))
            cov, thetas = self._row(row, given)
            covariance = share * cov if covariance is None else covariance + share * cov
            for layer, theta in thetas.items():
                shares[layer] = shares[layer] + share * theta if layer in shares else share * theta
        return covariance, shares  # pyright: ignore[reportReturnType]

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
        if not (self.training and self.diagonal):
            return state
        factor = jnp.where(self._same(state[0], axes, pairs=pairs), 1.0 / part.keep, 1.0)
        return _each(state, lambda a: a * factor)

    def _weighted(self, step: Step, state: State, *, pairs: bool) -> State:
        """Weights and bias, which add their own share of the tangent kernel."""
        part = step.node.part
        if isinstance(part, ConvPart):
            # sums must not compute what they add once for every tap
            state = jax.lax.optimization_barrier(state)
            state = _each(state, lambda a: convolved(a, part.window, pairs=pairs))
        square, bias = (a[step.node.first] for a in (self.numbers.weights, self.numbers.biases))
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
        axes = len(step.node.before.positions)
        roots = (jnp.sqrt(side.slots[step.slot].variances) for side in (self.left, self.right))  # pyright: ignore[reportCallIssue, reportArgumentType]
        a, b = (
            as_sides(r, axes, pairs=pairs, left=left)
            for r, left in zip(roots, (True, False), strict=True)
        )
        return a * b

    def _same(self, x: Array, axes: int, *, pairs: bool) -> Array:
        """Where both sides are the same position of the same point."""
        same = jnp.eye(x.shape[-1], dtype=bool)
        if not (axes and pairs):
            return same
        positions = x.shape[:axes]
        equal = np.eye(math.prod(positions), dtype=bool).reshape(*positions, *positions, 1, 1)
        return jnp.asarray(equal) & same

    def _activated(self, step: Step, state: State, *, pairs: bool) -> State:
        axes = len(step.node.before.positions)
        one = self.numbers.maps[step.slot]  # pyright: ignore[reportCallIssue, reportArgumentType]
        sides = [side.slots[step.slot] for side in (self.left, self.right)]  # pyright: ignore[reportCallIssue, reportArgumentType]
        q1, q2 = (
            as_sides(s.variances, axes, pairs=pairs, left=left)
            for s, left in zip(sides, (True, False), strict=True)
        )
        k1, k2 = (
            as_sides(s.seconds, axes, pairs=pairs, left=left)
            for s, left in zip(sides, (True, False), strict=True)
        )
        s1, s2 = jnp.sqrt(q1), jnp.sqrt(q2)
        covariance, shares = state
        scale = s1 * s2
        rho = covariance / jnp.where(scale > 0, scale, 1.0)
        gap, total = jnp.clip(1.0 - rho, 0.0, 2.0), jnp.clip(1.0 + rho, 0.0, 2.0)
        if self.diagonal:
            same = self._same(covariance, axes, pairs=pairs)
            gap, total = jnp.where(same, 0.0, gap), jnp.where(same, 2.0, total)
        r1, r2 = jnp.sqrt(k1), jnp.sqrt(k2)
        if isinstance(one, AbstractClosedForm):
            none = jnp.zeros((0, 0), gap.dtype)
            found = one.pairs(Side(q1, s1, r1, none), Side(q2, s2, r2, none), gap, total)
            new_gap, slopes = found.gap, found.slopes
        else:
            assert one is not None
            new_gap, slopes = _by_blocks(one, sides[0], sides[1], gap, total, axes, pairs=pairs)
        new = r1 * r2 * (1.0 - new_gap)
        return new, {layer: slopes * theta for layer, theta in shares.items()}

    def _attended(self, step: Step, state: State) -> State:
        part = step.node.part
        assert isinstance(part, AttentionPart)
        first, axes = step.node.first, len(step.node.before.positions)
        shape, count = state[0].shape, math.prod(state[0].shape[:axes])
        covariance, shares = _each(state, lambda a: a.reshape(count, count, *a.shape[2 * axes :]))
        weights, biases = self.numbers.weights, self.numbers.biases
        if part.scaling == "linear":
            a, b = (
                side.slots[step.slot].weights.reshape(count, count, -1)  # pyright: ignore[reportCallIssue, reportArgumentType]
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
    n1, n2 = shape[-2:]
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
