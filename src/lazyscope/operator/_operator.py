"""What is a kernel that is only ever multiplied with?"""

import abc
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lazyscope._checks import InputError, check_array


class AbstractKernelOperator(abc.ABC):
    """A symmetric kernel over training points by its products, without the matrix.

    Vectors are columns over modes: the n points where all outputs share one kernel, else the n C pairs of
    point and output, outputs fastest. All sums are in double precision.
    """

    @property
    @abc.abstractmethod
    def num_points(self) -> int:
        """Training points n."""

    @property
    @abc.abstractmethod
    def num_coupled(self) -> int:
        """Outputs C that the kernel couples; 1 where every output has the same kernel for itself."""

    @property
    @abc.abstractmethod
    def precision(self) -> np.dtype:
        """In which the entries are computed."""

    @property
    @abc.abstractmethod
    def identity(self) -> str:
        """Digest of points and kernel, by which stores and checkpoints know whose they are."""

    @property
    @abc.abstractmethod
    def points(self) -> np.ndarray:
        """The training points."""

    @abc.abstractmethod
    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "modes k"]:
        """K times k vectors."""

    @abc.abstractmethod
    def diagonal(self) -> Float[np.ndarray, " modes"]:
        """Entries K[i, i]."""

    @abc.abstractmethod
    def columns(self, chosen: Int[np.ndarray, " m"]) -> Float[np.ndarray, "modes m"]:
        """Columns of K, in double precision."""

    @abc.abstractmethod
    def across(self, x_other: Any) -> "AbstractCrossKernel":
        """The kernel between other points and the training points."""

    @property
    def num_modes(self) -> int:
        """n, or n C where outputs are coupled."""
        return self.num_points * self.num_coupled

    @property
    def mean_diagonal(self) -> float:
        """Mean of K[i, i], the natural unit of a ridge."""
        return float(np.mean(self.diagonal()))

    def as_vectors(self, name: str, outputs: Any) -> Float[np.ndarray, "modes k"]:
        """Outputs (n,) or (n, C) as columns of vectors, or a refusal."""
        given = np.asarray(check_array(name, outputs), np.float64)
        fits = given.ndim in (1, 2) and len(given) == self.num_points and given.size
        if fits and self.num_coupled > 1:
            fits = given.shape == (self.num_points, self.num_coupled)
        if not fits:
            wanted = f"({self.num_points}, {self.num_coupled if self.num_coupled > 1 else 'C'})"
            raise InputError(
                f"{name} must have one row for each training point: {wanted}",
                received=f"shape {given.shape}",
                cause="targets of other points, or a missing or extra axis of outputs",
                fix="give the outputs at the points that the operator was made of",
            )
        return given.reshape(self.num_modes, -1)


class AbstractCrossKernel(abc.ABC):
    """The kernel between other points and the training points, by its products."""

    @abc.abstractmethod
    def product(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "others k"]:
        """K(x_other, X) times k vectors over the training points."""

    @abc.abstractmethod
    def rows(self) -> Float[np.ndarray, "others modes"]:
        """K(x_other, X), whole: for few other points."""

    @abc.abstractmethod
    def diagonal(self) -> Float[np.ndarray, " others"]:
        """K(x, x) of every other point, and output where outputs are coupled."""


_PROBES = 6
_NOISE = 64  # roundings of the largest entry
_SAME = 1e-5
"""Of squared norms: distances below are those of equal points."""


def probed(num_points: int) -> np.ndarray:
    """A few points all over, by whose entries a kernel is told from others.

    Example:
        >>> probed(11).tolist()
        [0, 2, 4, 6, 8, 10]
    """
    return np.unique(np.linspace(0, num_points - 1, _PROBES).astype(int))


def probed_with_nearest(points: np.ndarray) -> np.ndarray:
    """The probed points and the nearest other one of each, since far points tell little of a narrow kernel.

    Example:
        >>> probed_with_nearest(np.array([[0.0], [5.0], [0.1], [9.0], [4.9], [8.5], [2.0]])).tolist()
        [0, 1, 2, 3, 4, 5, 6]
    """
    rows = points.reshape(len(points), -1)
    places = probed(len(points))
    found = [places]
    if rows.dtype.kind in "fiu":
        squares = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
        for place in places:
            apart = squares + squares[place] - 2.0 * (rows @ rows[place])
            apart[apart <= _SAME * (squares + squares[place])] = (
                np.inf
            )  # itself, and what equals it
            nearest = np.min(apart) + _SAME * squares[place]  # the first of those as near, rounded
            found.append(np.flatnonzero(apart <= nearest)[:1])
    return np.unique(np.concatenate(found))


def told_entries(entries: np.ndarray, precision: np.dtype) -> str:
    """Entries to four digits, zero where they are rounding of the largest, by which kernels are told apart.

    Example:
        >>> told_entries(np.array([1.0, 1e-17, -0.25]), np.dtype(np.float64))
        '1.000e+00 0 -2.500e-01'
    """
    floor = _NOISE * np.finfo(precision).eps * float(np.abs(entries).max())
    return " ".join("0" if abs(v) <= floor else f"{v:.3e}" for v in entries.ravel())
