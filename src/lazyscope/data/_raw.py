"""What does a source hand over, before anything is chosen or changed?"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from lazyscope._checks import InputError
from lazyscope._memory import memory_at_hand


class RawData(NamedTuple):
    """Arrays as a source has them: points first, any trailing shape, any number type.

    Without test arrays, training and test points are drawn from one pool.
    """

    name: str
    origin: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray | None = None
    y_test: np.ndarray | None = None


def check_fits(path: Path, size: int) -> None:
    """Refuse a file whose content takes more memory than there is, before it is read.

    Raises:
        InputError: `size` bytes are more than what is at hand.
    """
    room = memory_at_hand()
    if size > room:
        raise InputError(
            "the content of a data file must fit into memory",
            received=f"{path} announces {size / 2**30:.3g} GiB, {room / 2**30:.3g} GiB are at hand",
            cause="a damaged header, or data for a larger machine",
            fix="save fewer points, or copy the file again",
        )


def check_raw(raw: RawData) -> RawData:
    """Return `raw` if its arrays are numbers, finite, of one length and not empty, or refuse it."""
    _check_pair("x_train", raw.x_train, "y_train", raw.y_train)
    if (raw.x_test is None) != (raw.y_test is None):
        raise InputError(
            "test inputs and test targets come together",
            received=f"only {'y_test' if raw.x_test is None else 'x_test'}",
            cause="one of the two arrays was not saved",
            fix="save both x_test and y_test, or neither",
        )
    if raw.x_test is None or raw.y_test is None:
        return raw
    _check_pair("x_test", raw.x_test, "y_test", raw.y_test)
    for name, first, second in (("x", raw.x_train, raw.x_test), ("y", raw.y_train, raw.y_test)):
        if first.shape[1:] != second.shape[1:]:
            raise InputError(
                f"training and test {name} must have the same shape apart from their lengths",
                received=f"{name}_train {first.shape}, {name}_test {second.shape}",
                cause="test data of another resolution, or already flattened",
                fix="save both with the same trailing shape",
            )
    return raw


def _check_pair(x_name: str, x: np.ndarray, y_name: str, y: np.ndarray) -> None:
    """Refuse inputs and targets that are no points with targets."""
    for name, array in ((x_name, x), (y_name, y)):
        _check_numbers(name, array)
    if len(x) != len(y):
        raise InputError(
            "there must be one target for each input",
            received=f"{x_name} has {len(x)} rows, {y_name} has {len(y)}",
            cause="the first axis of one array does not count the points, or rows were dropped",
            fix="put the points on the first axis of both arrays",
        )


def _check_numbers(name: str, array: np.ndarray) -> None:
    """Refuse an array that does not hold finite real numbers, points first."""
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} must hold real numbers",
            received=f"entries of type {array.dtype}",
            cause="labels or categories saved as text, or complex values",
            fix="map them to integers or real numbers before saving",
        )
    if array.ndim == 0 or array.size == 0:
        raise InputError(
            f"{name} must hold at least one point",
            received=f"an array of shape {array.shape}",
            cause="a filter that removed every row, or a single number saved",
            fix="check the array before saving it",
        )
    with np.errstate(over="ignore"):  # of numbers that are longer than double precision
        finite = np.isfinite(array.astype(np.float64, copy=False))
    if not finite.all():
        bad = np.argwhere(~finite)
        raise InputError(
            f"{name} must be finite",
            received=f"{len(bad)} entries that are NaN or infinite, the first in row {bad[0][0]}",
            cause="missing values in the source",
            fix="drop those rows or fill the values in",
        )
