"""Is the rate of a falling loss right, and does its interval say when it is no exponential?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.measure import decay_rate


@pytest.mark.parametrize("rate", [1e-6, 0.3, 1e4])
def test_an_exponential_has_one_rate(rate):
    t = np.sort(np.random.default_rng(0).uniform(0, 9, 40)) / rate
    found = decay_rate(t, 5 * np.exp(-rate * t))
    assert found.rate == pytest.approx(rate, rel=1e-9)
    np.testing.assert_allclose(found.interval, rate, rtol=1e-9)


def test_two_exponentials_end_at_the_slower_and_the_interval_brackets_the_mean():
    t = np.linspace(0, 60, 400)
    found = decay_rate(t, np.exp(-5 * t) + 0.5 * np.exp(-0.2 * t))
    assert found.rate == pytest.approx(0.2, rel=1e-3)
    mixed = decay_rate(t[:40], (np.exp(-5 * t) + 0.01 * np.exp(-0.2 * t))[:40])
    low, high = mixed.interval
    assert low < mixed.rate < high
    assert high > 3 * low


def test_the_rate_follows_the_unit_of_time_and_not_the_unit_of_loss():
    t = np.linspace(0, 4, 50)
    loss = np.exp(-t - 0.1 * t**2)
    one, other = decay_rate(t, loss), decay_rate(10 * t, 1e-9 * loss)
    assert other.rate == pytest.approx(one.rate / 10, rel=1e-9)


def test_the_window_is_the_second_half_of_the_fall():
    t = np.linspace(0, 10, 101)
    found = decay_rate(t, np.exp(-t))
    assert found.window == pytest.approx((5.0, 10.0))
    assert found.loss == pytest.approx((np.exp(-5), np.exp(-10)))


def test_a_plateau_is_not_hidden():
    t = np.linspace(0, 20, 201)
    found = decay_rate(t, np.maximum(np.exp(-t), 1e-4))
    assert found.interval[0] == pytest.approx(0.0, abs=1e-9)
    assert found.at_least(0.5) == "undecided"


def test_verdicts_on_a_bound():
    t = np.linspace(0, 10, 101)
    found = decay_rate(t, np.exp(-t))
    assert found.at_least(0.9) == "holds"
    assert found.at_least(1.1) == "fails"
    with pytest.raises(InputError, match="Bound must be a finite number"):
        found.at_least(np.inf)


@pytest.mark.parametrize(
    ("time", "loss", "message"),
    [
        ([0, 1], [1, 0.1], "at least 3 recorded losses.*1 of 2 points"),
        ([0, 1, 1], [1, 0.5, 0.2], "time must be increasing|Time must be increasing"),
        ([0, 1, 2], [1, 0.5, 0.0], "positive and finite.*1 losses that are not"),
        ([0, 1, 2], [1, np.nan, 0.1], "positive and finite"),
        ([0, 1, 2], [1, 2, 3], "a loss that falls"),
        ([0, 1, 2], [1, 2], "one loss for each time"),
    ],
)
def test_bad_input_is_refused_with_the_fix(time, loss, message):
    with pytest.raises(InputError, match=message):
        decay_rate(time, loss)
