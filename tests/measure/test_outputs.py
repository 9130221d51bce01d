"""Kernel change, distance between outputs, and error rates."""

import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.measure import (
    error_rate,
    kernel_alignment,
    kernel_change,
    linearisation_gap,
    mean_squared_error,
)


def test_kernel_change_of_an_unchanged_kernel_is_zero(double):
    kernel = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4, 2, 2)))
    assert float(kernel_change(kernel, kernel)) == 0.0
    assert float(kernel_alignment(kernel, 7 * kernel)) == pytest.approx(1.0)


def test_kernel_change_is_measured_in_units_of_the_initial_kernel(double):
    first, second = (jnp.asarray(np.random.default_rng(s).normal(size=(5, 5))) for s in (0, 1))
    assert kernel_change(2 * first, 2 * second) == pytest.approx(
        float(kernel_change(first, second))
    )
    assert kernel_change(2 * first, first) == pytest.approx(0.5)


def test_linearisation_gap_is_measured_in_units_of_the_targets(double):
    f, g, y = (jnp.asarray(np.random.default_rng(s).normal(size=(6, 2))) for s in range(3))
    expected = np.sqrt(np.mean((np.asarray(f) - np.asarray(g)) ** 2) / np.mean(np.asarray(y) ** 2))
    assert linearisation_gap(f, g, y) == pytest.approx(expected)
    assert linearisation_gap(f, g, 2 * y) == pytest.approx(expected / 2)


def test_error_rate_counts_wrong_signs_of_one_output_and_wrong_maxima_of_several(double):
    one = jnp.asarray([[0.1], [-0.2], [3.0], [-4.0]])
    assert float(error_rate(one, jnp.asarray([[1.0], [1.0], [1.0], [-1.0]]))) == 0.25
    two = jnp.asarray([[0.1, 0.2], [0.5, 0.3]])
    assert float(error_rate(two, jnp.asarray([[0.5, -0.5], [0.5, -0.5]]))) == 0.5


def test_mean_squared_error_is_half_the_mean_square_over_points(double):
    f, y = jnp.asarray([[1.0, 2.0], [0.0, 0.0]]), jnp.zeros((2, 2))
    assert float(mean_squared_error(f, y)) == pytest.approx(5.0 / 4.0)


def test_measures_without_points_are_not_a_number(double):
    nothing, y = jnp.zeros((0, 1)), jnp.ones((3, 1))
    assert np.isnan(linearisation_gap(nothing, nothing, y))
    assert np.isnan(error_rate(nothing, nothing))
