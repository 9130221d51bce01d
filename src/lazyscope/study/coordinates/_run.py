"""What do the first steps of descent do to every layer of one network at one width?"""

import functools
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Real

from lazyscope._trace import (
    Example,
    Junction,
    Path,
    bind,
    find_uses,
    inner_jaxpr,
    pattern_taps,
    reverse_only,
    run_tapped,
    wide,
    wide_type,
)
from lazyscope.kernel import as_matrix, tangent_kernel_by_parameter
from lazyscope.measure import mean_squared_error, operator_norm


class Arrays(NamedTuple):
    """Everything a network is made of that may differ from seed to seed."""

    consts: tuple[Any, ...]
    context: tuple[Any, ...]
    leaves: tuple[Float[Array, "..."], ...]


class FirstSteps(NamedTuple):
    """What is measured of one network; entries per leaf, NaN where a leaf has none.

    Attributes:
        size: rms of the entries at the start.
        share: the leaf's own part of the tangent kernel, averaged over the diagonal (points, outputs).
        displacement: |w(T) - w(0)| / |w(0)| in operator norm, leaves of more axes seen as matrices.
        output_change: |h(T) - h(0)| / |h(0)| of what leaves the places where the leaf meets data.
        output: rms of the network's outputs at the start.
        loss: at the start and after each step.
    """

    size: Float[Array, " leaves"]
    share: Float[Array, " leaves"]
    displacement: Float[Array, " leaves"]
    output_change: Float[Array, " leaves"]
    output: Float[Array, ""]
    loss: Float[Array, " steps"]


_programs: OrderedDict[Hashable, Any] = OrderedDict()
"""Programs of recent networks by their equations, which name neither seed nor parametrisation."""
KEPT_PROGRAMS = 16


def program(example: Example, axes: Sequence[int | None], *, steps: int, push: float) -> Any:
    """`first_steps` for one kind of network, compiled."""
    key = (str(example.closed), tuple(axes), steps, push)
    if key not in _programs:
        made = functools.partial(first_steps, example, tuple(axes), steps, push)
        _programs[key] = eqx.filter_jit(made)
    _programs.move_to_end(key)
    while len(_programs) > KEPT_PROGRAMS:
        _programs.popitem(last=False)
    return _programs[key]


def first_steps(
    example: Example,
    axes: tuple[int | None, ...],
    steps: int,
    push: float,
    arrays: Arrays,
    rates: Float[Array, " leaves"],
    x: Real[Array, "n ..."],
    y: Float[Array, "n C"],
) -> FirstSteps:
    """Measure a network, take `steps` steps of full-batch descent on 1/(2n) sum |f - y|^2, measure again.

    Args:
        example: the network's equations.
        axes: the axis of every leaf that counts the rows of it as a matrix; None for no matrix.
        steps: number T of steps.
        push: the step in units of n / largest eigenvalue; below 2 a linear model is stable.
        arrays: the network's arrays.
        rates: learning rate of every leaf, up to a common factor.
        x: training points.
        y: targets.
    """
    junctions = places_of(example)

    def run(leaves: Any, batch: Any) -> tuple[Any, Any]:
        taps = pattern_taps(junctions)

        def single(x: Any) -> Any:
            inputs = [*arrays.context, *leaves, x]
            outs, seen = run_tapped(example.closed.jaxpr, arrays.consts, inputs, junctions, taps)
            return outs[0][0], seen

        return jax.vmap(single)(batch)

    kind = wide_type([*arrays.leaves, example])

    def outputs(leaves: Any) -> Any:
        return wide(run(leaves, x)[0], kind)

    kernels = tangent_kernel_by_parameter(
        lambda leaves, batch: run(leaves, batch)[0], arrays.leaves, x
    )
    diagonal = [jnp.mean(jnp.einsum("iicc->ic", kernel)) for kernel in kernels]
    whole = functools.reduce(jnp.add, _weighted(kernels, rates))
    _, vectors = jnp.linalg.eigh(as_matrix(whole))

    only_backward = reverse_only(example.closed.jaxpr)

    def descend(carry: tuple[Any, Any], _: Any) -> tuple[tuple[Any, Any], Any]:
        leaves, top = carry
        now, pull = jax.vjp(outputs, leaves)
        change = _weighted(pull(top)[0], rates)
        if only_backward:  # the push-forward is the transpose of the pull-back, which is linear
            image = jax.linear_transpose(lambda signal: pull(signal)[0], now)(change)[0]
        else:
            image = jax.jvp(outputs, (leaves,), (change,))[1]
        largest = jnp.linalg.norm(image)
        move = _weighted(pull((now - y) / largest * np.asarray(push, kind))[0], rates)
        return (jax.tree.map(jnp.subtract, leaves, move), image / largest), mean_squared_error(
            now, y
        )

    start = (arrays.leaves, vectors[:, -1].reshape(y.shape))
    (final, _), losses = lax.scan(descend, start, None, length=steps)
    before, after = run(arrays.leaves, x), run(final, x)
    return FirstSteps(
        size=jnp.stack([jnp.sqrt(jnp.mean(leaf**2)) for leaf in arrays.leaves]),
        share=jnp.stack(diagonal),
        displacement=_displacements(arrays.leaves, final, axes),
        output_change=_output_changes(example, kind, before[1], after[1]),
        output=jnp.sqrt(jnp.mean(wide(before[0], kind) ** 2)),
        loss=jnp.append(losses, mean_squared_error(wide(after[0], kind), y)),
    )


