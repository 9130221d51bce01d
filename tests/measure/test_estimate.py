"""Is the estimate of an exponent right, invariant, and honest about what it does not know?"""

import json

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.measure import estimate_exponent, estimate_exponents
from lazyscope.measure.estimate._evidence import line_probability
from lazyscope.measure.estimate._posterior import Runs
from naive.exponent_posterior import KINDS, components, cumulative

WIDTHS = np.array([64.0, 181, 512, 1448, 4096])


def power_law(exponent, *, noise=0.03, seeds=4, seed=1, widths=WIDTHS, factor=1.0):
    rng = np.random.default_rng(seed)
    return (
        factor
        * widths[:, None] ** exponent
        * np.exp(noise * rng.standard_normal((len(widths), seeds)))
    )


@pytest.mark.parametrize("exponent", [-1.0, -0.5, 0.0, 0.25])
def test_a_power_law_without_noise_gives_its_exponent(exponent):
    values = np.repeat(WIDTHS[:, None] ** exponent, 3, axis=1)
    found = estimate_exponent(WIDTHS, values)
    low, high = found.interval
    assert abs(found.exponent - exponent) < 1e-6
    assert low <= exponent <= high
    assert high - low < 0.02
    assert found.model == "power-law"


@pytest.mark.parametrize("size", [-0.5, 2.0])
def test_a_correction_term_without_noise_is_seen_and_removed(size):
    widths = np.geomspace(64, 10_000, 7)
    values = np.repeat((widths**-0.5 * (1 + size * (widths / 64) ** -0.7))[:, None], 3, axis=1)
    found = estimate_exponent(widths, values)
    straight = np.polyfit(np.log(widths), np.log(values[:, 0]), 1)[0]
    assert abs(straight + 0.5) > 0.06
    assert abs(found.exponent + 0.5) < 0.5 * abs(straight + 0.5)
    assert found.interval[0] <= -0.5 <= found.interval[1]
    assert np.ptp(found.interval) < 0.45
    assert found.model in {"correction", "crossover", "sum"}
    assert next(fit.weight for fit in found.models if fit.model == "power-law") < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    "curve",
    [lambda m: m**-0.5, lambda m: np.sqrt(m**-1.4 + 30 / m**2), lambda m: m**-0.25 * np.log(m)],
    ids=["power law", "crossover", "logarithm"],
)
def test_interval_is_the_quantile_of_the_naive_posterior(curve):
    widths = np.array([64.0, 256, 1024, 4096])
    rng = np.random.default_rng(3)
    values = curve(widths)[:, None] * np.exp(0.03 * rng.standard_normal((4, 3)))
    found = estimate_exponent(widths, values, level=0.9)
    parts = components(widths, values)
    low, high = found.interval
    assert cumulative(parts, low) == pytest.approx(0.05, abs=2e-3)
    assert cumulative(parts, found.exponent) == pytest.approx(0.5, abs=1e-2)
    assert cumulative(parts, high) == pytest.approx(0.95, abs=2e-3)
    weight, centre, sd, kind = parts
    for fit in found.models:
        member = kind == KINDS.index(fit.model)
        assert fit.weight == pytest.approx(weight[member].sum(), abs=1e-4)
    mean = np.sum(weight * centre)
    total = np.sqrt(np.sum(weight * (sd**2 + (centre - mean) ** 2)))
    assert found.standard_error == pytest.approx(total, rel=1e-3)


def test_error_of_the_pure_power_law_is_the_bootstrap_error_where_seeds_are_many():
    values = power_law(-0.5, noise=0.1, seeds=60, seed=8)
    found = estimate_exponent(WIDTHS, values)
    pure = next(fit for fit in found.models if fit.model == "power-law")
    rng = np.random.default_rng(1)
    x = np.log(WIDTHS) - np.log(WIDTHS).mean()
    picks = rng.integers(0, 60, (4000, len(WIDTHS), 60))
    means = np.take_along_axis(np.log(values)[None], picks, axis=-1).mean(-1)
    bootstrap = (means @ x / (x @ x)).std()
    assert pure.standard_error == pytest.approx(bootstrap, rel=0.15)


def test_a_constant_factor_changes_nothing():
    values = power_law(-0.5)
    one, other = estimate_exponent(WIDTHS, values), estimate_exponent(WIDTHS, 1e-7 * values)
    np.testing.assert_allclose(one.interval, other.interval, atol=1e-9)


def test_a_power_of_the_width_shifts_the_exponent_and_nothing_else():
    values = power_law(-0.5)
    one = estimate_exponent(WIDTHS, values)
    other = estimate_exponent(WIDTHS, values * WIDTHS[:, None] ** 0.75)
    np.testing.assert_allclose(np.add(one.interval, 0.75), other.interval, atol=1e-9)
    assert one.exponent + 0.75 == pytest.approx(other.exponent, abs=1e-9)


