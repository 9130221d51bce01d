"""Between which bounds lie the largest and the smallest eigenvalue of a kernel that is never formed?"""

import math
import time
from dataclasses import dataclass
from typing import final

import numpy as np

from lazyscope._checks import check_count, check_fraction, check_instance, check_positive
from lazyscope._entry import checked
from lazyscope._estimate import LEVEL, Estimate
from lazyscope._file import Checkpoint
from lazyscope._result import AbstractResult
from lazyscope.kernel import zero_share
from lazyscope.operator._operator import AbstractKernelOperator
from lazyscope.operator.krylov._lanczos import Krylov, Tridiagonal
from lazyscope.operator.solve._conjugate import SolveProgress, Tell, conjugate_gradients
from lazyscope.operator.solve._preconditioner import Preconditioner, partial_cholesky
from lazyscope.operator.solve._regression import PreconditionerSettings

_INNER = 1e-10
_INNER_STEPS = 2000


@final
@dataclass(frozen=True, repr=False)
class ExtremeEigenvalues(AbstractResult):
    """The ends of a spectrum, with bounds.

    Attributes:
        largest: lambda_max. The value is a Ritz value, which it cannot be below; the upper end holds with
            the probability of its level over the starting vector.
        smallest: lambda_min, zero where it is below the rounding of the entries.
        residual: |K v - theta v| of the largest Ritz pair: an eigenvalue lies that near, for certain.
        rounding: max(n, 16) eps lambda_max, below which an eigenvalue is rounding.
        steps: products with the kernel for `largest`.
    """

    largest: Estimate
    smallest: Estimate
    residual: float
    rounding: float
    steps: int

    @property
    def is_singular(self) -> bool:
        """Whether lambda_min is zero to rounding, as far as is known."""
        return self.smallest.value == 0.0


@checked(own=("operator",))
def extreme_eigenvalues(
    operator: AbstractKernelOperator,
    *,
    tolerance: float = 1e-2,
    max_steps: int = 200,
    inverse_steps: int = 0,
    level: float = LEVEL,
    seed: int = 0,
    progress: Tell | None = None,
) -> ExtremeEigenvalues:
    """lambda_max and lambda_min of a kernel by the Lanczos process, with intervals.

    For a positive kernel and a starting vector drawn uniformly, after k steps the largest Ritz value
    theta has (Kuczynski & Wozniakowski 1992, theorem 4.2), with probability at least 1 - delta,

        theta <= lambda_max <= theta / (1 - e),   e = (log(1.648 sqrt(n) / delta) / (2 k - 1))^2,

    and the same for lambda_min, of the bound on lambda_max less the kernel. It is resolved to
    e lambda_max that way; with `inverse_steps`, the process of the inverse resolves it to e of
    itself, at the cost of a linear system a step.

    Args:
        operator: the kernel.
        tolerance: relative width of the interval of lambda_max at which to stop.
        max_steps: products at most.
        inverse_steps: steps with the inverse for lambda_min; zero for none.
        level: probability that each of the two intervals covers.
        seed: of the starting vector.
        progress: called with a `SolveProgress`, whose residual is the relative width so far.

    Returns:
        `ExtremeEigenvalues`.

    Cost: a product a step, and 8 modes steps bytes; a step with the inverse takes some tens of products.
    Trust: for kernels that are positive but for the rounding of their entries, which moves both ends by
    `rounding` at most.

    Example:
        >>> from lazyscope.operator import kernel_operator
        >>> x = np.diag([1.0, 2.0, 3.0])
        >>> ends = extreme_eigenvalues(kernel_operator(lambda a, b: a @ b.T, x))
        >>> round(ends.largest.value, 9), round(ends.smallest.value, 9)
        (9.0, 1.0)
    """
    began = time.monotonic()
    operator = check_instance("operator", operator, AbstractKernelOperator)
    tolerance, level = check_positive("tolerance", tolerance), check_fraction("level", level)
    max_steps = check_count("max_steps", max_steps)
    start = np.random.default_rng(seed).standard_normal((operator.num_modes, 1))
    krylov, found, share = Krylov(operator.product, start), None, math.inf
    for (found,) in krylov.grow(max_steps):
        share = _share(operator.num_modes, krylov.steps, 1 - level, ended=not found.coupling)
        if progress is not None:
            spent = time.monotonic() - began
            progress(SolveProgress("largest eigenvalue", krylov.steps, min(1.0, share), spent))
        if share <= tolerance / (1 + tolerance):
            break
    assert found is not None
    basis = f"Lanczos, {krylov.steps} steps"
    theta = float(found.values[-1])
    high = theta / (1 - share) if share < 1 else None
    largest = Estimate(theta, theta, high, level, basis=basis)
    rounding = zero_share(operator.num_modes, operator.precision) * abs(theta)
    smallest = _from_above(found, high, share, level, basis)
    if inverse_steps:
        inverted = _from_inverse(operator, inverse_steps, level, seed, rounding, progress)
        smallest = smallest if inverted is None else inverted
    if smallest.value is not None and smallest.value <= rounding:
        top = max(rounding, smallest.value)
        smallest = Estimate(
            0.0, 0.0, top, level, basis=f"{smallest.basis}, rounding {rounding:.2g}"
        )
    return ExtremeEigenvalues(largest, smallest, float(found.errors[-1]), rounding, krylov.steps)


