"""How sure is the Gaussian process of a kernel at chosen points?"""

import os
from typing import Any, final

import numpy as np
from jaxtyping import Float, Real

from lazyscope._checks import check_instance, check_positive
from lazyscope._entry import checked
from lazyscope._outcome import Outcome
from lazyscope.operator._operator import AbstractKernelOperator
from lazyscope.operator.solve._conjugate import Tell
from lazyscope.operator.solve._regression import (
    DEFAULT,
    TOLERANCE,
    PreconditionerSettings,
    solve_columns,
)


@final
class PosteriorVariance:
    """Variance of the posterior of f at chosen points, from above.

    Attributes:
        variance: k(x, x) - k_x^T (K + ridge I)^-1 k_x of every point (and output, where these are coupled),
            from the solution a as k(x, x) - 2 k_x^T a + a^T (K + ridge I) a, which is never below the truth.
        error: by how much it is above at most.
        iterations: of conjugate gradients.
        outcome: converged, out of steps, or stalled.
    """

    def __init__(
        self,
        variance: Float[np.ndarray, " others"],
        error: Float[np.ndarray, " others"],
        iterations: int,
        outcome: Outcome,
    ) -> None:
        self.variance, self.error = variance, error
        self.iterations, self.outcome = iterations, outcome


@checked(own=("operator", "x_other", "checkpoint"))
def posterior_variance(
    operator: AbstractKernelOperator,
    x_other: Real[Any, "m ..."],
    *,
    ridge: float,
    tolerance: float = TOLERANCE,
    preconditioner: PreconditionerSettings = DEFAULT,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Tell | None = None,
) -> PosteriorVariance:
    """Posterior variance of a Gaussian process with this kernel and noise of variance `ridge`, at few points.

    Args:
        operator: the kernel of the training points, of covariances for a network as a Gaussian process.
        x_other: the points; each is one more right-hand side.
        ridge: variance of the noise, above zero.
        tolerance: relative residual of every linear system.
        preconditioner: as for `solve_kernel_regression`.
        checkpoint: as there.
        progress: as there.

    Returns:
        A `PosteriorVariance`.

    Raises:
        InputError: points that do not fit, a ridge of zero, a checkpoint of another problem.

    Cost: as `solve_kernel_regression` with as many outputs as points; 40 modes m bytes.
    Trust: the variance is quadratic in the error of the solution; the bound is |r|^2 / ridge, r the residual.

    Example:
        >>> from lazyscope.operator import kernel_operator
        >>> dot = kernel_operator(lambda a, b: a @ b.T, np.array([[1.0], [1.0]]))
        >>> posterior_variance(dot, np.array([[2.0]]), ridge=2.0).variance.round(9).tolist()
        [2.0]
    """
    operator = check_instance("operator", operator, AbstractKernelOperator)
    ridge = check_positive("ridge", ridge)
    cross = operator.across(x_other)
    rows = cross.rows().T
    solved, _ = solve_columns(
        operator,
        rows,
        ridge=ridge,
        tolerance=check_positive("tolerance", tolerance),
        preconditioner=preconditioner,
        checkpoint=checkpoint,
        progress=progress,
    )
    a = solved.solution
    left = rows - operator.product(a) - ridge * a
    explained = np.sum(a * (rows + left), axis=0)
    error = np.sum(left**2, axis=0) / ridge
    return PosteriorVariance(cross.diagonal() - explained, error, solved.iterations, solved.outcome)
