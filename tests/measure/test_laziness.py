"""Are changes called by one name wherever they are looked at, and those that are no numbers never lazy?"""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.experiment import forecast_verdict
from lazyscope.measure import LAZY, NOT_LAZY, laziness


@pytest.mark.parametrize(
    ("largest", "name"),
    [
        (0.0, "lazy"),
        (np.nextafter(LAZY, 0), "lazy"),
        (LAZY, "borderline"),
        (np.nextafter(NOT_LAZY, 0), "borderline"),
        (NOT_LAZY, "not-lazy"),
        (np.inf, "not-lazy"),
        (np.nan, "not-lazy"),
    ],
)
def test_a_change_is_lazy_below_a_tenth_and_not_lazy_from_one_on(largest, name):
    assert laziness(float(largest)) == name


def test_a_change_below_zero_is_refused():
    with pytest.raises(InputError, match="must not be below zero"):
        laziness(-0.1)


@pytest.mark.parametrize(
    ("moved", "bent", "name"),
    [
        ((0.01, 0.02), 0.0, "lazy"),
        ((0.01, 0.02), 0.3, "borderline"),
        ((0.09, 0.09), 0.05, "borderline"),  # the bound is above a tenth, what moves is not
        ((0.01, 1.5), 0.0, "not-lazy"),
        ((0.01, 0.02), np.nan, "not-lazy"),
        ((np.nan, 0.02), 0.0, "not-lazy"),
    ],
)
def test_a_forecast_is_called_lazy_by_its_bound_and_not_lazy_by_what_moves(moved, bent, name):
    assert forecast_verdict(np.array(moved), bent) == name
