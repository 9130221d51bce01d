"""How far does an interval reach when the spread is estimated from the data themselves?"""

from scipy.special import stdtrit

from lazyscope._checks import check_fraction, check_positive
from lazyscope._entry import checked


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
    return float(stdtrit(check_positive("dof", dof), 0.5 + check_fraction("level", level) / 2))
