"""Do exponential steps have order two, whatever matrix is frozen inside them?"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case, weights_of
from lazyscope.flow import ExponentialFlow, GradientDescent, trace_flow
from lazyscope.flow.exponential import _exponential
from lazyscope.flow.exponential._phi import phi_functions
from naive.explicit_flow import explicit_flow

TIME = 1.0
NUM_STEPS = np.array([16, 32, 64, 128, 256])


@pytest.fixture(scope="module")
def reference():
    """Networks with three outputs, and where the flow has brought them at TIME."""

    @cache
    def solve(activation):
        with jax.enable_x64(True):
            case = dense_case(activation, output_dim=3, width=12, gain=1.3)
        return case.problem, explicit_flow(*case[1:], time=TIME, rtol=1e-10)[0]

    return solve


def order(reference, method_with_step):
    """Slope of the distance to the reference at TIME against the step."""
    problem, exact = reference

    @jax.jit
    def end(step):
        method = method_with_step(step)
        return trace_flow(problem, method, 0.0, TIME, max_steps=1000, num_records=4)

    with jax.enable_x64(True):
        runs = [end(jnp.asarray(TIME / num)) for num in NUM_STEPS]
    assert [int(run.num_steps) for run in runs] == list(NUM_STEPS)
    errors = [_distance(weights_of(run.params), exact) for run in runs]
    assert min(errors) > 1e-8, "an order is fitted far above rounding and the reference's own error"
    return -np.polyfit(np.log(NUM_STEPS), np.log(errors), 1)[0]


def _distance(found, exact):
    return np.sqrt(sum(np.sum((f - e) ** 2) for f, e in zip(found, exact, strict=True)))


def steps(frozen):
    return lambda step: ExponentialFlow(fixed_step=step, frozen=frozen)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "frozen"), [("tanh", "mean"), ("tanh", "full"), ("gelu", "mean")]
)
def test_order_is_two_with_either_frozen_kernel(reference, activation, frozen):
    assert abs(order(reference(activation), steps(frozen)) - 2) <= 0.15


def broken_phi(z, second):
    """The phi functions with the second one multiplied, so that the correction is wrong."""
    decay, one, two = phi_functions(z)
    return decay, one, second * two


@pytest.mark.slow
@pytest.mark.parametrize("second", [0.0, 0.8])
def test_a_missing_or_misweighted_correction_fails_the_same_test(reference, second, monkeypatch):
    monkeypatch.setattr(_exponential, "phi_functions", partial(broken_phi, second=second))
    assert abs(order(reference("tanh"), steps("mean")) - 2) > 0.5


def test_descent_tends_to_the_flow_at_order_one(reference):
    found = order(reference("tanh"), lambda step: GradientDescent(step_size=step))
    assert abs(found - 1) <= 0.15
