"""How do preconditioned conjugate gradients solve for several right-hand sides at once?

Each right-hand side has its own coefficients; products with the kernel, which cost everything, are shared.
"""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias, final

import numpy as np
from jaxtyping import Float

from lazyscope._file import Checkpoint
from lazyscope._outcome import Outcome


@final
class SolveProgress(NamedTuple):
    """Where a solution stands.

    Attributes:
        stage: ``"preconditioner"`` or ``"iterations"``.
        done: columns of the preconditioner, or iterations.
        residual: largest relative residual |b - A a| / |b| of a right-hand side; 1 before the first step.
        seconds: since the start of this process's part.
    """

    stage: str
    done: int
    residual: float
    seconds: float


Tell: TypeAlias = Callable[[SolveProgress], object]
"""What is called with the progress."""

_STALLED_AFTER = 60
_RESTARTS = 3


@final
class Solved(NamedTuple):
    """The solution, its residuals as they are (one more product), and how it came about."""

    solution: Float[np.ndarray, "modes k"]
    residuals: Float[np.ndarray, " k"]
    iterations: int
    outcome: Outcome
    history: tuple[float, ...]


@final
class _State(NamedTuple):
    solution: np.ndarray
    residual: np.ndarray
    direction: np.ndarray
    product: np.ndarray
    iterations: np.ndarray
    history: np.ndarray


def conjugate_gradients(
    matrix: Callable[[np.ndarray], np.ndarray],
    inverse: Callable[[np.ndarray], np.ndarray],
    right: Float[np.ndarray, "modes k"],
    *,
    tolerance: float,
    max_steps: int,
    checkpoint: Checkpoint,
    tell: Tell | None = None,
    began: float | None = None,
) -> Solved:
    """Solve `matrix` a = `right`, symmetric and positive definite, with `inverse` close to its inverse.

    The residual of the recurrence drifts from the true one by rounding: where it is small enough the true
    one is computed, and the iteration begins anew from there if that is not.
    """
    began = time.monotonic() if began is None else began
    norms = np.linalg.norm(right, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    found = checkpoint.found()
    state = _started(right, inverse) if found is None else _State(**found)
    history = list(state.history)
    outcome, residuals, restarts, since_best, best = Outcome.RUNNING, norms / scale, 0, 0, np.inf
    while True:
        a, r, p, rz, count, _ = state
        relative = np.linalg.norm(r, axis=0) / scale
        if np.all(relative <= tolerance) or outcome != Outcome.RUNNING:
            r = right - matrix(a)
            residuals = np.linalg.norm(r, axis=0) / scale
            if np.all(residuals <= tolerance):
                outcome = Outcome.CONVERGED
            elif outcome == Outcome.RUNNING and restarts < _RESTARTS:
                restarts += 1
                z = inverse(r)
                state = _State(a, r, z, np.sum(r * z, axis=0), count, np.asarray(history))
                continue
            elif outcome == Outcome.RUNNING:
                outcome = Outcome.STALLED
            break
        if int(count) >= max_steps:
            outcome = Outcome.OUT_OF_STEPS
            continue
        q = matrix(p)
        curvature = np.sum(p * q, axis=0)
        active = relative > tolerance
        if np.any(curvature[active] <= 0) or not np.isfinite(curvature).all():
            outcome = Outcome.STALLED
            continue
        step = np.where(active, rz / np.where(active, curvature, 1.0), 0.0)
        a, r = a + step * p, r - step * q
        z = inverse(r)
        new = np.sum(r * z, axis=0)
        p = z + np.where(active & (rz > 0), new / np.where(rz > 0, rz, 1.0), 0.0) * p
        worst = float(np.max(np.linalg.norm(r, axis=0) / scale))
        history.append(worst)
        since_best, best = (0, worst) if worst < best else (since_best + 1, best)
        if since_best > _STALLED_AFTER:
            outcome = Outcome.STALLED
        state = _State(a, r, p, new, count + 1, np.asarray(history))
        checkpoint.offer(state._asdict())
        if tell is not None:
            tell(SolveProgress("iterations", int(count) + 1, worst, time.monotonic() - began))
    checkpoint.offer(state._asdict(), last=True)
    return Solved(state.solution, residuals, int(state.iterations), outcome, tuple(history))


def _started(right: np.ndarray, inverse: Callable[[np.ndarray], np.ndarray]) -> _State:
    z = inverse(right)
    zero = np.zeros_like(right)
    products = np.sum(right * z, axis=0)
    return _State(zero, right.copy(), z, products, np.asarray(0), np.zeros(0))
