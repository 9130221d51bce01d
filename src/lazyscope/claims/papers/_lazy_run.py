"""How far did one run go from its start: parameters by layer, and kernel?"""

from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.flow import AbstractMethod, Problem, in_double, trace_flow
from lazyscope.measure import kernel_change


@final
class LazyRun(NamedTuple):
    """What is kept of a run; NaN everywhere but in `loss_fraction` if it did not converge.

    Attributes:
        moved: relative displacement of every group in Frobenius norm.
        kernel_change: relative change of the kernel averaged over outputs, Frobenius norm.
        loss_fraction: final loss over initial loss.
    """

    moved: Float[np.ndarray, " groups"]
    kernel_change: float
    loss_fraction: float


def lazy_run(
    problem: Problem, method: AbstractMethod, *, stop: float, max_steps: int = 3000
) -> LazyRun:
    """Train a problem to a fraction of its initial loss and say how far it went, in double precision.

    Args:
        problem: what to train.
        method: how; its numbers given as JAX arrays share one compiled program.
        stop: fraction of the initial loss at which the run ends.
        max_steps: steps tried at most.

    Cost: one compilation per shape of problem, and the run.
    """
    with jax.enable_x64(True):
        found = _run(
            in_double(problem), method, jnp.asarray(stop), jnp.asarray(max_steps, jnp.int32)
        )
        ended, moved, change, fraction = (np.asarray(value) for value in found)
    if not ended:
        moved, change = np.full_like(moved, np.nan), np.nan
    return LazyRun(moved, float(change), float(fraction))


@eqx.filter_jit
def _run(problem: Problem, method: AbstractMethod, stop: Array, max_steps: Array):
    result = trace_flow(problem, method, stop, jnp.inf, max_steps=max_steps)
    start, end = (problem.kernel.expand(at, problem.x) for at in (problem.params, result.params))
    change = kernel_change(start.mean_kernel(problem.speeds), end.mean_kernel(problem.speeds))
    moved = jnp.stack(
        [
            jnp.sqrt(_square(jax.tree.map(jnp.subtract, now, before)) / _square(before))
            for now, before in zip(result.params, problem.params, strict=True)
        ]
    )
    ended = result.loss <= stop * result.initial_loss
    return ended, moved, change, result.loss / result.initial_loss


def _square(tree) -> Array:
    return sum((jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)), jnp.zeros(()))