def test_the_order_of_seeds_changes_nothing():
    values = power_law(-0.5)
    shuffled = np.random.default_rng(0).permuted(values, axis=1)
    one, other = estimate_exponent(WIDTHS, values), estimate_exponent(WIDTHS, shuffled)
    np.testing.assert_allclose(one.interval, other.interval, atol=1e-9)


def test_cells_of_a_map_do_not_know_of_each_other():
    cells = [power_law(e, seed=k, noise=0.01 * (k + 1)) for k, e in enumerate((-0.5, 0.0, 0.3))]
    cells[1][2, 0] = np.nan
    together = estimate_exponents(WIDTHS, np.stack(cells))
    for index, values in enumerate(cells):
        assert together.cell(index) == estimate_exponent(WIDTHS, values) or np.allclose(
            together.cell(index).interval, estimate_exponent(WIDTHS, values).interval, atol=1e-9
        )


def test_large_maps_are_cut_without_trace():
    values = np.stack([power_law(-0.5, seed=k) for k in range(70)])
    whole = estimate_exponents(WIDTHS, values)
    tail = estimate_exponents(WIDTHS, values[60:])
    np.testing.assert_allclose(whole.low[60:], tail.low, atol=1e-9)
    np.testing.assert_allclose(whole.high[60:], tail.high, atol=1e-9)


def test_more_noise_gives_a_wider_interval():
    spans = [
        np.ptp(estimate_exponent(WIDTHS, power_law(-0.5, noise=noise)).interval)
        for noise in (0.003, 0.03, 0.3)
    ]
    assert spans[0] < spans[1] < spans[2]


def test_a_crossover_in_mid_flight_is_undecided_where_a_straight_line_is_sure():
    widths = np.array([64.0, 256, 1024, 4096])
    rng = np.random.default_rng(2)
    curve = widths**-0.6 + 0.008 * widths**0.1  # meets at m = 1000: grows at last
    values = curve[:, None] * np.exp(0.03 * rng.standard_normal((4, 3)))
    x = np.log(widths)
    slope, _ = np.polyfit(x, np.log(values).mean(1), 1)
    assert slope < -0.2
    found = estimate_exponent(widths, values)
    assert found.sign_verdict() != "negative"
    assert found.interval[0] <= 0.1 <= found.interval[1]


def test_failed_runs_are_counted_and_widen_the_interval():
    values = power_law(-0.5)
    values[4, :2] = np.nan
    kept = estimate_exponent(WIDTHS, values)
    ignored = estimate_exponent(WIDTHS, values, missing="absent")
    assert kept.runs == (4, 4, 4, 4, 4)
    assert kept.failed == (0, 0, 0, 0, 2)
    assert ignored.runs == (4, 4, 4, 4, 2)
    assert kept.interval[0] < ignored.interval[0]
    assert kept.interval[1] > ignored.interval[1]
    assert kept.failure_shift > 0
    assert "2 of 20 runs failed" in kept.note
    assert ignored.failure_shift == 0
    assert ignored.note == ""


def test_a_width_without_any_value_is_named():
    values = power_law(-0.5)
    values[0] = np.nan
    found = estimate_exponent(WIDTHS, values)
    assert "No run has a value at width 64." in found.note
    assert len(found.local_slopes) == 3


def test_a_cell_without_runs_is_undecided_and_does_not_stop_the_map():
    empty = np.full((5, 4), np.nan)
    found = estimate_exponents(WIDTHS, np.stack([power_law(-0.5), empty]))
    assert found.usable.tolist() == [True, False]
    assert found.sign_verdicts().tolist() == ["negative", "undecided"]
    assert found.agreements([-0.5, -0.5]).tolist() == ["agrees", "undecided"]
    assert found.cell(1).model is None
    assert "Too few runs" in found.cell(1).note


def test_few_and_close_widths_are_named():
    widths = np.array([64.0, 128, 256])
    found = estimate_exponent(widths, power_law(-0.5, widths=widths))
    assert "Only 3 widths have a value" in found.note
    assert "span a factor of 4 only" in found.note
    assert estimate_exponent(WIDTHS, power_law(-0.5)).note == ""


def test_verdicts_follow_the_interval():
    found = estimate_exponent(WIDTHS, power_law(-0.5, noise=0.01))
    assert found.sign_verdict() == "negative"
    assert found.agrees_with(-0.5) == "agrees"
    assert found.agrees_with(0.5) == "disagrees"
    assert found.agrees_with(-0.5, resolution=1e-4) == "undecided"
    level = estimate_exponent(WIDTHS, power_law(0.0, noise=0.03))
    assert level.sign_verdict() == "undecided"


def test_local_slopes_of_a_power_law_are_its_exponent_within_their_errors():
    found = estimate_exponent(WIDTHS, power_law(-0.5, seeds=5))
    pulls = (np.array(found.local_slopes) + 0.5) / np.array(found.local_slope_errors)
    assert np.all(np.abs(pulls) < 4)
    assert found.spread == pytest.approx(0.03, rel=0.5)


