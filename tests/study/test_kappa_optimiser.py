"""The kappa study of an optimiser: what it runs, foresees and judges by."""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.scaling import displacement_exponents, update_displacements_at_width, update_norms
from lazyscope.study import find_study, judge_study, kappa_settings, write_kappa_page
from lazyscope.study.kappa._records import law_of_updates
from lazyscope.study.kappa._verdict import _scheme_record

SMALL = {
    "num_points": 6,
    "num_test": 4,
    "spreads": ("balanced", "ntk-like"),
    "kappas": (32.0, 64.0, 128.0, 256.0),
    "widths": (32,),
    "depth": 1,
    "stop": 0.1,
}


def test_a_study_of_flow_runs_what_it_ran_before_and_one_of_adam_its_own():
    flow, adam = (kappa_settings(**SMALL, **more) for more in ({}, {"method": "adam"}))
    assert "method" not in flow.design().fixed
    assert "linearisation" in flow.design().record
    assert adam.design().fixed["method"] == "adam"
    assert "forecast_steps" in adam.design().record
    assert adam.accuracy == 0.02


def test_scales_predict_the_shares_of_the_law_at_one_width():
    settings = kappa_settings(**SMALL, method="adam")
    network, scheme = settings.network(settings.points(), "ntk-like", 1e6, 32)
    alpha, rate = scheme.alpha(32), np.array([1.0, 3.0])
    norms = update_norms("adam", 32, depth=1, input_dim=64, output_dim=1)
    exact = update_displacements_at_width(alpha, rate, norms, gap=1.0)
    assert law_of_updates(network, alpha, rate, 1e6, "adam") == pytest.approx(exact, rel=1e-4)


def test_exponents_beside_the_spreads_are_those_of_the_optimiser():
    told = _scheme_record("ntk-like", 1, optimiser="muon")
    expected = displacement_exponents(told["scale_exponents"], optimiser="muon")
    assert told["displacement_exponents"] == pytest.approx(list(expected))
    plain = _scheme_record("ntk-like", 1, optimiser="sgd")
    assert plain["displacement_exponents"] != told["displacement_exponents"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "adamw"}, "does not contain"),
        ({"method": "adam", "model": "convolution"}, "trains the dense networks"),
    ],
)
def test_what_the_law_does_not_speak_of_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        kappa_settings(**wrong)


@pytest.mark.slow
def test_kappa_alone_decides_under_adam_and_its_page_says_who_trained(tmp_path):
    settings = kappa_settings(**SMALL, seeds=3, method="adam")
    result = judge_study(find_study("kappa"), settings, tmp_path / "runs").result
    assert result["verdict"]["answer"] == "supported"
    assert [fit["slope"] for fit in result["fits"]] == pytest.approx([-1.0, -1.0], abs=0.05)
    largest = [run for run in result["runs"] if run["kappa"] == 256.0]
    for run in largest:
        moved, ahead = (run[key]["frobenius"] for key in ("displacement", "forecast"))
        assert moved == pytest.approx(ahead, rel=0.05)
        assert run["decay_rate"]["kernel"] is None
    page = write_kappa_page(result, tmp_path / "page.html").read_text()
    assert "trained by adam in small steps" in page
    assert "steps of 0.02 of the gap" in page
    assert "Decay rate of the loss against theory" not in page
    assert "exponential flow" not in page
