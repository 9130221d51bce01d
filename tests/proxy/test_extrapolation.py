"""Is what a line in 1/m' says of a wide network right, and its interval honest?"""

import numpy as np
import pytest

from lazyscope.proxy._extrapolation import extrapolate

WIDTH = 1024


def values(widths, seeds, curvature=0.0, noise=1.0, seed=0, shape=()):
    """Draws of 2 + 30 / m' + curvature / m'^2 with a scatter of 1 / sqrt(m')."""
    rng = np.random.default_rng(seed)
    return [
        2 + 30 / m + curvature / m**2 + noise * rng.normal(size=(seeds, *shape)) / np.sqrt(m)
        for m in widths
    ]


def test_a_line_is_read_at_the_wide_width_and_not_at_infinity():
    found = extrapolate(values((64, 128), 3, noise=0.0), (64, 128), WIDTH)
    assert float(found.value) == pytest.approx(2 + 30 / WIDTH, rel=1e-12)
    assert float(found.half_width) > 0  # the order was not tested


def test_a_third_width_on_the_line_leaves_the_seeds_alone():
    found = extrapolate(values((64, 128, 256), 3, noise=1e-9), (64, 128, 256), WIDTH)
    assert found.order_holds is not None
    assert bool(found.order_holds)
    assert float(found.half_width) < 1e-6


def test_a_third_width_off_the_line_widens_the_interval_over_the_truth():
    found = extrapolate(values((64, 128, 256), 3, 4e3, noise=1e-9), (64, 128, 256), WIDTH)
    truth = 2 + 30 / WIDTH + 4e3 / WIDTH**2
    assert not bool(found.order_holds)
    assert abs(float(found.value) - truth) < float(found.half_width) < 0.5


def test_intervals_of_seeds_cover_as_often_as_they_say():
    found = extrapolate(values((64, 128, 256), 8, shape=(4000,)), (64, 128, 256), WIDTH)
    inside = np.abs(found.value - 2 - 30 / WIDTH) <= found.half_width
    assert 0.94 < inside.mean() < 0.99


def test_the_spread_is_that_of_the_wide_network():
    found = extrapolate(values((64, 128), 4000), (64, 128), WIDTH)
    assert float(found.spread) == pytest.approx(WIDTH**-0.5, rel=0.1)


def test_the_width_itself_among_the_proxies_is_taken_as_it_is():
    given = values((64, WIDTH), 5)
    found = extrapolate(given, (64, WIDTH), WIDTH)
    assert float(found.value) == pytest.approx(given[1].mean())
