"""How is a long run shown while it lasts, and how does it go on after its process was killed?"""

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._file import Checkpoint
from lazyscope._outcome import Outcome
from lazyscope.flow._method import AbstractMethod, FlowState
from lazyscope.flow._problem import Problem

_PARTS = "this problem, method, stop and number of records"
_QUICK = 0.5


@final
class FlowProgress(NamedTuple):
    """Where a run stands.

    Attributes:
        num_tried: steps tried.
        num_steps: of them, those that were accepted.
        time: flow time passed.
        loss: R there.
        seconds: since the start of this process's part.
    """

    num_tried: int
    num_steps: int
    time: float
    loss: float
    seconds: float


TellFlow: TypeAlias = Callable[[FlowProgress], object]
"""What is called with the progress."""


def advance_in_parts(
    step_until: Callable[[FlowState, Any], FlowState],
    state: FlowState,
    max_steps: int,
    *,
    kept: Checkpoint,
    tell: TellFlow | None,
) -> FlowState:
    """The state after as many steps as `advance` takes, shown and kept after every part of them.

    Args:
        step_until: the state after so many steps tried in all, or after the run's end.
        state: before the first step; what `kept` has found goes before it.
        max_steps: steps tried at most.
        kept: where the state is written.
        tell: what is shown.

    Parts are single steps where these take half a second or more, else twice as many each time.
    """
    began, count = time.monotonic(), 1
    found = kept.found()
    state = state if found is None else _read(found, state)
    while int(state.outcome) == Outcome.RUNNING.value and int(state.num_tried) < max_steps:
        clock = time.monotonic()
        until = min(int(state.num_tried) + count, max_steps)
        state = jax.block_until_ready(step_until(state, jnp.asarray(until, jnp.int32)))
        count = 2 * count if time.monotonic() - clock < _QUICK else max(count // 2, 1)
        kept.offer(_written(state))
        if tell is not None:
            tell(_progress(state, time.monotonic() - began))
    kept.offer(_written(state), last=True)
    return state


def flow_checkpoint(
    path: str | os.PathLike[str] | None, problem: Problem, method: AbstractMethod, words: str
) -> Checkpoint:
    """The file of this run, told from others by its arrays, its method, and what its network says.

    Args:
        path: of the file; None for none.
        problem: what is trained.
        method: by which.
        words: what else the run depends on.
    """
    if path is None:
        return Checkpoint(None, "", _PARTS)
    digest = hashlib.sha256(f"{eqx.tree_pformat(method)} {words}".encode())
    for leaf in jax.tree.leaves((problem, method)):
        if eqx.is_array_like(leaf):
            array = np.asarray(leaf)
            digest.update(f"{array.shape} {array.dtype}".encode() + array.tobytes())
    digest.update(" ".join(f"{value:.3e}" for value in _probed(problem)).encode())
    return Checkpoint(path, digest.hexdigest(), _PARTS)


def _probed(problem: Problem) -> np.ndarray:
    """The first loss and the norms of its gradient, by which functions are told from each other."""
    outputs = problem.start_outputs()
    slope = jax.grad(problem.loss_at)(problem.params)
    leaves = jax.tree.leaves(slope)
    return np.array([problem.loss_of(outputs), *(jnp.linalg.norm(leaf) for leaf in leaves)])


def _written(state: FlowState) -> dict[str, np.ndarray]:
    leaves = jax.tree.leaves(state)
    return {f"array_{number}": np.asarray(_numbers(leaf)) for number, leaf in enumerate(leaves)}


def _read(found: dict[str, np.ndarray], like: FlowState) -> FlowState:
    leaves, structure = jax.tree.flatten(like)
    read = [_as_it_was(found[f"array_{number}"], leaf) for number, leaf in enumerate(leaves)]
    return jax.tree.unflatten(structure, read)


def _numbers(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _as_it_was(array: np.ndarray, like: Any) -> Any:
    if _is_key(like):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(like))
    return jnp.asarray(array)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _progress(state: FlowState, seconds: float) -> FlowProgress:
    counts = int(state.num_tried), int(state.num_steps)
    return FlowProgress(*counts, float(state.time), float(state.loss), seconds)
