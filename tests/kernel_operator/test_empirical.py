"""Is the operator of a finite network that of its Jacobian?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.operator import (
    PreconditionerSettings,
    empirical_kernel_operator,
    flow_loss_bounds,
    predict_flow_with,
    solve_kernel_regression,
)


def network(params, x):
    return jnp.tanh(x @ params["a"]) @ params["b"]


@pytest.fixture(scope="module")
def case():
    """Operator, naive kernel over (point, output) pairs, points, and the naive cross kernel."""
    draw = np.random.default_rng(0).standard_normal
    params = {"a": draw((3, 8)), "b": draw((8, 2)) / 3}
    x, other = draw((7, 3)), draw((7, 3))
    with jax.enable_x64(True):
        tree = jax.tree.map(jnp.asarray, params)

        def jacobian(points):
            parts = jax.jacrev(lambda p: network(p, jnp.asarray(points)).reshape(-1))(tree)
            return np.concatenate([np.asarray(v).reshape(14, -1) for v in parts.values()], axis=1)

        j, k = jacobian(x), jacobian(other)
    return empirical_kernel_operator(network, params, x), j @ j.T, (x, other), k @ j.T, k @ k.T


def test_products_columns_and_diagonal_are_those_of_the_jacobian(case):
    operator, whole, (_, other), cross, own = case
    assert (operator.num_points, operator.num_coupled, operator.num_modes) == (7, 2, 14)
    np.testing.assert_allclose(operator.product(np.eye(14)[:, :3]), whole[:, :3], rtol=1e-11)
    np.testing.assert_allclose(operator.diagonal(), np.diag(whole), rtol=1e-11)
    chosen = np.array([9, 2, 3])
    np.testing.assert_allclose(operator.columns(chosen), whole[:, chosen], rtol=1e-11)
    between = operator.across(other)
    np.testing.assert_allclose(between.rows(), cross, rtol=1e-11)
    np.testing.assert_allclose(between.product(np.eye(14)[:, :2]), cross[:, :2], rtol=1e-11)
    np.testing.assert_allclose(between.diagonal(), np.diag(own), rtol=1e-11)


def test_regression_and_flow_couple_the_outputs(case):
    operator, whole, (x, other), cross, _ = case
    y = np.sin(x[:, :2])
    found = solve_kernel_regression(
        operator, y, ridge=0.1, tolerance=1e-10, preconditioner=PreconditionerSettings(rank=4)
    )
    a = np.linalg.solve(whole + 0.1 * np.eye(14), y.reshape(-1))
    np.testing.assert_allclose(found.coefficients.reshape(-1), a, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.predict(other).reshape(-1), cross @ a, rtol=1e-7, atol=1e-9)
    values, vectors = np.linalg.eigh(whole)
    left = vectors @ (np.exp(-values * 2.0 / 7) * (vectors.T @ -y.reshape(-1)))
    flow = predict_flow_with(operator, y, 2.0, x_other=other)
    np.testing.assert_allclose(flow.outputs, y + left.reshape(7, 2), atol=1e-5)
    bounds = flow_loss_bounds(operator, y, steps=10)
    low, high = bounds.loss(2.0)
    assert low * (1 - 1e-9) <= np.sum(left**2) / 14 <= high * (1 + 1e-9)


def test_a_network_of_no_outputs_is_refused():
    with pytest.raises(InputError):
        empirical_kernel_operator(lambda p, x: x @ p, np.ones((2, 0)), np.ones((3, 2)))
