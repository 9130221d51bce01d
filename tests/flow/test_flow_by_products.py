"""Is the exponential flow by products of the kernel the one by its eigendecomposition?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.flow import ExponentialFlow, dense_problem, function_problem, solve_flow
from lazyscope.flow.exponential._krylov import KrylovSpectrum
from lazyscope.model import Dense


def problem(outputs=3, n=6, width=24, activation="tanh"):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 4)), rng.normal(size=(n, outputs))
    model = Dense(4, outputs, width, 1, activation)
    with jax.enable_x64(True):
        params = model.init_from_std(jax.random.key(1), np.array([0.5, 0.3]))
        return dense_problem(model, params, x, y, speeds=[1.0, 2.0])


def moved(result):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(result.displacement)])


@pytest.mark.slow
def test_with_as_many_products_as_modes_it_is_the_flow_of_the_whole_kernel():
    whole, products = (
        solve_flow(problem(), ExponentialFlow(0.02, frozen, products=18), stop=1e-2)
        for frozen in ("full", "products")
    )
    assert products.outcome.ok
    assert int(products.num_steps) == int(whole.num_steps)
    np.testing.assert_allclose(moved(products), moved(whole), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(products.time, whole.time, rtol=1e-6)


@pytest.mark.slow
def test_few_products_take_more_steps_to_the_same_end():
    whole = solve_flow(problem(), ExponentialFlow(1e-3, "full"), stop=0.05)
    few = solve_flow(problem(), ExponentialFlow(0.05, "products", products=5), stop=0.05)
    assert few.outcome.ok
    apart = np.linalg.norm(moved(few) - moved(whole)) / np.linalg.norm(moved(whole))
    assert apart < 0.02
    assert float(few.time) == pytest.approx(float(whole.time), rel=0.03)


@pytest.mark.slow
def test_a_linear_model_takes_one_step_to_a_time():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    linear = function_problem(lambda p, x: x @ p["w"], {"w": np.zeros((3, 2))}, x, y)
    found = solve_flow(linear, ExponentialFlow(frozen="products"), stop=None, stop_time=5.0)
    values, vectors = np.linalg.eigh(x.T @ x / 8)
    exact = vectors @ np.diag(-np.expm1(-5.0 * values) / values) @ vectors.T @ (x.T @ y / 8)
    np.testing.assert_allclose(found.displacement[0][0], exact, rtol=1e-9)


@pytest.mark.parametrize("steps", [2, 4])
def test_what_a_krylov_space_leaves_out_is_within_its_bound(steps):
    rng = np.random.default_rng(4)
    root = rng.normal(size=(9, 9))
    kernel, r = root @ root.T, rng.normal(size=(9, 1))
    values, vectors = np.linalg.eigh(kernel)
    for share in (0.01, 0.1, 1.0):
        exact = vectors @ np.diag(np.exp(-share * values)) @ vectors.T @ r
        with jax.enable_x64(True):
            found = KrylovSpectrum.of(lambda v: jnp.asarray(kernel) @ v, jnp.asarray(r), steps)
            z = -share * found.values
            error = np.linalg.norm(found.applied(jnp.exp(z)) - exact) / np.linalg.norm(r)
            bound = float(found.decay_error(share, jnp.expm1(z) / z))
        assert error <= bound * (1 + 1e-9)
        assert bound < 30 * error + 1e-9


def test_a_space_that_ends_early_is_exact():
    kernel, r = np.diag([1.0, 2.0, 3.0, 4.0]), np.array([[1.0], [1.0], [0.0], [0.0]])
    with jax.enable_x64(True):
        found = KrylovSpectrum.of(lambda v: jnp.asarray(kernel) @ v, jnp.asarray(r), 4)
        decayed = found.applied(jnp.exp(-found.values))
    np.testing.assert_allclose(decayed, np.exp(-np.diag(kernel))[:, None] * r, atol=1e-12)
    assert float(found.coupling) == 0.0


@pytest.mark.slow
def test_a_kernel_too_large_to_decompose_is_trained_by_products_within_the_same_memory(monkeypatch):
    monkeypatch.setattr("lazyscope.model._memory._ALWAYS_THERE", 0)
    monkeypatch.setattr("lazyscope.model._memory.memory_at_hand", lambda: 10_000)
    with pytest.raises(InputError, match="frozen kernel of 6 points and 3 outputs"):
        solve_flow(problem(), ExponentialFlow(frozen="full"), stop=0.5)
    by_products = ExponentialFlow(frozen="products", products=6)
    assert solve_flow(problem(), by_products, stop=0.5).outcome.ok
    monkeypatch.setattr("lazyscope.model._memory.memory_at_hand", lambda: 100)
    with pytest.raises(InputError, match="Krylov space of 40 products"):
        solve_flow(problem(), ExponentialFlow(frozen="products"), stop=0.5)
