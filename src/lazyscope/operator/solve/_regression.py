"""What does a network predict in the limit of long training, with more points than a kernel in memory?"""

import hashlib
import math
import os
import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Real

from lazyscope._checks import (
    InputError,
    check_choice,
    check_count,
    check_instance,
    check_not_negative,
    check_positive,
)
from lazyscope._entry import checked
from lazyscope._file import Checkpoint
from lazyscope._outcome import Outcome
from lazyscope._result import AbstractResult
from lazyscope.kernel import zero_share
from lazyscope.operator._operator import AbstractKernelOperator
from lazyscope.operator.solve._conjugate import (
    Solved,
    SolveProgress,
    Tell,
    conjugate_gradients,
)
from lazyscope.operator.solve._preconditioner import Pivots, Preconditioner, partial_cholesky

TOLERANCE = 1e-6
MAX_STEPS = 1000

_MOST_COLUMNS = 3000
_COLUMNS_OF_FEW_POINTS = 1000

_PARTS = "these points, this kernel, targets, ridge and preconditioner"


@final
@dataclass(frozen=True)
class PreconditionerSettings:
    """How conjugate gradients are preconditioned: a partial Cholesky factor of the kernel.

    Attributes:
        rank: columns of the factor; None means a tenth of the modes up to 1000 columns, then a twentieth
            up to 3000: iterations grow like (modes / rank)^0.4, the factor's cost like modes rank^2, and
            the factor takes 8 modes rank bytes. Zero for none.
        pivots: ``"random"`` draws columns in proportion to what is left of the diagonal, in blocks;
            ``"greedy"`` takes the largest, one by one.
        seed: of the draws.
    """

    rank: int | None = None
    pivots: Pivots = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rank is not None:
            check_count("rank", self.rank, minimum=0)
        check_choice("pivots", self.pivots, ("random", "greedy"))
        check_count("seed", self.seed, minimum=0)

    def rank_of(self, modes: int) -> int:
        """Columns for a kernel of so many modes."""
        if self.rank is not None:
            return self.rank
        return min(-(-modes // 10), max(_COLUMNS_OF_FEW_POINTS, modes // 20), _MOST_COLUMNS)


@final
@dataclass(frozen=True, repr=False)
class KernelRegression(AbstractResult):
    """Coefficients a of (K + ridge I) a = targets, and what they rest on.

    Attributes:
        operator: the kernel.
        coefficients: a, of the shape of the targets.
        ridge: what was added to the diagonal.
        ridge_asked: what was asked for. Where that was zero, `ridge` is what the precision resolves.
        rounding: below it eigenvalues are rounding of the entries: max(n, 16) eps lambda_max, the rule of
            `resolved_directions`. A `ridge` below it decides alone in those directions, which the kernel
            does not tell.
        residual: largest relative residual |targets - (K + ridge I) a| / |targets| of a column, computed
            from the solution.
        iterations: of conjugate gradients.
        outcome: converged, out of steps, or stalled.
        history: relative residual after every iteration, by the recurrence.
        rank: columns of the preconditioner.
        seconds: of this process, preconditioner included.
    """

    operator: AbstractKernelOperator
    coefficients: Float[np.ndarray, "n *outputs"]
    ridge: float
    ridge_asked: float
    rounding: float
    residual: float
    iterations: int
    outcome: Outcome
    history: tuple[float, ...]
    rank: int
    seconds: float

    def predict(self, x_other: Real[Any, "m ..."]) -> Float[np.ndarray, "m *outputs"]:
        """K(x, X) a at other points."""
        cross = self.operator.across(x_other)
        vectors = self.coefficients.reshape(self.operator.num_modes, -1)
        return cross.product(vectors).reshape(-1, *self.coefficients.shape[1:])

    def outputs(self) -> Float[np.ndarray, "n *outputs"]:
        """K a at the training points, one product."""
        vectors = self.coefficients.reshape(self.operator.num_modes, -1)
        return self.operator.product(vectors).reshape(self.coefficients.shape)

    @property
    def sentence(self) -> str:
        """How the solution ended, and which part of it the precision does not tell."""
        text = _ENDED[self.outcome].format(self.iterations, self.residual)
        if self.ridge > self.ridge_asked:
            text += f" A ridge of {self.ridge:.2g} was added, below which eigenvalues are rounding."
        elif self.ridge < self.rounding:
            text += (
                f" Eigenvalues below {self.rounding:.2g} may be rounding of entries in "
                f"{self.operator.precision}; in their directions the ridge of {self.ridge:.2g} decides."
            )
        return text


_ENDED = {
    Outcome.CONVERGED: "Converged in {} iterations to a relative residual of {:.2g}.",
    Outcome.OUT_OF_STEPS: "The steps ran out after {} iterations at a relative residual of {:.2g}; "
    "allow more, or give the preconditioner a larger rank.",
    Outcome.STALLED: "Stalled after {} iterations at a relative residual of {:.2g}, which rounding of the "
    "entries does not let fall further; give a larger ridge, or points in double precision.",
}


DEFAULT = PreconditionerSettings()


@checked(own=("operator", "targets", "checkpoint"))
def solve_kernel_regression(
    operator: AbstractKernelOperator,
    targets: Float[Any, "n *outputs"],
    *,
    ridge: float,
    tolerance: float = TOLERANCE,
    preconditioner: PreconditionerSettings = DEFAULT,
    max_steps: int = MAX_STEPS,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Tell | None = None,
) -> KernelRegression:
    """Solve (K + ridge I) a = targets by preconditioned conjugate gradients, without the matrix K.

    The predictions K(x, X) a are the outputs of the network with this kernel after training to the end
    with a decay of ridge / n towards the start (ridge regression in the limit of infinite time), and the
    mean of its Gaussian process with noise of variance ridge.

    Args:
        operator: the kernel, such as `limit_kernel_operator` makes.
        targets: (n,) or (n, C), less what the network says at the start.
        ridge: added to the diagonal, absolute; ``1e-3 * operator.mean_diagonal`` is a usual size. At zero
            what eigenvalues below the rounding of the entries would say is left to a ridge of the size
            of that rounding, max(n, 16) eps lambda_max; the result says so.
        tolerance: relative residual of every column at which to stop.
        preconditioner: rank, choice of columns and seed.
        max_steps: iterations at most.
        checkpoint: path of a file that is written every 30 seconds, and from which the same call goes on
            after its process was killed.
        progress: called with a `SolveProgress` after every block of columns and every iteration.

    Returns:
        A `KernelRegression`; its outcome says whether it converged.

    Raises:
        InputError: targets that do not fit or are not finite; equal points without a ridge; a checkpoint of
            another problem; a kernel that is zero.

    Cost: one product for each iteration, `rank` columns of the kernel, and (modes rank^2) operations.
    Memory: 8 modes (rank + 5 C) bytes beside the operator.
    Trust: the residual is computed from the solution. In directions of eigenvalue lambda the solution is
    off by (residual + eps n) lambda_max / (lambda + ridge) at most.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> from lazyscope.operator import kernel_operator
        >>> dot = kernel_operator(lambda a, b: a @ b.T, x)
        >>> found = solve_kernel_regression(dot, np.array([2.0, 4.0]), ridge=1.0)
        >>> found.coefficients.round(9).tolist(), found.outcome.label
        ([1.0, 2.0], 'converged')
    """
    began = time.monotonic()
    operator = check_instance("operator", operator, AbstractKernelOperator)
    right = operator.as_vectors("targets", targets)
    asked = check_not_negative("ridge", ridge)
    tolerance = check_positive("tolerance", tolerance)
    max_steps = check_count("max_steps", max_steps)
    if asked == 0:
        check_different(operator.points)
    largest = rough_largest(operator)
    rounding = zero_share(operator.num_modes, operator.precision) * largest
    used = asked if asked > 0 else rounding
    solved, rank = solve_columns(
        operator,
        right,
        ridge=used,
        tolerance=tolerance,
        preconditioner=preconditioner,
        max_steps=max_steps,
        checkpoint=checkpoint,
        progress=progress,
    )
    return KernelRegression(
        operator=operator,
        coefficients=solved.solution.reshape(np.shape(targets)),
        ridge=used,
        ridge_asked=asked,
        rounding=rounding,
        residual=float(np.max(solved.residuals)),
        iterations=solved.iterations,
        outcome=solved.outcome,
        history=solved.history,
        rank=rank,
        seconds=time.monotonic() - began,
    )


def solve_columns(
    operator: AbstractKernelOperator,
    right: Float[np.ndarray, "modes k"],
    *,
    ridge: float,
    tolerance: float,
    preconditioner: PreconditionerSettings,
    max_steps: int = MAX_STEPS,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Tell | None = None,
) -> tuple[Solved, int]:
    """Solve (K + ridge I) a = right for checked columns; also the rank of the preconditioner."""
    began = time.monotonic()
    rank = preconditioner.rank_of(operator.num_modes)
    words = (
        operator.identity,
        hashlib.sha256(np.ascontiguousarray(right).data).hexdigest()[:24],
        f"{right.shape} {ridge:.6e} {rank} {preconditioner.pivots} {preconditioner.seed}",
    )

    def tell(done: int) -> None:
        if progress is not None:
            progress(SolveProgress("preconditioner", done, 1.0, time.monotonic() - began))

    kept = Checkpoint(checkpoint, " ".join(words), _PARTS)
    kept.found()  # refused before any work
    factor = partial_cholesky(
        operator, rank, pivots=preconditioner.pivots, seed=preconditioner.seed, tell=tell
    )
    solved = conjugate_gradients(
        lambda v: operator.product(v) + ridge * v,
        Preconditioner(factor, ridge),
        right,
        tolerance=tolerance,
        max_steps=max_steps,
        checkpoint=kept,
        tell=progress,
        began=began,
    )
    return solved, factor.shape[1]


def rough_largest(operator: AbstractKernelOperator) -> float:
    """lambda_max from below, within a few per cent: a power iteration on a sample of the points.

    Sampling m of n modes keeps the shape of the leading eigenvector, so that lambda_max is n / m times that
    of the sample up to a scatter of m^-1/2.
    """
    modes = operator.num_modes
    chosen = np.unique(np.linspace(0, modes - 1, min(modes, 256)).astype(int))
    sample = operator.columns(chosen)[chosen]
    largest = float(np.linalg.eigvalsh((sample + sample.T) / 2)[-1]) * modes / len(chosen)
    if not (largest > 0 and math.isfinite(largest)):
        raise InputError(
            "a kernel must have an eigenvalue above zero",
            received=f"a largest eigenvalue of {largest:.3g} on a sample of {len(chosen)} modes",
            cause="points that are all zero, dead units, or a function that is no kernel",
            fix="look at operator.diagonal()",
        )
    return largest


def check_different(points: np.ndarray) -> None:
    """Refuse equal points, which a kernel does not tell apart."""
    rows = np.ascontiguousarray(points).reshape(len(points), -1) + 0.0  # one zero
    seen: dict[bytes, int] = {}
    for number, row in enumerate(rows):
        first = seen.setdefault(hashlib.blake2b(row.data, digest_size=16).digest(), number)
        if first != number:
            raise InputError(
                "points must differ where no ridge is asked for, since the kernel of equal ones is singular",
                received=f"points {first} and {number}, which are equal",
                cause="data that were joined, or drawn with repetition",
                fix="give a ridge above zero, or remove the repeated points",
            )
