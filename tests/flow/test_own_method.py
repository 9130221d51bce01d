"""Is a method of training of one's own one class?"""

import jax
import jax.numpy as jnp
import numpy as np

from cases import dense_case
from lazyscope._outcome import Outcome
from lazyscope.flow import AbstractMethod, FlowState, GradientDescent, solve_flow


class Halving(AbstractMethod):
    """Descent whose step is halved whenever the loss would not fall; its memory is the step size."""

    @property
    def points_per_record(self):
        return 1

    def start(self, problem):
        return jnp.asarray(64.0)

    def step(self, problem, stop, state):
        here = state.displacement
        slope = jax.grad(problem.loss_after)(here)
        tried = problem.move(here, jax.tree.map(lambda g: -state.memory * g, slope))
        loss = problem.loss_after(tried)
        ok = loss < state.loss
        time = jnp.where(ok, state.time + state.memory, state.time)
        num = state.num_steps + ok.astype(state.num_steps.dtype)
        done = ok & ((loss <= stop.loss) | (time >= stop.time))
        outcome = jnp.where(done, Outcome.CONVERGED.value, Outcome.RUNNING.value)
        recorded = state.history.record(num, time[None], loss[None])
        pick = lambda new, old: jax.tree.map(lambda a, b: jnp.where(ok, a, b), new, old)  # noqa: E731
        return FlowState(
            displacement=pick(tried, here),
            loss=jnp.where(ok, loss, state.loss),
            time=time,
            num_steps=num,
            num_tried=state.num_tried + 1,
            outcome=outcome.astype(state.outcome.dtype),
            history=pick(recorded, state.history),
            memory=jnp.where(ok, state.memory, 0.5 * state.memory),
        )


def test_a_class_outside_the_library_trains_to_the_asked_loss(double):
    problem = dense_case("tanh").problem
    own = solve_flow(problem, Halving(), stop=0.1)
    plain = solve_flow(problem, GradientDescent(stability_fraction=0.25), stop=0.1)
    assert own.outcome is Outcome.CONVERGED
    assert np.all(np.diff(own.curve()[1]) < 0)
    assert int(own.num_tried) > int(own.num_steps)
    assert float(own.time) < 3 * float(plain.time)
