"""What is a number that says how sure it is, and what does it decide?"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, TypeAlias, final

from lazyscope._checks import (
    InputError,
    check_finite,
    check_fraction,
    check_not_negative,
    check_positive,
)
from lazyscope._entry import check_fields, checked

Answer: TypeAlias = Literal["supported", "contradicted", "undecided", "outside"]
"""What the question of a study is after its measurement; outside where its assumptions do not hold."""
Sign: TypeAlias = Literal["positive", "negative", "undecided"]
Agreement: TypeAlias = Literal["agrees", "disagrees", "undecided"]
"""What a predicted number or bound is after one measurement.

Three answers, never two: an interval that contains zero does not settle a sign, and an interval that
contains a prediction but also everything else does not confirm it.
"""

LEVEL = 0.95
"""Probability that an interval covers, where nothing else is said."""
STANDARD_ERRORS = 1.96
"""In half of an interval of 95 %."""
RESOLUTION = 0.125
"""Half of 1/4, the smallest step between the exponents of familiar schemes: an interval no wider
than this to either side can tell two neighbouring predictions apart."""


@final
@dataclass(frozen=True)
class Verdict:
    """What was decided, as data; the sentence is for people and nothing reads it back.

    Attributes:
        answer: ``supported``, ``contradicted``, ``undecided``, or ``outside`` the assumptions.
        sentence: the same in words, with its numbers.
        remarks: what a reader has to know to believe it, one sentence each.
    """

    answer: Answer
    sentence: str
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)

    def as_json(self) -> dict[str, Any]:
        """A dict ready for JSON."""
        return {**asdict(self), "remarks": list(self.remarks)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The verdict that `as_json` wrote."""
        return cls(record["answer"], record["sentence"], tuple(record.get("remarks", ())))