def _weighted(leaves: Any, rates: Array) -> tuple[Array, ...]:
    return tuple(rate * leaf for rate, leaf in zip(rates, leaves, strict=True))


def _displacements(start: Any, final: Any, axes: Sequence[int | None]) -> Array:
    found = []
    for before, after, axis in zip(start, final, axes, strict=True):
        if axis is None:
            found.append(jnp.linalg.norm(after - before) / jnp.linalg.norm(before))
            continue
        first, moved = (_as_rows(leaf, axis) for leaf in (before, after - before))
        found.append(operator_norm(moved) / operator_norm(first))
    return jnp.stack(found)


def _as_rows(leaf: Array, axis: int) -> Array:
    return jnp.moveaxis(leaf, axis, 0).reshape(leaf.shape[axis], -1)


def places_of(example: Example) -> dict[Path, Junction]:
    """The equations where leaves meet data; what leaves them is recorded."""
    return {path: junction for path, junction, _ in uses_of(example)}


def uses_of(example: Example) -> list[tuple[Path, Junction, int]]:
    found = []
    for use in find_uses(example).uses:
        eqn: Any = _equation(example.closed.jaxpr, use.path)
        aval = eqn.outvars[0].aval
        record = functools.partial(_output, eqn)
        junction = Junction(record, aval.shape, aval.dtype, use.loops)
        found.append((use.path, junction, use.view.parameter))
    return found


def _output(eqn: Any, values: Sequence[Any]) -> Any:
    return bind(eqn, values)[0]


def _equation(jaxpr: Any, path: Path) -> Any:
    eqn = jaxpr.eqns[path[0]]
    return eqn if len(path) == 1 else _equation(inner_jaxpr(eqn)[0], path[1:])


def _output_changes(
    example: Example, kind: Any, before: Mapping[Path, Array], after: Mapping[Path, Array]
) -> Array:
    """Relative change of what leaves the places of every leaf, all places of a leaf together."""
    moved = [jnp.zeros((), kind)] * example.num_leaves
    start = list(moved)
    for path, _, leaf in uses_of(example):
        now, then = wide(after[path], kind), wide(before[path], kind)
        moved[leaf] = moved[leaf] + jnp.sum((now - then) ** 2)
        start[leaf] = start[leaf] + jnp.sum(then**2)
    return jnp.sqrt(jnp.stack(moved) / jnp.stack(start))
