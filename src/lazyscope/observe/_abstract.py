"""How does an observer keep its record, its clock and its budget, whatever it measures with?"""

import abc
import time
from typing import Any

import numpy as np

from lazyscope._checks import InputError, check_array, check_count
from lazyscope.observe._cadence import Cadence
from lazyscope.observe._looking import Looking
from lazyscope.observe._record import Look, Measurement, Observations, Subject


class AbstractObserver(abc.ABC):
    """An observer of training: told about a network once, shown its parameters now and then.

    A subclass measures; this class decides when, and keeps the record. It is the only thing here that
    changes; `record` is an immutable value.
    """

    def _begin(
        self, subject: Subject, first: Measurement, cadence: Cadence, setup: float, cost: float
    ) -> None:
        """Start the clock with a first measurement, which took `cost` seconds when repeated."""
        self._cadence, self._owed = cadence, cadence.owed
        self._looking = Looking(cost)
        self._record = Observations(
            subject, (Look(0, 0.0, float("nan"), first),), setup_seconds=setup
        )
        self._next = cadence.step_after(0)
        self._began = self._ended = time.perf_counter()

    @abc.abstractmethod
    def _settle(self, params: Any) -> None:
        """Wait for parameters that are still being computed, which is not the observer's time."""

    @abc.abstractmethod
    def _measure(self, params: Any) -> Measurement:
        """Measure parameters, checking that they are of the network that was described."""

    @property
    def record(self) -> Observations:
        """Everything seen so far."""
        return self._record

    @property
    def setup_seconds(self) -> float:
        """Time that making the observer took: checks, compilation, the first look."""
        return self._record.setup_seconds

    @property
    def share(self) -> float:
        """Time that looking cost so far as a share of the time spent training."""
        spent = self._record.observing_seconds
        return spent / max(time.perf_counter() - self._began - spent, 1e-9)

    def due(self, step: int) -> bool:
        """Whether to look now: a look is owed, or one is planned and keeps within the budget.

        A step that was reached without time for it is made up for as soon as there is time.

        Args:
            step: steps taken so far.
        """
        step, last = _step(step), self._record.looks[-1].step
        if step <= last:
            return False
        if any(last < owed <= step for owed in self._owed):
            return True
        if step < self._next:
            return False
        waiting = sum(owed > step for owed in self._owed)
        elapsed = time.perf_counter() - self._began
        return self._cadence.affords(self._looking.cost, self._looking.spent, elapsed, waiting)

    def observe(self, params: Any, *, step: int, loss: Any = None, rate: Any = None) -> Look:
        """Look at the parameters, whether due or not, and add what is seen to the record.

        Args:
            params: a tree like the one at the start.
            step: steps taken so far; the last step again replaces its look.
            loss: the training loss, if known.
            rate: the learning rate, if training is plain gradient descent on the same loss: it is put beside
                the largest one that is stable, `Observations.stable_rate`. That of another optimiser is not
                comparable with it.

        Raises:
            InputError: parameters of another shape or precision, a step before the last one, or a loss or
                rate that is no number.
        """
        step, loss, rate = _step(step), _number("loss", loss), _number("rate", rate)
        last = self._record.looks[-1].step
        if step < last:
            raise InputError(
                "steps must not go back",
                received=f"step {step} after step {last}",
                cause="a counter that starts again in every epoch",
                fix="count steps over the whole of training",
            )
        self._settle(params)
        start = time.perf_counter()
        measurement = self._measure(params)
        look = Look(step, start - self._began, loss, measurement, rate)
        ended = time.perf_counter()
        self._looking.add(step - last if last else 0, start - self._ended, ended - start)
        cost = self._looking.spent - self._record.observing_seconds
        self._record = self._record.with_look(look, cost)
        self._ended = ended
        self._next = self._cadence.step_after(step)
        return look


def _step(step: Any) -> int:
    """A step count, which counters of optimizers keep in arrays."""
    counter = isinstance(getattr(step, "shape", None), tuple) and step.shape == ()
    return check_count("step", step.item() if counter else step, minimum=0)


def _number(name: str, given: Any) -> float:
    """A loss or rate as a number; NaN if it is not known, and a loss that diverged is what it is."""
    if given is None:
        return float("nan")
    found = np.asarray(check_array(name, given, finite=name == "rate"))
    if found.size != 1:
        raise InputError(
            f"a {name} must be one number",
            received=f"an array of shape {found.shape}",
            cause=_SEVERAL[name],
            fix="give their mean" if name == "loss" else "give one, or none",
        )
    return float(found.reshape(()))


_SEVERAL = {
    "loss": "the losses of the examples instead of their mean",
    "rate": "the rates of several groups of parameters",
}
