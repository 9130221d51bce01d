"""Do nominal 95 % intervals contain the true exponent in 90 to 99 % of cases?

The number of cases, their families and their seed are fixed here; `benchmarks/exponent_coverage.py`
is the same study with more cases. A straight line through the means is the method that must fail.
"""

import numpy as np
import pytest
from scipy.stats import t as student

from lazyscope.measure import estimate_exponents
from naive.crossovers import FAMILIES, sweeps

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
                rows.append((truth, found.low, found.high, *line, found.exponent))
        results[family.__name__] = [np.concatenate(part) for part in zip(*rows, strict=True)]
    return results


def covered(truth, low, high):
    return np.mean((low <= truth) & (truth <= high))


def pooled(study):
    return [np.concatenate(part) for part in zip(*study.values(), strict=True)]


@pytest.mark.slow
def test_intervals_cover_in_90_to_99_percent_of_all_cases(study):
    truth, low, high, *_ = pooled(study)
    assert 0.90 <= covered(truth, low, high) <= 0.99


@pytest.mark.parametrize("family", [family.__name__ for family in FAMILIES])
def test_no_family_falls_far_below_the_nominal_level(study, family):
    truth, low, high, *_ = study[family]
    # 128 cases: 0.85 is three standard errors below 0.93
    assert covered(truth, low, high) >= 0.85


def test_a_straight_line_fails_the_same_test(study):
    truth, _, _, low, high, _ = pooled(study)
    assert covered(truth, low, high) < 0.6


def test_a_wrong_sign_is_claimed_in_less_than_two_percent_of_cases(study):
    truth, low, high, *_ = pooled(study)
    wrong = ((low > 0) & (truth <= 0)) | ((high < 0) & (truth >= 0))
    assert np.mean(wrong) < 0.02


def test_an_asymptote_out_of_sight_gives_wide_intervals(study):
    _, low, high, *_ = study["sum_unseen"]
    _, clean_low, clean_high, *_ = study["clean"]
    assert np.median(high - low) > 3 * np.median(clean_high - clean_low)


def test_intervals_of_clean_power_laws_are_useful(study):
    _, low, high, *_ = study["clean"]
    assert np.median(high - low) < 0.2


def test_the_estimate_is_closer_than_a_straight_line(study):
    truth, *_, centre = pooled(study)
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
