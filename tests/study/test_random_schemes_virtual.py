"""Random schemes at virtual widths: where they are measured, how exponents are read off, what comes out."""

import functools
import tempfile

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.measure import expected_with_corrections, extrapolated_exponent
from lazyscope.scaling import displacement_exponents, displacements_at_width, slowest_correction
from lazyscope.study import LayerEstimate, RandomSchemesSettings, find_study, judge_study
from lazyscope.study.random_schemes._corrections import correction_sizes
from lazyscope.study.random_schemes._estimates import estimate_virtual_layers
from lazyscope.study.random_schemes._virtual import in_own_time, virtual_widths

FEW = RandomSchemesSettings(counts=(3,), width=32, num_widths=4)


def law_of(scheme, width, weights, gap):
    """What the law at one width says, for any constants in front of its terms."""
    alpha, speed = (width ** np.array(part) for part in scheme)
    return displacements_at_width(alpha, speed, gap=gap, kernel_weights=weights)


def drawn(seed, layers):
    rng = np.random.default_rng(seed)
    scales = (rng.uniform(-0.5, 0.5, layers) + 0.25 / layers).round(4)
    return tuple(scales.tolist()), tuple(rng.uniform(-1, 1, layers).round(4).tolist())


def test_every_scheme_has_virtual_widths_and_speeds_of_its_own():
    points = FEW.design(1).points
    assert len(points["seed"]) == 3 * 4 * 2
    widths = [FEW.virtual_widths(scheme) for scheme in FEW.schemes(1)]
    assert points["virtual_width"] == tuple(m for one in widths for m in one for _ in range(2))
    assert sorted(set(points["seed"])) == [0, 1, 4, 5, 8, 9]
    for scales, speeds in zip(points["scale_exponents"], points["speed_exponents"], strict=True):
        kernel = max(s - 2 * a for a, s in zip(scales, speeds, strict=True)) + 2 * sum(scales)
        assert kernel == pytest.approx(0.0, abs=1e-5)


def test_a_seed_is_one_network_at_all_widths_of_a_scheme():
    points = FEW.design(1).points
    first = [
        seed
        for seed, a in zip(points["seed"], points["scale_exponents"], strict=True)
        if a == points["scale_exponents"][0]
    ]
    assert first == [0, 1] * 4


@pytest.mark.parametrize("seed", range(30))
def test_widths_end_where_corrections_have_decayed_or_numbers_would(seed):
    scheme = drawn(seed, 3)
    widths = virtual_widths(scheme, 6)
    assert list(widths) == sorted(widths)
    assert widths[-1] <= 1e30
    growing = sorted(e for e in displacement_exponents(*scheme) if e > 0)
    assert widths[-1] ** (2 * sum(growing[:-1])) <= 1.01e11
    if sum(scheme[0]) >= 0 and slowest_correction(*scheme) > 0.5:
        assert widths[-1] ** -slowest_correction(*scheme) < 1e-5


def test_one_factor_on_all_speeds_leaves_relative_speeds_alone():
    scales, speeds = drawn(3, 4)
    shift = np.array(in_own_time((scales, speeds))) - speeds
    assert np.ptp(shift) < 1e-5


