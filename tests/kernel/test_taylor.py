"""Expansions of a function in its parameters are its Taylor polynomials, and stay plain functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import conjugate_kernel, linearise, tangent_kernel, taylor
from naive.jacobian_kernel import jacobians


def network(p, x):
    return jnp.tanh(x @ p["w"] + p["b"]) @ p["v"]


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    params = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4), "v": rng.normal(size=(4, 2))}
    move = jax.tree.map(lambda a: 0.1 * rng.normal(size=a.shape), params)
    return params, move, rng.normal(size=(5, 3))


def added(params, move, share=1.0):
    return jax.tree.map(lambda a, b: a + share * b, params, move)


def test_linearised_outputs_are_those_of_the_dense_jacobian(drawn, double):
    params, move, x = drawn
    found = linearise(network, params)(added(params, move), x)
    rows = jacobians(network, params, x)
    parts = [j @ np.ravel(m) for j, m in zip(rows, jax.tree.leaves(move), strict=True)]
    np.testing.assert_allclose(found, network(params, x) + sum(parts), rtol=1e-12)


def test_the_linearised_function_has_the_kernel_of_its_start_wherever_it_is(drawn, double):
    params, move, x = drawn
    found = tangent_kernel(linearise(network, params), added(params, move), x)
    np.testing.assert_allclose(found, tangent_kernel(network, params, x), rtol=1e-12)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_the_error_of_a_polynomial_falls_with_the_power_after_its_degree(degree, drawn, double):
    params, move, x = drawn
    polynomial = jax.jit(taylor(network, params, degree))
    errors = []
    for share in (0.2, 0.1):
        moved = added(params, move, share)
        errors.append(np.abs(polynomial(moved, x) - network(moved, x)).max())
    assert errors[0] > 1e-9
    assert abs(np.log2(errors[0] / errors[1]) - (degree + 1)) < 0.15


def test_a_cubic_is_its_own_polynomial_of_degree_three(double):
    def cubic(w, x):
        return x * w**3 - w

    w, x = jnp.asarray(0.7), jnp.asarray(2.0)
    np.testing.assert_allclose(
        taylor(cubic, w, 3)(jnp.asarray(-1.3), x), cubic(-1.3, x), rtol=1e-13
    )


def test_a_function_with_a_rule_in_reverse_only_is_linearised_all_the_same(double):
    @jax.custom_vjp
    def square(a):
        return a**2

    square.defvjp(lambda a: (a**2, a), lambda a, g: (2 * a * g,))
    f, w = (lambda w, x: x * square(w)), jnp.asarray(3.0)
    assert float(linearise(f, w)(jnp.asarray(4.0), 2.0)) == pytest.approx(18 + 12)
    with pytest.raises(InputError, match="derivatives in forward direction"):
        taylor(f, w, 2)(jnp.asarray(4.0), 2.0)


def test_changing_the_arrays_later_changes_nothing(drawn, double):
    params, move, x = drawn
    found, moved = linearise(network, params), added(params, move)
    before = found(moved, x)
    params["w"] *= 2
    np.testing.assert_array_equal(found(moved, x), before)


@pytest.mark.parametrize("wrong", [{"w": np.ones((3, 4))}, {"w": 1.0, "b": 1.0, "v": 1.0}])
def test_other_parameters_are_refused(wrong, drawn):
    params, _, x = drawn
    with pytest.raises(InputError, match="structure and shapes of those at the expansion point"):
        linearise(network, params)(wrong, x)


def test_the_conjugate_kernel_is_the_mean_over_units_one_by_one(drawn, double):
    params, _, x = drawn

    def features(p, x):
        return jnp.tanh(x @ p["w"] + p["b"])

    h = np.asarray(features(params, x))
    expected = [[np.mean([a[u] * b[u] for u in range(4)]) for b in h[:3]] for a in h]
    for memory in (2**30, 1):
        found = conjugate_kernel(features, params, x, x[:3], memory=memory)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(InputError, match="batch"):
        conjugate_kernel(lambda p, x: features(p, x) - features(p, x).mean(0), params, x)
