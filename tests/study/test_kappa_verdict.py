"""The verdict of a kappa study on made-up runs whose law is known."""

import numpy as np
import pytest

from lazyscope.measure import Estimate, mean_estimate
from lazyscope.study.kappa._verdict import joint_level, judge

KAPPAS = (1.0, 4.0, 16.0, 64.0, 256.0)
SHAPES = ("balanced", "small-readout")


def runs_with(slope, *, correction=0.0, noise=0.003, fail=(), constant=1.0):
    """Runs whose displacement is constant kappa^slope (1 + correction forecast) with lognormal noise."""
    rng = np.random.default_rng(0)
    records = []
    for shape in SHAPES:
        for width in (64, 128, 256):
            for kappa in KAPPAS:
                for seed in range(3):
                    forecast = constant / kappa
                    moved = constant * kappa**slope * (1 + correction * forecast)
                    moved *= np.exp(noise * rng.standard_normal())
                    failed = (shape, width, kappa, seed) in fail
                    records.append(
                        {
                            "spread": shape,
                            "width": width,
                            "kappa": kappa,
                            "seed": seed,
                            "outcome": "stalled" if failed else "converged",
                            "largest_displacement": None if failed else moved,
                            "largest_forecast": forecast,
                            "largest_by_law": forecast,
                        }
                    )
    return records


def verdict_of(runs, accuracy=0.002):
    return judge(runs, SHAPES, 2, accuracy=accuracy)


def test_runs_that_follow_the_law_support_it():
    assert verdict_of(runs_with(-1.0))["verdict"]["supported"]


@pytest.mark.parametrize("slope", [-0.9, -1.1, -0.5, 1.0])
def test_runs_with_another_slope_contradict_the_law(slope):
    judged = verdict_of(runs_with(slope))
    assert not judged["verdict"]["supported"]
    assert judged["verdict"]["answer"] == "contradicted"
    assert {fit["verdict"] for fit in judged["fits"]} == {"disagrees"}


def test_a_correction_in_the_forecast_bends_the_plain_slope_but_not_the_judged_one():
    fit = verdict_of(runs_with(-1.0, correction=0.3, noise=1e-4))["fits"][0]
    assert abs(fit["uncorrected_slope"] + 1) > 5 * abs(fit["slope"] + 1)
    assert fit["verdict"] == "agrees"


def test_a_bend_where_the_forecast_is_tiny_is_no_correction_of_it():
    """A crossover of another cause: D ~ (kappa + k0)^-1 with forecasts of 1e-6 / kappa."""
    runs = runs_with(-1.0, noise=0.0, constant=1e-6)
    for run in runs:
        run["largest_displacement"] *= run["kappa"] / (run["kappa"] + 0.3)
    fit = verdict_of(runs)["fits"][0]
    assert fit["slope"] == pytest.approx(fit["uncorrected_slope"], abs=1e-6)


def test_noise_that_hides_the_slope_leaves_it_undecided():
    judged = verdict_of(runs_with(-1.0, noise=1.0))
    assert judged["verdict"]["answer"] == "undecided"


def test_nothing_is_judged_where_the_forecast_is_not_lazy():
    judged = verdict_of(runs_with(-1.0, constant=400.0))
    assert all(fit["verdict"] == "undecided" for fit in judged["fits"])
    note = judged["fits"][0]["note"]
    assert "slope of balanced is fitted to kappas 4 to 256" in note, note
    assert all(fit["spread"] in judged["verdict"]["sentence"] for fit in judged["fits"])


def test_failed_runs_are_counted_and_leave_with_their_seed():
    failed = {("balanced", 64, 256.0, 1)}
    judged = verdict_of(runs_with(-1.0, fail=failed))
    fit = judged["fits"][0]
    assert (fit["num_failed"], fit["verdict"]) == (1, "agrees")
    assert judged["verdict"]["num_failed"] == 1
    assert "1 of 90 runs" in judged["verdict"]["sentence"]


