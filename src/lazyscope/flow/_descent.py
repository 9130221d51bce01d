"""What does plain gradient descent do, step by step?"""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from lazyscope._checks import InputError, check_positive, check_scale
from lazyscope._entry import checked
from lazyscope._loss import check_squared
from lazyscope._types import Scalar
from lazyscope.flow._method import AbstractMethod, FlowState, Stop
from lazyscope.flow._problem import Problem
from lazyscope.kernel import as_matrix


@final
class GradientDescent(AbstractMethod):
    """Full-batch gradient descent: theta_g <- theta_g - eta s_g grad_g R.

    Args:
        step_size: eta. Time passes by eta per step, so that small steps follow gradient flow.
        stability_fraction: instead of `step_size`, eta as this fraction of the stability limit
            2 n / lambda_max(K(0)) of the linearised network under the squared loss; 0.5 is the
            classical n / lambda_max.

    Raises:
        InputError: both or neither are given, or a number is not above zero.

    Outcomes: diverged when the loss is not finite or 1e8 times its start; stalled when the gradient
    is exactly zero; out of steps.

    Cost per step: one forward and one backward pass. Trust: exact arithmetic of descent; as a method
    for gradient flow it has order one.
    """

    step_size: float | Scalar | None = None
    stability_fraction: float | None = None

    def __check_init__(self) -> None:
        if (self.step_size is None) == (self.stability_fraction is None):
            raise InputError(
                "descent takes either a step size or a fraction of the stability limit",
                received=f"step_size={self.step_size}, stability_fraction={self.stability_fraction}",
                cause="both or neither were set",
                fix="give stability_fraction=0.5 for the step n / lambda_max",
            )
        if self.step_size is not None:
            check_scale("step_size", self.step_size)
        if self.stability_fraction is not None:
            check_positive("stability_fraction", self.stability_fraction)

    @property
    def points_per_record(self) -> int:
        """The loss after the step."""
        return 1

    def start(self, problem: Problem) -> "_DescentMemory":
        """The step size and the initial loss."""
        initial = problem.loss_of(problem.start_outputs())
        return _DescentMemory(self._step_size(problem), initial)

    def _step_size(self, problem: Problem) -> Scalar:
        if self.step_size is not None:
            return jnp.asarray(self.step_size, problem.x.dtype)
        fraction = 1.0 if self.stability_fraction is None else self.stability_fraction
        limit = largest_stable_step(problem)
        # Where the kernel is zero every step is stable, and the gradient is zero too: the run stalls.
        return fraction * jnp.where(jnp.isinf(limit), 1.0, limit)

    def step(self, problem: Problem, stop: Stop, state: FlowState) -> FlowState:
        """Take one step down the gradient."""
        eta = state.memory.step_size

        def downhill(outputs: Array) -> Array:
            return -eta * problem.criterion.gradient(outputs, problem.y)

        change = problem.gradient_after(state.displacement, downhill)
        displacement = problem.move(state.displacement, change.as_params())
        loss = problem.loss_after(displacement)
        time = state.time + eta
        gone = ~jnp.any(change.norms() > 0)
        first = state.memory.initial_loss
        return state.stepped(stop, displacement, loss, time, gone=gone, first=first)


@final
class _DescentMemory(eqx.Module):
    step_size: Scalar
    initial_loss: Scalar


@checked()
def largest_stable_step(problem: Problem) -> Scalar:
    """2 n / lambda_max(K(0)), above which descent on the linearised network grows (squared loss)."""
    check_squared("the largest stable step", problem.criterion)
    expansion = problem.kernel.expand(problem.params, problem.x)
    matrix = as_matrix(expansion.kernel(problem.speeds))
    return 2.0 * problem.x.shape[0] / jnp.linalg.eigvalsh(matrix)[-1]
