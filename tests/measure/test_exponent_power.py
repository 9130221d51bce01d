"""Is the power of a design what the estimator does on such designs?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.measure import estimate_exponents, exponent_power, simulated_exponents

WIDTHS = (64, 256, 1024, 4096)


def test_power_is_the_share_of_estimates_that_agree_and_of_those_that_exclude_a_neighbour():
    found = simulated_exponents(WIDTHS, 4, 0.1, exponent=-0.25, num_draws=80, seed=0)
    half = (found.high - found.low) / 2
    told = exponent_power(WIDTHS, 4, 0.1, num_draws=80)
    agrees = (found.low <= -0.25) & (found.high >= -0.25) & (half <= 0.125)
    assert told.agrees == pytest.approx(agrees.mean(), abs=0.03)
    assert told.disagrees == pytest.approx((found.high < -0.125).mean(), abs=0.03)
    assert told.half_width == pytest.approx(np.median(half), rel=0.05)


def test_more_noise_has_less_power_and_more_seeds_have_more():
    quiet, loud = (exponent_power(WIDTHS, 4, noise, num_draws=60) for noise in (0.02, 0.3))
    many = exponent_power(WIDTHS, 32, 0.3, num_draws=60)
    assert quiet.agrees > 0.9 > 0.1 > loud.agrees
    assert loud.half_width > many.half_width > quiet.half_width


def test_simulated_runs_are_those_of_an_exact_power_law():
    rng = np.random.default_rng(3)
    values = np.array(WIDTHS, float)[:, None] ** 0.5 * np.exp(0.1 * rng.standard_normal((5, 4, 3)))
    found = simulated_exponents(WIDTHS, 3, 0.1, exponent=0.5, num_draws=5, seed=3)
    np.testing.assert_allclose(found.exponent, estimate_exponents(WIDTHS, values).exponent)


def test_designs_that_no_exponent_can_be_estimated_from_are_refused():
    with pytest.raises(InputError, match="widths"):
        exponent_power((64, 128), 4, 0.1, num_draws=2)