def test_a_right_study_of_many_spreads_is_contradicted_in_one_of_twenty():
    """Fixed beforehand: 400 studies of five spreads. At 95 % each a fifth would be."""
    rng = np.random.default_rng(7)
    names = ("a", "b", "c", "d", "e")
    missed = {"together": 0, "alone": 0}
    for _ in range(400):
        slopes = -1.0 + 0.1 * rng.standard_normal((len(names), 9))
        joint = [mean_estimate(one, level=joint_level(len(names))) for one in slopes]
        missed["together"] += not all(one.contains(-1.0) for one in joint)
        missed["alone"] += not all(mean_estimate(one).contains(-1.0) for one in slopes)
    assert missed["together"] <= 0.08 * 400
    assert missed["alone"] >= 0.15 * 400


def test_intervals_of_the_spreads_that_count_hold_together():
    judged = verdict_of(runs_with(-1.0))
    assert [fit["level"] for fit in judged["fits"]] == [pytest.approx(0.975)] * 2
    assert "together at 95%" in judged["verdict"]["sentence"]
    alone = judge(runs_with(-1.0), SHAPES, 2, accuracy=0.002, outside={"small-readout": "why"})
    assert [fit["level"] for fit in alone["fits"]] == [pytest.approx(0.95)] * 2
    lengths = [np.ptp(each["fits"][0]["interval"]) for each in (judged, alone)]
    assert lengths[0] > lengths[1]


def test_the_interval_is_wider_where_the_scales_are_on_their_way_to_the_limit():
    near, exact = runs_with(-1.0), runs_with(-1.0)
    for run in near:
        run["largest_by_law"] = run["kappa"] ** -0.96
    ends = [verdict_of(runs)["fits"][0]["interval"] for runs in (near, exact)]
    assert np.allclose(np.abs(np.subtract(*ends)), 0.04, atol=1e-9)


@pytest.mark.slow
def test_nominal_intervals_cover_the_true_slopes_in_nineteen_of_twenty_cases():
    """Fixed beforehand: 200 studies, seeds 0 to 199, noise of 1 %, no solver error."""
    covered = 0
    for case in range(200):
        rng = np.random.default_rng([1, case])
        runs = runs_with(-1.0, noise=0.0)
        for run in runs:
            run["largest_displacement"] *= np.exp(0.01 * rng.standard_normal())
        intervals = [fit["interval"] for fit in judge(runs, SHAPES, 2, accuracy=0.0)["fits"]]
        covered += all(low <= -1.0 <= high for low, high in intervals)
    assert 180 <= covered <= 198


def test_spread_between_widths_is_largest_over_smallest_mean():
    runs = runs_with(-1.0, noise=0.0)
    for run in runs:
        run["largest_displacement"] *= {64: 1.0, 128: 1.1, 256: 1.2}[run["width"]]
    spreads = {c["width_spread"] for c in verdict_of(runs)["collapse"]}
    assert np.allclose(list(spreads), 0.2)


def test_every_shape_is_theta_lazy_when_kappa_grows_like_the_root_of_the_width():
    schemes = verdict_of(runs_with(-1.0))["schemes"]
    assert {s["regime"] for s in schemes} == {"theta-lazy"}
    assert all(max(s["displacement_exponents"]) == pytest.approx(-0.5) for s in schemes)


def test_every_slope_is_an_estimate_with_what_it_rests_on():
    fit = verdict_of(runs_with(-1.0, noise=1e-3))["fits"][0]
    found = Estimate.from_json(fit["estimate"])
    assert (found.value, list(found.interval)) == (fit["slope"], fit["interval"])
    assert "pairs of width and seed" in found.basis
    unknown = verdict_of(runs_with(-1.0, constant=400.0))["fits"][0]
    assert Estimate.from_json(unknown["estimate"]).value is None
