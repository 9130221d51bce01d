"""Does every shape vanish as the width grows, and does the catalogue hold what it says?"""

import numpy as np
import pytest

from lazyscope.measure.estimate._shapes import MODEL_NAMES, PRIOR, Shape, catalogue, likeness

SHAPES = catalogue(64.0, 4096.0)


def test_no_shape_changes_the_exponent_at_infinite_width():
    far = np.array([1e120, 1e121])
    slopes = np.diff(SHAPES.table(far), axis=1)[:, 0] / np.log(10)
    assert np.all(np.abs(slopes) < 5e-3)


def test_prior_weights_sum_to_one_per_model():
    weights = np.exp(SHAPES.log_prior)
    for number, name in enumerate(MODEL_NAMES):
        assert weights[SHAPES.model == number].sum() == pytest.approx(PRIOR[name])
    assert weights.sum() == pytest.approx(1.0)


def test_a_crossover_changes_the_slope_by_its_amplitude():
    shape = Shape("crossover", rate=2.0, reference=100.0)
    left = np.array([1e-9, 1e-8])
    assert np.diff(shape(left))[0] / np.log(10) == pytest.approx(1.0)
    assert "slope e+0.3 below and e above m = 100" in shape.sentence(0.3)


def test_a_sum_of_two_powers_is_one():
    shape = Shape("sum", rate=0.5, reference=100.0)
    widths = np.array([64.0, 1024.0])
    np.testing.assert_allclose(np.exp(shape(widths)), 1 + (widths / 100) ** -0.5)
    assert "slope e-0.5 below" in shape.sentence(1.0)
    means = dict(zip(SHAPES.curves, SHAPES.amplitude_mean, strict=True))
    assert {shape.model for shape, mean in means.items() if mean == 1} == {"sum"}


def test_a_step_ends_at_the_factor_it_says():
    shape = Shape("step", rate=1.0, reference=300.0, bend=4.0)
    np.testing.assert_allclose(np.exp(shape(np.array([1e-9, 300.0, 1e12]))), [1, 3, 5])
    assert shape.sentence(1.0) == "A m^e with a factor 5 that comes in around m = 300"


def test_a_logarithm_knows_where_it_begins():
    shape = Shape("logarithm", reference=4.0)
    np.testing.assert_allclose(np.exp(shape(np.array([64.0]))), np.log(16.0))
    assert shape.sentence(0.5) == "A m^e log(m/4)^0.5"


def test_a_series_through_data_takes_their_corrections_away():
    x = np.log(np.geomspace(64, 4096, 6))
    small = np.exp(-0.5 * (x - x[0]))
    shape = Shape("correction", rate=0.5, reference=64.0, bend=1.0)
    told, constant = shape.given(x, 2.0 + 0.6 * small - 0.2 * small**2, 1e-10)
    assert constant == pytest.approx(2.0, abs=0.02)
    np.testing.assert_allclose(
        told(np.exp(x)) + constant, 2.0 + 0.6 * small - 0.2 * small**2, atol=1e-3
    )
    assert abs(told(np.array([1e14]))) < 1e-3
    assert "powers of (m/64)^-0.5" in told.sentence(1.0)


def test_the_catalogue_follows_the_range_of_widths():
    doubled = catalogue(128.0, 8192.0)
    follows = [
        shape.model != "logarithm" or shape.reference != 1  # knows where log m is zero
        for shape in SHAPES.curves
    ]
    one, other = np.array([64.0, 700.0]), np.array([128.0, 1400.0])
    np.testing.assert_allclose(SHAPES.table(one)[follows], doubled.table(other)[follows])


def test_slopes_that_are_left_are_the_derivatives_of_the_shapes():
    slopes = dict(zip(SHAPES.curves, SHAPES.slopes(4096.0), strict=True))
    for shape, slope in slopes.items():
        if shape.model == "crossover":
            before = (shape.reference / 4096) ** shape.rate
            assert slope == pytest.approx(before / (1 + before), abs=1e-6)
    assert slopes[Shape("logarithm")] == pytest.approx(1 / np.log(4096.0), rel=1e-6)
    assert slopes[Shape("power-law")] == 0


def test_a_ripple_is_alike_nearby_and_forgets_far_away():
    x = np.log([64.0, 128.0, 16384.0])
    np.testing.assert_allclose(np.diag(likeness(x, x, 2.0)), 1.0)
    assert likeness(x, x, 2.0)[0, 1] > 0.9 > 0.05 > likeness(x, x, 2.0)[0, 2]
    np.testing.assert_array_equal(likeness(x, x, 0.0), np.eye(3))
    assert {shape.model for shape in SHAPES.processes} == {"correction", "ripple"}
    assert "wanders by 15%" in Shape("ripple", reference=2.0, bend=0.15).sentence(0.0)
