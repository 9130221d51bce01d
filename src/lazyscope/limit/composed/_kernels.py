"""What kernels does a composed network have at infinite width?"""

import math
from functools import lru_cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Real

from lazyscope._checks import InputError, check_count, check_instance
from lazyscope._entry import checked
from lazyscope._jax import known_array, own_settings
from lazyscope.limit._network import limit_dual
from lazyscope.limit._normalised import VARIANCES_THAT_BEND, bending_refusal, check_unit
from lazyscope.limit.composed._amplification import largest_gain, warn_of_rounding
from lazyscope.limit.composed._dense_row import dense_row, dense_row_kernel
from lazyscope.limit.composed._plan import Plan, Step, plan_of
from lazyscope.limit.composed._sides import Numbers, Side2, SlotSide
from lazyscope.limit.composed._single import Scales, Slot, single_slots
from lazyscope.limit.composed._tile import Rectangle
from lazyscope.limit.dual._closed_forms import PiecewiseLinear
from lazyscope.limit.dual._dual import AbstractClosedForm, AbstractPairMap
from lazyscope.model import AbstractNetwork
from lazyscope.model.composed import ActivationPart, ComposedNetwork, Node, composition_of
from lazyscope.scaling import Scheme

_COPIES = 12
"""Arrays of the size of a covariance that a rectangle holds at once."""

_COMFORTABLE = 2**21
"""Bytes of one covariance that stay inside the caches of a processor."""

_LARGEST_TILE = 256
_LEAST_TILES = 2
"""Fewer would compute both halves of a symmetric kernel, where a rectangle on the diagonal is not halved."""

What = Literal["covariance", "tangent", "layers"]


@checked(own=("network",), any_axes=("x1", "x2"))
def network_tangent_kernel(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "n1 n2"]:
    """Tangent kernel per output of a composed network of infinite width, weighted by speeds.

    ``Theta = sum_l s_l <df / dW_l, df' / dW_l>``, effective weights W_l with the standard deviations and
    speeds s_l of the scheme; with the NTK parametrisation of the parts unless a scheme is given. It is what
    the tangent kernel of the network itself, weighted by the same speeds, tends to as its width grows.

    Args:
        network: a composition, or a network of the library that has one (`composition_of`); without a scheme
            its width does not matter.
        x1: n1 points of the network's input shape, or flattened. Single precision gives a kernel in single
            precision, anything else in double.
        x2: n2 points; ``None`` means x1: half the work, and a result that is symmetric to the bit.
        scheme: scales and speeds at the network's width, one for each drawn layer.
        training: with the noise of dropout, other masks for every point.
        memory: bytes that rectangles of the computation may take beside the result; what suits the
            processor's cache unless given.

    Returns:
        (n1, n2) in host memory.

    Raises:
        InputError: points of another shape; parts without a limit, or variances that explode or vanish
            (with the place or the layer); a memory budget too small for one pair of points.

    Warns:
        AccuracyWarning: a chaotic network amplifies rounding of nearly equal points.

    Cost: n1 n2 times positions (squared before a pooling or attention) times layers, half without x2.

    Trust: 1e-7 of the largest entry in double precision for nearly equal points and piecewise linear
    activations, whose kernels depend on the root of 1 - rho, better elsewhere; equal points are told by
    their bits and exact.
    Single precision: 1e-3 and 1e-6. Beside neural-tangents 0.6.5: 1e-6 in double precision.

    Reference: Jacot, Gabriel & Hongler 2018; convolutions, Arora et al. 2019 and Novak et al. 2019;
    attention, Hron et al. 2020.

    Example:
        >>> from lazyscope import composed
        >>> relu = composed.activation("relu")
        >>> net = composed.ComposedNetwork(
        ...     composed.serial(composed.dense(weight_std=2**0.5), relu, composed.dense(outputs=1)), (2,), 8
        ... )
        >>> network_tangent_kernel(net, np.eye(2)).round(12).tolist()
        [[1.0, 0.159154943092], [0.159154943092, 1.0]]
    """
    network = composition_of(network)
    shares = _kernel("layers" if scheme else "tangent", network, x1, x2, scheme, training, memory)
    if scheme is None:
        return shares
    speeds = _per_weight(network, scheme) * scheme.speed(network.width)
    return np.tensordot(speeds.astype(shares.dtype), shares, axes=1)


