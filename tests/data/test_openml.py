"""Is OpenML asked for the right thing, and is a missing network explained?"""

from urllib.error import URLError

import numpy as np
import pytest
from sklearn import datasets
from sklearn.utils import Bunch

from lazyscope._checks import InputError
from lazyscope.data import load_dataset

X = np.random.default_rng(0).standard_normal((6, 2))


@pytest.fixture
def openml(monkeypatch):
    """Answer in place of the network; the calls made are collected."""
    calls = []

    def answer(result):
        def fetch_openml(**arguments):
            calls.append(arguments)
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(datasets, "fetch_openml", fetch_openml)
        return calls

    return answer


def bunch(target):
    return Bunch(data=X, target=np.array(target, dtype=object), details={"version": "3"})


def test_the_active_version_of_the_name_is_fetched(openml):
    calls = openml(bunch(["0", "1", "2", "0", "1", "2"]))
    data = load_dataset("openml:mnist_784", num_points=6)
    assert calls == [{"name": "mnist_784", "version": "active", "as_frame": False}]
    assert data.labels == (0, 1, 2)
    assert "OpenML mnist_784, version 3, labels read as integers" in data.description[0]


def test_labels_in_words_are_numbered_and_the_numbers_are_explained(openml):
    openml(bunch(["cat", "dog", "cat", "dog", "ant", "ant"]))
    data = load_dataset("openml:pets", num_points=6)
    assert data.labels == (0, 1, 2)
    assert "labels numbered 0 = ant, 1 = cat, 2 = dog" in data.description[0]


def test_without_a_network_the_message_says_what_to_do(openml):
    openml(URLError("Name or service not known"))
    with pytest.raises(InputError, match=r"no connection to openml\.org.*path of an \.npz file"):
        load_dataset("openml:mnist_784", num_points=6)


def test_an_unknown_name_is_refused(openml):
    openml(ValueError("No active dataset mnits found."))
    with pytest.raises(InputError, match=r"must name an active data set.*No active dataset mnits"):
        load_dataset("openml:mnits", num_points=6)


def test_an_empty_name_is_refused():
    with pytest.raises(InputError, match="OpenML source must have a name"):
        load_dataset("openml:", num_points=6)


def test_missing_values_are_refused_as_in_files(openml):
    broken = bunch(["0", "1", "0", "1", "0", "1"])
    broken.data = np.where(X > 1e9, X, np.nan)
    openml(broken)
    with pytest.raises(InputError, match="X_train must be finite"):
        load_dataset("openml:holes", num_points=6)
