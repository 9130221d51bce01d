"""Does every public way of training keep the promises that runs rely on?"""

import inspect
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case
from lazyscope import flow as room
from lazyscope._outcome import Outcome
from lazyscope.flow import (
    AbstractMethod,
    ExponentialFlow,
    GradientDescent,
    OptimiserSteps,
    trace_flow,
)

INSTANCES = {
    ExponentialFlow: ExponentialFlow(),
    GradientDescent: GradientDescent(stability_fraction=0.25),
    OptimiserSteps: OptimiserSteps("sgd", share=0.05),
}


def test_every_public_method_is_under_test():
    public = {
        value
        for value in (getattr(room, name) for name in room.__all__)
        if inspect.isclass(value)
        and issubclass(value, AbstractMethod)
        and not inspect.isabstract(value)
    }
    assert public == set(INSTANCES)


@cache
def compiled(kind):
    """(stop fraction, stop time, most steps) -> result, on one small problem."""
    with jax.enable_x64(True):
        problem = dense_case("tanh").problem

    @jax.jit
    def train(stop, time, most):
        return trace_flow(problem, INSTANCES[kind], stop, time, max_steps=most, num_records=16)

    def run(stop=0.0, time=np.inf, most=5000):
        with jax.enable_x64(True):
            return train(jnp.asarray(stop), jnp.asarray(time), jnp.asarray(most, jnp.int32))

    return run


@pytest.fixture(params=INSTANCES, ids=lambda kind: kind.__name__)
def run(request):
    return compiled(request.param)


@pytest.mark.slow
def test_the_asked_loss_is_reached(run):
    result = run(stop=1e-2)
    assert result.outcome is Outcome.CONVERGED
    assert float(result.loss) <= 1e-2 * float(result.initial_loss)


def test_the_asked_time_is_reached_within_the_last_step(run):
    result = run(time=1.0)
    before = run(time=1.0, most=int(result.num_tried) - 1)
    assert result.outcome is Outcome.CONVERGED
    assert float(before.time) < 1.0 <= float(result.time) * (1 + 1e-12)


def test_running_out_of_steps_is_said(run):
    result = run(stop=1e-9, most=3)
    assert result.outcome is Outcome.OUT_OF_STEPS
    assert int(result.num_steps) <= int(result.num_tried) == 3


def test_a_run_that_starts_where_it_should_end_takes_no_step(run):
    result = run(stop=1.0)
    assert result.outcome is Outcome.CONVERGED
    assert int(result.num_tried) == 0
    assert float(result.loss) == float(result.initial_loss)


def test_the_reported_loss_is_that_of_the_reported_parameters(run):
    with jax.enable_x64(True):
        problem, result = dense_case("tanh").problem, run(stop=1e-2)
        loss = problem.loss(problem.residual(result.params))
    assert float(loss) == pytest.approx(float(result.loss), rel=1e-10)


def test_the_curve_is_inside_the_run(run):
    time, loss = run(stop=1e-2).curve()
    assert np.all(np.diff(time) > 0)
    assert np.all(loss <= loss[0] * (1 + 1e-12))


def test_all_methods_follow_the_same_flow():
    ends = [float(compiled(kind)(time=1.0).loss) for kind in INSTANCES]
    assert ends[1:] == pytest.approx([ends[0]] * (len(ends) - 1), rel=0.2)
