"""Does the page of a predicted network say what the prediction cost, under the header of all studies?"""

import pytest

from lazyscope._estimate import Estimate
from lazyscope.proxy import NarrowProxy
from lazyscope.study import write_narrow_proxy_page
from lazyscope.study._protocol import stated
from lazyscope.study.narrow_proxy._judge import verdict
from lazyscope.study.narrow_proxy.page._figure import draw_predicted_loss
from lazyscope.study.narrow_proxy.page._page import proxy_words

SETTINGS = {
    "build": "mine:build",
    "data": "digits",
    "num_points": 16,
    "optimizer": "sgd",
    "rate": 0.05,
    "steps": 2,
    "versions": {"lazyscope": "0.1.0"},
}


def predicted(*, seconds=2.0, wide_seconds=5.0, last=0.5):
    losses = [Estimate(value, 0.9 * value, 1.1 * value, basis="given") for value in (1.0, last)]
    return NarrowProxy(
        width=256,
        proxy_widths=(32, 64),
        seeds=3,
        training={"optimizer": "sgd", "rate": 0.05},
        steps=(0, 2),
        loss=tuple(losses),
        proxy_loss=((1.0, 0.7), (1.0, 0.6)),
        arrays=(),
        regime="critical",
        order_holds=None,
        seconds=seconds,
        wide_seconds=wide_seconds,
        start_errors={},
        notes=(),
    )


def stored(**given):
    """The stored result of a study that found this."""
    head = {"study": "narrow-proxy", "lazyscope": "0.1.0", "created": "2026-01-01T00:00:00+00:00"}
    found = predicted(**given)
    told = {"title": "What will it do?", "verdict": verdict(found), "settings": SETTINGS}
    return {**head, **found.to_json(), **told}


def test_proxies_that_cost_more_than_the_wide_run_are_said_to_cost_more():
    words = proxy_words(stored(seconds=7.2, wide_seconds=5.0))[0]
    assert "1.44 times as much" in words
    assert "saved" not in words
    assert "-" not in words


def test_proxies_that_cost_less_say_what_share_they_save():
    assert "60 % saved" in proxy_words(stored(seconds=2.0, wide_seconds=5.0))[0]


@pytest.mark.parametrize(("last", "words"), [(0.5, "loss falls from 1"), (3.0, "does not fall")])
def test_a_loss_that_rises_is_not_said_to_fall(last, words):
    assert words in verdict(predicted(last=last))["sentence"]


@pytest.mark.parametrize("last", [1e290, 0.0])
def test_losses_at_the_ends_of_the_numbers_are_drawn_as_far_as_they_go(last):
    figure = draw_predicted_loss(predicted(last=last).to_json())
    figure.canvas.draw()
    assert figure.axes[0].get_ylim()[1] < 1e70


def test_the_page_has_the_header_of_a_study_and_says_what_was_run(tmp_path):
    page = write_narrow_proxy_page(stored(), tmp_path / "index.html").read_text()
    assert "lazyscope, study narrow-proxy" in page
    assert "on 16 points of digits" in page
    assert stated("supported", "x")["answer"] in page.lower()
