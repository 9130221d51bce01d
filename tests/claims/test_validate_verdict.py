"""Can every rule for a verdict come out in each way, and does it refuse what is no interval?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyscope import claims
from lazyscope._checks import InputError
from lazyscope.claims import (
    all_of,
    share_estimate,
    under_assumptions,
)
from lazyscope.measure import Estimate

ENDS = st.floats(-10, 10, allow_nan=False)
VERDICTS = ("agrees", "undecided", "disagrees")


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.55, -0.45), "agrees"),
        ((-0.45, -0.35), "disagrees"),
        ((-0.65, -0.55), "disagrees"),
        ((-0.9, -0.1), "undecided"),
        ((-np.inf, np.inf), "undecided"),
    ],
)
def test_a_number_is_confirmed_refuted_or_left_open(interval, verdict):
    assert Estimate(None, *interval).agreement(-0.5) == verdict


def test_accuracy_saves_a_prediction_within_it_and_no_other():
    assert Estimate(None, -0.49, -0.4).agreement(-0.5) == "disagrees"
    assert Estimate(None, -0.49, -0.4).agreement(-0.5, accuracy=0.012) == "agrees"
    assert Estimate(None, -0.48, -0.4).agreement(-0.5, accuracy=0.012) == "disagrees"


def test_accuracy_widens_what_has_to_be_narrow():
    assert Estimate(None, -0.62, -0.38).agreement(-0.5) == "agrees"
    assert Estimate(None, -0.62, -0.38).agreement(-0.5, accuracy=0.012) == "undecided"


@pytest.mark.parametrize("rule", [Estimate.at_most, Estimate.at_least])
def test_an_inequality_can_come_out_in_each_of_three_ways(rule):
    assert {
        rule(Estimate(None, low, high), 0.0) for low, high in ((-2, -1), (-1, 1), (1, 2))
    } == set(VERDICTS)


@given(ENDS, ENDS, ENDS)
def test_at_least_is_at_most_with_all_signs_turned(one, other, bound):
    low, high = sorted((one, other))
    assert Estimate(None, low, high).at_least(bound) == Estimate(None, -high, -low).at_most(-bound)


@given(ENDS, ENDS, ENDS, st.floats(0, 2))
def test_accuracy_never_turns_one_decision_into_the_other(one, other, bound, accuracy):
    low, high = sorted((one, other))
    found = Estimate(None, low, high)
    decisions = {found.at_most(bound), found.at_most(bound, accuracy=accuracy)}
    assert decisions != {"agrees", "disagrees"}


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [((-0.9, -0.6), "agrees"), ((-0.9, -0.4), "undecided"), ((-1.4, -1.1), "disagrees")],
)
def test_a_range_is_confirmed_refuted_or_left_open(interval, verdict):
    assert Estimate(None, *interval).between(-1.0, -0.5) == verdict


def test_the_interval_of_a_share_is_the_textbook_one():
    # Clopper & Pearson: 0 of 10 gives 1 - 0.025^(1/10); 1 of 2 is symmetric about one half
    assert share_estimate(0, 10).interval == pytest.approx((0.0, 1 - 0.025**0.1))
    low, high = share_estimate(1, 2).interval
    assert low + high == pytest.approx(1.0)
    assert low == pytest.approx(1 - 0.975**0.5)


def test_the_interval_of_a_share_covers_at_its_level():
    draw = np.random.default_rng(3)
    counts = draw.binomial(40, 0.9, size=2000)
    ends = {count: share_estimate(int(count), 40) for count in set(counts.tolist())}
    covered = np.mean([ends[count].contains(0.9) for count in counts.tolist()])
    assert covered >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (["agrees", "agrees"], "agrees"),
        (["agrees", "undecided"], "undecided"),
        (["undecided", "disagrees"], "disagrees"),
        (["outside", "agrees"], "agrees"),
        (["outside"], "outside"),
        ([], "undecided"),
    ],
)
def test_one_part_that_fails_decides_the_whole(parts, verdict):
    assert all_of(parts) == verdict


def test_a_failed_assumption_comes_before_any_number():
    for numbers in VERDICTS:
        told, why = under_assumptions(numbers, {"rho > 0": False, "no bias": True})
        assert told == "outside"
        assert why == "Not satisfied: rho > 0."
        assert under_assumptions(numbers, {"rho > 0": True}) == (numbers, "")


@pytest.mark.parametrize("interval", [(1.0, 0.0), (np.nan, 1.0), (0.0, np.nan)])
def test_what_is_no_interval_is_refused(interval):
    with pytest.raises(InputError, match="An interval needs a lower end and an upper end above it"):
        Estimate(None, *interval)


def test_accuracy_below_zero_is_refused():
    with pytest.raises(InputError, match="Accuracy must not be below zero"):
        Estimate(None, 0.0, 1.0).at_most(0.0, accuracy=-0.1)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(InputError, match="Successes must be at most the trials"):
        share_estimate(3, 2)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("number_verdict", (-0.55, -0.45, -0.5), "agrees"),
        ("at_most", (0.1, 0.2, 0.2), "agrees"),
        ("at_least", (0.1, 0.2, 0.3), "disagrees"),
        ("between", (-0.9, -0.4, -1.0, -0.5), "undecided"),
        ("share_interval", (10, 10), (pytest.approx(0.692, abs=1e-3), 1.0)),
    ],
)
def test_names_of_before_give_the_same_with_a_warning(name, given, told):
    with pytest.warns(DeprecationWarning, match=f"claims.{name} is .* now"):
        rule = getattr(claims, name)
    assert rule(*given) == told
