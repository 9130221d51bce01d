"""What is a number that says how sure it is, and what does it decide?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, final, get_args

from lazyscope._checks import InputError, check_choice, check_fraction

Answer = Literal["supported", "contradicted", "undecided"]
"""What a prediction is after a measurement."""


@final
@dataclass(frozen=True)
class Verdict:
    """What was decided, as data; the sentence is for people and nothing reads it back.

    Attributes:
        answer: ``supported``, ``contradicted`` or ``undecided``.
        sentence: the same in words, with its numbers.
        remarks: what a reader has to know to believe it, one sentence each.
    """

    answer: Answer
    sentence: str
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("answer", self.answer, get_args(Answer))

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
        low, high: ends of the interval, None where they are not known; infinite ends mean that the data
            exclude nothing to that side.
        level: probability that the interval covers.
        units: of value and ends; ``1`` for pure numbers.
        basis: what it rests on (runs, widths, seeds, method), in one line.
        verdict: what it decides, if something was predicted.

    Raises:
        InputError: ends the wrong way round, one end without the other, or a level outside (0, 1).

    Example:
        >>> slope = Estimate(-0.98, -1.02, -0.95, basis="5 seeds at 4 widths")
        >>> slope.contains(-1.0), round(slope.half_width, 3)
        (True, 0.035)
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    units: str = "1"
    basis: str = ""
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        check_fraction("level", self.level)
        if (self.low is None) == (self.high is None) and (
            self.low is None or self.high is None or self.low <= self.high
        ):
            return
        raise InputError(
            "an interval needs a lower end and an upper end above it",
            received=f"[{self.low}, {self.high}]",
            cause="an estimate without a value, or the ends in the wrong order",
            fix="give both ends, infinite ones where nothing is known",
        )

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Both ends."""
        return self.low, self.high

    @property
    def half_width(self) -> float:
        """Half the length of the interval, infinite where it is not known."""
        return float("inf") if self.low is None or self.high is None else (self.high - self.low) / 2

    def contains(self, number: float) -> bool:
        """Whether the interval leaves `number` possible; one that is not known excludes nothing."""
        return (self.low is None or self.low <= number) and (
            self.high is None or number <= self.high
        )

    def as_json(self) -> dict[str, Any]:
        """A dict ready for JSON: ``value``, ``interval``, ``level``, ``units``, ``basis``, ``verdict``."""
        return {
            "value": self.value,
            "interval": list(self.interval),
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
            record.get("level", 0.95),
            record.get("units", "1"),
            record.get("basis", ""),
            None if decided is None else Verdict.from_json(decided),
        )
