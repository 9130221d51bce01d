"""The kappa study end to end, small: real images, real training."""

import json
from dataclasses import replace

import numpy as np
import pytest

import lazyscope.study
from lazyscope._checks import InputError
from lazyscope.experiment import spread, spread_names
from lazyscope.study import (
    KappaSettings,
    find_study,
    judge_kappa,
    judge_study,
    kappa_settings,
    write_kappa_page,
)
from lazyscope.sweep import open_store

SMALL = KappaSettings(
    num_points=8,
    num_test=20,
    spreads=("balanced", "small-readout"),
    kappas=(4.0, 32.0, 64.0, 128.0, 256.0),
    widths=(32, 48),
    seeds=2,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("kappa") / "runs"


@pytest.fixture(scope="module")
def result(store):
    calls = []

    def progress(done, total):
        calls.append((done, total))

    done = judge_study(find_study("kappa"), SMALL, store.parent, progress=progress)
    return done.result, calls


@pytest.mark.slow
def test_every_cell_is_run_once_and_reported(result):
    study, calls = result
    cells = {(r["spread"], r["width"], r["kappa"], r["seed"]) for r in study["runs"]}
    assert len(study["runs"]) == len(cells) == 40
    assert calls[-1] == (40, 40)


def test_runs_converge_to_the_asked_loss_and_their_curves_fall(result):
    study, _ = result
    assert {r["outcome"] for r in study["runs"]} == {"converged"}
    for run in study["runs"]:
        assert 0.999e-4 <= run["loss_final"] / run["loss_initial"] <= 1e-4
    for curve in study["curves"]:
        assert np.all(np.diff(curve["time"]) > 0)
        assert np.all(np.diff(curve["loss"]) < 0)


def test_scales_multiply_to_kappa(result):
    study, _ = result
    for run in study["runs"]:
        assert np.prod(run["alpha"]) == pytest.approx(run["kappa"])


def test_forecast_meets_measurement_as_kappa_grows(result):
    """Single kinks of narrow ReLU nets still move one layer by a tenth: medians over runs."""
    study, _ = result
    error = {}
    for kappa in SMALL.kappas:
        runs = [r for r in study["runs"] if r["kappa"] == kappa]
        pairs = [(r["forecast"]["frobenius"], r["displacement"]["frobenius"]) for r in runs]
        error[kappa] = np.median([np.abs(np.divide(f, d) - 1).max() for f, d in pairs])
    assert error[256.0] < 0.05
    assert error[4.0] > 3 * error[256.0]


def test_network_and_kernel_predict_the_same_at_large_kappa(result):
    study, _ = result
    gaps = {
        k: [r["linearisation_gap"]["test"] for r in study["runs"] if r["kappa"] == k]
        for k in SMALL.kappas
    }
    assert np.median(gaps[256.0]) < 0.3 * np.median(gaps[4.0])


def test_result_is_plain_json_and_makes_a_page(result, tmp_path):
    study, _ = result
    again = json.loads(json.dumps(study, allow_nan=False))
    write_kappa_page(again, tmp_path / "index.html")
    assert "kappa" in (tmp_path / "index.html").read_text()


def test_a_study_goes_on_from_its_store_and_repeats_nothing(result, store, monkeypatch):
    def no_run(*unused):
        raise AssertionError("a run was made")

    monkeypatch.setattr("lazyscope.sweep.run._batch.run_settings", no_run)
    with pytest.warns(DeprecationWarning, match="run_kappa_study is judge_study"):
        again = lazyscope.study.run_kappa_study(SMALL, store)
    earlier, same = result[0], {"created": "", "timing": ""}
    called = {"command": earlier["settings"]["command"]}  # says who asked: by the earlier name here
    same_settings = {"settings": {**again["settings"], **called}}
    assert {**again, **same_settings, **same} == {**earlier, **same}


def test_cells_without_a_run_are_told_as_missing_and_count_as_failed(result, store):
    few = open_store(store).copy(deep=True)
    lost = {"spread": 0, "kappa": 4, "width": 1, "seed": 0}
    for name, variable in few.data_vars.items():
        if variable.dtype.kind == "f":
            few[name][lost] = np.nan
    few["outcome"] = few["outcome"].astype(object)
    few["outcome"][lost] = "missing"
    told = judge_kappa(SMALL, few)
    assert [r["outcome"] for r in told["runs"]].count("missing") == 1
    assert told["verdict"]["num_failed"] == 1
    assert told["fits"][0]["num_failed"] == 1
    json.dumps(told, allow_nan=False)


def test_the_earlier_name_of_spreads_is_taken_with_a_warning():
    for make in (kappa_settings, KappaSettings):
        with pytest.warns(DeprecationWarning, match="shapes is spreads now"):
            settings = make(shapes=("balanced", "random"))
        assert settings.spreads == ("balanced", "random")
        with pytest.warns(DeprecationWarning, match="shapes is spreads now"):
            assert settings.shapes == settings.spreads
    assert replace(settings, seeds=5).spreads == settings.spreads
    with pytest.raises(TypeError, match="shapes"):
        KappaSettings(shapes=("balanced",), spreads=("random",))


@pytest.mark.slow
def test_same_settings_give_the_same_numbers(result, tmp_path):
    again = judge_study(find_study("kappa"), SMALL, tmp_path).result
    for first, second in zip(result[0]["runs"], again["runs"], strict=True):
        assert first["largest_displacement"] == pytest.approx(
            second["largest_displacement"], rel=1e-8
        )


@pytest.mark.parametrize("name", spread_names())
def test_a_spread_reaches_any_kappa_over_any_depth(name):
    for depth in (1, 2, 4):
        alpha = spread(name).alpha(6.0, 100, depth)
        assert len(alpha) == depth + 1
        assert np.prod(alpha) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spreads": ("balancd",)}, "Spread must be one of"),
        ({"activation": "rele"}, "Activation must be one of"),
        ({"widths": (0,)}, "Width must be a whole number"),
        ({"kappas": (-1.0,)}, "Kappa must be above zero"),
        ({"kappas": ()}, "Every kappa must be given once"),
        ({"widths": (64, 64)}, "Every width must be given once"),
        ({"stop": 1.5}, "strictly between 0 and 1"),
        ({"seeds": 0}, "Seeds must be a whole number"),
    ],
)
def test_settings_that_break_a_rule_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        KappaSettings(**wrong)


@pytest.mark.slow
def test_a_network_without_gradient_is_a_stalled_run_and_loses_nothing_else(tmp_path):
    """Width one, one point: about half of the draws have a dead unit."""
    settings = KappaSettings(
        num_points=1,
        num_test=1,
        spreads=("balanced",),
        kappas=(4.0, 8.0, 16.0, 32.0),
        widths=(1,),
        seeds=6,
    )
    study = judge_study(find_study("kappa"), settings, tmp_path).result
    outcomes = {r["outcome"] for r in study["runs"]}
    assert outcomes == {"converged", "stalled"}
    dead = next(r for r in study["runs"] if r["outcome"] == "stalled")
    assert dead["largest_displacement"] is None
    assert dead["forecast"]["operator"] == [None] * 3
    json.dumps(study, allow_nan=False)
    write_kappa_page(study, tmp_path / "index.html")
