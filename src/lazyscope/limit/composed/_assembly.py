"""How is a kernel of a composed network put together from rectangles of pairs of points?"""

import math
from functools import lru_cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError, check_count, check_instance
from lazyscope._jax import known_array, own_settings
from lazyscope.limit._network import limit_dual
from lazyscope.limit._normalised import bending_refusal
from lazyscope.limit.composed._amplification import largest_gain, warn_of_rounding
from lazyscope.limit.composed._dense_row import dense_row, dense_row_kernel
from lazyscope.limit.composed._plan import Plan, Step, plan_of
from lazyscope.limit.composed._sides import Numbers, Side2, SlotSide
from lazyscope.limit.composed._single import Scales, Slot, single_slots
from lazyscope.limit.composed._tile import Rectangle
from lazyscope.limit.dual._closed_forms import PiecewiseLinear
from lazyscope.limit.dual._dual import AbstractClosedForm, AbstractPairMap
from lazyscope.model.composed import ActivationPart, ComposedNetwork, Node
from lazyscope.scaling import Scheme

_COPIES = 12
"""Arrays of the size of a covariance that a rectangle holds at once."""

_COMFORTABLE = 2**21
"""Bytes of one covariance that stay inside the caches of a processor."""

_LARGEST_TILE = 256
_LEAST_TILES = 2
"""Fewer would compute both halves of a symmetric kernel, where a rectangle on the diagonal is not halved."""

What = Literal["covariance", "tangent", "layers"]


