"""How do smooth nonlinearities act on many pairs of points with different variances?

Mehler's formula: with a_k(q) = E sigma(sqrt(q) z) h_k(z), h_k the normalised Hermite polynomials,

    E sigma(u) sigma(v) = sum_k a_k(q1) a_k(q2) rho^k.

For smooth sigma the sum is short, and Parseval's identity E sigma^2 = sum_k a_k^2 bounds what is
left out for every correlation at once: at most the geometric mean of the two points' remainders.
"""

from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.limit.dual._chaotic import CarefulMehler
from lazyscope.limit.dual._dual import AbstractPairMap, Pairs, Prepared, Side, normalised
from lazyscope.limit.dual._gauss import FARTHEST, gaussian_average, gaussian_rule
from lazyscope.limit.dual._piecewise_smooth import PiecewiseSmooth

_LENGTHS = (64, 256, 1024)
_REMAINDER = 1e-13


@final
class MehlerMap(AbstractPairMap):
    """Power series in the correlation; features are K coefficients of sigma, then K of sigma'."""

    compiled: ClassVar[bool] = True
    odd: bool = eqx.field(static=True)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        half = left.features.shape[1] // 2
        rho = 0.5 * (total - gap)
        sums = [
            _series(left.features[:, part], right.features[:, part], rho)
            for part in (slice(0, half), slice(half, None))
        ]
        return normalised(sums[0], left, right, sums[1])


def mehler_map(
    sigma: PiecewiseSmooth,
    deviations1: np.ndarray,
    deviations2: np.ndarray,
    radius: float,
    *,
    odd: bool,
    careful: bool,
) -> Prepared | None:
    """The series for points of these deviations, or None where it is longer than allowed."""
    deviations, places = np.unique(np.concatenate([deviations1, deviations2]), return_inverse=True)
    # farther than the second moment needs: Hermite functions of high order spread wide
    z, weights = gaussian_rule(np.ones(1), (), min(radius + 5.0, FARTHEST), 1)
    values = sigma.values_and_slopes(deviations[:, None] * z)
    squares = [(f * f) @ weights[0] for f in values]
    if not _agree(squares, sigma, deviations, radius):
        return None
    for length in _LENGTHS:
        weighted = _hermite(z[0], length) * weights[0]
        series = [f @ weighted.T for f in values]
        terms = max(_terms(*piece) for piece in zip(series, squares, strict=True))
        if terms <= length:
            first, second = (f[:, :terms] for f in series)
            if careful:
                if odd:  # exactly, so that opposite inputs stay opposite
                    first[:, ::2] = 0.0
                norms = np.linalg.norm(first, axis=1, keepdims=True)
                first = first / np.where(norms > 0, norms, 1.0)
            features = np.concatenate([first, second], axis=1)[places]
            size = deviations1.size
            made = CarefulMehler(odd) if careful else MehlerMap(odd)
            return Prepared(made, features[:size], features[size:])
    return None


def _agree(
    squares: list[np.ndarray], sigma: PiecewiseSmooth, deviations: np.ndarray, radius: float
) -> bool:
    """Whether this rule sees all that the rule with panels at the kinks sees, at both extremes."""
    ends = np.unique([np.argmin(deviations), np.argmax(deviations)])
    kinks = sigma.kinks_within(radius * max(float(deviations.max()), 1e-3))
    if not kinks:
        return True
    for square, found in zip((sigma.squares, sigma.slope_squares), squares, strict=True):
        exact = gaussian_average(square, deviations[ends], kinks, radius, "the activation")
        if np.any(np.abs(found[ends] - exact) > 10 * _REMAINDER * np.abs(exact)):
            return False
    return True


def _terms(coefficients: np.ndarray, squares: np.ndarray) -> int:
    """Fewest terms that leave a negligible share of every point's second moment."""
    length = coefficients.shape[1]
    share = coefficients**2 / np.where(squares > 0, squares, 1.0)[:, None]
    # what the terms from k on add, and what Parseval's identity says is missing after the last
    after = np.cumsum(share[:, ::-1], axis=1)[:, ::-1]
    missing = np.abs(1.0 - after[:, 0]) > 10 * _REMAINDER
    if np.any(missing & (squares > 0)):
        return length + 1
    return max(1, int(np.sum(np.max(after, axis=0) > _REMAINDER)))


def _hermite(z: np.ndarray, count: int) -> np.ndarray:
    """Normalised Hermite polynomials h_0..h_{count-1} at z, shape (count, N)."""
    rows = [np.ones_like(z), z]
    for k in range(1, count - 1):
        rows.append((z * rows[k] - np.sqrt(k) * rows[k - 1]) / np.sqrt(k + 1))
    return np.stack(rows[:count])


def _series(a: Float[Array, "n1 K"], b: Float[Array, "n2 K"], rho: Float[Array, "n1 n2"]) -> Array:
    """sum_k a[:, k] b[:, k] rho^k by Horner's rule."""

    def step(total: Array, rows: tuple[Array, Array]) -> tuple[Array, None]:
        return total * rho + rows[0][:, None] * rows[1][None, :], None

    return jax.lax.scan(step, jnp.zeros_like(rho), (a.T, b.T), reverse=True, unroll=4)[0]