def test_depths_counts_and_seeds_of_virtual_widths_have_their_own_defaults():
    settings = RandomSchemesSettings(num_schemes=60, draw_seed=5, data="digits")
    assert (settings.depths, settings.counts) == ((1, 2, 3, 4), (15, 15, 15, 15))
    assert (settings.replicates, settings.data_seed, settings.num_points) == (2, 5, 4)
    assert RandomSchemesSettings(depths=(2, 4), num_schemes=5).counts == (3, 2)
    assert RandomSchemesSettings(depths=(3,)).schemes(3) == RandomSchemesSettings().schemes(3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"num_widths": 3}, "at least 4 virtual widths"),
        ({"depths": (2, 1)}, "depths must be increasing"),
        ({"depths": (0, 1)}, "Depth must be a whole number"),
        ({"depths": (1, 2), "counts": (3,)}, "one number of schemes for every depth"),
    ],
)
def test_settings_that_make_no_study_are_refused(given, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        RandomSchemesSettings(**given)


def test_a_correction_that_has_decayed_costs_nothing_and_a_slow_one_widens():
    m = np.geomspace(1e10, 1e20, 6)
    noise = np.exp(np.random.default_rng(0).normal(0, 1e-3, (6, 2)))
    values = (m**-0.5)[:, None] * noise
    fast, slow = (extrapolated_exponent(m, values, [m**-rate]) for rate in (1.0, 0.03))
    assert fast.high - fast.low < 1e-3
    assert slow.high - slow.low > 10 * (fast.high - fast.low)
    assert slow.low <= -0.5 <= slow.high


def test_seeds_that_shift_a_line_do_not_widen_its_slope():
    m = np.geomspace(1e10, 1e20, 6)
    shifted = (m**-0.25)[:, None] * np.array([1.0, 3.0])
    found = extrapolated_exponent(m, shifted, np.zeros((1, 6)))
    assert found.value == pytest.approx(-0.25, abs=1e-9)
    assert found.high - found.low < 1e-3


def test_widths_at_which_a_seed_failed_are_left_out_and_too_few_are_refused():
    m = np.geomspace(1e10, 1e20, 6)
    values = np.repeat((m**-0.25)[:, None], 2, axis=1)
    values[0, 0] = np.nan
    assert extrapolated_exponent(m, values, np.zeros((1, 6))).value == pytest.approx(-0.25)
    values[:3, 0] = np.nan
    with pytest.raises(InputError, match="at least 4 widths at which every seed has a value"):
        extrapolated_exponent(m, values, np.zeros((1, 6)))


def test_intervals_cover_the_law_whatever_its_constants():
    """Curves of the law at one width with random constants: sums where the exponents have maxima."""
    contained, errors = [], []
    for seed in range(60):
        rng = np.random.default_rng([1, seed])
        scheme = drawn(seed, int(rng.integers(2, 6)))
        weights = np.exp(rng.normal(0, 1, len(scheme[0])))
        widths = virtual_widths(scheme, 6)
        gap = float(np.exp(rng.normal()))
        moved = np.stack([law_of(scheme, m, weights, gap) for m in widths], axis=1)
        values = moved[..., None] * np.exp(rng.normal(0, 2e-3, (*moved.shape, 2)))
        # The law at one width is given a gap that does not grow: rho is held below 1/2.
        if sum(scheme[0]) > 0.45:
            continue
        for e in estimate_virtual_layers(scheme, widths, values, accuracy=0.005):
            contained.append(e.contained)
            errors.append(e.error if e.correction > 0.1 else 0.0)
    assert len(contained) > 100
    assert np.mean(contained) > 0.95
    assert np.sqrt(np.mean(np.square(errors))) < 5e-3


def test_a_layer_whose_runs_failed_has_no_estimate_and_says_how_many():
    scheme = drawn(0, 2)
    values = np.full((2, 6, 2), np.nan)
    found = estimate_virtual_layers(scheme, virtual_widths(scheme, 6), values, accuracy=0.01)
    assert [e.failed for e in found] == [12, 12]
    assert all(np.isnan([e.exponent, e.low, e.high]).all() for e in found)


def test_sizes_of_corrections_are_small_where_the_law_is_far_from_ties():
    scheme = ((0.3, 0.0), (0.0, -1.0))  # u = -0.6, -1.0
    m = np.geomspace(1e15, 1e25, 4)
    sizes = correction_sizes(scheme, m, np.stack([m**-0.3, m**-0.7]))
    assert sizes[:, -1].max() < 1e-3
    assert np.all(np.diff(sizes, axis=1) < 0)


@functools.cache
def few():
    with tempfile.TemporaryDirectory() as folder:
        return judge_study(find_study("random-schemes"), FEW, folder).result


@pytest.mark.slow
def test_three_schemes_at_virtual_widths_follow_the_law_to_two_digits():
    result = few()
    layers = [LayerEstimate.from_json(one) for one in result["layers"]]
    assert [e.layer for e in layers] == [1, 2] * 3
    assert result["outcomes"] == {"converged": 24}
    assert result["rms"] < 0.02
    assert all(abs(e.error) < 0.01 for e in layers if e.correction > 0.1)
    assert all(max(e.widths) > 1e5 for e in layers)
    assert set(result) >= {"rms", "rms_by_depth", "coverage", "median_half_width", "worst"}
    assert set(result["rms_by_depth"]) == {"1"}


def test_another_method_has_its_own_law_widths_and_pace():
    signs = RandomSchemesSettings(counts=(4,), num_widths=4, method="sign")
    points, fixed = signs.design(1).points, signs.design(1).fixed
    assert (fixed["method"], fixed["share"], "tolerance" in fixed) == ("sign", 0.02, False)
    for scales, rates in zip(points["scale_exponents"], points["speed_exponents"], strict=True):
        # D_l = sqrt(fan_in fan_out) is sqrt(m) in both layers of a network of one hidden layer
        pace = [rate + 0.5 - scale for scale, rate in zip(scales, rates, strict=True)]
        assert max(pace) == pytest.approx(0.0, abs=1e-5)
    with pytest.raises(InputError, match=r"[Rr]eal widths are for the flow"):
        RandomSchemesSettings.at_real_widths(method="sign")
    with pytest.raises(InputError, match="does not contain"):
        RandomSchemesSettings(method="adamw")


def test_an_epsilon_at_virtual_widths_is_small_against_any_gradient():
    adam, signs = (RandomSchemesSettings(counts=(1,), method=name) for name in ("adam", "sign"))
    assert adam.design(1).fixed["epsilon"] < 1e-150
    assert "epsilon" not in signs.design(1).fixed


def test_an_average_that_lags_behind_growth_widens_intervals_of_adam_alone():
    growing, lazy = ((-0.2, -0.1), (0.0, 0.0)), ((0.2, 0.1), (0.0, 0.0))
    adam, signs = (RandomSchemesSettings(counts=(1,), method=name) for name in ("adam", "sign"))
    assert adam.accuracy_of(growing) > 5 * adam.accuracy_of(lazy)
    assert adam.accuracy_of(lazy) == signs.accuracy_of(growing) == signs.accuracy


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sign", "muon", "adam"])
def test_the_law_of_other_methods_is_seen_at_virtual_widths(method, tmp_path):
    settings = RandomSchemesSettings(counts=(3,), width=64, num_widths=4, method=method)
    result = judge_study(find_study("random-schemes"), settings, tmp_path).result
    assert result["outcomes"] == {"converged": 24}
    assert result["away"]["rms"] < 0.005
    plain = [displacement_exponents(*scheme) for scheme in settings.schemes(1)]
    found = [e["exponent"] for e in result["layers"]]
    assert np.abs(np.array(found) - np.ravel(plain)).max() > 0.1  # that of descent is another one


def test_a_largest_width_that_the_others_do_not_lead_to_is_told():
    m = np.array([1e4, 1e6, 1e8, 1e10, 1e12])
    values = (m**-0.25 * (1 + m**-0.3))[:, None] * np.array([1.0, 1.1])
    expected = expected_with_corrections(m, values, [m**-0.3])
    assert expected.as_expected
    assert expected.measured == pytest.approx(values[-1, 0] * 1.1**0.5)
    values[-1] *= 1.2
    moved = expected_with_corrections(m, values, [m**-0.3])
    assert not moved.as_expected
    assert moved.expected == expected.expected
