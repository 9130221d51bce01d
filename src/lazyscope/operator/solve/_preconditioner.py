"""Which simple matrix is close enough to a kernel that conjugate gradients take few steps?

A partial Cholesky factor F (modes, rank) of the kernel, K ~ F F^T, made from as many of its columns. What
is left of the diagonal says which columns to take: drawn in proportion to it (randomly pivoted; Chen,
Epperly, Tropp & Webber 2022), or the largest each time (greedy). Drawn columns come in blocks, so that
they are matrix products; greedy ones come one by one, and where many points are alike the largest
remainders are outliers, which say little of the others.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias, final

import numpy as np
from jaxtyping import Float

from lazyscope.operator._operator import AbstractKernelOperator

Pivots: TypeAlias = Literal["random", "greedy"]
"""How columns of a partial Cholesky factor are chosen."""

BLOCK = 128
_NOTHING_LEFT = 1e-10
_JITTER = 1e-13


@final
class Preconditioner:
    """(F F^T + ridge I)^-1 by Woodbury's identity, in double precision.

    Args:
        factor: F, of shape (modes, rank).
        ridge: added to the diagonal, above zero.
    """

    def __init__(self, factor: Float[np.ndarray, "modes rank"], ridge: float) -> None:
        from scipy.linalg import cho_factor, cho_solve  # here, since it takes its time to load

        self._factor, self._ridge, self._solve = factor, ridge, cho_solve
        inner = factor.T @ factor
        inner[np.diag_indices_from(inner)] += ridge
        self._inner = cho_factor(inner, lower=True) if inner.size else None

    def __call__(self, vectors: Float[np.ndarray, "modes k"]) -> Float[np.ndarray, "modes k"]:
        if self._inner is None:
            return vectors / self._ridge
        small = self._solve(self._inner, self._factor.T @ vectors)
        return (vectors - self._factor @ small) / self._ridge


def partial_cholesky(
    operator: AbstractKernelOperator,
    rank: int,
    *,
    pivots: Pivots,
    seed: int,
    tell: Callable[[int], None] = lambda done: None,
) -> Float[np.ndarray, "modes rank"]:
    """F with F F^T ~ K from at most `rank` columns; fewer where nothing is left.

    Args:
        operator: the kernel.
        rank: columns.
        pivots: how they are chosen.
        seed: of the draws.
        tell: called with the number of columns so far.

    Cost: `rank` columns of the kernel, and modes rank^2 operations. Memory: 8 modes rank bytes.
    Source: Chen, Epperly, Tropp & Webber 2022 (arXiv 2207.06503), algorithms 3 and 4, for the draws in
    blocks; Harbrecht, Peters & Schneider 2012 for the largest remainder.
    """
    from scipy.linalg import solve_triangular

    generator = np.random.default_rng(seed)
    left = operator.diagonal().copy()
    size, start = len(left), left.sum()
    rank = min(rank, size)
    factor, done = np.zeros((size, rank)), 0
    while done < rank and left.sum() > _NOTHING_LEFT * start:
        count = min(BLOCK, rank - done)
        if pivots == "greedy":
            chosen = np.array([int(np.argmax(left))])
        else:
            count = min(count, int(np.count_nonzero(left)))
            chosen = generator.choice(size, count, replace=False, p=left / left.sum())
        columns = operator.columns(chosen)
        columns -= factor[:, :done] @ factor[chosen, :done].T
        block = columns[chosen]
        block[np.diag_indices_from(block)] += _JITTER * max(np.trace(block), start / size)
        try:
            root = np.linalg.cholesky((block + block.T) / 2)
        except np.linalg.LinAlgError:  # what is left is rounding
            break
        new = solve_triangular(root, columns.T, lower=True).T
        factor[:, done : done + len(chosen)] = new
        done += len(chosen)
        left = np.maximum(left - (new**2).sum(axis=1), 0.0)
        left[chosen] = 0.0
        tell(done)
    return factor[:, :done]
