"""How many directions do features have, and are they those of the learned function?"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float


def effective_rank(rows: Float[Any, "rows d"]) -> Float[Any, ""]:
    """Participation ratio of the squared singular values, (sum s^2)^2 / sum s^4, between 1 and the rank.

    Not centred: a mean that all rows share counts as a direction. NaN where all rows are zero.

    Example:
        >>> float(effective_rank(np.diag([1.0, 1.0, 0.0]))), float(effective_rank(np.ones((3, 2))))
        (2.0, 1.0)
    """
    with np.errstate(all="ignore"):
        rows = rows / abs(rows).max()  # squares of small numbers stay numbers
        gram = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
        return gram.trace() ** 2 / (gram**2).sum()


def low_rank_distance(
    features: Float[Any, "n p"], outputs: Float[Any, "n C"]
) -> Float[Any, ""] | float:
    """D_LR = 1 - CKA(T, T_MP) of Nam et al. 2024 (arXiv 2410.04264, Definition 1): 0 rich, 1 lazy.

    T = sum_k |Phi_k><Phi_k| is the operator of the features Phi before the last layer, and
    T_MP u = a_1 <1|u> 1 + a_2 P u the one that has no more than the learned function needs: P projects onto
    the span of the outputs f_1, .., f_C. On n points, with H = 1 - (1/n) 1 1^T::

        CKA(T, T_MP) = <H K H, H P H> / (|H K H| |H P H|),    K = Phi Phi^T

    in Frobenius norms (centred kernel alignment of Kornblith et al. 2019, linear), in which a_1 and a_2
    drop out.

    NaN where it says nothing: features or outputs that are the same at all points, or as many outputs
    as points, which span everything.

    Example:
        >>> outputs = np.array([[1.0], [-1.0], [1.0], [-1.0]])
        >>> round(float(low_rank_distance(3 * outputs, outputs)), 12)
        0.0
        >>> round(float(low_rank_distance(np.eye(4), outputs)), 4)  # 1 - 1 / sqrt(3)
        0.4226
    """
    xp: Any = jnp if isinstance(features, jax.Array) else np
    points, count = outputs.shape
    if count >= points:
        return xp.asarray(np.nan, features.dtype)
    with np.errstate(all="ignore"):
        vectors, sizes, _ = xp.linalg.svd(outputs, full_matrices=False)
        rounding = np.asarray(points * np.finfo(outputs.dtype).eps, outputs.dtype)
        span = xp.where(sizes > rounding * sizes[:1], vectors, xp.zeros_like(vectors))
        span = span - span.mean(0)
        centred = features - features.mean(0)
        centred = centred / abs(centred).max()
        gram = centred @ centred.T
        shared = (span * (gram @ span)).sum()
        size = xp.linalg.norm(gram) * xp.linalg.norm(span.T @ span)
        return xp.ones_like(shared) - shared / size
