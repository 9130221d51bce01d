"""What do an activation and a layer normalisation make of a rectangle?

By several programs each, that write what they find: inside of one program a compiler computes again, in
every loop that reads it, what it could have written once (three times the processor time on a rectangle of
64 positions).
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, TypeAlias, final

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lazyscope.limit.composed._plan import Need, Step
from lazyscope.limit.composed._sides import (
    Numbers,
    Side2,
    SlotSide,
    products,
    same_pairs,
    written_out,
)
from lazyscope.limit.dual._closed_forms import PiecewiseLinear
from lazyscope.limit.dual._dual import AbstractClosedForm, AbstractPairMap, Side

Shares: TypeAlias = dict[int, Array]
"""Tangent kernels by layer; all together under the number zero unless they are kept apart."""

State: TypeAlias = tuple[Array, Shares]
"""Covariance, and what is there of the tangent kernel."""


@cache
def program(function: Callable[..., Any], *, compiled: bool, **static: Any) -> Callable[..., Any]:
    """The function at some static arguments, one program wherever the same is asked for again."""
    made = partial(function, **static)
    return jax.jit(made) if compiled else made


@final
class Activation:
    """An activation on rectangles.

    Args:
        step: the activation at its place.
        alike: whether some points of one side equal some of the other.
        banded: whether there are half of the pairs of one set with itself.
        compiled: whether its pair map can be compiled.
    """

    def __init__(self, step: Step, *, alike: bool, banded: bool, compiled: bool) -> None:
        axes, pairs = len(step.node.before.positions), step.before == Need.PAIRS
        self.slot, made = _slot(step), partial(program, compiled=compiled)
        self.known = made(_known, pairs=pairs, banded=banded)
        self.correlation = made(_correlation, alike=alike, axes=axes, pairs=pairs, banded=banded)
        self.acute = made(_acute)
        self.mapped = made(_mapped, axes=axes, pairs=pairs)

    def __call__(self, state: State, left: Side2, right: Side2, numbers: Numbers) -> State:
        """The state behind it."""
        covariance, shares = state
        one, slots = numbers.maps[self.slot], (left.slots[self.slot], right.slots[self.slot])
        assert one is not None
        known = self.known(one, *slots)
        rho = self.correlation(one, covariance, known, (left.alike, right.alike))
        acute = self.acute(rho) if isinstance(one, PiecewiseLinear) and one.even else None
        return self.mapped(one, rho, acute, known, shares, *slots)


@final
class Normalisation:
    """A layer normalisation on rectangles."""

    def __init__(self, step: Step, *, banded: bool) -> None:
        self.slot, pairs = _slot(step), step.before == Need.PAIRS
        self.root = program(_root, compiled=True, pairs=pairs, banded=banded)
        self.divided = program(_divided, compiled=True)

    def __call__(self, state: State, left: Side2, right: Side2, numbers: Numbers) -> State:
        """The state behind it."""
        return self.divided(state, self.root(left.slots[self.slot], right.slots[self.slot]))


def _slot(step: Step) -> int:
    assert step.slot is not None
    return step.slot


def _divided(state: State, root: Array) -> State:
    return jax.tree.map(lambda a: a / root, state)


def _root(left: SlotSide, right: SlotSide, **layout: bool) -> Array:
    return products(jnp.sqrt(left.variances), jnp.sqrt(right.variances), **layout)


def _known(
    one: AbstractPairMap, left: SlotSide, right: SlotSide, **layout: bool
) -> tuple[Array, ...]:
    """Of every pair of points what its map needs to know of them.

    The product of their deviations; beside it that of the roots of E sigma^2, unless it is a constant times
    the first; for closed forms variance, deviation and root of either point.
    """
    if isinstance(one, PiecewiseLinear):
        return (_root(left, right, **layout),)
    rows = [
        (side.variances, jnp.sqrt(side.variances), jnp.sqrt(side.seconds)) for side in (left, right)
    ]
    if isinstance(one, AbstractClosedForm):
        both = (written_out(a, b, **layout) for a, b in zip(*rows, strict=True))
        first, second = zip(*both, strict=True)
        return *first, *second
    return tuple(products(a, b, **layout) for a, b in list(zip(*rows, strict=True))[1:])


def _scale_and_root(one: AbstractPairMap, known: tuple[Array, ...]) -> tuple[Array, Array]:
    """Roots of the products of variances, before the activation and behind it."""
    if isinstance(one, PiecewiseLinear):
        return known[0], (one.even**2 + one.odd**2) * known[0]
    if isinstance(one, AbstractClosedForm):
        _, s1, r1, _, s2, r2 = known
        return s1 * s2, r1 * r2
    scale, root = known
    return scale, root


def _correlation(
    one: AbstractPairMap,
    covariance: Array,
    known: tuple[Array, ...],
    points: tuple[Array, Array],
    *,
    alike: bool,
    axes: int,
    pairs: bool,
    banded: bool,
) -> Array:
    """rho, one to the bit at the same position of equal points."""
    scale, _ = _scale_and_root(one, known)
    rho = covariance / jnp.where(scale > 0, scale, 1.0)
    if not alike:
        return rho
    return jnp.where(same_pairs(points, rho.shape[:axes], pairs=pairs, banded=banded), 1.0, rho)


def _distances(rho: Array) -> tuple[Array, Array]:
    return jnp.clip(1.0 - rho, 0.0, 2.0), jnp.clip(1.0 + rho, 0.0, 2.0)


def _acute(rho: Array) -> Array:
    return PiecewiseLinear.acute(*_distances(rho))


def _mapped(
    one: AbstractPairMap,
    rho: Array,
    acute: Array | None,
    known: tuple[Array, ...],
    shares: Shares,
    left: SlotSide,
    right: SlotSide,
    *,
    axes: int,
    pairs: bool,
) -> State:
    gap, total = _distances(rho)
    _, root = _scale_and_root(one, known)
    if isinstance(one, PiecewiseLinear):
        found = one.pairs_at(gap, total, acute)
        new_gap, slopes = found.gap, found.slopes
    elif isinstance(one, AbstractClosedForm):
        none = jnp.zeros((0, 0), rho.dtype)
        q1, s1, r1, q2, s2, r2 = known
        found = one.pairs(Side(q1, s1, r1, none), Side(q2, s2, r2, none), gap, total)
        new_gap, slopes = found.gap, found.slopes
    else:
        new_gap, slopes = _by_blocks(one, left, right, gap, total, axes, pairs=pairs)
    return root * (1.0 - new_gap), {layer: slopes * theta for layer, theta in shares.items()}


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
