"""Is the limit of a threshold found where there is one, and refused where it drifts?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.measure import ThresholdEstimate, estimate_threshold, threshold_limit

KAPPA = np.geomspace(0.1, 10, 9)


def made(threshold, *, factor=1.3):
    """A threshold estimate with a lognormal interval of the given factor."""
    interval = (threshold / factor, threshold * factor)
    return ThresholdEstimate(threshold, interval, 0.95, 0.05, 0.0, None, 0, 1.0, 99)


WIDTHS = np.geomspace(64, 4096, 5)


def test_a_constant_threshold_is_its_own_limit():
    found = threshold_limit(WIDTHS, [made(1.5, factor=1.05)] * 5)
    assert found.limit == pytest.approx(1.5, rel=0.01)
    assert found.interval[0] < 1.5 < found.interval[1]
    assert found.verdict == "finite"


def test_a_threshold_that_settles_is_extrapolated_to_its_limit():
    thresholds = [made(2.0 * np.exp((m / 64) ** -0.5), factor=1.03) for m in WIDTHS]
    found = threshold_limit(WIDTHS, thresholds)
    assert found.limit == pytest.approx(2.0, rel=0.05)
    assert found.interval[0] < 2.0 < found.interval[1]
    assert found.weight["correction"] > 0.9


def test_a_threshold_that_drifts_has_no_limit_but_an_exponent():
    thresholds = [made((m / 64) ** 0.5, factor=1.05) for m in WIDTHS]
    found = threshold_limit(WIDTHS, thresholds)
    assert found.verdict == "drifts"
    assert found.exponent == pytest.approx(0.5, abs=0.02)
    assert found.exponent_interval[0] < 0.5 < found.exponent_interval[1]


def test_wide_thresholds_leave_the_limit_undecided():
    thresholds = [made(1.0 + 0.1 * k, factor=3.0) for k in range(5)]
    assert threshold_limit(WIDTHS, thresholds).verdict == "undecided"


def test_unbounded_thresholds_are_left_out_and_counted():
    thresholds = [made(1.5)] * 4 + [estimate_threshold(KAPPA, np.zeros((9, 3)))]
    found = threshold_limit(WIDTHS, thresholds)
    assert (found.num_widths, found.num_dropped) == (4, 1)


def test_bad_limits_are_refused_with_the_fix():
    with pytest.raises(InputError, match=r"one threshold for each.*5 widths and 1 thresholds"):
        threshold_limit(WIDTHS, [made(1.0)])
    with pytest.raises(InputError, match=r"at least 3 widths with a bounded threshold.*0 of 5"):
        threshold_limit(WIDTHS, [estimate_threshold(KAPPA, np.ones((9, 2)))] * 5)
