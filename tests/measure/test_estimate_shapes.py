"""Does every shape vanish as the width grows, and does the catalogue hold what it says?"""

import numpy as np
import pytest

from lazyscope.measure.estimate._shapes import MODEL_NAMES, PRIOR, Shape, catalogue

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
    np.testing.assert_allclose(
        SHAPES.table(np.array([64.0, 700.0]))[:-1], doubled.table(np.array([128.0, 1400.0]))[:-1]
    )
