"""What must a way of training offer, and what does a run carry from step to step?"""

import abc
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from lazyscope._outcome import Outcome
from lazyscope._types import Params, Scalar
from lazyscope.flow._history import History
from lazyscope.flow._problem import Problem

_HOPELESS = 1e8


@final
class Stop(eqx.Module):
    """When a run has done what was asked: the first of a loss and a time.

    Attributes:
        loss: absolute loss R at which the run ends; zero never ends it.
        time: flow time at which the run ends; infinity never ends it.
    """

    loss: Scalar
    time: Scalar


@final
class FlowState(eqx.Module):
    """Everything that changes during a run; plain arrays, so that runs can be batched and refilled.

    Attributes:
        displacement: D, current parameters minus those at the start; ``problem.at(D)`` gives them.
        loss: current loss R.
        time: flow time passed (for descent: steps times step size).
        num_steps: accepted steps.
        num_tried: steps tried, rejected ones included.
        outcome: code of an `Outcome`; RUNNING while there is work to do.
        history: the loss curve.
        memory: what the method itself carries.
    """

    displacement: Params
    loss: Scalar
    time: Scalar
    num_steps: Int[Array, ""]
    num_tried: Int[Array, ""]
    outcome: Int[Array, ""]
    history: History
    memory: Any

    def stepped(
        self,
        stop: Stop,
        displacement: Params,
        loss: Scalar,
        time: Scalar,
        *,
        gone: Array,
        first: Scalar,
    ) -> "FlowState":
        """The state after a step that is always taken, with what the method carries left as it is.

        Args:
            stop: when the run has done what was asked.
            displacement: where the step led.
            loss: R there.
            time: flow time there.
            gone: whether nothing moved, so that nothing will.
            first: R at the start; a loss 1e8 times it has diverged.
        """
        num_steps = self.num_steps + 1
        outcome = jnp.where(
            (loss <= stop.loss) | (time >= stop.time),
            Outcome.CONVERGED.value,
            jnp.where(gone, Outcome.STALLED.value, Outcome.RUNNING.value),
        )
        outcome = jnp.where(~(loss < _HOPELESS * first), Outcome.DIVERGED.value, outcome)
        return FlowState(
            displacement=displacement,
            loss=loss,
            time=time,
            num_steps=num_steps,
            num_tried=num_steps,
            outcome=outcome.astype(self.outcome.dtype),
            history=self.history.record(num_steps, time[None], loss[None]),
            memory=self.memory,
        )


class AbstractMethod(eqx.Module):
    """A way of training: how a run starts, and what one step does. Both are traced."""

    @property
    @abc.abstractmethod
    def points_per_record(self) -> int:
        """How many points of the loss curve one step shows."""

    @abc.abstractmethod
    def start(self, problem: Problem) -> Any:
        """What the method carries at the first step."""

    @abc.abstractmethod
    def step(self, problem: Problem, stop: Stop, state: FlowState) -> FlowState:
        """The state after trying one step; the outcome says whether the run has ended."""


def start_run(problem: Problem, method: AbstractMethod, stop: Stop, num_records: int) -> FlowState:
    """The state before the first step; a run that is already where it should go has converged."""
    displacement = jax.tree.map(jnp.zeros_like, problem.params)
    loss = problem.loss_after(displacement)
    zero = jnp.asarray(0, jnp.int32)
    outcome = jnp.where(
        jnp.isfinite(loss),
        jnp.where(loss <= stop.loss, Outcome.CONVERGED.value, Outcome.RUNNING.value),
        Outcome.DIVERGED.value,
    ).astype(jnp.int32)
    return FlowState(
        displacement=displacement,
        loss=loss,
        time=jnp.zeros_like(loss),
        num_steps=zero,
        num_tried=zero,
        outcome=outcome,
        history=History.empty(num_records, method.points_per_record, loss.dtype),
        memory=method.start(problem),
    )
