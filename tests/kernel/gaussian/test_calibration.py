"""Do coverage, residuals and densities say what predictions were worth?"""

import numpy as np
import pytest
from scipy.stats import norm

from lazyscope._checks import InputError
from lazyscope.kernel import calibration


def test_right_predictions_are_covered_as_often_as_said_and_wrong_ones_are_not():
    rng = np.random.default_rng(0)
    mean, variance = rng.standard_normal(4000), rng.uniform(0.5, 3.0, 4000)
    y = mean + np.sqrt(variance + 0.2) * rng.standard_normal(4000)
    right = calibration(mean, variance, y, noise=0.2)
    for level, found in zip(right.levels, right.coverage, strict=True):
        assert found.contains(level)
    assert abs(right.mean_square - 1) < 5 * (2 / 4000) ** 0.5
    narrow = calibration(mean, variance / 4, y, noise=0.05)
    assert not any(f.contains(p) for p, f in zip(narrow.levels, narrow.coverage, strict=True))
    assert narrow.log_density < right.log_density


def test_the_density_is_that_of_scipy():
    rng = np.random.default_rng(1)
    mean, y, variance = *rng.standard_normal((2, 30, 2)), rng.uniform(0.1, 1, 30)
    found = calibration(mean, variance, y)
    expected = norm.logpdf(y, mean, np.sqrt(variance)[:, None])
    np.testing.assert_allclose(found.log_density, expected.mean(), rtol=1e-12)
    assert found.residuals.shape == y.shape
    np.testing.assert_allclose(found.rmse, np.sqrt(((mean - y) ** 2).mean()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": np.ones(2)}, "mean and y must have one shape"),
        ({"variance": np.ones((3, 3))}, "one number for each point"),
        ({"variance": np.zeros(3)}, "variance plus noise must be above zero"),
        ({"noise": -1.0}, "noise must not be below zero"),
        ({"levels": (95.0,)}, "levels must lie strictly between"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    given = {"mean": np.zeros(3), "variance": np.ones(3), "y": np.ones(3)} | change
    with pytest.raises(InputError, match=f"(?i){words}"):
        calibration(**given)
