"""Does a forecast from products agree with that from the spectrum?"""

import jax
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope._outcome import Outcome
from lazyscope.flow import dense_problem
from lazyscope.forecast import forecast_by_products, forecast_problem
from lazyscope.model import Dense


@pytest.fixture(scope="module")
def problem():
    model = Dense(3, 2, width=16, depth=1, activation="tanh")
    params = model.init_from_std(jax.random.key(0), [1.0, 0.25])
    draw = np.random.default_rng(0).standard_normal
    return dense_problem(model, params, draw((12, 3)), draw((12, 2)), speeds=[1.0, 0.5])


def test_bounds_enclose_the_forecast_and_displacements_are_its(problem):
    exact = forecast_problem(problem, stop=0.5)
    seen = forecast_by_products(problem, stop=0.5)
    low, high = seen.time_to(0.5)
    assert low * (1 - 1e-6) <= exact.time_to(0.5) <= high * (1 + 1e-6)
    np.testing.assert_allclose(seen.displacement, exact.displacement, rtol=1e-2)
    np.testing.assert_allclose(seen.lambda_max.value, exact.lambda_max, rtol=1e-6)
    assert seen.max_stable_step <= exact.max_stable_step * (1 + 1e-9)
    assert seen.outcome is Outcome.CONVERGED
    below, above = seen.losses.loss(1.0) / seen.losses.start
    assert below * (1 - 1e-6) <= exact.loss_fraction(1.0) <= above * (1 + 1e-6)


def test_a_fraction_of_none_is_refused(problem):
    with pytest.raises(InputError, match="between 0 and 1"):
        forecast_by_products(problem, stop=0.0)
