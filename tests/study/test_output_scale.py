"""Does the study of the output scale find the power of the width that curves collapse on?"""

import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.data import sphere_teacher
from lazyscope.experiment import network_experiment, run_experiment
from lazyscope.flow import ExponentialFlow
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme
from lazyscope.study import (
    OutputScaleSettings,
    find_study,
    judge_output_scale,
    judge_study,
)
from lazyscope.study.output_scale._collapse import crossing, curves_apart, judge_collapse
from lazyscope.sweep import SweepDesign, open_store

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweeps" / "output-scale.toml"
SMALL = OutputScaleSettings(
    output_scale=tuple(2.0**k for k in range(-3, 6)),
    widths=(16, 64, 256),
    seeds=2,
    data="sphere-teacher",
    target=None,
    num_points=4,
    input_dim=2,
    num_test=8,
    stop=0.01,
)
SCALES, WIDTHS = 2.0 ** np.arange(-4, 9), np.array([64, 256, 1024, 4096])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scales")
    return folder, judged_study(SMALL, folder)


def judged_study(settings, folder):
    return judge_study(find_study("output-scale"), settings, folder)


def planted(power, *, noise=0.02, seed=3):
    """A crossover from x^-1/2 to x^-1 in x = alpha m^power, for three seeds."""
    x = SCALES * WIDTHS[:, None] ** power
    curve = 1 / (np.sqrt(x) + x / 3)
    return curve[..., None] * np.exp(
        noise * np.random.default_rng(seed).standard_normal((*curve.shape, 3))
    )


def judged(values, predicted=0.5):
    return judge_collapse(SCALES, WIDTHS, values, level=0.3, predicted=predicted, accuracy=0.01)


@pytest.mark.parametrize("power", [0.0, 0.25, 0.5])
def test_the_planted_power_is_found_in_both_ways(power):
    found = judged(planted(power), predicted=power)
    low, high = found["interval"]
    assert low < power < high
    assert abs(found["closest_power"] - power) <= 0.02
    assert found["verdict"] != "disagrees"
    assert found["spread_at_predicted_power"] < 0.05


def test_a_wrong_power_is_contradicted():
    assert judged(planted(0.5), predicted=0.0)["verdict"] == "disagrees"
    assert judged(planted(0.0), predicted=0.5)["verdict"] == "disagrees"


def test_curves_at_equal_scale_lie_apart_as_computed_by_hand():
    found = judged(planted(0.5, noise=1e-9))
    log_scale, log_width = np.log(SCALES), np.log(WIDTHS)
    places = np.linspace(log_scale[0], log_scale[-1], 64)
    curves = np.log(planted(0.5, noise=1e-9)[..., 0])
    by_hand = [np.interp(places, log_scale, curve) for curve in curves]
    expected = np.sqrt(np.mean(np.std(by_hand, axis=0, ddof=1) ** 2))
    assert found["spread_at_equal_scale"] == pytest.approx(expected, rel=1e-6)
    assert curves_apart(log_scale, log_width, curves, 0.5) < 0.02


def test_runs_without_a_value_leave_holes_and_no_wrong_number():
    values = planted(0.5)
    values[1, 3] = np.nan
    values[2, :, 0] = np.nan
    found = judged(values)
    assert found["interval"][0] < 0.5 < found["interval"][1]
    assert np.isnan(found["thresholds"][2, 0])
    assert np.isfinite(found["thresholds"][1]).all()


def test_a_level_that_is_never_crossed_gives_no_threshold_and_no_power():
    assert np.isnan(crossing(np.arange(3.0), np.array([3.0, 2.0, 1.0]), 0.0))
    found = judge_collapse(SCALES, WIDTHS, planted(0.5), level=1e9, predicted=0.5, accuracy=0.01)
    assert (found["power"], found["verdict"]) == (None, "undecided")
    assert "No estimate" in found["note"]


def test_example_file_and_study_are_the_same_runs():
    ours = {cell.hash for cell in OutputScaleSettings().design().cells()}
    theirs = {cell.hash for cell in SweepDesign.from_file(EXAMPLE).cells()}
    assert ours == theirs
    assert len(ours) == 210


def test_real_networks_collapse_on_kappa_and_are_lazy_like_one_over_alpha(small):
    record = small[1].result
    displacement = record["collapse"]["displacement"]
    assert abs(displacement["closest_power"] - 0.5) < 0.15
    apart = displacement["spread_at_equal_scale"]
    assert displacement["spread_at_predicted_power"] < 0.3 * apart
    assert record["lazy_slope"]["slope"] == pytest.approx(-1.0, abs=0.03)
    assert record["kappa_exponent"] == 0.5
    kappa = np.array(record["kappa"])
    assert kappa[2, 1] == pytest.approx(0.25 * 16 / np.sqrt(2))  # alpha sqrt(m) / sqrt(d)


def test_gap_and_errors_are_those_of_a_single_run_of_the_instrument(small, double):
    scheme = named_scheme("ntk", depth=1, input_dim=2)
    data = sphere_teacher(num_points=4, input_dim=2, num_test=8)
    model = Dense(2, 1, 16, 1, "softplus", output_scale=4.0)
    params = model.init_from_std(jax.random.key(1), scheme.weight_std(16))
    experiment = network_experiment(model, params, data, scheme.speed(16), centred=True)
    method = ExponentialFlow(tolerance=0.1)
    seen = run_experiment(experiment, method, stop=0.01, record=("linearisation",))
    kept = open_store(small[0] / "runs").sel(width=16, output_scale=4.0, seed=1)
    for name in ("gap_train", "gap_test", "test_error", "linearised_test_error"):
        assert float(kept[name]) == pytest.approx(float(seen[name]), rel=1e-6, abs=1e-12), name


def test_the_record_is_json_and_holds_every_quantity_of_every_run(small):
    record = json.loads(json.dumps(small[1].result, allow_nan=False))
    for name in ("displacement", "kernel_change", "gap_test", "gap_train", "test_error"):
        assert np.array(record["quantities"][name]["values"], float).shape == (3, 9, 2)
    assert record["outcomes"] == {"converged": 54}


def test_called_again_it_does_nothing_and_more_scales_cost_only_their_runs(small):
    folder, first = small
    again = judged_study(SMALL, folder)
    assert (again.summary.num_before, again.summary.num_done) == (54, 0)
    assert again.result["collapse"] == first.result["collapse"]
    more = replace(SMALL, output_scale=(*SMALL.output_scale, 64.0))
    assert judged_study(more, folder).summary.num_done == 6


def test_a_store_of_another_sweep_is_refused(tmp_path):
    from lazyscope.sweep import writing_store

    other = SweepDesign(axes={"width": [4], "seed": [0]}, fixed={"scheme": "ntk"})
    with writing_store(tmp_path, other):
        pass
    with pytest.raises(InputError, match="over output_scale, width and seed"):
        judge_output_scale(open_store(tmp_path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"output_scale": (1.0, 0.5)}, "output_scale must be at least 2 increasing numbers"),
        ({"widths": (8, 16)}, "widths must be at least 3 increasing numbers"),
        ({"seeds": 0}, "seeds"),
        ({"stop": 2.0}, "stop fraction"),
    ],
)
def test_settings_that_make_no_study_are_refused(change, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        OutputScaleSettings(**change)
