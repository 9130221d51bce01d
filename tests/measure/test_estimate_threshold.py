"""Is the threshold of convergence found, and does its interval admit what the table cannot show?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.measure import estimate_threshold

KAPPA = np.geomspace(0.1, 10, 9)


def sharp(at, seeds=3):
    """Every run converges above `at` and none below."""
    return np.repeat((at < KAPPA)[:, None], seeds, axis=1).astype(float)


@pytest.mark.parametrize("at", [0.2, 0.9, 4.0])
def test_a_sharp_threshold_lies_in_the_interval_which_is_about_one_step(at):
    found = estimate_threshold(KAPPA, sharp(at, seeds=10))
    low, high = found.interval
    below, above = KAPPA[at >= KAPPA].max(), KAPPA[at < KAPPA].min()
    assert low <= at <= high
    assert found.highest_failure == below
    assert found.all_converged_from == above
    assert below < found.threshold < above * 1.1
    assert np.log(high / low) < 2 * np.log(above / below)


def test_the_slowest_scheme_decides():
    table = np.stack([sharp(0.15), sharp(4.0), sharp(0.5)], axis=1)
    found = estimate_threshold(KAPPA, table)
    alone = estimate_threshold(KAPPA, sharp(4.0))
    assert found.interval[0] <= 4.0 <= found.interval[1]
    assert np.log(found.threshold / alone.threshold) == pytest.approx(0, abs=0.4)


def test_the_order_of_schemes_and_seeds_changes_nothing():
    rng = np.random.default_rng(0)
    table = (rng.uniform(size=(9, 3, 4)) < (KAPPA / 3).clip(0, 1)[:, None, None]).astype(float)
    shuffled = table[:, [2, 0, 1]][:, :, [3, 1, 0, 2]]
    one, other = estimate_threshold(KAPPA, table), estimate_threshold(KAPPA, shuffled)
    np.testing.assert_allclose(one.interval, other.interval, rtol=1e-9)


def test_the_unit_of_kappa_scales_the_threshold():
    one, other = estimate_threshold(KAPPA, sharp(1.0)), estimate_threshold(5 * KAPPA, sharp(1.0))
    np.testing.assert_allclose(np.multiply(one.interval, 5), other.interval, rtol=1e-6)


def test_no_failure_gives_no_lower_end_and_no_success_no_upper_end():
    below = estimate_threshold(KAPPA, np.ones((9, 3)))
    assert below.interval[0] == 0
    assert below.threshold == 0
    assert below.highest_failure == 0
    above = estimate_threshold(KAPPA, np.zeros((9, 3)))
    assert above.interval[1] == np.inf
    assert above.threshold == np.inf
    assert above.all_converged_from is None


def test_runs_without_failure_bound_the_failures_by_their_number():
    found = estimate_threshold(KAPPA, sharp(1.2, seeds=5))
    assert found.runs_above == 4 * 5
    assert found.failures_above == pytest.approx(1 - 0.05 ** (1 / 20))


def test_runs_that_were_not_made_are_not_counted():
    table = sharp(1.2)
    table[0] = np.nan
    assert estimate_threshold(KAPPA, table).num_runs == 24


@pytest.mark.slow
def test_intervals_cover_the_true_threshold_at_about_the_nominal_level():
    rng = np.random.default_rng(31)
    kappa = np.geomspace(0.1, 10, 8)
    hits, ends = [], []
    for width, spread in ((0.03, 0.3), (0.1, 0.0), (0.1, 0.5), (0.3, 0.3)):
        for _ in range(25):
            places = rng.uniform(-1, 1) + spread * rng.standard_normal(3)
            odds = (np.log(kappa)[:, None] - places) / width
            chance = 1 / (1 + np.exp(-odds))
            table = (rng.uniform(size=(8, 3, 3)) < chance[:, :, None]).astype(float)
            truth = np.exp(places.max() + width * np.log(0.95 / 0.05))
            low, high = estimate_threshold(kappa, table).interval
            hits.append(low <= truth <= high)
            ends.append(np.isfinite(high) and low > 0)
    assert 0.90 <= np.mean(hits) <= 1.0
    assert np.mean(ends) > 0.6


@pytest.mark.parametrize(
    ("kappa", "table", "message"),
    [
        ([1, 2, 3], np.ones((3, 2)), "at least 4 values of kappa.*add 1 or more"),
        ([1, 2, 2, 3], np.ones((4, 2)), "Kappa must be positive and increasing"),
        ([0, 1, 2, 3], np.ones((4, 2)), "Kappa must be positive and increasing"),
        ([1, 2, 3, 4], np.ones((2, 4)), "axes .kappa, seeds."),
        ([1, 2, 3, 4], np.full((4, 2), 2), "1 .converged., 0 .did not. or NaN.*2 to 2"),
        ([1, 2, 3, 4], np.full((4, 2), np.nan), "every scheme needs a run|Every scheme"),
    ],
)
def test_bad_tables_are_refused_with_the_fix(kappa, table, message):
    with pytest.raises(InputError, match=message):
        estimate_threshold(kappa, table)


def test_the_tolerated_fraction_is_checked():
    with pytest.raises(InputError, match="Tolerated must lie strictly between"):
        estimate_threshold(KAPPA, sharp(1.0), tolerated=0.0)
