"""Are there enough looks, and do they cost what the observer says and no more than it may?"""

import time

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.observe import AbstractObserver, Cadence, Measurement, Subject

SUBJECT = Subject(("w",), ((3, 2),), ("w",), (0,), 4, 2, False)
NOTHING = np.zeros(1)


class Training(AbstractObserver):
    """A loop whose steps take `step` seconds, looks `look`, and the steps after one `after` more in all."""

    def __init__(self, clock, cadence, *, step=0.01, look=0.2, after=0.0, slowed=4):
        self.clock, self.look_seconds = clock, look
        self.step_seconds, self.after, self.slowed = step, after / slowed, slowed
        self.since = slowed
        self._begin(SUBJECT, self._measured(), cadence, 0.0, look)

    def _measured(self):
        return Measurement(NOTHING, NOTHING, NOTHING, NOTHING, 0, 1, 0, 1, 0.5, 0, np.nan, 0)

    def _settle(self, params):
        pass

    def _measure(self, params):
        self.clock.now += self.look_seconds
        return self._measured()

    def train(self, steps):
        """Returns what looking cost as a share of the training by itself."""
        start = time.perf_counter()
        for count in range(1, steps + 1):
            self.clock.now += self.step_seconds + (self.after if self.since < self.slowed else 0.0)
            self.since += 1
            if self.due(count):
                self.observe(None, step=count)
                self.since = 0
        alone = steps * self.step_seconds
        return (time.perf_counter() - start - alone) / alone


@pytest.fixture
def exact(clock, monkeypatch):
    """The clock of a test that takes no time to be read."""
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


@pytest.mark.parametrize("steps", [7, 8, 30, 1000])
@pytest.mark.parametrize("look", [1e-4, 100.0])
def test_a_training_of_known_length_is_seen_eight_times_whatever_a_look_costs(exact, steps, look):
    training = Training(exact, Cadence(steps=steps), look=look)
    training.train(steps)
    assert len(training.record.looks) >= 8
    assert training.record.looks[-1].step == steps


def test_a_training_of_unknown_length_is_seen_eight_times_within_64_steps(exact):
    training = Training(exact, Cadence(), look=100.0)
    training.train(64)
    assert training.record.steps.tolist() == [0, 1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("after", [0.0, 0.1])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("steps", [4_000, 6_000, 60_000])
def test_where_eight_looks_fit_into_the_share_all_looks_stay_within_it(exact, steps, known, after):
    training = Training(exact, Cadence(steps=steps if known else None), after=after)
    found = training.train(steps)
    fits = 7 * (0.2 + after) / (steps * 0.01) <= 0.05
    assert fits == ((steps, after) != (4_000, 0.1))
    assert len(training.record.looks) >= 8
    assert found <= (0.05 if fits else 0.054)


@pytest.mark.parametrize("after", [0.0, 0.2])
def test_the_share_that_is_told_is_what_looking_costs_with_what_follows_it(exact, after):
    training = Training(exact, Cadence(per_decade=20, share=0.3), after=after)
    found = training.train(5_000)
    assert training.share == pytest.approx(found, rel=0.1)
    assert training.record.share == pytest.approx(found, rel=0.2)
    assert training.record.summary()["observing"]["looks"] == len(training.record.looks)


def test_looks_that_are_not_owed_wait_for_those_that_are(exact):
    training = Training(exact, Cadence(steps=1000, share=0.05), look=0.05)
    training.train(1000)  # ten seconds: ten looks would fit, and seven are owed
    assert training.share <= 0.05
    assert {1, 3, 10, 32, 100, 316, 1000} <= set(training.record.steps.tolist())


@pytest.mark.parametrize("wrong", [{"at_least": 0}, {"steps": 0}, {"steps": 2.5}])
def test_a_number_of_looks_or_steps_without_sense_is_refused(wrong):
    with pytest.raises(InputError, match="must be a whole number"):
        Cadence(**wrong)
