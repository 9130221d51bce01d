"""What is the kernel of a composition on one rectangle of pairs of points?

Covariances carry the positions of one point, then (where all pairs are needed) those of the other, then all
pairs of points of the rectangle as one axis, along which a compiled program runs without breaks.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lazyscope.limit.composed._entrywise import Activation, Normalisation, Shares, State
from lazyscope.limit.composed._plan import Need, Plan, Row, Step
from lazyscope.limit.composed._sides import (
    Numbers,
    Side2,
    SlotSide,
    bands_of,
    same_pairs,
    square_of,
)
from lazyscope.limit.composed._single import branch_shares
from lazyscope.limit.composed._windows import convolved, equal_positions, pooled
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


@final
class Rectangle:
    """The kernel on one rectangle, by a program for every few steps.

    A program ends before and behind every sum over windows, whose terms a compiler would otherwise compute
    once for every tap; activations and normalisations are programs of their own.

    Args:
        plan: the steps.
        what: covariance, tangent kernel, or the tangent kernel by layer ("layers").
        alike: whether some points of one side equal some of the other.
        banded: whether both sides are one, half of whose pairs are enough (`bands_of`).
        training: whether entries are dropped.
        compiled: whether all pair maps can be compiled.
    """

    def __init__(
        self, plan: Plan, what: str, *, alike: bool, banded: bool, training: bool, compiled: bool
    ) -> None:
        self.plan, self.what = plan, what
        self.layout = {"alike": alike, "banded": banded}
        self.settings = {"what": what, "training": training, **self.layout}
        self.compiled = compiled
        given = {"pairs": plan.row.before == Need.PAIRS, "banded": banded}
        self.inputs = jax.jit(partial(_inputs, **given))
        self.programs: dict[int, list[Callable[..., State]]] = {}

    def __call__(self, left: Side2, right: Side2, numbers: Numbers) -> np.ndarray:
        """(n1, n2), with a leading axis of layers where they are kept apart."""
        state: State = (self.inputs(left.x, right.x), {})
        covariance, shares = self._row(self.plan.row, state, left, right, numbers)
        if self.what == "layers":
            found = np.stack([np.asarray(shares[layer]) for layer in sorted(shares)])
        else:
            found = np.asarray(covariance if self.what == "covariance" else shares[0])
        if self.layout["banded"]:
            return square_of(found.reshape(*found.shape[:-1], -1, len(left.x)))
        return found.reshape(*found.shape[:-1], len(left.x), len(right.x))

    def _row(self, row: Row, state: State, left: Side2, right: Side2, numbers: Numbers) -> State:
        if id(row) not in self.programs:
            self.programs[id(row)] = [self._program(steps) for steps in _segments(row.steps)]
        for program in self.programs[id(row)]:
            state = program(state, left, right, numbers)
        return state

    def _program(self, steps: tuple[Step, ...]) -> Callable[..., State]:
        """State behind some steps, from (state, left, right, numbers)."""
        part = steps[0].node.part
        if isinstance(part, FanOut):
            return partial(self._branches, steps[0])
        if isinstance(part, ActivationPart):
            return Activation(steps[0], compiled=self.compiled, **self.layout)
        if isinstance(part, LayerNormPart):
            return Normalisation(steps[0], banded=self.layout["banded"])
        return _Few(steps, **self.settings)

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
    """Steps in few programs: only dense layers and dropout share one with others."""
    found: list[list[Step]] = []
    for step in steps:
        if not found or _stands_alone(step) or _stands_alone(found[-1][0]):
            found.append([step])
        else:
            found[-1].append(step)
    return [tuple(few) for few in found]


def _stands_alone(step: Step) -> bool:
    return not isinstance(step.node.part, DensePart | DropoutPart)


def _inputs(x: Array, y: Array, *, pairs: bool, banded: bool) -> Array:
    """<x_p, x'_q> / channels."""
    positions, channels = x.shape[1:-1], x.shape[-1]
    x, y = (jnp.moveaxis(a.reshape(len(a), -1, channels), 0, 1) for a in (x, y))
    sum_over = "pac,qbc->pqab" if pairs else "pac,pbc->pab"
    found = jnp.einsum(sum_over, x, y, precision="highest") / channels
    found = bands_of(found) if banded else found
    return found.reshape(*positions, *(positions if pairs else ()), -1)


@final
class _Few:
    """One program for some steps in a row."""

    def __init__(self, steps: tuple[Step, ...], **settings: Any) -> None:
        self.slots = [step.slot for step in steps if step.slot is not None]
        self.program = jax.jit(partial(_few_steps, steps=steps, **settings))

    def __call__(self, state: State, left: Side2, right: Side2, numbers: Numbers) -> State:
        """The state behind them."""
        sides = ({slot: side.slots[slot] for slot in self.slots} for side in (left, right))
        return self.program(
            state, (left.alike, right.alike), *sides, numbers.weights, numbers.biases
        )


def _few_steps(
    state: State,
    points: tuple[Array, Array],
    left: dict[int, SlotSide],
    right: dict[int, SlotSide],
    weights: Array,
    biases: Array,
    *,
    steps: tuple[Step, ...],
    what: str,
    **settings: bool,
) -> State:
    """Through steps in a row, without branches."""
    walk = _Steps(points, (left, right), (weights, biases), what, **settings)
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
        numbers: Any,
        what: str,
        *,
        alike: bool,
        banded: bool,
        training: bool,
    ) -> None:
        self.points, (self.left, self.right) = points, sides
        self.n1, self.n2 = map(len, points)
        (self.weights, self.biases), self.what = numbers, what
        self.alike, self.banded, self.training = alike, banded, training

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
        same = same_pairs(self.points, state[0].shape[:axes], pairs=pairs, banded=self.banded)
        factor = jnp.where(same, 1.0 / part.keep, 1.0)
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
