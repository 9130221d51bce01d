"""Do exponential steps end where an explicit solver in parameter space ends?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case, relative_difference, weights_of
from lazyscope.flow import ExponentialFlow, solve_flow
from naive.explicit_flow import explicit_flow

STOP = 1e-4


def solve_both(activation, *, rtol, **sizes):
    """The case, its initial loss, and the explicit solver's weights and time at the asked loss."""
    with jax.enable_x64(True):
        case = dense_case(activation, **sizes)
        initial = float(case.problem.loss(case.problem.residual(case.problem.params)))
    # The flow may end anywhere in [0.999, 1] of the asked loss; the reference ends in the middle.
    return case, initial, *explicit_flow(*case[1:], level=0.9995 * STOP * initial, rtol=rtol)


@pytest.fixture(scope="module")
def smooth():
    return solve_both("tanh", num_points=8, input_dim=4, width=24, depth=2, rtol=1e-8)


@pytest.fixture(scope="module")
def kinked():
    return solve_both("relu", num_points=32, input_dim=16, width=128, gain=1.4, rtol=1e-5)


def displacements(weights, start):
    return np.array([np.linalg.norm(w - s) for w, s in zip(weights, start, strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-1, 1e-2, 1e-3])
def test_each_layers_displacement_agrees_to_the_tolerance(smooth, tolerance):
    case, initial, exact, time = smooth
    result = solve_flow(case.problem, ExponentialFlow(jnp.asarray(tolerance)), stop=STOP)
    assert result.outcome.ok
    assert 0.999 * STOP * initial <= float(result.loss) <= STOP * initial
    # as vectors, which is more than the norms that reports show
    assert np.all(relative_difference(weights_of(result.params), exact, case.weights) <= tolerance)
    assert float(result.time) == pytest.approx(time, rel=tolerance)


@pytest.mark.slow
def test_relu_displacements_agree_to_one_per_cent_by_default(kinked):
    case, _, exact, time = kinked
    result = solve_flow(case.problem, stop=STOP)
    assert result.outcome.ok
    found = displacements(weights_of(result.params), case.weights)
    np.testing.assert_allclose(found, displacements(exact, case.weights), rtol=0.01)
    assert float(result.time) == pytest.approx(time, rel=0.01)


def test_a_lazy_run_takes_a_handful_of_steps(kinked):
    # plain descent at n / lambda_max needs about lambda_max / lambda_min * log(1e4) / 2 of them
    assert int(solve_flow(kinked[0].problem, stop=STOP).num_tried) <= 25
