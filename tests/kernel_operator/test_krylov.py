"""Do Krylov spaces bound eigenvalues, flows and losses as they promise?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope._outcome import Outcome
from lazyscope.kernel import predict_flow
from lazyscope.operator import (
    extreme_eigenvalues,
    flow_loss_bounds,
    kernel_operator,
    posterior_variance,
    predict_flow_with,
)


def points(n, d=6, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def kernel(a, b):
    return np.exp(a @ b.T / 6)


def of_spectrum(values, seed=0):
    """An operator with these eigenvalues: a factor of points, and their inner products."""
    size = len(values)
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
    return kernel_operator(lambda a, b: a @ b.T, q * np.sqrt(values)), (q * values) @ q.T


def test_both_ends_lie_inside_their_intervals():
    values = np.linspace(0.5, 3.0, 60)
    for seed in range(5):
        operator, _ = of_spectrum(values, seed)
        ends = extreme_eigenvalues(operator, max_steps=25, tolerance=1e-9, seed=seed)
        assert ends.largest.low <= 3.0 <= ends.largest.high
        assert ends.smallest.low <= 0.5 <= ends.smallest.high
        assert abs(ends.largest.value - 3.0) <= max(ends.residual, 1e-12)
        assert not ends.is_singular


def test_few_steps_give_wide_intervals_that_hold_and_the_tolerance_ends_the_process():
    operator, _ = of_spectrum(np.geomspace(1e-3, 1.0, 80))
    few = extreme_eigenvalues(operator, max_steps=3)
    assert few.largest.high is None or few.largest.high >= 1.0
    assert few.largest.value < 1.0
    assert few.smallest.low == 0.0
    rough, fine = (extreme_eigenvalues(operator, tolerance=t) for t in (0.5, 0.05))
    assert rough.steps < fine.steps < 80
    assert fine.largest.high / fine.largest.value <= 1.05 + 1e-12


def test_the_inverse_tells_the_smallest_eigenvalue():
    operator, _ = of_spectrum(np.geomspace(1e-6, 1.0, 50))
    above = extreme_eigenvalues(operator, max_steps=15)
    inverse = extreme_eigenvalues(operator, max_steps=15, inverse_steps=12)
    assert above.smallest.high > 1e-5
    np.testing.assert_allclose(inverse.smallest.value, 1e-6, rtol=1e-4)
    assert inverse.smallest.low <= 1e-6 <= inverse.smallest.high * (1 + 1e-6)


def test_an_eigenvalue_below_the_rounding_of_the_entries_is_zero():
    x = points(30, 3)
    ends = extreme_eigenvalues(kernel_operator(lambda a, b: a @ b.T, x), inverse_steps=5)
    assert ends.is_singular
    assert ends.smallest.interval == (0.0, ends.smallest.high)
    np.testing.assert_allclose(ends.rounding, 30 * 2.0**-52 * ends.largest.value)


@pytest.mark.parametrize("outputs", [(), (2,)])
def test_finite_times_are_those_of_the_whole_kernel(outputs):
    x, other = points(40), points(6, seed=1)
    y, f0 = (np.random.default_rng(s).standard_normal((40, *outputs)) for s in (2, 3))
    g0 = np.random.default_rng(4).standard_normal((6, *outputs))
    times = np.array([0.0, 0.3, 20.0])
    whole = {"f0_train": f0, "f0_test": g0}
    operator = kernel_operator(kernel, x, tile=16)
    for tolerance in (1e-2, 1e-7):
        found = predict_flow_with(
            operator, y, times, x_other=other, f0_train=f0, f0_other=g0, tolerance=tolerance
        )
        train = predict_flow(kernel(x, x), y, times, f0_train=f0)
        test = predict_flow(kernel(x, x), y, times, k_test_train=kernel(other, x), **whole)
        gap = np.linalg.norm((found.outputs - train).reshape(3, 40, -1), axis=1)
        allowed = found.error * np.linalg.norm((f0 - y).reshape(40, -1), axis=0)
        assert found.outcome is Outcome.CONVERGED
        assert np.all(gap <= allowed + 1e-9)
        assert np.max(np.abs(found.outputs_other - test)) <= found.error_other + 1e-9
        moved = g0 - np.einsum("ij,tj...->ti...", kernel(other, x), found.coefficients)
        np.testing.assert_allclose(moved, found.outputs_other, atol=1e-9)
    one = predict_flow_with(operator, y, 0.3, f0_train=f0)
    np.testing.assert_allclose(one.outputs, train[1], atol=1e-5)
    assert one.outputs_other is None


def test_the_bound_on_a_flow_is_no_larger_than_ten_times_its_error():
    x, y = points(40), points(40, 1, seed=2)[:, 0]
    exact = predict_flow(kernel(x, x), y, 5.0)
    found = predict_flow_with(kernel_operator(kernel, x), y, 5.0, tolerance=1e-3)
    gap = np.linalg.norm(found.outputs - exact) / np.linalg.norm(y)
    assert found.error / 10 <= gap <= found.error <= 1e-3


def test_steps_that_run_out_leave_a_bound_and_an_outcome():
    found = predict_flow_with(kernel_operator(kernel, points(40)), points(40, 1), 1e4, max_steps=3)
    assert (found.outcome, found.steps) == (Outcome.OUT_OF_STEPS, 3)
    assert found.error > 1e-6


def test_bounds_enclose_the_loss_and_close_with_steps():
    x, y = points(60), points(60, 2, seed=5)
    values, vectors = np.linalg.eigh(kernel(x, x))
    energies = np.sum((vectors.T @ y) ** 2, axis=1)
    times = np.geomspace(1e-2, 1e4, 9)
    exact = np.exp(-2 * times[:, None] * values / 60) @ energies / 120
    operator, widths = kernel_operator(kernel, x), []
    for steps in (2, 6, 15):
        bounds = flow_loss_bounds(operator, y, steps=steps)
        low, high = bounds.loss(times)
        assert np.all(low <= exact * (1 + 1e-9))
        assert np.all(exact <= high * (1 + 1e-9))
        widths.append(np.max((high - low) / exact))
        assert low.shape == (9,)
    assert widths[0] > widths[1] > widths[2]
    at = bounds.loss(1.0)
    np.testing.assert_allclose(at[0], np.exp(-2 * values / 60) @ energies / 120, rtol=1e-6)
    early, late = bounds.time_to(0.5)
    level = 0.5 * energies.sum() / 120
    inside = np.exp(-2 * np.array([early, late])[:, None] * values / 60) @ energies / 120
    assert inside[1] <= level * (1 + 1e-9)
    assert inside[0] >= level * (1 - 1e-9)


def test_enough_steps_make_bounds_exact():
    operator, matrix = of_spectrum(np.array([1.0, 2.0, 3.0, 4.0]))
    r = np.ones(4)
    bounds = flow_loss_bounds(operator, r, steps=10)
    values, vectors = np.linalg.eigh(matrix)
    exact = np.exp(-2 * 2.0 * values / 4) @ (vectors.T @ r) ** 2 / 8
    np.testing.assert_allclose(bounds.loss(2.0), [exact, exact], rtol=1e-10)
    assert bounds.steps == 4


def test_posterior_variance_is_that_of_the_whole_kernel_and_bounds_it_from_above():
    x, other = points(40), points(5, seed=1)
    operator = kernel_operator(kernel, x, tile=16)
    cross = kernel(other, x)
    inverse = np.linalg.inv(kernel(x, x) + 0.1 * np.eye(40))
    exact = np.diag(kernel(other, other)) - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    for tolerance in (1e-1, 1e-9):
        found = posterior_variance(operator, other, ridge=0.1, tolerance=tolerance)
        assert np.all(found.variance >= exact - 1e-9)
        assert np.all(found.variance <= exact + found.error + 1e-9)
    np.testing.assert_allclose(found.variance, exact, rtol=1e-7)


def test_what_has_no_answer_is_refused():
    operator, y = kernel_operator(kernel, points(10)), np.ones(10)
    with pytest.raises(InputError, match="T must be finite"):
        predict_flow_with(operator, y, np.inf)
    with pytest.raises(InputError, match="T must be a time of at least 0"):
        predict_flow_with(operator, y, -1.0)
    with pytest.raises(InputError, match=r"F0_train must have shape \(10,\)"):
        predict_flow_with(operator, y, 1.0, f0_train=np.ones(9))
    with pytest.raises(InputError, match="residual must not be zero"):
        flow_loss_bounds(operator, np.zeros(10))
    with pytest.raises(InputError, match="Ridge must be above zero"):
        posterior_variance(operator, points(2), ridge=0.0)
