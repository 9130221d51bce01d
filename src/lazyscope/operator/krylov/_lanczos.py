"""Which tridiagonal matrices does a kernel show to the vectors that it is started with?

One Lanczos process for each starting vector; products with the kernel are shared. Every new vector is made
orthogonal to all before, twice, so that Ritz values do not repeat.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float

_ENDED = 1e-12


@final
class Tridiagonal(NamedTuple):
    """T_m of one starting vector by its eigenvalues, with what the next step would couple.

    Attributes:
        diagonal: alpha, m numbers.
        off: beta, m numbers; the last one couples to the vector after. Zero where the process has ended.
        values: Ritz values, ascending.
        first: first components of the eigenvectors of T.
        last: last components.
        vectors: the eigenvectors of T.
    """

    diagonal: Float[np.ndarray, " m"]
    off: Float[np.ndarray, " m"]
    values: Float[np.ndarray, " m"]
    first: Float[np.ndarray, " m"]
    last: Float[np.ndarray, " m"]
    vectors: Float[np.ndarray, "m m"]

    @property
    def coupling(self) -> float:
        """beta_m, zero once the space is invariant."""
        return float(self.off[-1])

    @property
    def errors(self) -> Float[np.ndarray, " m"]:
        """|K v - theta v| of every Ritz pair: an eigenvalue lies at most that far away."""
        return self.coupling * np.abs(self.last)

    def entry(self, weights: Float[np.ndarray, " m"]) -> float:
        """e_m^T f(T) e_1 for the values of f at the Ritz values."""
        return float(np.sum(self.last * weights * self.first))


@final
class Krylov:
    """The Krylov spaces of k starting vectors, a step at a time.

    Args:
        product: the kernel times k vectors.
        starts: the vectors (modes, k).
    """

    def __init__(
        self,
        product: Callable[[np.ndarray], np.ndarray],
        starts: Float[np.ndarray, "modes k"],
    ) -> None:
        self._product = product
        self.norms: Float[np.ndarray, " k"] = np.linalg.norm(starts, axis=0)
        self._basis = [starts / np.where(self.norms > 0, self.norms, 1.0)]
        self._alpha: list[np.ndarray] = []
        self._beta: list[np.ndarray] = []

    @property
    def shape(self) -> tuple[int, int]:
        """Modes and starting vectors."""
        return self._basis[0].shape[0], self._basis[0].shape[1]

    @property
    def steps(self) -> int:
        """Products so far."""
        return len(self._alpha)

    def grow(self, most: int) -> Iterator[list[Tridiagonal]]:
        """Tridiagonal matrices of all starting vectors after each of at most so many further steps."""
        for _ in range(min(most, len(self._basis[0]) - self.steps)):
            self._step()
            yield [self._tridiagonal(column) for column in range(len(self.norms))]
            if not np.any(self._beta[-1] > 0):
                return

    def assemble(
        self, column: int, weights: Float[np.ndarray, " m"]
    ) -> Float[np.ndarray, " modes"]:
        """V_m weights of one starting vector."""
        parts = zip(self._basis, weights, strict=False)
        return sum((v[:, column] * w for v, w in parts), np.zeros(len(self._basis[0])))

    def _step(self) -> None:
        v = self._basis[-1]
        w = self._product(v)
        alpha = np.sum(v * w, axis=0)
        scale = np.linalg.norm(w, axis=0)
        for _ in range(2):
            for earlier in self._basis:
                w = w - earlier * np.sum(earlier * w, axis=0)
        beta = np.linalg.norm(w, axis=0)
        largest = np.max([scale, *self._beta], axis=0) if self._beta else scale
        beta = np.where(beta > _ENDED * largest, beta, 0.0)
        if self._beta:
            beta = np.where(self._beta[-1] > 0, beta, 0.0)
        self._alpha.append(alpha)
        self._beta.append(beta)
        self._basis.append(np.where(beta > 0, w / np.where(beta > 0, beta, 1.0), 0.0))

    def _tridiagonal(self, column: int) -> Tridiagonal:
        from scipy.linalg import eigh_tridiagonal

        alpha, beta = (
            np.array([row[column] for row in rows]) for rows in (self._alpha, self._beta)
        )
        ended = np.flatnonzero(beta == 0)
        length = ended[0] + 1 if len(ended) else len(alpha)
        alpha, beta = alpha[:length], beta[:length]
        values, vectors = eigh_tridiagonal(alpha, beta[:-1])
        return Tridiagonal(alpha, beta, values, vectors[0], vectors[-1], vectors)
