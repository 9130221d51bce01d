"""The linearised network in closed form, against its own differential equation and stepped flow."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from cases import dense_case, unit_points
from lazyscope._checks import InputError
from lazyscope.flow import ExponentialFlow, solve_flow, solve_linearised
from naive.dense import jacobian


@pytest.fixture
def case(double):
    return dense_case("tanh", num_points=5, output_dim=2, width=20, depth=2, speeds=(1.0, 0.5, 2.0))


def _jacobians(case, x):
    """Per layer an (n C, entries) matrix from the naive twin."""
    layers = [(w, None) for w in case.weights]
    return [j.reshape(-1, j.shape[-1]) for j in jacobian(layers, x, case.activation)]


def _kernel(case, x1, x2):
    total = 0.0
    for speed, left, right in zip(
        np.asarray(case.problem.speeds), _jacobians(case, x1), _jacobians(case, x2), strict=True
    ):
        total = total + speed * left @ right.T
    return total


def test_residual_is_the_matrix_exponential_of_the_dense_kernel(case):
    kernel = _kernel(case, case.x, case.x)
    start = np.asarray(case.problem.residual(case.problem.params)).ravel()
    linear = solve_linearised(case.problem)
    for time in (0.0, 0.3, 4.0):
        expected = expm(-kernel * time / len(case.x)) @ start
        np.testing.assert_allclose(np.asarray(linear.residual(time)).ravel(), expected, atol=1e-10)


def test_test_outputs_move_along_the_cross_kernel(case):
    other = unit_points(3, case.x.shape[1], seed=9)
    kernel, cross = _kernel(case, case.x, case.x), _kernel(case, other, case.x)
    start = np.asarray(case.problem.residual(case.problem.params)).ravel()
    initial = np.asarray(case.problem.model.apply(case.problem.params, jnp.asarray(other))).ravel()
    linear = solve_linearised(case.problem, other)
    for time in (0.0, 0.7, 50.0):
        decayed = np.eye(len(kernel)) - expm(-kernel * time / len(case.x))
        expected = initial - cross @ np.linalg.solve(kernel, decayed @ start)
        np.testing.assert_allclose(
            np.asarray(linear.outputs_other(time)).ravel(), expected, atol=1e-8
        )


def test_loss_is_half_the_mean_squared_residual_at_every_time(case):
    linear = solve_linearised(case.problem)
    times = jnp.asarray([0.0, 0.5, 3.0])
    expected = [float(jnp.sum(linear.residual(t) ** 2)) / (2 * len(case.x)) for t in times]
    np.testing.assert_allclose(linear.loss(times), expected, rtol=1e-10)


@pytest.mark.slow
def test_closed_form_equals_stepped_flow_for_a_model_linear_in_its_parameters(double):
    case = dense_case("tanh", num_points=6, width=30, speeds=(0.0, 1.0))
    run = solve_flow(case.problem, ExponentialFlow(fixed_step=0.37), stop=None, stop_time=2.0)
    outputs = case.problem.model.apply(run.params, case.problem.x)
    linear = solve_linearised(case.problem)
    np.testing.assert_allclose(outputs, linear.outputs(2.0), atol=1e-10)


def test_duplicate_points_keep_their_difference_for_ever(double):
    case = dense_case("tanh", num_points=4, width=30)
    x = case.problem.x.at[1].set(case.problem.x[0])
    y = case.problem.y.at[0].set(1.0).at[1].set(-1.0)
    problem = eqx.tree_at(lambda p: (p.x, p.y), case.problem, (x, y))
    residual = solve_linearised(problem).residual(1e7)
    assert float(residual[0, 0] - residual[1, 0]) == pytest.approx(-2.0, abs=1e-6)


@pytest.mark.parametrize("other", [1.0, np.ones((2, 1, 1)), np.ones((2, 7)), [[np.nan, 1.0]]])
def test_other_points_that_are_none_of_the_problem_are_refused(case, other):
    with pytest.raises(InputError, match="X_other must"):
        solve_linearised(case.problem, other)
