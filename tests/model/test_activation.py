"""Does the table of nonlinearities say the truth about each?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import ACTIVATIONS
from lazyscope._checks import InputError
from lazyscope.model import Activation, activation, activation_names
from naive.dense import ACTIVATIONS as FORMULAS

pytestmark = pytest.mark.usefixtures("double")

GRID = np.linspace(-4, 4, 81) + 0.013


def test_every_nonlinearity_has_a_formula_in_these_tests():
    assert sorted(activation_names()) == sorted(ACTIVATIONS) == sorted(FORMULAS)


@pytest.mark.parametrize("name", activation_names())
def test_values_and_slopes_follow_the_formula(name):
    sigma, slope = FORMULAS[name]
    found = activation(name)
    np.testing.assert_allclose(found(jnp.asarray(GRID)), sigma(GRID), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.slope(jnp.asarray(GRID)), slope(GRID), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", activation_names())
def test_homogeneous_means_that_positive_factors_pass_through(name):
    found = activation(name)
    u = jnp.asarray(GRID)
    passes = all(np.allclose(found(c * u), c * found(u), rtol=1e-12) for c in (0.1, 3.0, 50.0))
    assert passes == found.homogeneous


def one_sided_slopes(name, step=1e-7):
    above, at, below = activation(name)(jnp.asarray([step, 0.0, -step]))
    return float(above - at) / step, float(at - below) / step


@pytest.mark.parametrize("name", activation_names())
def test_slope_at_zero_is_the_difference_quotient_or_none_at_a_kink(name):
    right, left = one_sided_slopes(name)
    expected = activation(name).slope_at_zero
    if expected is None:
        assert abs(right - left) > 0.5
    else:
        assert right == pytest.approx(expected, abs=1e-6)
        assert left == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", activation_names())
def test_smooth_means_that_the_slope_never_jumps(name):
    u = jnp.linspace(-5.0, 5.0, 20_001)
    jump = float(jnp.max(jnp.abs(jnp.diff(activation(name).slope(u)))))
    assert (jump < 1e-3) == activation(name).smooth


@pytest.mark.parametrize("name", activation_names())
def test_kinks_are_where_the_slope_jumps_and_nowhere_else(name):
    u = jnp.linspace(-5.0, 5.0, 20_001)
    slopes = np.asarray(activation(name).slope(u))
    jumps = np.flatnonzero(np.abs(np.diff(slopes)) > 1e-3)
    ends = {round(float(u[i + side]), 6) for i in jumps for side in (0, 1)}
    assert all(kink in ends for kink in activation(name).kinks)
    assert (len(jumps) > 0) == (len(activation(name).kinks) > 0)


def test_every_nonlinearity_has_a_formula_for_tables():
    assert all(activation(name).formula for name in activation_names())


def test_a_smooth_nonlinearity_with_kinks_is_refused():
    with pytest.raises(InputError, match=r"no kinks.*Received: kinks \(0\.0,\)"):
        Activation("mine", jnp.tanh, homogeneous=False, smooth=True, slope_at_zero=1.0, kinks=[0.0])


@pytest.mark.parametrize("name", ["gelu", "softplus"])
def test_far_arguments_stay_finite_with_their_slopes(name):
    u = jnp.asarray([-800.0, -40.0, 40.0, 800.0])
    np.testing.assert_allclose(activation(name)(u), [0, 0, 40, 800], atol=1e-15)
    np.testing.assert_allclose(activation(name).slope(u), [0, 0, 1, 1], atol=1e-15)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"must be one of .*Received: 'rellu'.*use 'relu'"):
        activation("rellu")


def test_a_nonlinearity_works_inside_jit():
    assert float(jax.jit(activation("sine"))(jnp.asarray(0.5))) == pytest.approx(np.sin(0.5))