@checked(own=("network",), any_axes=("x1", "x2"))
def network_covariance_kernel(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "n1 n2"]:
    """Covariance per output of a composed random network of infinite width (NNGP kernel).

    Arguments, refusals and the rest as in `network_tangent_kernel`.

    Example:
        >>> from lazyscope import composed
        >>> net = composed.ComposedNetwork(composed.dense(outputs=1, weight_std=2.0), (2,), 8)
        >>> network_covariance_kernel(net, np.eye(2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    return _kernel("covariance", composition_of(network), x1, x2, scheme, training, memory)


@checked(own=("network",), any_axes=("x1", "x2"))
def network_tangent_kernel_by_layer(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "layers n1 n2"]:
    """What every drawn layer contributes to `network_tangent_kernel`; the sum over layers is that kernel.

    Arguments, refusals and the rest as there.

    Example:
        >>> from lazyscope import composed
        >>> net = composed.ComposedNetwork(
        ...     composed.serial(composed.dense(), composed.dense(outputs=1)), (2,), 8
        ... )
        >>> network_tangent_kernel_by_layer(net, np.eye(2))[:, 0, 0].tolist()
        [0.5, 0.5]
    """
    network = composition_of(network)
    shares = _kernel("layers", network, x1, x2, scheme, training, memory)
    if scheme is None:
        return shares
    speeds = _per_weight(network, scheme) * scheme.speed(network.width)
    return shares * speeds.astype(shares.dtype)[:, None, None]


@checked(own=("network",), any_axes=("x1", "x2"))
def normalised_network_kernels(
    network: AbstractNetwork,
    x1: Real[ArrayLike, "n1 *point"],
    x2: Real[ArrayLike, "n2 *point"] | None = None,
    *,
    scheme: Scheme | None = None,
    training: bool = False,
    memory: int | None = None,
) -> Float[np.ndarray, "layers n1 n2"]:
    """Kbar_l of every layer, freed of its scale: ``K_l = (kappa phi_l / alpha_l)^2 Kbar_l``.

    K_l is the tangent kernel of layer l alone at speed one, kappa and the leverages phi_l those of the
    network at the scales of the scheme; every phi_l is one in a row of layers without branches. For
    homogeneous activations Kbar_l depends on the scales of residual branches alone, and tends to a limit
    as these vanish.

    Args:
        network: the composition.
        x1: n1 points, whose mean squared norm must be one, for which scales are defined.
        x2: n2 points; ``None`` means x1.
        scheme: scales; those of the network's NTK parametrisation unless given.
        training: as in `network_tangent_kernel`.
        memory: as there.

    Returns:
        (layers, n1, n2), in the order of ``network.layers``.

    Raises:
        InputError: as in `network_tangent_kernel`; inputs that are not of norm one on average; for
            activations that are not homogeneous, pre-activation variances below 1e-4 or above 1e4, where the
            network acts as its linearisation or saturates.

    Example:
        >>> from lazyscope import composed
        >>> relu = composed.activation("relu")
        >>> net = composed.ComposedNetwork(
        ...     composed.serial(composed.dense(), relu, composed.dense(outputs=1)), (2,), 8
        ... )
        >>> normalised_network_kernels(net, np.eye(2)).round(12).tolist()
        [[[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.159154943092], [0.159154943092, 0.5]]]
    """
    network = composition_of(network)
    scheme = network.ntk_scheme() if scheme is None else scheme
    for name, x in (("x1", x1), ("x2", x2)):
        if x is not None:
            points = _points(name, x, network)
            check_unit(name, points.reshape(len(points), -1))
    given = x1, x2, scheme, training, memory
    shares = _kernel("layers", network, *given, between=VARIANCES_THAT_BEND)
    alpha = scheme.alpha(network.width)
    own = alpha / (network.kappa(alpha) * network.leverage(alpha))
    factors = _per_weight(network, scheme) * own**2
    return shares * factors.astype(shares.dtype)[:, None, None]


def _per_weight(network: ComposedNetwork, scheme: Scheme) -> np.ndarray:
    """fan_in / weight_std^2: from parameters of the NTK parametrisation to effective weights."""
    return network.fan_ins() / network.weight_stds(scheme) ** 2


def _kernel(
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
    left = _points("x1", x1, network)
    right = left if x2 is None else _points("x2", x2, network)
    if left.dtype != right.dtype:
        raise InputError(
            "x1 and x2 must have the same precision",
            received=f"{left.dtype} and {right.dtype}",
            cause="one of them read from a file or made by NumPy's default",
            fix="convert one of them with astype",
        )
    halved = x2 is None and _can_be_halved(plan)
    points = (
        max(len(left), len(right)) if halved else -(-max(len(left), len(right)) // _LEAST_TILES)
    )
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


def _points(name: str, x: Any, network: ComposedNetwork) -> np.ndarray:
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
