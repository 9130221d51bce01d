"""Which real data are always there, without a network?"""

from typing import Any

from lazyscope.data._raw import RawData

BUNDLED = ("diabetes", "digits")


def read_bundled(name: str) -> RawData:
    """A data set that comes with scikit-learn."""
    from sklearn.datasets import load_diabetes, load_digits  # a second that few commands need

    if name == "digits":
        bunch: Any = load_digits()
        origin = "scikit-learn's digits: 1797 images of 8 x 8 pixels, ten classes"
    else:
        bunch = load_diabetes()
        origin = "scikit-learn's diabetes: 442 patients, ten measurements, disease progression"
    return RawData(name, origin, bunch.data, bunch.target)
