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


def test_the_spread_is_at_least_that_of_the_wide_network_with_or_without_drawn_outputs():
    scatter = np.random.default_rng(3).normal(size=(4000, 1))  # as large at every width
    for common in (0.0, scatter):
        given = [v.reshape(-1, 1) + common for v in values((64, 128), 4000)]
        found = extrapolate(given, (64, 128), WIDTH)
        wide = np.hypot(WIDTH**-0.5, float(np.std(common)))
        assert 0.95 * wide < float(found.spread[0]) < 1.05 * np.hypot(128**-0.5, np.std(common))


@pytest.mark.parametrize("curvature", [0.0, 100.0, 300.0, 600.0, 1000.0, 3000.0])
def test_intervals_cover_whether_or_not_a_third_width_shows_that_the_line_is_bent(curvature):
    widths = (64, 128, 256)
    given = values(widths, 8, curvature, noise=0.3, shape=(4000,))
    found = extrapolate(given, widths, WIDTH)
    inside = np.abs(found.value - 2 - 30 / WIDTH - curvature / WIDTH**2) <= found.half_width
    assert inside.mean() >= 0.9


def test_the_width_itself_among_the_proxies_is_taken_as_it_is():
    given = values((64, WIDTH), 5)
    found = extrapolate(given, (64, WIDTH), WIDTH)
    assert float(found.value) == pytest.approx(given[1].mean())
