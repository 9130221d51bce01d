"""Is a data set refused whose arrays are no finite real numbers or do not fit together?"""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.data import Dataset, load_dataset

X, Y = np.arange(6.0).reshape(3, 2), np.arange(3.0).reshape(3, 1)


def made(**other):
    arrays = {"x_train": X, "y_train": Y, "x_test": X[:0], "y_test": Y[:0]} | other
    return Dataset(**arrays, labels=(), name="three", description=())


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"x_train": X + 1j}, "X_train must be real"),
        ({"x_train": np.ma.masked_array(X, X > 3)}, "X_train must be an array without a mask"),
        ({"y_train": np.full((3, 1), np.nan)}, "Y_train must be finite"),
        ({"y_train": Y[:, 0]}, "Y_train must be an array with 2 axes"),
        ({"y_train": Y.astype(str)}, "Y_train must be real"),
        ({"y_train": Y[:2]}, "one target for every point"),
        ({"x_test": np.ones((1, 5)), "y_test": np.ones((1, 1))}, "test points like its training"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "one target for every point"),
    ],
)
def test_arrays_that_make_no_data_set_are_refused(other, words):
    with pytest.raises(InputError, match=words):
        made(**other)


def test_a_mask_without_masked_entries_and_whole_numbers_are_taken():
    data = made(x_train=np.ma.masked_array(X, False), y_train=Y.astype(int))
    assert data.x_train.tolist() == X.tolist()
    assert data.y_train.dtype == np.float64


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"normalise": "False"}, "Normalise must be True or False"),
        ({"num_points": "4"}, "Num_points must be a whole number"),
        ({"num_points": True}, "Num_points must be a whole number"),
        ({"target": "parrity"}, "use 'parity'"),
    ],
)
def test_options_of_another_kind_are_refused(option, words):
    with pytest.raises(InputError, match=words):
        load_dataset("digits", **({"num_points": 4, "num_test": 2} | option))


def test_a_seed_that_is_a_whole_real_number_chooses_the_points_of_the_int():
    one, other = (load_dataset("digits", num_points=4, num_test=0, seed=s) for s in (3, 3.0))
    assert one.summary()["digest"] == other.summary()["digest"]
