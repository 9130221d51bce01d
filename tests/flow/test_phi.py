"""Are the phi functions right on both sides of their seam?"""

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from lazyscope.flow.exponential._phi import phi_functions

pytestmark = pytest.mark.usefixtures("double")

POINTS = [
    0.0,
    -1e-300,
    -1e-12,
    -1e-5,
    -0.01,
    -0.0499999999,
    -0.05,
    -0.0500000001,
    -0.3,
    -1.0,
    -30.0,
]


def exact(z):
    """exp, phi_1 and phi_2 with 700 digits."""
    with mpmath.workdps(700):
        z = mpmath.mpf(z)
        if z == 0:
            return 1.0, 1.0, 0.5
        one = (mpmath.exp(z) - 1) / z
        return float(mpmath.exp(z)), float(one), float((one - 1) / z)


@pytest.mark.parametrize("z", POINTS)
def test_values_are_right_to_rounding(z):
    found = [float(f) for f in phi_functions(jnp.asarray(z))]
    np.testing.assert_allclose(found, exact(z), rtol=1e-14)


def test_the_branches_meet_without_a_jump():
    around = -0.05 * (1 + np.linspace(-1e-9, 1e-9, 101))
    for values in phi_functions(jnp.asarray(around)):
        assert np.ptp(np.asarray(values)) < 1e-10


def test_large_arguments_decay_like_their_inverse():
    _, one, two = phi_functions(jnp.asarray([-1e6, -1e15, -1e300]))
    np.testing.assert_allclose(one, [1e-6, 1e-15, 1e-300], rtol=1e-14)
    np.testing.assert_allclose(two, [1e-6, 1e-15, 1e-300], rtol=2e-6)
