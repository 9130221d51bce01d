"""Does the page of the theorem say what is stored, draw it, and refuse everything else?"""

import copy
import re
from html import unescape

import pytest

from lazyscope._checks import InputError
from lazyscope.study import write_theorem_page
from report.pages import figure_data

HOSTILE = '<img src="http://example.org/x.png" onerror="alert(1)"></script>'


def ratio(value):
    return {"value": value, "interval": [0.5 * value, 2 * value], "num": 2}


def run(kind, name, kappa, width, seed, rate):
    return {
        "kind": kind,
        "name": name,
        "kappa": kappa,
        "width": width,
        "seed": seed,
        "bound": 0.5,
        "limit": 0.6,
        "outcome": "converged" if rate else "out-of-steps",
        "steps": 12,
        "time": 4.0,
        "loss_fraction": 1e-4,
        "kernel": 0.4,
        "average": rate,
        "final": rate,
        "rate": rate,
        "largest_displacement": 0.1 if rate else None,
        "wall_seconds": 0.1,
    }


def threshold(criterion, place):
    inside = place == "inside"
    record = {
        "threshold": 3.21 if inside else 0.0,
        "interval": [1.5, None if inside else 4.0],
        "level": 0.95,
        "tolerated": 0.05,
        "highest_failure": 1.0 if inside else 0.0,
        "all_converged_from": 10.0,
        "runs_above": 6,
        "failures_above": 0.393,
        "num_runs": 12,
        "place": place,
    }
    failures = {"balanced": {"1": 2 if inside else 0, "10": 0}}
    row = {"width": 64, "all": record, "spreads": {"balanced": record}, "failures": failures}
    limit = {"verdict": "none", "reason": "no run failed at any kappa and width"}
    return {"criterion": criterion, "meaning": criterion, "widths": [row], "limit": limit}


@pytest.fixture(scope="module")
def result():
    curve = {"kind": "spread", "name": "balanced", "kappa": 10.0, "width": 64, "bound": 0.5}
    exponent = {"exponent": -0.51, "interval": [-0.6, -0.4], "predicted": -0.5}
    return {
        "study": "theorem",
        "format": 1,
        "lazyscope": "0.0",
        "created": "2026-01-01T00:00:00+00:00",
        "settings": {
            "data": HOSTILE,
            "num_points": 8,
            "target": "parity",
            "schemes": ["ntk"],
            "widths": [64],
            "spreads": ["balanced"],
            "kappas": [1.0, 10.0],
            "threshold_widths": [64],
            "seeds": 2,
            "depth": 2,
            "activation": "relu",
            "stop": 1e-4,
            "kept": 0.5,
            "tolerated": 0.2,
            "tolerance": 0.05,
            "method": "exponential flow",
            "description": ["digits"],
            "digest": "abc",
            "versions": {"jax": "1"},
            "command": "lazyscope study theorem --kept 0.5",
        },
        "lambda_s": {"smallest": 0.00123, "layers": [0.03, 0.02, 0.00123]},
        "runs": [
            run("scheme", "ntk", 4.0, 64, 0, 0.45),
            run("spread", "balanced", 1.0, 64, 0, None),
            run("spread", "balanced", 10.0, 64, 0, 0.7),
            run("spread", "balanced", 10.0, 64, 1, 0.8),
        ],
        "curves": [curve | {"scaled_time": [0.0, 1.0, 4.0], "fraction": [1.0, 0.3, 1e-4]}],
        "bound_curve": {"scaled_time": [0.1, 1.0, 9.2], "fraction": [0.9, 0.37, 1e-4]},
        "bounds": [
            {
                "name": "ntk",
                "width": 64,
                "kappa": 4.0,
                "num": 2,
                "converged": 2,
                "bound": 0.5,
                "bound_published": 0.25,
                "lambda_s": 0.0717,
                "published_ratio": ratio(1.8),
                "short": "start",
                "limit_ratio": 1.004,
                "largest_displacement": ratio(0.1),
                "kernel_ratio": ratio(0.8),
                "training_ratio": ratio(1.125),
                "rate_ratio": ratio(0.9),
                "holds": 1,
                "holds_recorded": 2,
            }
        ],
        "limits": [
            {
                "name": "ntk",
                "kappa_exponent": 0.5,
                "regime": "theta-lazy",
                "kernel_ratio": ratio(1.0),
                "training_ratio": ratio(1.0),
                "rate_ratio": ratio(0.987),
                "decided": {
                    "factors": {"limit": 1.004, "start": ratio(0.991), "training": ratio(1.02)},
                    "derived": ratio(1.015),
                    "published": ratio(2.03),
                },
                "source": "a paper",
            }
        ],
        "kernels": {
            "widths": [64, 128],
            "seeds": 2,
            "frobenius": [[0.2, 0.3], [0.1, 0.15]],
            "smallest": [[0.5, 0.6], [0.8, 0.9]],
            "weyl": [[9.0, 8.0], [5.0, 4.0]],
            "exponents": {
                name: {**exponent, "verdict": "agrees", "model": "power-law", "note": ""}
                for name in ("frobenius", "smallest", "weyl")
            },
            "weyl_width": 123000.0,
            "starts": [
                {
                    "name": "ntk",
                    "width": 64,
                    "start_ratio": ratio(0.46),
                    "predicted": 0.41,
                    "c": ratio(37.7),
                    "start_limit": ratio(1.0),
                }
            ],
        },
        "thresholds": [
            threshold("loss", "below every kappa tried"),
            threshold("kernel", "inside"),
            threshold("bound", "inside"),
        ],
        "verdict": {
            "answer": "undecided",
            "supported": None,
            "sentence": "Two runs are few.",
            "remarks": ["Width 64: runs lost more than half in balanced at kappa 1."],
        },
        "timing": {"total_seconds": 3.0},
    }


