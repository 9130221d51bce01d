"""Which real data are always there, without a network?"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope.data._raw import RawData

BUNDLED = ("diabetes", "digits")


def read_bundled(name: str) -> RawData:
    """A data set that comes with scikit-learn."""
    if name == "digits":
        origin = "scikit-learn's digits: 1797 images of 8 x 8 pixels, ten classes"
        return RawData(name, origin, *_digits())
    from sklearn.datasets import load_diabetes  # a second that few commands need

    bunch: Any = load_diabetes()
    origin = "scikit-learn's diabetes: 442 patients, ten measurements, disease progression"
    return RawData(name, origin, bunch.data, bunch.target)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels and digits from the file that scikit-learn holds, which takes a second less than it does."""
    package = find_spec("sklearn")
    origin = Path((package and package.origin) or "")
    file = origin.parent / "datasets" / "data" / "digits.csv.gz"
    if not file.is_file():  # another layout of the package
        from sklearn.datasets import load_digits

        bunch: Any = load_digits()
        return bunch.data, bunch.target
    table = np.loadtxt(file, delimiter=",")
    return table[:, :-1], table[:, -1].astype(np.int64)
