"""How is a problem trained from start to stop, in one compiled program?"""

import os
from dataclasses import replace
from typing import Any, Literal, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_count, check_fraction, check_positive
from lazyscope._deprecated import renamed_argument
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._loss import SquaredLoss
from lazyscope._outcome import Outcome, RunError
from lazyscope._result import AbstractResult
from lazyscope._types import Params
from lazyscope.flow._history import History
from lazyscope.flow._in_parts import TellFlow, advance_in_parts, flow_checkpoint
from lazyscope.flow._lapack import one_lapack_thread
from lazyscope.flow._method import AbstractMethod, FlowState, Stop, start_run
from lazyscope.flow._problem import Problem, check_numbers, in_double
from lazyscope.flow._span import Span
from lazyscope.flow.exponential._exponential import ExponentialFlow
from lazyscope.model import COPIES_WITH_EIGENVECTORS, check_kernel_memory

DEFAULT_STOP = 1e-4
DEFAULT_MAX_STEPS = 20_000
DEFAULT_NUM_RECORDS = 128

_SPACES = 4  # two, one of which is being written, and a copy
_MOST_STEPS = 2**31 - 1


@final
class FlowResult(AbstractResult, eqx.Module):
    """A trained problem; under ``vmap`` every field has the batch in front.

    Attributes:
        params: final parameters.
        loss: final loss R.
        time: flow time needed.
        num_steps: accepted steps.
        num_tried: steps tried.
        outcome_code: integer code of the `Outcome`.
        curve_time, curve_loss: the recorded loss curve without its start, NaN where unused.
        initial_loss: R at the start.
        displacement: final parameters minus those at the start, to full precision however small.
    """

    params: Params
    loss: Float[Array, ""]
    time: Float[Array, ""]
    num_steps: Array
    num_tried: Array
    outcome_code: Array
    curve_time: Float[Array, "records points"]
    curve_loss: Float[Array, "records points"]
    initial_loss: Float[Array, ""]
    displacement: Params

    @property
    def outcome(self) -> Outcome:
        """How the run ended (of a single run)."""
        return Outcome(int(self.outcome_code))

    def curve(self) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """Times and losses on record, start and end included (of a single run)."""
        time, loss = np.asarray(self.curve_time).ravel(), np.asarray(self.curve_loss).ravel()
        inside = time < float(self.time)
        return (
            np.concatenate([[0.0], time[inside], [float(self.time)]]),
            np.concatenate([[float(self.initial_loss)], loss[inside], [float(self.loss)]]),
        )