@pytest.fixture(scope="module")
def page(result, tmp_path_factory):
    return write_theorem_page(result, tmp_path_factory.mktemp("theorem") / "theorem.html")


@pytest.fixture(scope="module")
def text(page):
    found = page.read_text(encoding="utf-8")
    return re.sub(r"<(script|style)>.*?</\1>", "", found, flags=re.DOTALL)


def panels(text, anchor):
    return figure_data(text, anchor)["panels"]


def test_the_stored_verdict_numbers_and_remarks_are_on_the_page(result, text):
    plain = unescape(text)
    assert "Two runs are few." in plain
    assert result["verdict"]["remarks"][0] in plain
    for number in (
        "0.00123",
        "3.21",
        "1.004",
        "0.987",
        "0.991",
        "2.03",
        "37.7",
        "123000",
        "0.0717",
        "theta-lazy",
    ):
        assert number in plain
    assert "2 of 2" in plain
    assert "1 of 2" in plain
    assert result["settings"]["command"] in plain


def test_every_run_with_a_rate_is_one_point_and_failed_ones_are_counted(text):
    over_bound, over_kernel = panels(text, "kappa")
    assert over_bound["data"][0]["y"] == pytest.approx([1.4, 1.6])
    assert over_kernel["data"][0]["y"] == pytest.approx([1.75, 2.0])
    assert "did not converge</dt><dd>1<" in text


def test_the_bound_is_drawn_as_the_stored_curve(result, text):
    (panel,) = panels(text, "loss")
    assert panel["data"][0]["x"] == result["bound_curve"]["scaled_time"]
    assert panel["data"][0]["line"]["dash"] == "dash"


def test_bars_reach_to_the_ends_of_the_stored_intervals(text):
    trace = panels(text, "ratios")[0]["data"][0]
    assert trace["y"] == [0.9]
    assert trace["error_y"]["array"] == pytest.approx([0.9])
    assert trace["error_y"]["arrayminus"] == pytest.approx([0.45])


def test_data_named_like_markup_stays_text(text):
    assert "<img" not in text
    assert HOSTILE in unescape(text)


def test_a_study_without_limit_kernels_has_no_figure_of_them(result, tmp_path):
    without = {**result, "kernels": None, "lambda_s": {"smallest": None, "layers": None}}
    found = write_theorem_page(without, tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'data-figure="kernels"' not in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study": "kappa"}, "stored result of a theorem study.*study 'kappa'"),
        ({"format": 2}, "format 1.*format 2"),
    ],
)
def test_other_results_are_refused(result, tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        write_theorem_page({**result, **change}, tmp_path / "page.html")


def test_a_result_that_was_cut_off_is_refused(result, tmp_path):
    cut = copy.copy(result)
    del cut["thresholds"]
    with pytest.raises(InputError, match="no thresholds"):
        write_theorem_page(cut, tmp_path / "page.html")


@pytest.mark.slow
def test_a_browser_draws_every_figure_without_complaint(browser, page):
    browser.open(page)
    assert browser.problems == []
    assert browser.addresses == [page.resolve().as_uri()]
    drawn = "document.querySelectorAll('.panel .main-svg').length > 0"
    assert browser.evaluate(drawn)
    browser.open(page, width=420, scheme="dark")
    assert browser.problems == []
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
