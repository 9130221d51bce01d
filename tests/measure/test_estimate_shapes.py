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


def test_a_correction_is_the_factor_it_says():
    shape = Shape("correction", rate=0.5, reference=64.0, bend=0.6)
    np.testing.assert_allclose(np.exp(shape(np.array([64.0, 256.0]))), [0.4, 0.7])
    assert shape.sentence(1.0) == "A m^e (1 -0.6 (m/64)^-0.5)"


def test_the_catalogue_follows_the_range_of_widths():
    doubled = catalogue(128.0, 8192.0)
    fixed = sum(shape.model == "logarithm" for shape in SHAPES.curves)  # knows where log m is zero
    one, other = np.array([64.0, 700.0]), np.array([128.0, 1400.0])
    np.testing.assert_allclose(SHAPES.table(one)[:-fixed], doubled.table(other)[:-fixed])


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
    np.testing.assert_allclose(np.diag(likeness(x, 2.0)), 1.0)
    assert likeness(x, 2.0)[0, 1] > 0.9 > 0.05 > likeness(x, 2.0)[0, 2]
    np.testing.assert_array_equal(likeness(x, 0.0), np.eye(3))
    assert {shape.model for shape in SHAPES.ripples} == {"ripple"}
    assert "wanders by 15%" in Shape("ripple", reference=2.0, bend=0.15).sentence(0.0)
