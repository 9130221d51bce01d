"""How sharp is the loss at the probe points, as the kernel says?

The Gauss-Newton matrix of a loss R is J^T H J with H = d^2 R / df^2. Its largest eigenvalue is that of
A^T K A with H = A A^T and the tangent kernel K = J J^T, which is small. For 1/(2n) |f - y|^2 it is
lambda_max(K) / n: plain gradient descent at a larger rate than 2 over it does not stay (2n / lambda_max).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._loss import AbstractLoss, SquaredLoss
from lazyscope.kernel import as_matrix, resolved
from lazyscope.measure import operator_norm

EXACT = 512
"""Kernels with no more rows are diagonalised; of larger ones Lanczos finds the largest eigenvalue."""


def ends_of(matrix: Float[Any, "m m"], precision: Any) -> tuple[Any, Any]:
    """Largest and smallest eigenvalue of a kernel; a smallest one that is not resolved is zero.

    The smallest of a matrix with more than 512 rows is NaN: it is not looked for. Pure for JAX arrays; those
    of NumPy stay with NumPy, whose LAPACK takes a quarter of the time.
    """
    xp: Any = jnp if isinstance(matrix, jax.Array) else np
    unknown = xp.full((), xp.nan, matrix.dtype)
    if not len(matrix) or (xp is np and not np.isfinite(matrix).all()):
        return unknown, unknown
    if len(matrix) > EXACT:
        return operator_norm(matrix), unknown
    values = xp.linalg.eigvalsh(matrix)
    smallest = xp.where(resolved(values, precision)[0], values[0], xp.zeros_like(values[0]))
    return values[-1], xp.where(xp.isnan(values[0]), values[0], smallest)


def sharpness_of(
    kernel: Float[Any, "n n C C"], largest: Any, loss: AbstractLoss, outputs: Float[Any, "n C"]
) -> Any:
    """Largest eigenvalue of the Gauss-Newton matrix of a loss whose mean over the n points is taken."""
    if isinstance(loss, SquaredLoss):
        return largest / np.asarray(len(outputs), kernel.dtype)
    roots = curvature_roots(loss, outputs)
    xp: Any = jnp if isinstance(kernel, jax.Array) else np
    turned = xp.einsum(
        "ica,ijcd,jdb->ijab", xp.asarray(roots), kernel, xp.asarray(roots), optimize=True
    )
    return ends_of(as_matrix(turned), kernel.dtype)[0]


def curvature_roots(loss: AbstractLoss, outputs: Float[Any, "n C"]) -> Float[Any, "n C C"]:
    """A with A A^T = d^2 R / df_i^2 of every point, the mean over points included."""
    targets = jnp.zeros_like(outputs)  # no named loss has a curvature that depends on them

    def column(direction: Any) -> Any:
        return loss.curvature(outputs, targets, jnp.broadcast_to(direction, outputs.shape))

    blocks = jax.vmap(column, out_axes=2)(jnp.eye(outputs.shape[1], dtype=outputs.dtype))
    values, vectors = jnp.linalg.eigh(blocks)
    return vectors * jnp.sqrt(jnp.maximum(values, jnp.zeros_like(values)))[:, None, :]
