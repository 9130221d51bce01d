"""How fast does a loss fall, and is it one exponential?"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_finite
from lazyscope._entry import checked

BoundVerdict: TypeAlias = Literal["holds", "fails", "undecided"]

_PIECES = 4
MIN_POINTS = 3


@final
@dataclass(frozen=True)
class DecayRate:
    """Rate of the exponential that a loss follows late in training.

    Attributes:
        rate: mean of -d log(loss) / dt over the window; unit 1 / time. The loss is a square, so
            it is twice the rate of the residual.
        interval: smallest and largest mean rate over the four quarters of the window: how far the
            curve is from one exponential. Not a statistical interval; one run has no scatter.
        window: first and last time of the window.
        loss: loss at these times.
        num_points: recorded points inside the window.
    """

    rate: float
    interval: tuple[float, float]
    window: tuple[float, float]
    loss: tuple[float, float]
    num_points: int

    def at_least(self, bound: float) -> BoundVerdict:
        """Whether the loss falls at least as fast as ``exp(-bound * t)`` all through the window.

        ``holds`` where every quarter is at least that fast, ``fails`` where none is.
        """
        bound = check_finite("bound", bound)
        if self.interval[0] >= bound:
            return "holds"
        return "fails" if self.interval[1] < bound else "undecided"


@checked(unbounded=("time", "loss"), any_axes=("time", "loss"))
def decay_rate(time: Float[Any, " n"], loss: Float[Any, " n"]) -> DecayRate:
    """Rate of decay of the loss over the second half of its fall, in logarithm.

    The window runs from the geometric mean of first and last loss to the last loss, so it is late
    whatever the units and spacing of time. Between recorded points log(loss) is a straight line; a
    loss that rises for a moment is replaced by its running minimum.

    Args:
        time: increasing times of the recorded losses, in the unit in which the rate is wanted.
        loss: positive losses at these times.

    Returns:
        A `DecayRate`.

    Raises:
        InputError: fewer than 3 recorded points in the window, times not increasing, a loss that is
            not positive and finite or never falls.

    Cost: O(n).

    Trust: exact for an exponential; for a sum of exponentials the rate lies between the slowest
    and the fastest, and `interval` shows how much it still changes.

    Example:
        >>> t = [0.0, 1.0, 2.0, 3.0, 4.0]
        >>> found = decay_rate(t, [2.0**-s for s in t])
        >>> round(found.rate, 6), found.at_least(0.6)
        (0.693147, 'holds')
    """
    time, loss = _checked(time, loss)
    log_loss = np.minimum.accumulate(np.log(loss))
    middle = 0.5 * (log_loss[0] + log_loss[-1])
    start_time = _crossing(time, log_loss, middle)
    inside = time >= start_time
    if inside.sum() < MIN_POINTS:
        raise InputError(
            f"a rate needs at least {MIN_POINTS} recorded losses in the second half of the fall",
            received=f"{int(inside.sum())} of {len(time)} points there",
            cause="a flow that took few steps, or a loss recorded too seldom",
            fix="record the loss at more times, spaced evenly in its logarithm",
        )
    edges = np.linspace(start_time, time[-1], _PIECES + 1)
    levels = np.interp(edges, time, log_loss)
    local = -np.diff(levels) / np.diff(edges)
    return DecayRate(
        rate=float((levels[0] - levels[-1]) / (edges[-1] - edges[0])),
        interval=(float(local.min()), float(local.max())),
        window=(float(edges[0]), float(edges[-1])),
        loss=(float(np.exp(levels[0])), float(np.exp(levels[-1]))),
        num_points=int(inside.sum()),
    )


def _crossing(time, log_loss, level: float) -> float:
    """First time at which the piecewise straight log loss reaches `level`."""
    after = int(np.argmax(log_loss <= level))
    before = after - 1
    fall = log_loss[before] - log_loss[after]
    part = (log_loss[before] - level) / fall
    return float(time[before] + part * (time[after] - time[before]))


def _checked(time: Any, loss: Any) -> tuple[np.ndarray, np.ndarray]:
    """The times and losses as float arrays, or an `InputError`."""
    time, loss = np.asarray(time, float), np.asarray(loss, float)
    if time.ndim != 1 or time.shape != loss.shape or not np.all(np.diff(time) > 0):
        raise InputError(
            "time must be increasing, with one loss for each time",
            received=f"shapes {time.shape} and {loss.shape}",
            cause="repeated or unsorted times",
            fix="sort by time and drop repeated times",
        )
    if not np.all((loss > 0) & np.isfinite(loss)):
        raise InputError(
            "losses must be positive and finite",
            received=f"{int((~((loss > 0) & np.isfinite(loss))).sum())} losses that are not",
            cause="a run that diverged, or a loss that is exactly zero",
            fix="cut the curve where the loss reaches rounding error",
        )
    if len(loss) < 2 or loss.min() >= loss[0]:
        raise InputError(
            "a rate needs a loss that falls",
            received=f"{len(loss)} losses, none below the first",
            cause="a run that stalled or diverged at the start",
            fix="look at the outcome of the run",
        )
    return time, loss
