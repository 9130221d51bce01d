"""How far does an interval reach when the spread is estimated from the data themselves?"""

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_fraction, check_positive
from lazyscope._entry import checked
from lazyscope._estimate import Estimate


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
