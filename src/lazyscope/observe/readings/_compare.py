"""What is measured of a JAX function at new parameters, as one compiled program?"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Real

from lazyscope._loss import AbstractLoss
from lazyscope._trace import (
    Example,
    Junction,
    Path,
    coarsest,
    pattern_taps,
    reverse_only,
    run_tapped,
    share_flipped,
    wide,
    wide_type,
)
from lazyscope.kernel import as_matrix, tangent_kernel
from lazyscope.measure import kernel_alignment, kernel_change, linearisation_gap, operator_norm
from lazyscope.observe.readings._curvature import ends_of, sharpness_of
from lazyscope.observe.readings._layers import LayerReadings, layer_readings, uses_of


class Reference(NamedTuple):
    """What every look is compared with: the network at the start, as arrays."""

    consts: tuple[Any, ...]
    context: tuple[Any, ...]
    leaves: tuple[Float[Array, "..."], ...]
    x: Real[Array, "n ..."]
    y: Float[Array, "n C"] | None
    mixing: Float[Array, "C r"] | None
    """Directions in output space over which the kernel is averaged; None: the outputs."""


class State(NamedTuple):
    """What of the network at the start is kept to compare with."""

    kernel: Float[Array, "n n"]
    patterns: Mapping[Path, Bool[Array, "..."]]


class Numbers(NamedTuple):
    """What one look gives: norms of the change of every leaf, NaN operator norms for other than matrices."""

    moved: Float[Array, " leaves"]
    moved_operator: Float[Array, " leaves"]
    scalars: dict[str, Float[Array, ""]]
    layers: LayerReadings | None


class Seen(NamedTuple):
    """What is known of a network before it is measured: equations, rectifiers, whether it can be pushed."""

    example: Example
    junctions: Mapping[Path, Junction]
    linear: bool
    loss: AbstractLoss


def compare(
    seen: Seen,
    reference: Reference,
    start: State,
    leaves: tuple[Float[Array, "..."], ...],
) -> tuple[Numbers, State]:
    """Compare the network at `leaves` with the one at the start, and return its own state."""
    example, junctions, linear, loss = seen
    outputs, patterns = _run(example, junctions, reference, leaves)
    kind = wide_type([*leaves, outputs])
    outputs = wide(outputs, kind)
    whole = wide(_kernel(example, reference, leaves), kind)
    kernel = _mean_of(whole)
    scalars = {
        "kernel_change": kernel_change(start.kernel, kernel),
        "kernel_alignment": kernel_alignment(start.kernel, kernel),
    }
    if reference.y is not None and outputs.size:
        scalars["target_alignment"] = kernel_alignment(kernel, reference.y @ reference.y.T)
        scalars["probe_loss"] = loss.value(outputs, reference.y)
    if reference.mixing is None and outputs.size:
        largest, smallest = ends_of(as_matrix(whole), coarsest(example))
        scalars["largest_eigenvalue"] = largest
        scalars["smallest_eigenvalue"] = smallest
        scalars["sharpness"] = sharpness_of(whole, largest, loss, outputs)
    if linear and outputs.size:
        change = jax.tree.map(jnp.subtract, leaves, reference.leaves)
        before, pushed = (wide(each, kind) for each in _linearised(example, reference, change))
        tangent = before + pushed
        scalars["linearisation_share"] = linearisation_gap(outputs, tangent, outputs - before)
        if reference.y is not None:
            scalars["linearisation_gap"] = linearisation_gap(outputs, tangent, reference.y)
    flipped = share_flipped(start.patterns, patterns)
    if flipped is not None:
        # Comparisons with numbers that are not finite are not patterns.
        fine = jnp.all(jnp.isfinite(outputs))
        scalars["flipped"] = jnp.where(fine, flipped, jnp.nan).astype(outputs.dtype)
    pairs = zip(leaves, reference.leaves, strict=True)
    moved = [wide(now, kind) - wide(then, kind) for now, then in pairs]
    layers = None
    if outputs.size and (uses := uses_of(example)):
        inputs = (reference.consts, reference.context, reference.x)
        layers = layer_readings(example, uses, inputs, leaves, reference.leaves, outputs)
    return Numbers(*_norms(moved), scalars, layers), State(kernel, patterns)


Program = Callable[[Reference, State, Any], tuple[Numbers, State]]


def compiled(seen: Seen) -> Program:
    """`compare` for one network; what it holds goes with it."""
    return eqx.filter_jit(functools.partial(compare, seen))


def can_linearise(example: Example, reference: Reference) -> bool:
    """Whether the network has a derivative that carries changes of parameters forward."""
    try:
        jax.eval_shape(lambda leaves: _linearised(example, reference, leaves), reference.leaves)
    except Exception:
        return False
    return True


def norms_and_state(
    program: Program, example: Example, junctions: Mapping[Path, Junction], reference: Reference
) -> tuple[Numbers, State]:
    """Norms of the leaves at the start, and the state to compare with.

    By the program that compares, so that nothing else is compiled: the start is compared with nothing.
    """
    nothing = reference._replace(leaves=jax.tree.map(jnp.zeros_like, reference.leaves))
    shapes = jax.eval_shape(lambda: _run(example, junctions, reference, reference.leaves)[1])
    patterns = jax.tree.map(lambda seen: jnp.zeros(seen.shape, seen.dtype), shapes)
    points = len(reference.x)
    kind = wide_type([*reference.leaves, example])
    empty = State(jnp.zeros((points, points), kind), patterns)
    return program(nothing, empty, reference.leaves)


def _run(
    example: Example, junctions: Mapping[Path, Junction], reference: Reference, leaves: Any
) -> tuple[Float[Array, "n C"], dict[Path, Array]]:
    """Outputs at the probe points, and which units are on."""
    taps = pattern_taps(junctions)

    def single(x: Any) -> tuple[Any, Any]:
        inputs = [*reference.context, *leaves, x]
        outs, seen = run_tapped(example.closed.jaxpr, reference.consts, inputs, junctions, taps)
        return outs[0][0], seen

    return jax.vmap(single)(reference.x)


def _linearised(
    example: Example, reference: Reference, change: Any
) -> tuple[Float[Array, "n C"], Float[Array, "n C"]]:
    """f_0 and J_0 (theta - theta_0) at the probe points."""

    def outputs(leaves: Any) -> Any:
        return _run(example, {}, reference, leaves)[0]

    if not reverse_only(example.closed.jaxpr):
        return jax.jvp(outputs, (reference.leaves,), (change,))
    # Only a reverse rule: the push-forward is the transpose of the pull-back, which is linear.
    before, pull = jax.vjp(outputs, reference.leaves)
    push = jax.linear_transpose(lambda signal: pull(signal)[0], before)
    return before, push(change)[0]


def _kernel(example: Example, reference: Reference, leaves: Any) -> Float[Array, "n n C C"]:
    """The tangent kernel of outputs, or of directions in output space."""

    def network(leaves: Any, batch: Any) -> Any:
        outputs, _ = _run(example, {}, reference._replace(x=batch), leaves)
        return outputs if reference.mixing is None else outputs @ reference.mixing

    return tangent_kernel(network, leaves, reference.x)


def _mean_of(kernel: Float[Array, "n n C C"]) -> Float[Array, "n n"]:
    """The kernel averaged over outputs."""
    return jnp.trace(kernel, axis1=2, axis2=3) / np.asarray(kernel.shape[2], kernel.dtype)


def _norms(leaves: Any) -> tuple[Float[Array, " leaves"], Float[Array, " leaves"]]:
    """Frobenius norm of every leaf, and operator norm of those that are matrices."""
    frobenius = jnp.stack([jnp.sqrt(jnp.sum(leaf**2)) for leaf in leaves])
    unknown = jnp.full((), jnp.nan, frobenius.dtype)
    empty = jnp.zeros((), frobenius.dtype)
    operator = [
        unknown if leaf.ndim != 2 else operator_norm(leaf) if leaf.size else empty
        for leaf in leaves
    ]
    return frobenius, jnp.stack(operator)
