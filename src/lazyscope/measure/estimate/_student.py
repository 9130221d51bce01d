"""How far does an interval reach when the spread is estimated from the data themselves?"""

import numpy as np
from jaxtyping import Float, Int

from lazyscope._checks import InputError, check_array, check_fraction, check_positive
from lazyscope._entry import checked
from lazyscope._estimate import Estimate

ROUNDING = 1e-9
"""Relative accuracy beyond which no coefficient or residual is known."""


@checked()
def student_reach(level: float, dof: float) -> float:
    """Half the width of Student's two-sided interval, in standard errors.

    Args:
        level: probability that the interval covers, for instance 0.95.
        dof: degrees of freedom that are left for the spread; fractions are allowed.

    Raises:
        InputError: a level outside of (0, 1), or no degree of freedom.

    Source: Student 1908; the quantile is SciPy's.

    Example:
        >>> round(student_reach(0.95, 10), 3)
        2.228
    """
    from scipy.special import stdtrit  # here, since most commands need no interval

    return float(stdtrit(check_positive("dof", dof), 0.5 + check_fraction("level", level) / 2))


@checked()
def mean_estimate(values: Float[np.ndarray, " n"], *, level: float = 0.95) -> Estimate:
    """The mean of independent values with Student's interval, symmetric around it.

    Args:
        values: at least two numbers, for instance one for every seed.
        level: probability that the interval covers.

    Raises:
        InputError: fewer than two values, or values that are no finite real numbers.

    Example:
        >>> mean_estimate(np.array([1.0, 1.0, 1.0])).interval
        (1.0, 1.0)
    """
    known = np.asarray(check_array("values", values, ndim=1), float)
    if len(known) < 2:
        raise InputError(
            "an interval of a mean needs two values at least",
            received=f"{len(known)} values",
            cause="a single seed, or runs that failed",
            fix="ask for more seeds",
        )
    reach = student_reach(level, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    mean = float(known.mean())
    basis = f"mean of {len(known)} values, Student's interval"
    return Estimate(mean, float(mean - reach), float(mean + reach), level, basis=basis)


def robust_last(
    design: Float[np.ndarray, "n k"],
    response: Float[np.ndarray, " n"],
    member: Int[np.ndarray, " n"],
) -> tuple[np.ndarray, float, float, np.ndarray]:
    """Coefficients of a regression, CR2 error and Bell-McCaffrey dof of the last one, and residuals.

    Reference: Bell & McCaffrey 2002, Survey Methodology 28(2).
    """
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ response
    residual = response - design @ coefficients
    direction = inverse[:, -1]
    scores, images = [], []
    for group in range(member.max() + 1):
        rows = member == group
        part = design[rows]
        value, vector = np.linalg.eigh(np.eye(len(part)) - part @ inverse @ part.T)
        kept = value > 1e-10
        root = (vector[:, kept] * value[kept] ** -0.5) @ vector[:, kept].T
        weights = root @ (part @ direction)
        scores.append(weights @ residual[rows])
        image = -design @ (inverse @ (part.T @ weights))
        image[rows] += weights
        images.append(image)
    gram = np.array(images) @ np.array(images).T
    dof = np.trace(gram) ** 2 / np.sum(gram**2)
    error = np.hypot(np.linalg.norm(scores), ROUNDING)
    return coefficients, float(error), float(dof), residual