@final
@dataclass(frozen=True)
class Estimate:
    """A measured number with its interval.

    Attributes:
        value: the best value, None where there is none.
        low, high: ends of the interval; None, as an infinite end, where the data exclude nothing to that
            side.
        level: probability that the interval covers.
        units: of value and ends; ``1`` for pure numbers.
        basis: what it rests on (runs, widths, seeds, method), in one line.
        verdict: what it decides, if something was predicted.

    Raises:
        InputError: ends that are NaN or the wrong way round, or a level outside (0, 1).

    Example:
        >>> slope = Estimate(-0.98, -1.02, -0.95, basis="5 seeds at 4 widths")
        >>> slope.contains(-1.0), round(slope.half_width, 3)
        (True, 0.035)
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = LEVEL
    units: str = "1"
    basis: str = ""
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        check_fields(self, unbounded=("value", "low", "high"))
        check_fraction("level", self.level)
        for name in ("value", "low", "high", "level"):
            number = getattr(self, name)
            object.__setattr__(self, name, None if number is None else float(number))
        low, high = self._ends()
        if not low <= high or low == math.inf or high == -math.inf:
            raise _no_interval(self.low, self.high)

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Both ends."""
        return self.low, self.high

    def sign(self) -> Sign:
        """The sign that every value of the interval shares."""
        return sign_of(*self._ends())

    @checked()
    def agreement(
        self, prediction: float, *, resolution: float = RESOLUTION, accuracy: float = 0.0
    ) -> Agreement:
        """Whether the interval, widened by `accuracy`, confirms a predicted number.

        Args:
            prediction: the number to compare with.
            resolution: half-width above which an interval that contains the prediction is
                ``undecided``; 1/8 is meant for exponents, other units need their own.
            accuracy: systematic error of the instrument, in the same units.

        Example:
            >>> slope = Estimate(-0.44, -0.49, -0.4)
            >>> slope.agreement(-0.5), slope.agreement(-0.5, accuracy=0.012)
            ('disagrees', 'agrees')
        """
        return agreement(*self._ends(accuracy), prediction, resolution)

    @checked()
    def at_most(self, bound: float, *, accuracy: float = 0.0) -> Agreement:
        """Whether the number, its interval widened by `accuracy`, is at most `bound`.

        Example:
            >>> [Estimate(None, *ends).at_most(0.2) for ends in ((0.1, 0.2), (0.1, 0.3), (0.25, 0.3))]
            ['agrees', 'undecided', 'disagrees']
        """
        low, high = self._ends(accuracy)
        bound = check_finite("bound", bound)
        if high <= bound:
            return "agrees"
        return "disagrees" if low > bound else "undecided"

    def at_least(self, bound: float, *, accuracy: float = 0.0) -> Agreement:
        """Whether the number, its interval widened by `accuracy`, is at least `bound`.

        Example:
            >>> [Estimate(None, *ends).at_least(0.2) for ends in ((0.2, 0.3), (0.1, 0.3), (0.0, 0.1))]
            ['agrees', 'undecided', 'disagrees']
        """
        return self.mapped(_negative, falling=True).at_most(
            -check_finite("bound", bound), accuracy=accuracy
        )

    def between(self, floor: float, ceiling: float, *, accuracy: float = 0.0) -> Agreement:
        """Whether the number, its interval widened by `accuracy`, lies from `floor` to `ceiling`.

        Example:
            >>> [Estimate(None, -0.9, high).between(-1, -0.5) for high in (-0.6, -0.4)]
            ['agrees', 'undecided']
        """
        above, below = (
            self.at_least(floor, accuracy=accuracy),
            self.at_most(ceiling, accuracy=accuracy),
        )
        return above if above == "disagrees" or below == "agrees" else below

    def mapped(self, function: Callable[[float], float], *, falling: bool = False) -> Self:
        """The estimate of a monotone function of the number.

        Args:
            function: of one number; increasing unless `falling`.
            falling: that it decreases, so that the ends change places.

        Where `function` overflows at an end, nothing is excluded to that side.

        Raises:
            InputError: it overflows at the value.

        Example:
            >>> Estimate(0.0, 0.0, math.log(2)).mapped(math.exp).interval
            (1.0, 2.0)
        """
        value, low, high = (_applied(function, one) for one in (self.value, *self.interval))
        if value is None and self.value is not None:
            raise InputError(
                "a function of an estimate must have a value that is a number",
                received=f"a function that overflows at {self.value}",
                cause="the exponential of a number in other units, or of a logarithm to another base",
                fix="map a smaller number, or keep the logarithm",
            )
        low, high = (high, low) if falling else (low, high)
        return replace(self, value=value, low=low, high=high)

    def _ends(self, accuracy: float = 0.0) -> tuple[float, float]:
        """The interval widened to both sides, infinite where it is not known."""
        accuracy = check_not_negative("accuracy", accuracy)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return low - accuracy, high + accuracy

    @property
    def half_width(self) -> float:
        """Half the length of the interval, infinite where it is not known."""
        low, high = self._ends()
        return (high - low) / 2

    @checked()
    def contains(self, number: float) -> bool:
        """Whether the interval leaves `number` possible; one that is not known excludes nothing."""
        low, high = self._ends()
        return low <= number <= high

    def as_json(self) -> dict[str, Any]:
        """A dict ready for JSON, without what is infinite or NaN.

        Keys ``value``, ``interval``, ``level``, ``units``, ``basis``, ``verdict``.
        """
        value, *interval = (_known(one) for one in (self.value, *self.interval))
        return {
            "value": value,
            "interval": interval,
            "level": self.level,
            "units": self.units,
            "basis": self.basis,
            "verdict": None if self.verdict is None else self.verdict.as_json(),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The estimate that `as_json` wrote."""
        low, high = record["interval"]
        decided = record.get("verdict")
        return cls(
            record["value"],
            low,
            high,
            record.get("level", LEVEL),
            record.get("units", "1"),
            record.get("basis", ""),
            None if decided is None else Verdict.from_json(decided),
        )


def sign_of(low: float, high: float) -> Sign:
    """The sign that every value of the interval shares.

    Example:
        >>> sign_of(0.1, 0.2), sign_of(-0.3, -0.1), sign_of(-0.1, 0.1)
        ('positive', 'negative', 'undecided')
    """
    if low > 0:
        return "positive"
    return "negative" if high < 0 else "undecided"


@checked(unbounded=("low", "high"))
def agreement(low: float, high: float, prediction: float, resolution: float) -> Agreement:
    """Whether an interval confirms a prediction.

    ``disagrees`` where the prediction lies outside; ``agrees`` where it lies inside an interval
    of half-width at most `resolution`; ``undecided`` where the interval is wider than that.

    Example:
        >>> agreement(-0.55, -0.45, -0.5, 0.125), agreement(-0.9, -0.1, -0.5, 0.125)
        ('agrees', 'undecided')
    """
    if not low <= high:
        raise _no_interval(low, high)
    prediction = check_finite("prediction", prediction)
    resolution = check_positive("resolution", resolution)
    if not low <= prediction <= high:
        return "disagrees"
    return "agrees" if high - low <= 2 * resolution else "undecided"


def _known(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _applied(function: Callable[[float], float], number: float | None) -> float | None:
    try:
        return None if number is None else float(function(number))
    except OverflowError:
        return None


def _negative(number: float) -> float:
    return -number


def _no_interval(low: float | None, high: float | None) -> InputError:
    return InputError(
        "an interval needs a lower end and an upper end above it",
        received=f"[{low}, {high}]",
        cause="an estimate without a value, or the ends in the wrong order",
        fix="give infinite ends where nothing is known",
    )
