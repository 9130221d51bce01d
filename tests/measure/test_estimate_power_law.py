"""Is the slope of one quantity against another right, and is its interval about groups?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.measure import fit_power_law
from naive.cluster_robust import cr2


def test_an_exact_power_law_gives_slope_and_constant():
    x = np.geomspace(0.1, 100, 9)
    fit = fit_power_law(x, 0.3 * x**-0.75)
    assert fit.slope == pytest.approx(-0.75, abs=1e-12)
    assert fit.constant == pytest.approx(0.3, rel=1e-12)
    np.testing.assert_allclose(fit(x), 0.3 * x**-0.75)
    assert fit.agrees_with(-0.75) == "agrees"
    assert fit.agrees_with(-0.5) == "disagrees"


def test_two_values_of_x_give_the_variance_of_two_means():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(5), 0.3 * rng.standard_normal(9)
    x = np.concatenate([np.ones(5), np.full(9, np.e)])
    fit = fit_power_law(x, np.exp(np.concatenate([a, b])))
    assert fit.slope == pytest.approx(b.mean() - a.mean())
    assert fit.standard_error**2 == pytest.approx(a.var(ddof=1) / 5 + b.var(ddof=1) / 9)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1, 1), (3, 3, 3, 3), (2, 5, 1, 7, 4)])
def test_error_and_degrees_of_freedom_equal_the_written_out_matrices(sizes):
    rng = np.random.default_rng(4)
    member = np.repeat(np.arange(len(sizes)), sizes)
    x = np.exp(rng.uniform(-1, 3, len(member)))
    y = np.exp(rng.standard_normal(len(member)))
    fit = fit_power_law(x, y, groups=member)
    error, dof = cr2(np.column_stack([np.ones_like(x), np.log(x)]), np.log(y), member)
    assert fit.standard_error == pytest.approx(error, rel=1e-8)
    assert fit.dof == pytest.approx(dof, rel=1e-8)


def test_parallel_lines_are_the_slope_of_the_deviations_from_group_means():
    rng = np.random.default_rng(5)
    member = np.repeat(np.arange(4), 6)
    log_x = rng.uniform(0, 2, 24) + member
    log_y = 0.5 * log_x - 3.0 * member + 0.01 * rng.standard_normal(24)
    fit = fit_power_law(np.exp(log_x), np.exp(log_y), groups=member, intercepts="per-group")
    dx = log_x - np.array([log_x[member == g].mean() for g in member])
    dy = log_y - np.array([log_y[member == g].mean() for g in member])
    assert fit.slope == pytest.approx(dx @ dy / (dx @ dx))
    common = fit_power_law(np.exp(log_x), np.exp(log_y), groups=member)
    assert common.slope < 0 < fit.slope


def coverage(num_groups, *, grouped):
    """Share of 400 data sets, each group with its own slope error, whose interval has the truth."""
    rng = np.random.default_rng(12)
    hits = 0
    log_x = np.tile(np.linspace(0, 2, 6), num_groups)
    member = np.repeat(np.arange(num_groups), 6)
    for _ in range(400):
        tilt = 0.2 * rng.standard_normal(num_groups)[member]
        shift = 0.05 * rng.standard_normal(num_groups)[member]
        log_y = (-0.5 + tilt) * log_x + shift + 0.05 * rng.standard_normal(len(log_x))
        groups = member if grouped else None
        low, high = fit_power_law(np.exp(log_x), np.exp(log_y), groups=groups).interval
        hits += low <= -0.5 <= high
    return hits / 400


@pytest.mark.parametrize("num_groups", [4, 8])
def test_intervals_of_grouped_data_cover_at_the_nominal_level(num_groups):
    assert 0.92 <= coverage(num_groups, grouped=True) <= 0.98


@pytest.mark.slow
def test_ignoring_the_groups_covers_too_seldom():
    assert coverage(8, grouped=False) < 0.9


def test_scaling_x_or_y_changes_the_constant_only():
    rng = np.random.default_rng(2)
    x, y = np.exp(rng.uniform(0, 3, 12)), np.exp(rng.standard_normal(12))
    one, other = fit_power_law(x, y), fit_power_law(10 * x, 7 * y)
    np.testing.assert_allclose(one.interval, other.interval)
    assert other.constant == pytest.approx(7 * one.constant * 10**-one.slope)


def test_a_bent_relation_is_named():
    rng = np.random.default_rng(3)
    x = np.geomspace(0.01, 100, 30)
    y = 1 / (1 + x) * np.exp(0.02 * rng.standard_normal(30))
    assert "bent" in fit_power_law(x, y).note
    straight = fit_power_law(x, x**-0.5 * np.exp(0.02 * rng.standard_normal(30)))
    assert straight.note == ""
    assert straight.bend_interval[0] < 0 < straight.bend_interval[1]


def losses(draw, *, num_seeds=4, noise=0.02):
    """Sizes, losses E + A N^-alpha with lognormal noise, the true -alpha and E."""
    rng = np.random.default_rng([7, draw])
    n = np.repeat(np.geomspace(1e3, 1e6, 7), num_seeds)
    power, floor = -rng.uniform(0.2, 0.8), np.exp(rng.uniform(np.log(0.1), np.log(3.0)))
    middle = np.exp(rng.uniform(np.log(3e3), np.log(3e5)))
    clean = floor * (1 + (n / middle) ** power)
    return n, clean * np.exp(noise * rng.standard_normal(len(n))), power, floor


@pytest.mark.slow
def test_slopes_above_an_offset_are_covered_where_a_line_alone_never_is():
    hits, offsets, plain = [], [], []
    for draw in range(60):
        n, loss, power, floor = losses(draw)
        fit = fit_power_law(n, loss, offset="fitted")
        hits.append(fit.interval[0] <= power <= fit.interval[1])
        offsets.append(fit.offset_interval[0] <= floor <= fit.offset_interval[1])
        low, high = fit_power_law(n, loss).interval
        plain.append(low <= power <= high)
    assert np.mean(hits) >= 0.88  # 95 % of 60 but two standard errors
    assert np.mean(offsets) >= 0.8
    assert np.mean(plain) < 0.05


def test_an_exact_offset_is_found_and_drawn():
    x = np.geomspace(10, 1e5, 9)
    fit = fit_power_law(x, 2.0 + 30 * x**-0.5, offset="fitted")
    assert fit.slope == pytest.approx(-0.5, abs=1e-3)
    assert fit.offset == pytest.approx(2.0, rel=1e-3)
    assert fit.constant == pytest.approx(30, rel=1e-2)
    np.testing.assert_allclose(fit(x), 2.0 + 30 * x**-0.5, rtol=1e-3)
    assert fit_power_law(x, x**-0.5).offset == 0


def test_groups_with_constants_of_their_own_share_an_offset_in_proportion():
    rng = np.random.default_rng(8)
    x, member = np.tile(np.geomspace(1, 1e4, 8), 5), np.repeat(np.arange(5), 8)
    own = np.exp(rng.standard_normal(5))[member]
    y = own * (0.3 + x**-0.7) * np.exp(0.01 * rng.standard_normal(40))
    fit = fit_power_law(x, y, groups=member, intercepts="per-group", offset="fitted")
    assert fit.interval[0] <= -0.7 <= fit.interval[1]
    assert np.ptp(fit.interval) < 0.1


def test_an_offset_out_of_sight_leaves_steep_slopes_open():
    rng = np.random.default_rng(9)
    x = np.repeat(np.geomspace(1, 8, 4), 4)
    y = np.where(x == 1, 1.3, 1.0) * np.exp(0.02 * rng.standard_normal(16))
    fit = fit_power_law(x, y, offset="fitted")
    assert fit.interval[0] == -np.inf
    assert "does not show the offset" in fit.note


def test_an_offset_needs_four_different_x():
    with pytest.raises(InputError, match=r"4 different x.*add 1 or more x"):
        fit_power_law([1, 2, 4], [3, 2, 1.5], offset="fitted")


def test_points_without_a_value_are_counted():
    x = np.geomspace(1, 10, 6)
    y = x**-1.0
    y[2] = np.nan
    fit = fit_power_law(x, y)
    assert fit.num_missing == 1
    assert "1 of 6 points have no value" in fit.note


@pytest.mark.parametrize(
    ("x", "y", "groups", "message"),
    [
        ([1, 2], [1, 2], None, "at least 3 groups .*2 groups with a value.*add 1 or more"),
        ([1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 1, 1], "at least 3 groups"),
        ([2, 2, 2], [1, 2, 3], None, "2 different x"),
        ([1, 2, -3], [1, 2, 3], None, "positive and finite.*x from -3 to 2"),
        ([1, 2, 3], [1, 0, 3], None, "positive and finite"),
        ([1, 2, 3], [1, 2], None, "one length"),
        ([1, 2, 3], [1, 2, 3], [0, 1], "one length"),
    ],
)
def test_bad_input_is_refused_with_the_fix(x, y, groups, message):
    with pytest.raises(InputError, match=message):
        fit_power_law(x, y, groups=groups)


def test_values_that_do_not_change_reject_no_slope_beside_an_offset():
    fit = fit_power_law(np.geomspace(1, 16, 5), np.ones(5), offset="fitted")
    assert fit.interval == (-np.inf, np.inf)


def test_exact_values_above_an_offset_hold_the_exact_slope_in_their_interval():
    x, own = np.tile([1.0, 2, 4, 8, 16], 3), np.repeat([1.0, 2, 3], 5)
    fit = fit_power_law(x, own * (1 + 1 / x), groups=own, intercepts="per-group", offset="fitted")
    assert fit.interval[0] <= -1.0 <= fit.interval[1]
    assert np.ptp(fit.interval) < 1e-2