def test_curve_of_the_chosen_model_passes_through_the_means():
    values = power_law(-0.5, noise=0.02)
    found = estimate_exponent(WIDTHS, values)
    means = np.exp(np.log(values).mean(1))
    for fit in found.models:
        np.testing.assert_allclose(fit.curve(WIDTHS), means, rtol=0.06)
        assert fit.sentence


def bent(size=3.0, **settings):
    return power_law(-0.5, **settings) * (1 + size * (WIDTHS[:, None] / 64) ** -0.6)


def test_an_estimate_says_whether_a_bend_shows_and_what_it_rests_on():
    straight, curved = (
        estimate_exponent(WIDTHS, values) for values in (power_law(-0.5), bent(noise=0.01))
    )
    assert straight.straight_p > 0.05 > 1e-3 > curved.straight_p
    assert straight.assumption.startswith("No bend shows")
    assert "none that begins later" in straight.assumption
    assert curved.assumption.startswith("A bend shows")
    assert curved.model is not None
    assert curved.model in curved.assumption
    low, high = straight.bent_interval
    assert low < straight.interval[0] < straight.interval[1] < high
    assert "straight with p = " in straight.estimate.basis
    told = json.loads(json.dumps(straight.evidence()))
    assert told["assumption"] == straight.assumption
    assert told["largest"]["width"] == 4096


def test_a_straight_line_is_rejected_at_its_level_where_it_is_true():
    values = np.stack([power_law(-0.5, seed=k) for k in range(2000)])
    found = line_probability(Runs.of(np.log(WIDTHS), np.log(values)), 1e-6)
    assert 0.035 < np.mean(found < 0.05) < 0.065
    assert 0.46 < np.mean(found < 0.5) < 0.54


def test_the_largest_width_is_where_the_others_expect_it_and_named_where_it_is_not():
    found = estimate_exponent(WIDTHS, power_law(-0.5))
    assert found.largest is not None
    assert found.largest.as_expected
    assert found.largest.measured == pytest.approx(4096**-0.5, rel=0.1)
    values = power_law(-0.5)
    values[-1] *= 3
    moved = estimate_exponent(WIDTHS, values)
    assert moved.largest is not None
    assert not moved.largest.as_expected
    assert moved.largest.expected == pytest.approx(found.largest.expected)
    assert "where the other widths predict" in moved.note
    few = estimate_exponent(WIDTHS[:3], power_law(-0.5, widths=WIDTHS[:3]))
    assert few.largest is None


@pytest.mark.slow
def test_the_others_expect_the_largest_width_at_the_nominal_level():
    for values in (
        np.stack([power_law(-0.5, seed=k) for k in range(200)]),
        np.stack([bent(seed=k) for k in range(200)]),
    ):
        found = estimate_exponents(WIDTHS, values)
        cells = [found.cell(k).largest for k in range(200)]
        assert np.mean([one is not None and one.as_expected for one in cells]) > 0.9


def test_text_names_exponent_interval_and_models():
    text = str(estimate_exponent(WIDTHS, power_law(-0.5)))
    assert text.startswith("exponent -0.5")
    assert "at 95%" in text
    assert "power-law" in text


@pytest.mark.parametrize(
    ("widths", "values", "message"),
    [
        ([64, 256], np.ones((2, 3)), "at least 3 widths .* Fix: add 1 or more widths"),
        ([64, 64, 256], np.ones((3, 3)), "distinct, increasing"),
        ([256, 64, 16], np.ones((3, 3)), "distinct, increasing"),
        ([1, 64, 256], np.ones((3, 3)), "above 1"),
        (
            [64, 256, 1024],
            np.ones((3, 1)),
            r"3 runs beyond one per width.*\[1, 1, 1\] runs with a value",
        ),
        ([64, 256, 1024], np.zeros((3, 3)), "positive and finite.*9 values such as 0"),
        ([64, 256, 1024], np.full((3, 3), np.inf), "give NaN for a run without a value"),
        ([64, 256, 1024], np.ones((3, 3, 1)), "for many cells use estimate_exponents"),
        ([64, 256, 1024], np.ones((4, 3)), "axes .cells, widths, seeds."),
    ],
)
def test_bad_input_is_refused_with_the_fix(widths, values, message):
    with pytest.raises(InputError, match=message):
        estimate_exponent(widths, values)


def test_settings_are_checked():
    values = power_law(-0.5)
    with pytest.raises(InputError, match="Level must lie strictly between"):
        estimate_exponent(WIDTHS, values, level=95)
    with pytest.raises(InputError, match="Accuracy must be above zero"):
        estimate_exponent(WIDTHS, values, accuracy=0.0)
    with pytest.raises(InputError, match="Missing must be one of absent, failed"):
        estimate_exponent(WIDTHS, values, missing="fail")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="Prediction must be a finite number"):
        estimate_exponent(WIDTHS, values).agrees_with(np.nan)
    with pytest.raises(InputError, match="3 runs beyond one per width"):
        estimate_exponents(WIDTHS, np.full((2, 5, 4), np.nan))
    with pytest.raises(InputError, match="Resolution must be above zero"):
        estimate_exponent(WIDTHS, values).agrees_with(0.0, resolution=-1)
