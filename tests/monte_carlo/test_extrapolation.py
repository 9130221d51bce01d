"""Limits of means over draws are covered, whichever correction they have."""

import numpy as np
import pytest
from scipy.special import ndtri

from lazyscope.monte_carlo._extrapolation import (
    entries_of,
    fit_corrections,
    interval_over_corrections,
)
from lazyscope.monte_carlo._limit_kernel import estimate_of

WIDTHS = np.array([16, 32, 64, 128])
LIMIT = np.array([[2.0, 0.7], [0.7, 1.5]])
DRAWS = 32


def groups_of(seed, power, size):
    """Draws with a correction size * m^-power of the limit and a scatter of m^-1/2."""
    rng = np.random.default_rng(seed)
    direction = np.array([[1.0, 0.5], [0.5, -0.8]])
    found = []
    for m in WIDTHS:
        noise = rng.normal(size=(DRAWS, 2, 2))
        noise = (noise + noise.transpose(0, 2, 1)) / np.sqrt(m)
        found.append(LIMIT + size * m**-power * direction + noise)
    return np.array(found)


def covered(power, size, orders="any", reps=40):
    inside, wide = [], []
    for seed in range(reps):
        groups = groups_of(seed, power, size).reshape(len(WIDTHS), DRAWS, -1)
        fit = fit_corrections(groups, WIDTHS.astype(float), DRAWS, orders)
        found = entries_of(groups, fit, 0.95)
        inside.append((found.low <= LIMIT.ravel()) & (LIMIT.ravel() <= found.high))
        wide.append(found.high - found.low)
    return np.mean(inside), np.mean(wide)


@pytest.mark.parametrize(("power", "size"), [(1.0, 0.0), (1.0, 4.0), (0.5, 1.0), (0.5, 3.0)])
def test_entries_are_covered_whatever_the_correction(power, size):
    share, _ = covered(power, size)
    assert share >= 0.93


def test_an_interval_holds_that_of_every_correction_that_is_not_ruled_out():
    centre, spread, weights = np.array([[0.0, 1.0, 9.0]]), np.ones((1, 3)), [0.9, 0.06, 0.04]
    low, high = interval_over_corrections(centre, spread, np.array(weights), 0.95)
    assert low[0] == pytest.approx(-1.96, abs=1e-3)
    assert high[0] == pytest.approx(9.0 + ndtri(0.015 / 0.04), abs=0.01)  # the mixture's own
    high = interval_over_corrections(centre, spread, np.array([0.97, 0.02, 0.01]), 0.95)[1]
    assert high[0] < 1.0 + 1.96
    high = interval_over_corrections(centre[:, :2], spread[:, :2], np.array([0.94, 0.06]), 0.95)[1]
    assert high[0] == pytest.approx(1.0 + 1.96, abs=1e-3)


def test_whole_orders_make_intervals_narrower_and_do_not_cover_half_ones():
    share, width = covered(1.0, 4.0, "whole")
    assert share >= 0.93
    assert width < 0.9 * covered(1.0, 4.0)[1]
    assert covered(0.5, 3.0, "whole")[0] < 0.8


def test_a_correction_without_noise_is_taken_away():
    exact = LIMIT.ravel() + 3.0 / WIDTHS[:, None, None] * np.ones((4, 8, 4))
    exact = exact + 1e-9 * np.random.default_rng(0).normal(size=exact.shape)
    fit = fit_corrections(exact, WIDTHS.astype(float), 8, "any")
    np.testing.assert_allclose(entries_of(exact, fit, 0.95).value, LIMIT.ravel(), atol=1e-7)


def test_a_linear_functional_has_the_interval_of_its_own_mean():
    """The jackknife of a linear function is the standard error of its mean over draws."""
    found = estimate_of(groups_of(0, 1.0, 4.0), WIDTHS.tolist(), DRAWS, "tangent", 0.95)
    weights = np.array(list(found.corrections.values())) @ found.combinations
    traces = np.trace(found.groups, axis1=2, axis2=3)
    assert found.trace().value == pytest.approx(weights @ traces.mean(1), rel=1e-10)
    # As far as that of the correction which leaves least open, and no further than all do.
    errors = np.sqrt(found.combinations**2 @ traces.var(1, ddof=1) / DRAWS)
    apart = np.ptp(found.combinations @ traces.mean(1))
    assert 1.9 * errors.min() < found.trace().half_width < 2.2 * errors.max() + apart


def test_the_smallest_eigenvalue_is_that_of_the_limit_not_the_mean_of_those_of_draws():
    limit, inside, means = np.eye(2), [], []
    for seed in range(20):
        groups = groups_of(seed, 1.0, 0.0) - LIMIT + limit
        found = estimate_of(groups, WIDTHS.tolist(), DRAWS, "tangent", 0.95)
        inside.append(found.lambda_min().contains(1.0))
        means.append(np.linalg.eigvalsh(groups[-1])[:, 0].mean())
    assert np.mean(inside) >= 0.85
    assert max(means) < 1.0


@pytest.mark.parametrize(
    ("power", "answer"), [(1.0, "grows"), (-1.0, "vanishes"), (0.0, "converges")]
)
def test_a_kernel_without_a_limit_is_said_to_have_none(power, answer):
    groups = groups_of(0, 1.0, 4.0) * (WIDTHS.astype(float) ** power)[:, None, None, None]
    found = estimate_of(groups, WIDTHS.tolist(), DRAWS, "tangent", 0.95)
    assert found.convergence == answer
    assert np.isnan(found.entries.value).all() == (power != 0.0)
    assert (found.trace().value is None) == (power != 0.0)
    assert {"grows": "grows", "vanishes": "vanishes", "converges": "converges"}[
        answer
    ] in found.verdict.sentence


def test_few_draws_of_close_widths_leave_it_undecided():
    rng = np.random.default_rng(0)
    groups = np.exp(1.5 * rng.normal(size=(3, 8, 1, 1))) * LIMIT
    found = estimate_of(groups, (16, 17, 18), 8, "tangent", 0.95)
    assert found.convergence == "undecided"
    assert "too few" in found.verdict.sentence
