"""Student's interval is that of SciPy's distribution, whose module takes a second to import."""

import pytest
from scipy import stats
from scipy.stats import t as student

from lazyscope import InputError
from lazyscope.measure import mean_estimate, student_reach


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("dof", [1, 2.5, 10, 1000])
def test_the_interval_is_that_of_the_distribution(level, dof):
    assert student_reach(level, dof) == pytest.approx(student.ppf(0.5 + level / 2, dof), rel=1e-10)


@pytest.mark.parametrize(("level", "dof"), [(95, 3), (0.95, 0), (float("nan"), 3)])
def test_no_interval_without_spread_or_of_percentages(level, dof):
    with pytest.raises(InputError):
        student_reach(level, dof)


def test_the_interval_of_a_mean_is_students():
    values = [0.3, -1.0, 2.5, 0.7]
    middle, error = stats.tmean(values), stats.sem(values)
    expected = stats.t.interval(0.9, 3, loc=middle, scale=error)
    assert mean_estimate(values, level=0.9).interval == pytest.approx(expected, rel=1e-12)


def test_one_value_has_no_interval():
    with pytest.raises(InputError, match="two values"):
        mean_estimate([1.0])
