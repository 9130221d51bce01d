"""The kappa study on other architectures: scales that reach kappa, the law of scales, a study end to end."""

import json

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.experiment import spread, spread_names, with_scores_of_size_one
from lazyscope.model import Attention, architecture, network_names
from lazyscope.study import find_study, judge_study, kappa_settings, write_kappa_page
from lazyscope.study.kappa._records import law_of_scales
from lazyscope.study.kappa._verdict import judge

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", network_names())
def test_a_spread_reaches_any_kappa_of_any_network(name):
    network = architecture(name).build(64, 1, 32, 1 if name == "attention" else 3, "relu")
    for kappa in (0.01, 3.0, 1e4):
        for way in spread_names():
            alpha = spread(way).alpha_of(network, kappa)
            assert network.kappa(alpha) == pytest.approx(kappa, rel=1e-10)
            relative = alpha / spread(way).alpha(1.0, 32, len(alpha) - 1)
            alike = relative[: -1 if spread(way).at_readout else None]
            np.testing.assert_allclose(alike, relative[0], rtol=1e-12)
            assert relative[0] == 1.0 or not spread(way).at_readout


def test_scores_have_size_one_whatever_the_scales():
    network = architecture("attention").build(64, 1, 32, 1, "relu")
    for alpha in (np.ones(6), np.array([9.0, 0.1, 3.0, 1.0, 2.0, 0.5])):
        scored = with_scores_of_size_one(network, alpha)
        assert isinstance(scored, Attention)
        assert scored.score_size(alpha) == pytest.approx(1.0)


def test_the_law_of_scales_is_one_over_kappa_where_one_group_takes_all():
    law = law_of_scales(np.array([1.0, 1e6]), np.ones(2), np.ones(2), 8.0)
    np.testing.assert_allclose(law, [1 / 8, 1e-12 / 8], rtol=1e-6)


def test_leverage_bounds_what_displacement_alone_does_not():
    draw = np.random.default_rng(0)
    for _ in range(50):
        alpha, speed = np.exp(draw.normal(size=(2, 4)))
        leverage = draw.uniform(0.01, 1, size=4)
        assert np.max(leverage * law_of_scales(alpha, speed, leverage, 5.0)) <= 1 / 5
    rare = law_of_scales(np.array([1.0, 0.1]), np.ones(2), np.array([1.0, 0.05]), 5.0)
    assert np.max(rare) > 3 / 5


def test_slopes_that_shares_bend_leave_kappa_alone_open_and_agree_with_the_scales():
    """Displacements that are those of the law, for shares that change with kappa by themselves."""
    runs = []
    for width in (64, 128, 256):
        for kappa in (32.0, 64.0, 128.0, 256.0):
            moved = kappa**-1.3
            runs.append(
                {"spread": "balanced", "width": width, "kappa": kappa, "seed": 0}
                | {"outcome": "converged", "leverage": [1.0, 0.5]}
                | dict.fromkeys(("largest_displacement", "largest_forecast"), moved)
                | {"largest_by_law": 3.0 * moved, "largest_weighed_by_law": 3.0 / kappa}
                | dict.fromkeys(("largest_weighed", "largest_weighed_forecast"), 1 / kappa)
            )
    judged = judge(runs, ("balanced",), 2, accuracy=0.002, homogeneous=False)
    assert (judged["fits"][0]["verdict"], judged["fits"][0]["law_verdict"]) == (
        "undecided",
        "agrees",
    )
    assert "the scales alone predict -1.30 to -1.30" in judged["verdict"]["sentence"]
    low, high = judged["fits"][0]["interval"]
    assert low < -1.59
    assert -1.0 < high < -0.99  # as far beyond the slope as the scales are from -1
    assert judged["weighed"]["fits"][0]["verdict"] == "agrees"
    assert judged["schemes"][0]["regime"] == "not derived"


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("convolutional", {}, "Model must be one of"),
        ("attention", {"depth": 2}, "model attention have a depth of at most 1"),
    ],
)
def test_networks_that_do_not_exist_are_refused(name, given, message):
    with pytest.raises(InputError, match=message):
        kappa_settings(name, **given)


def test_points_that_are_no_images_are_refused():
    with pytest.raises(InputError, match=r"square grey images.*points of 10 numbers"):
        architecture("convolution").build(10, 1, 8, 1, "relu")


@pytest.fixture(scope="module")
def attention(tmp_path_factory):
    given = {"num_points": 5, "num_test": 10, "spreads": ("small-hidden",), "seeds": 3}
    kappas = (64.0, 128.0, 256.0, 512.0)
    settings = kappa_settings("attention", widths=(8,), kappas=kappas, **given)
    return judge_study(find_study("kappa"), settings, tmp_path_factory.mktemp("attention")).result


def test_an_attention_study_falls_with_kappa_and_meets_its_forecast(attention):
    first, last = (
        next(r for r in attention["runs"] if r["kappa"] == kappa) for kappa in (64.0, 512.0)
    )
    assert {run["outcome"] for run in attention["runs"]} == {"converged"}
    assert last["largest_displacement"] < 0.3 * first["largest_displacement"]
    ratio = np.divide(last["displacement"]["frobenius"], last["forecast"]["frobenius"])
    np.testing.assert_allclose(ratio, 1.0, atol=0.15)


def test_an_attention_study_has_no_bound_and_its_page_says_so(attention, tmp_path):
    assert {run["decay_rate"]["bound"] for run in attention["runs"]} == {None}
    assert attention["weighed"] is not None
    write_kappa_page(json.loads(json.dumps(attention, allow_nan=False)), tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text()
    assert "there is none here" in page
    assert "Measured rate / bound" not in page
    assert "one block of attention" in page
    assert "weighed by what a group does" in page
