"""Do nominal 95 % intervals contain the true exponent in 88 to 99 % of cases, and where a bend shows?

Where none shows they are hardly wider than a straight line's, and rest on there being none. The number of
cases, their families and their seed are fixed here; `benchmarks/exponent_coverage.py` has more of them. A
straight line through the means is the method that must fail.
"""

import numpy as np
import pytest
from scipy.stats import t as student

from lazyscope.measure import estimate_exponents
from naive.crossovers import FAMILIES, sweeps
from naive.departures import HELD_OUT, LOOKED_AT

DESIGNS = ((4, 3), (5, 3), (6, 4), (7, 5))  # widths, seeds
CASES = 16  # per family, design and kind of noise: 1152 in all
SEED = 77


def straight_line(widths, values):
    """95 % interval of the slope through all runs: the usual practice."""
    x = np.repeat(np.log(widths), values.shape[-1])
    y = np.log(values).reshape(len(values), -1)
    x = x - x.mean()
    slope = y @ x / (x @ x)
    residual = y - y.mean(-1, keepdims=True) - slope[:, None] * x
    dof = len(x) - 2
    error = np.sqrt((residual**2).sum(-1) / dof / (x @ x))
    reach = student.ppf(0.975, dof) * error
    return slope - reach, slope + reach


@pytest.fixture(scope="module")
def study():
    results = {}
    for number, family in enumerate(FAMILIES):
        rows = []
        for design, (num_widths, num_seeds) in enumerate(DESIGNS):
            widths = np.round(np.geomspace(64, 10_000, num_widths))
            for averaging in (0, 1):
                rng = np.random.default_rng([SEED, number, design, averaging])
                truth, values = sweeps(family, rng, widths, CASES, num_seeds, averaging=averaging)
                found = estimate_exponents(widths, values)
                line = straight_line(widths, values)
                rows.append((truth, found.low, found.high, *line, found.exponent, found.straight_p))
        results[family.__name__] = [np.concatenate(part) for part in zip(*rows, strict=True)]
    return results


BENT = 0.05  # the probability of a straight line below which a bend shows


def covered(truth, low, high):
    return np.mean((low <= truth) & (truth <= high))


def pooled(study):
    return [np.concatenate(part) for part in zip(*study.values(), strict=True)]


@pytest.mark.slow
def test_intervals_cover_in_87_to_99_percent_of_all_cases_whether_a_bend_shows_or_not(study):
    truth, low, high, *_ = pooled(study)
    assert 0.87 <= covered(truth, low, high) <= 0.99


@pytest.mark.parametrize("family", [family.__name__ for family in FAMILIES])
def test_no_family_falls_far_below_the_nominal_level_where_its_bend_shows(study, family):
    truth, low, high, *_, straight = study[family]
    shows = straight < BENT
    # of 128 cases: three standard errors below 0.93, but 0.85 where most of them show
    floor = min(0.85, 0.93 - 3 * np.sqrt(0.93 * 0.07 / max(shows.sum(), 1)))
    assert covered(truth[shows], low[shows], high[shows]) >= floor


def test_a_bend_shows_in_a_twentieth_of_power_laws_and_in_most_crossovers(study):
    assert np.mean(study["clean"][-1] < BENT) < 0.12
    assert np.mean(study["sum_seen"][-1] < BENT) > 0.7


def test_a_straight_line_fails_the_same_test(study):
    truth, _, _, low, high, *_ = pooled(study)
    assert covered(truth, low, high) < 0.6


def test_a_wrong_sign_is_claimed_in_less_than_two_percent_of_cases_where_a_bend_shows(study):
    truth, low, high, *_, straight = pooled(study)
    wrong = ((low > 0) & (truth <= 0)) | ((high < 0) & (truth >= 0))
    assert np.mean(wrong[straight < BENT]) < 0.02


def test_an_asymptote_out_of_sight_gives_wide_intervals(study):
    _, low, high, *_ = study["sum_unseen"]
    _, clean_low, clean_high, *_ = study["clean"]
    assert np.median(high - low) > 3 * np.median(clean_high - clean_low)


def test_intervals_of_clean_power_laws_are_useful(study):
    _, low, high, line_low, line_high, *_ = study["clean"]
    assert np.median(high - low) < 0.1
    assert np.median((high - low) / (line_high - line_low)) < 3


def test_the_estimate_is_closer_than_a_straight_line(study):
    truth, *_, centre, _ = pooled(study)
    line = 0.5 * (pooled(study)[3] + pooled(study)[4])
    error = np.sqrt(np.mean((centre - truth) ** 2))
    assert error < 0.6 * np.sqrt(np.mean((line - truth) ** 2))


def test_coverage_follows_the_level():
    widths = np.array([64.0, 256, 1024, 4096])
    rng = np.random.default_rng(SEED)
    truth, values = sweeps(FAMILIES[1], rng, widths, 200, 3, averaging=0)
    half = estimate_exponents(widths, values, level=0.5)
    most = estimate_exponents(widths, values, level=0.99)
    assert 0.35 < covered(truth, half.low, half.high) < 0.8
    assert covered(truth, most.low, most.high) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("family", [*LOOKED_AT, *HELD_OUT], ids=lambda family: family.__name__)
def test_further_families_are_covered_where_their_bend_shows(family):
    widths = np.round(np.geomspace(64, 16384, 6))
    rng = np.random.default_rng([SEED, sum(family.__name__.encode())])
    truth, values = sweeps(family, rng, widths, 120, 4, averaging=0)
    found = estimate_exponents(widths, values)
    shows = found.straight_p < BENT
    hit = covered(truth[shows], found.low[shows], found.high[shows])
    assert shows.sum() < 20 or hit >= 0.85