@renamed_argument("stop_fraction", "stop")
@checked(own=("stop", "stop_time", "max_steps", "num_records", "checkpoint"))
def solve_flow(
    problem: Problem,
    method: AbstractMethod | None = None,
    *,
    stop: float | None = DEFAULT_STOP,
    stop_time: float | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    num_records: int = DEFAULT_NUM_RECORDS,
    on_failure: Literal["return", "raise"] = "return",
    checkpoint: str | os.PathLike[str] | None = None,
    progress: TellFlow | None = None,
) -> FlowResult:
    """Train one problem in double precision until its loss or its time is reached.

    Args:
        problem: what to train.
        method: `ExponentialFlow` (default), `GradientDescent`, or a method of your own.
        stop: end at this fraction of the initial loss, in (0, 1); None never ends by loss.
        stop_time: end at this flow time; None never ends by time.
        max_steps: steps tried at most.
        num_records: steps kept of the loss curve.
        on_failure: return the result whatever its outcome, or raise `RunError` unless it converged.
        checkpoint: path of a file that is written every 30 seconds, and from which the same call goes on
            after its process was killed; with more steps it goes on where they ran out.
        progress: called with a `FlowProgress` after every step, or part of a run where steps are quick.

    Returns:
        A `FlowResult`; its outcome says whether the run converged, ran out of steps, diverged or stalled.

    Raises:
        InputError: a stop outside its range, numbers that are not finite, or an initial loss that is
            already zero; a checkpoint of another run.

    Cost: see the method. One compilation per shape of problem. A checkpoint holds the displacement, 8 bytes
    for each parameter.
    """
    if stop is not None:
        check_fraction("stop fraction", stop)
    if stop_time is not None:
        check_positive("stop time", stop_time)
    if stop is None and stop_time is None:
        raise InputError(
            "a run needs an end",
            received="stop=None and stop_time=None",
            cause="both stops were switched off",
            fix="give a stop fraction such as 1e-4, or a stop time",
        )
    max_steps = check_count("max_steps", max_steps)
    num_records = 2 * ((check_count("num_records", num_records, minimum=4) + 1) // 2)
    method = ExponentialFlow() if method is None else method
    problem = check_trainable(problem, method)
    max_steps = min(max_steps, _MOST_STEPS)
    with own_settings(), one_lapack_thread():
        ends = (
            jnp.asarray(0.0 if stop is None else stop),
            jnp.asarray(jnp.inf if stop_time is None else stop_time),
        )
        if checkpoint is None and progress is None:
            limit = jnp.asarray(max_steps, jnp.int32)
            result = jax.block_until_ready(_solve(problem, method, *ends, limit, num_records))
        else:
            words = f"{stop} {stop_time} {num_records}"
            kept = flow_checkpoint(checkpoint, problem, method, words)
            kept.found()  # refused before any work
            run = _start(problem, method, *ends, num_records)
            state = advance_in_parts(
                lambda state, until: _advance(run.span.problem, method, run.stop, state, until),
                run.state,
                max_steps,
                kept=kept,
                tell=progress,
            )
            result = jax.block_until_ready(_end(problem, run, state))
    if on_failure == "raise" and not result.outcome.ok:
        raise RunError(result.outcome)
    return result


@checked()
def check_trainable(problem: Problem, method: AbstractMethod) -> Problem:
    """The problem in double precision, or a refusal of what no run could train.

    Raises:
        InputError: a kernel that does not fit into memory, numbers that are not finite, or outputs that
            equal the targets at the start.
    """
    _check_kernel_fits(problem, method)
    with own_settings():
        problem = in_double(problem)
        check_numbers(problem)
        _check_targets(problem)
    return problem


def _check_kernel_fits(problem: Problem, method: AbstractMethod) -> None:
    """Refuse a problem whose frozen kernel does not fit into the memory at hand."""
    if isinstance(method, ExponentialFlow):
        points, num_outputs = problem.y.shape
        if method.frozen == "products":
            what = f"a Krylov space of {method.products} products over {points} points"
            check_kernel_memory(8 * method.products * problem.y.size, what=what, copies=_SPACES)
            return
        side = points * (num_outputs if method.frozen == "full" else 1)
        check_kernel_memory(
            8 * side**2,
            what=f"the frozen kernel of {points} points and {num_outputs} outputs with its eigenvectors",
            copies=COPIES_WITH_EIGENVECTORS,
        )


@renamed_argument("stop_fraction", "stop")
def trace_flow(
    problem: Problem,
    method: AbstractMethod,
    stop: Float[Array, ""] | float,
    stop_time: Float[Array, ""] | float,
    *,
    max_steps: int | Array,
    num_records: int = DEFAULT_NUM_RECORDS,
) -> FlowResult:
    """`solve_flow` as a pure function for use under ``jit`` and ``vmap``, in the problem's precision.

    Nothing is checked and no precision is changed. Under ``vmap`` all runs step together until the
    last one has ended.
    """
    with own_settings(double=False):
        run = _started(problem, method, stop, stop_time, num_records)
        state = advance(run.span.problem, method, run.stop, run.state, max_steps)
        return _ended(problem, run, state)


@final
class _Run(eqx.Module):
    """A run before its first step: the problem as it is trained, its end, and R at the start."""

    span: Span
    stop: Stop
    state: FlowState
    initial_loss: Float[Array, ""]


def _started(
    problem: Problem, method: AbstractMethod, stop: Any, stop_time: Any, num_records: int
) -> _Run:
    follows_gradient = isinstance(method, ExponentialFlow)
    span = Span.of(problem) if follows_gradient else Span(problem, None)
    span = replace(span, problem=span.problem.started())
    initial = span.problem.loss_of(span.problem.start_outputs())
    dtype = initial.dtype
    end = Stop(initial * jnp.asarray(stop, dtype), jnp.asarray(stop_time, dtype))
    return _Run(span, end, start_run(span.problem, method, end, num_records), initial)


def _ended(problem: Problem, run: _Run, state: FlowState) -> FlowResult:
    state = replace(state, displacement=run.span.whole(state.displacement))
    return finish(problem, state, run.initial_loss)


def advance(
    problem: Problem, method: AbstractMethod, stop: Stop, state: FlowState, max_steps: int | Array
) -> FlowState:
    """Step until the run ends or `max_steps` steps have been tried in all."""
    return jax.lax.while_loop(
        lambda s: (s.outcome == Outcome.RUNNING.value) & (s.num_tried < max_steps),
        lambda s: method.step(problem, stop, s),
        state,
    )


def finish(problem: Problem, state: FlowState, initial_loss: Float[Array, ""]) -> FlowResult:
    """The result of a run; one that is still running has run out of steps."""
    outcome = jnp.where(
        state.outcome == Outcome.RUNNING.value, Outcome.OUT_OF_STEPS.value, state.outcome
    )
    history: History = state.history
    return FlowResult(
        problem.at(state.displacement),
        state.loss,
        state.time,
        state.num_steps,
        state.num_tried,
        outcome,
        history.time,
        history.loss,
        initial_loss,
        state.displacement,
    )


_start, _advance, _end = eqx.filter_jit(_started), eqx.filter_jit(advance), eqx.filter_jit(_ended)


@eqx.filter_jit
def _solve(problem, method, stop_fraction, stop_time, max_steps, num_records):
    return trace_flow(
        problem,
        method,
        stop_fraction,
        stop_time,
        max_steps=max_steps,
        num_records=num_records,
    )


def _check_targets(problem: Problem) -> None:
    if not isinstance(problem.criterion, SquaredLoss):
        return
    residual = problem.start_outputs() - problem.y
    scale = max(float(jnp.max(jnp.abs(problem.y))), 1e-300)
    if float(jnp.max(jnp.abs(residual))) <= 1e-14 * scale:
        raise InputError(
            "training needs a residual to remove",
            received="outputs that equal the targets at the start",
            cause="targets that are all zero, or a network that was trained already",
            fix="give other targets, or start from a new draw",
        )
