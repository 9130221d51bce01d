"""Departures from the displacement law: what their rows conclude, and the small loops behind them."""

import functools

import numpy as np
import pytest

from lazyscope.claims.law._off_law import DEPARTURES, OFF_LAW, departure_findings
from lazyscope.claims.law._off_law_entropy import FRACTIONS, _moved
from lazyscope.claims.law._off_law_step import _row

BY_NAME = {each.name: each for each in DEPARTURES}


@functools.cache
def quick_rows(name):
    return {row.name: row for row in departure_findings([BY_NAME[name]], "quick")}


def test_names_and_rows_are_distinct_and_every_departure_says_what_it_expects():
    assert len(BY_NAME) == len(DEPARTURES)
    assert {each.expected for each in DEPARTURES} == {"agrees", "disagrees", "undecided"}
    assert OFF_LAW.section == "off"


def test_an_amended_exponent_stands_far_from_the_law_that_it_replaces():
    amended = [each for each in DEPARTURES if each.amended is not None]
    assert amended
    for each in amended:
        assert each.expected == "disagrees"
        assert abs((each.amended or 0.0) - each.predicted) >= 0.25


@pytest.mark.slow
def test_saturated_activations_refute_the_law_and_follow_the_amended_exponent():
    found = quick_rows("tanh-saturated")
    assert found["tanh-saturated"].verdict == "disagrees"
    amended = found["tanh-saturated-amended"]
    assert amended.measured.value == pytest.approx(amended.prediction, abs=0.1)


def test_descent_that_equals_the_flow_agrees_and_one_that_does_not_is_refuted():
    noise = np.random.default_rng(0).normal(0, 0.01, 6)
    assert _row(0.5, noise, "agrees").verdict == "agrees"
    assert _row(1.5, noise + 0.5, "disagrees").verdict == "disagrees"
    assert _row(1.5, noise - 0.5, "disagrees").verdict == "disagrees"


def test_a_run_of_descent_that_diverged_is_a_disagreement():
    log_ratio = np.array([0.0, 0.01, np.nan])
    row = _row(0.9, log_ratio, "agrees")
    assert row.verdict == "disagrees"
    assert "2 of 3 runs converged" in row.note


@pytest.mark.slow
def test_cross_entropy_moves_a_network_farther_the_longer_it_is_trained():
    moved = _moved(32, 0)
    assert len(moved) == len(FRACTIONS)
    assert np.all(np.diff(moved) > 0)
