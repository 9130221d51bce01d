import jax
import numpy as np
import pytest

from lazyscope.model import rows_times, sum_of_outer_products


@pytest.mark.slow
@pytest.mark.parametrize("fan_in", [1, 2, 4, 5, 9])
def test_few_terms_give_the_matrix_product(fan_in, double):
    x = jax.random.normal(jax.random.key(0), (3, 7, fan_in))
    matrix = jax.random.normal(jax.random.key(1), (6, fan_in))
    np.testing.assert_allclose(rows_times(x, matrix), x @ matrix.T, rtol=1e-13, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [(1, 5, 1), (4, 50, 2), (8, 3, 40), (16, 2, 2), (17, 9, 2), (4, 9, 9)]
)
def test_few_outer_products_give_the_matrix_product(shape, double):
    num, fan_out, fan_in = shape
    left = jax.random.normal(jax.random.key(0), (num, fan_out))
    right = jax.random.normal(jax.random.key(1), (num, fan_in))
    expected = np.asarray(left).T @ np.asarray(right)
    np.testing.assert_allclose(sum_of_outer_products(left, right), expected, rtol=1e-13, atol=1e-13)


def test_no_terms_give_zeros():
    assert rows_times(np.zeros((3, 0)), np.zeros((2, 0))).shape == (3, 2)
    assert sum_of_outer_products(np.zeros((0, 2)), np.zeros((0, 3))).shape == (2, 3)
