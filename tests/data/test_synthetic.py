"""Are the small problems what their descriptions say?"""

import math

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.data import duplicate_groups, four_points, sphere_teacher


def test_four_points_lie_on_a_line_at_height_one():
    data = four_points()
    assert data.x_train.shape == (4, 2)
    assert data.x_train[:, 1].tolist() == [1.0] * 4
    assert np.all(np.diff(data.x_train[:, 0]) > 0)
    assert duplicate_groups(data.x_train) == ()


def test_four_points_cannot_be_fitted_by_a_line():
    data = four_points()
    _, residual, *_ = np.linalg.lstsq(data.x_train, data.y_train, rcond=None)
    assert residual[0] > 0.1
    assert data.y_train.mean() == 0
    assert data.y_test.shape == (0, 1)


def test_sphere_points_have_norm_one_and_standardised_targets():
    data = sphere_teacher(num_points=64, input_dim=5, num_test=32)
    both = np.concatenate([data.x_train, data.x_test])
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1.0, rtol=1e-14)
    assert data.y_train.mean() == pytest.approx(0.0, abs=1e-14)
    assert data.y_train.std() == pytest.approx(1.0)
    assert data.y_test.shape == (32, 1)


def test_sphere_points_are_uniform():
    # 4000 points: mean 0 and second moment 1/d, within five standard errors
    x = sphere_teacher(num_points=4000, input_dim=4).x_train
    assert np.abs(x.mean(axis=0)).max() < 5 * math.sqrt(0.25 / 4000)
    moment = x.T @ x / 4000
    deviation = math.sqrt(2 * 3 / (16 * 6 * 4000))
    assert np.abs(moment - np.eye(4) / 4).max() < 5 * deviation * 2


def test_a_teacher_of_one_unit_is_constant_on_half_of_the_sphere():
    # max(<v, x>, 0) is zero on half of the sphere: one value is taken by about half of the points
    y = sphere_teacher(num_points=1000, input_dim=3, teacher_width=1).y_train[:, 0]
    _, counts = np.unique(y, return_counts=True)
    assert 400 < counts.max() < 600


def test_a_seed_fixes_points_and_teacher():
    first, again, other = (sphere_teacher(num_points=8, input_dim=3, seed=s) for s in (1, 1, 2))
    assert first.summary() == again.summary()
    assert first.summary()["digest"] != other.summary()["digest"]


@pytest.mark.parametrize(
    ("setting", "minimum"),
    [
        ({"num_points": 1}, 2),
        ({"input_dim": 1}, 2),
        ({"num_test": -1}, 0),
        ({"teacher_width": 0}, 1),
        ({"seed": -1}, 0),
    ],
)
def test_sizes_must_be_counts(setting, minimum):
    name = next(iter(setting)).capitalize()
    with pytest.raises(InputError, match=f"{name} must be a whole number of at least {minimum}"):
        sphere_teacher(**{"num_points": 4, "input_dim": 3, **setting})
