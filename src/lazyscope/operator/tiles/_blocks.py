"""Which entries does a kernel have, asked for block by block?"""

import abc
import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float, Real

from lazyscope._checks import InputError, check_array, shown
from lazyscope._jax import own_settings
from lazyscope.operator._operator import probed_with_nearest, told_entries

Rows: TypeAlias = slice | np.ndarray
"""Which points: a slice with both ends, or their numbers."""

KernelFunction: TypeAlias = Callable[[Any, Any], Any]
"""``function(x1, x2) -> (n1, n2)``: the kernel between two sets of points."""


_ALIKE = 1e-3  # of the largest entry: kernels in half precision are symmetric to that


class AbstractBlocks(abc.ABC):
    """A kernel between training points by its blocks; called by several threads at once."""

    x: np.ndarray

    @property
    @abc.abstractmethod
    def dtype(self) -> np.dtype:
        """In which blocks are computed."""

    @property
    def known(self) -> bytes:
        """What is known of the kernel beside its entries, which tell a small change to four digits only."""
        return b""

    @abc.abstractmethod
    def block(self, rows: Rows, columns: Rows) -> Float[np.ndarray, "rows columns"]:
        """The kernel between some points and some others."""

    @abc.abstractmethod
    def diagonal(self) -> Float[np.ndarray, " n"]:
        """The kernel of every point with itself."""

    @abc.abstractmethod
    def against(self, x_other: Any) -> "Callable[[slice], Float[np.ndarray, 'others columns']]":
        """The kernel between other points and a slice of the training points, as a function of it."""

    @abc.abstractmethod
    def own_diagonal(self, x_other: Any) -> Float[np.ndarray, " others"]:
        """The kernel of every other point with itself."""

    def identity(self) -> str:
        """Digest of the points and what is known of the kernel, and some entries: those of a few points.

        Raises:
            InputError: entries that are not symmetric.
        """
        digest = hashlib.sha256(f"{self.x.shape} {self.x.dtype} {self.dtype}".encode())
        digest.update(np.ascontiguousarray(self.x).data)
        digest.update(self.known)
        places = probed_with_nearest(self.x)
        entries = self.block(places, places)
        if not np.allclose(entries, entries.T, rtol=_ALIKE, atol=_ALIKE * np.abs(entries).max()):
            apart = float(np.abs(entries - entries.T).max() / np.abs(entries).max())
            raise InputError(
                "a kernel must be symmetric",
                received=f"entries of {len(places)} points that differ from their mirror images by "
                f"{apart:.2g} of the largest",
                cause="a function that treats its two sets of points differently",
                fix="return k(x1, x2) with k(a, b) = k(b, a)",
            )
        return f"{digest.hexdigest()[:24]} {told_entries(entries, self.dtype)}"


@final
class FunctionBlocks(AbstractBlocks):
    """Blocks of any function of two sets of points.

    Args:
        function: ``function(x1, x2) -> (n1, n2)``.
        x: training points.
        dtype: in which its entries are kept.
    """

    def __init__(self, function: KernelFunction, x: np.ndarray, dtype: np.dtype) -> None:
        self.x, self._function, self._dtype = x, function, dtype

    @property
    def dtype(self) -> np.dtype:
        return self._dtype

    def block(self, rows: Rows, columns: Rows) -> Float[np.ndarray, "rows columns"]:
        return self._called(self.x[rows], self.x[columns])

    def diagonal(self) -> Float[np.ndarray, " n"]:
        return self.own_diagonal(self.x)

    def against(self, x_other: Any) -> Callable[[slice], Float[np.ndarray, "others columns"]]:
        return lambda columns: self._called(x_other, self.x[columns])

    def own_diagonal(self, x_other: Any) -> Float[np.ndarray, " others"]:
        size = 16  # of a small block the diagonal is a sixteenth, and a call costs more than its entries
        parts = [
            np.diagonal(self._called(some, some))
            for some in (x_other[start : start + size] for start in range(0, len(x_other), size))
        ]
        return np.concatenate(parts) if parts else np.zeros(0, self._dtype)

    def _called(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        with own_settings():
            values = np.asarray(check_array("values of the kernel", self._function(x1, x2)))
        if values.shape != (len(x1), len(x2)):
            raise InputError(
                "a kernel function must return one number for each pair of points, (n1, n2)",
                received=f"shape {values.shape} for {len(x1)} and {len(x2)} points",
                cause="a kernel with axes for outputs, or of one set of points with itself only",
                fix="return a matrix, for example kernel[:, :, 0, 0] of a network with one output",
            )
        return values.astype(self._dtype, copy=False)


def as_points(name: str, x: Real[Any, "n ..."], like: np.ndarray | None = None) -> np.ndarray:
    """Points along the first axis as a NumPy array, or a refusal."""
    given = np.asarray(check_array(name, x))
    if like is not None:
        given = given.astype(like.dtype, copy=False)
    if given.ndim < 1 or not given.size or (like is not None and given.shape[1:] != like.shape[1:]):
        wanted = "(n, ...)" if like is None else f"(m, {', '.join(map(str, like.shape[1:]))})"
        raise InputError(
            f"{name} must hold points along its first axis: {wanted}",
            received=f"{shown(given.shape)}",
            cause="a single point without its first axis, points of other data, or an empty selection",
            fix=f"reshape to {wanted}",
        )
    return given