def kernel_of(
    what: What,
    network: ComposedNetwork,
    x1: Any,
    x2: Any | None,
    scheme: Scheme | None,
    training: bool,
    memory: int | None,
    *,
    between: tuple[float, float] | None = None,
) -> np.ndarray:
    plan = _plan(network.nodes)
    left = points_of("x1", x1, network)
    right = left if x2 is None else points_of("x2", x2, network)
    if left.dtype != right.dtype:
        raise InputError(
            "x1 and x2 must have the same precision",
            received=f"{left.dtype} and {right.dtype}",
            cause="one of them read from a file or made by NumPy's default",
            fix="convert one of them with astype",
        )
    halved = x2 is None and _can_be_halved(plan)
    longest = max(len(left), len(right))
    points = longest if halved else -(-longest // _LEAST_TILES)
    tile = _tile(plan, left.dtype, points, memory)
    chunk = max(1, _COMFORTABLE // plan.own_numbers) if memory is None else tile
    stds = _stds(network, scheme)
    scales = Scales(*(a**2 for a in stds))
    with own_settings():
        sides = [left] if x2 is None else [left, right]
        slots = [single_slots(plan, x, scales, training=training, chunk=chunk) for x in sides]
        if between is not None:
            _check_bending(plan, slots, between)
        row = dense_row(network, stds) if memory is None else None
        if row is not None:
            return dense_row_kernel(what, row, left, None if x2 is None else right)
        gain = max(largest_gain(plan, one, scales, slopes=what != "covariance") for one in slots)
        warn_of_rounding(gain, left, None if x2 is None else right)
        maps, prepared = _pair_maps(plan, slots[0], slots[-1], left.dtype)
        numbers_of_points = _alike(sides, apart=training)
        each = zip((left, right), numbers_of_points * 2, slots * 2, prepared, strict=False)
        both = [_side(*given) for given in each]
        weights, biases = (a.astype(left.dtype) for a in scales)
        numbers = Numbers(weights, biases, maps)
        half = {"symmetric": x2 is None, "halved": halved}
        return _filled(plan, what, both, numbers, tile, training=training, **half)


def _alike(sides: list[np.ndarray], *, apart: bool) -> list[np.ndarray]:
    """A number for every point of each set, the same for equal points unless these are kept apart."""
    count = 0
    seen: dict[bytes | int, int] = {}
    found = []
    for x in sides:
        rows = np.ascontiguousarray(x.reshape(len(x), -1)) + 0  # one zero
        keys = range(count, count + len(x)) if apart else (row.tobytes() for row in rows)
        found.append(np.array([seen.setdefault(key, len(seen)) for key in keys], np.int32))
        count += len(x)
    return found


def _stds(network: ComposedNetwork, scheme: Scheme | None) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations of weights and biases of every layer; a scheme moves both alike."""
    own = np.array([(one.weight_std, one.bias_std) for one in network.drawings])
    if scheme is not None:
        check_instance("scheme", scheme, Scheme)
    weights = network.weight_stds(scheme)
    return weights, own[:, 1] * weights / own[:, 0]


def points_of(name: str, x: Any, network: ComposedNetwork) -> np.ndarray:
    """Points (n, *input_shape), or a refusal."""
    x = known_array(name, x)
    shape = network.input_shape
    if not (
        x.ndim >= 2 and len(x) and (x.shape[1:] == shape or x.shape[1:] == (math.prod(shape),))
    ):
        raise InputError(
            f"{name} must be points of the network's input shape",
            received=f"shape {x.shape} for a network of input shape {shape}",
            cause="no points, a missing channel axis, channels first, a single point, or other data",
            fix=f"give (n, {', '.join(map(str, shape))}), or points flattened",
        )
    x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)
    return x.reshape(len(x), *shape)


def _tile(plan: Plan, dtype: np.dtype, points: int, memory: int | None) -> int:
    """Rows and columns of a rectangle, at most `points`."""
    if memory is None:
        side = math.isqrt(max(_COMFORTABLE // (dtype.itemsize * plan.numbers_per_pair), 1))
        return max(1, min(side, _LARGEST_TILE, points))
    budget = check_count("memory", memory)
    one = _COPIES * plan.numbers_per_pair * dtype.itemsize
    if budget < one:
        raise InputError(
            "memory must hold one pair of points",
            received=f"{budget} bytes, where one takes {one}",
            cause="all pairs of positions, which poolings and attention need, or a budget in megabytes",
            fix=f"give at least {one} bytes, pool with strides first, or use flatten",
        )
    return min(math.isqrt(budget // one), _LARGEST_TILE)


@lru_cache(maxsize=64)
def _plan(nodes: tuple[Node, ...]) -> Plan:
    return plan_of(nodes)


def _activation_steps(plan: Plan) -> dict[int, tuple[Step, ActivationPart]]:
    """The activation of every slot that has one."""
    found: dict[int, tuple[Step, ActivationPart]] = {}

    def walk(row: Any) -> None:
        for step in row.steps:
            if step.slot is not None and isinstance(step.node.part, ActivationPart):
                found[step.slot] = step, step.node.part
            for branch in step.branches:
                walk(branch)

    walk(plan.row)
    return found


def _can_be_halved(plan: Plan) -> bool:
    """Whether half of the pairs of a set with itself can be computed alone, not as a rectangle of pairs."""
    duals = (limit_dual(part.sigma) for _, part in _activation_steps(plan).values())
    return not plan.needs_rectangles and all(isinstance(one, AbstractClosedForm) for one in duals)


def _check_bending(plan: Plan, sides: list[list[Slot]], between: tuple[float, float]) -> None:
    """Refuse pre-activations at which an activation that is not homogeneous is none any more."""
    for number, (step, part) in _activation_steps(plan).items():
        if isinstance(limit_dual(part.sigma), PiecewiseLinear):
            continue
        for slots in sides:
            q = slots[number].variances
            low, high = float(np.min(q[q > 0], initial=np.inf)), float(np.max(q, initial=0.0))
            if low < between[0] or high > between[1]:
                raise bending_refusal(f"at {step.node.place}", low, high)


def _pair_maps(
    plan: Plan, left: list[Slot], right: list[Slot], dtype: np.dtype
) -> tuple[tuple[AbstractPairMap | None, ...], list[list[np.ndarray]]]:
    """The pair map of every activation, and both sides' features (positions, n, F)."""
    steps, maps = _activation_steps(plan), []
    features: list[list[np.ndarray]] = [[], []]
    for number, slots in enumerate(zip(left, right, strict=True)):
        if number not in steps:
            maps.append(None)
            for side in features:
                side.append(np.empty((1, 0, 0), dtype))
            continue
        q1, q2 = (slot.variances for slot in slots)
        prepared = limit_dual(steps[number][1].sigma).pair_map(q1.ravel(), q2.ravel())
        maps.append(jax.tree.map(lambda a: jnp.asarray(a, dtype), prepared.map))
        for side, q, f in zip(
            features, (q1, q2), (prepared.features1, prepared.features2), strict=True
        ):
            count = q.size // q.shape[-1]
            side.append(f.reshape(count, q.shape[-1], f.shape[-1]).astype(dtype))
    return tuple(maps), features


def _side(x: np.ndarray, alike: np.ndarray, slots: list[Slot], features: list[np.ndarray]) -> Side2:
    kept = (
        SlotSide(*[a.astype(x.dtype) for a in slot], features=feature)
        for slot, feature in zip(slots, features, strict=True)
    )
    return Side2(x, alike, tuple(kept))


def _cut(side: Side2, start: int, stop: int, size: int) -> Side2:
    """Points from start to stop, the last one repeated up to `size`."""
    rows = np.minimum(np.arange(start, start + size), stop - 1)
    slots = (
        SlotSide(
            slot.variances[..., rows],
            slot.seconds[..., rows] if slot.seconds.size else slot.seconds[..., :0],
            slot.weights[..., rows] if slot.weights.size else slot.weights[..., :0],
            slot.features[:, rows] if slot.features.shape[1] else slot.features,
        )
        for slot in side.slots
    )
    return Side2(side.x[rows], side.alike[rows], tuple(slots))


@lru_cache(maxsize=64)
def _program(plan: Plan, what: What, **settings: bool) -> Rectangle:
    return Rectangle(plan, what, **settings)


def _filled(
    plan: Plan,
    what: What,
    sides: list[Side2],
    numbers: Numbers,
    tile: int,
    *,
    symmetric: bool,
    halved: bool,
    training: bool,
) -> np.ndarray:
    """All rectangles, or the lower half of them and what mirrors them."""
    left, right = sides
    n1, n2 = len(left.x), len(right.x)
    cuts1, cuts2 = _cuts(n1, tile), _cuts(n2, tile)
    leading = (len(numbers.weights),) if what == "layers" else ()
    out = np.empty((*leading, n1, n2), left.x.dtype)
    rows = [_cut(left, *cut, cuts1[0][1]) for cut in cuts1]
    columns = [_cut(right, *cut, cuts2[0][1]) for cut in cuts2]
    kinds1, kinds2 = ([part.alike.tolist() for part in parts] for parts in (rows, columns))
    compiled = all(one is None or one.compiled for one in numbers.maps)
    for i, (a, b) in enumerate(cuts1):
        for j, (c, d) in enumerate(cuts2[: i + 1] if symmetric else cuts2):
            diagonal = symmetric and i == j
            alike = diagonal or not set(kinds1[i]).isdisjoint(kinds2[j])
            layout = {"alike": alike, "banded": halved and diagonal}
            one = _program(plan, what, training=training, compiled=compiled, **layout)
            values = one(rows[i], columns[j], numbers)[..., : b - a, : d - c]
            if diagonal and not halved:
                lower = np.tril(values)
                values = lower + np.swapaxes(np.tril(values, -1), -1, -2)
            out[..., a:b, c:d] = values
            if symmetric and i != j:
                out[..., c:d, a:b] = np.swapaxes(values, -1, -2)
    return out


def _cuts(count: int, tile: int) -> list[tuple[int, int]]:
    """(start, stop) of equal lengths at most `tile`, the last one shorter."""
    size = -(-count // -(-count // tile))
    return [(start, min(start + size, count)) for start in range(0, count, size)]