def _share(modes: int, steps: int, delta: float, *, ended: bool) -> float:
    """The e above; zero where the Krylov space is all that the starting vector can reach."""
    if ended:
        return 0.0
    return (math.log(1.648 * math.sqrt(modes) / delta) / (2 * steps - 1)) ** 2


def _from_above(
    found: Tridiagonal, high: float | None, share: float, level: float, basis: str
) -> Estimate:
    """lambda_min at most the smallest Ritz value, and at least zero, as a kernel is positive."""
    theta = max(0.0, float(found.values[0]))
    low = 0.0
    if high is not None:
        low = max(0.0, high - (high - theta) / (1 - share))
    return Estimate(theta, min(low, theta), theta, level, basis=basis)


def _from_inverse(
    operator: AbstractKernelOperator,
    steps: int,
    level: float,
    seed: int,
    rounding: float,
    progress: Tell | None,
) -> Estimate | None:
    """lambda_min as one over the largest eigenvalue of the inverse; None where systems do not converge."""
    modes, began = operator.num_modes, time.monotonic()
    rank = PreconditionerSettings().rank_of(modes)
    factor = partial_cholesky(operator, rank, pivots="random", seed=seed)
    rest = float(np.mean(operator.diagonal() - np.sum(factor**2, axis=1)))
    inverse, sure = Preconditioner(factor, max(rounding, 0.1 * rest)), True

    def solved(vectors: np.ndarray) -> np.ndarray:
        nonlocal sure
        found = conjugate_gradients(
            operator.product,
            inverse,
            vectors,
            tolerance=_INNER,
            max_steps=_INNER_STEPS,
            checkpoint=Checkpoint(None, "", ""),
        )
        sure = sure and bool(np.max(found.residuals) < math.sqrt(_INNER))
        return found.solution

    start = np.random.default_rng(seed + 1).standard_normal((modes, 1))
    krylov, found = Krylov(solved, start), None
    for tridiagonals in krylov.grow(steps):
        (found,) = tridiagonals
        if not sure:
            return None
        if progress is not None:
            spent = time.monotonic() - began
            progress(SolveProgress("smallest eigenvalue", krylov.steps, 1.0, spent))
    assert found is not None
    share = _share(modes, krylov.steps, 1 - level, ended=not found.coupling)
    value = 1.0 / float(found.values[-1])
    low = max(0.0, value * (1 - share))
    return Estimate(value, low, value, level, basis=f"inverse Lanczos, {krylov.steps} systems")
