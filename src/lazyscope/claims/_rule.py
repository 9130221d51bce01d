"""Which rule turns the measurement of a row into a verdict, as data that a register can keep?"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, final

from lazyscope._checks import check_not_negative, check_positive
from lazyscope._entry import check_fields
from lazyscope._estimate import RESOLUTION, Estimate

Verdict = Literal["agrees", "disagrees", "undecided", "outside"]
"""``outside``: the network does not satisfy the claim's assumptions, so the claim says nothing."""

Kind = Literal["number", "at most", "at least", "between", "nearest", "other"]
"""``nearest``: agrees as a number with the nearest value between floor and ceiling. ``other``: in words."""


@final
@dataclass(frozen=True)
class Rule:
    """The threshold of a row.

    Attributes:
        kind: which of the rules of `Estimate` it is; ``other`` where a verdict needs more than an interval.
        floor: least value that agrees, of ``at least``, ``between`` and ``nearest``.
        ceiling: largest value that agrees, of ``at most``, ``between`` and ``nearest``.
        resolution: of ``number`` and ``nearest``, the half-width up to which an interval confirms.
        accuracy: systematic error of the instrument, by which the interval is widened.
        words: what ``other`` asks, and what a verdict needs beside the interval.
    """

    kind: Kind
    floor: float | None = None
    ceiling: float | None = None
    resolution: float | None = None
    accuracy: float = 0.0
    words: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        check_not_negative("accuracy", self.accuracy)
        if self.resolution is not None:
            check_positive("resolution", self.resolution)

    @classmethod
    def number(cls, *, resolution: float = RESOLUTION, accuracy: float = 0.0) -> Self:
        """`Estimate.agreement` with the predicted number."""
        return cls("number", resolution=resolution, accuracy=accuracy)

    @classmethod
    def at_most(cls, ceiling: float, *, accuracy: float = 0.0, words: str = "") -> Self:
        """`Estimate.at_most` of `ceiling`."""
        return cls("at most", ceiling=ceiling, accuracy=accuracy, words=words)

    @classmethod
    def at_least(cls, floor: float, *, accuracy: float = 0.0, words: str = "") -> Self:
        """`Estimate.at_least` of `floor`."""
        return cls("at least", floor=floor, accuracy=accuracy, words=words)

    @classmethod
    def between(cls, floor: float, ceiling: float, *, words: str = "") -> Self:
        """`Estimate.between` `floor` and `ceiling`."""
        return cls("between", floor, ceiling, words=words)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The rule that `as_json` wrote."""
        return cls(**record)

    def as_json(self) -> dict[str, Any]:
        """A dict ready for JSON, of what says something."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in told.items() if value not in (None, 0.0, "")} | {
            name: told[name] for name in ("floor", "ceiling") if told[name] is not None
        }

    def judge(self, found: Estimate, prediction: float | None) -> Verdict | None:
        """The verdict on a measurement; None where an interval alone does not make it.

        Example:
            >>> Rule.number(resolution=0.25).judge(Estimate(-0.55, -0.65, -0.27), -0.5)
            'agrees'
            >>> Rule.number().judge(Estimate(-0.55, -0.65, -0.27), -0.5)
            'undecided'
        """
        floor, ceiling = self.floor, self.ceiling
        if self.kind == "nearest" and floor is not None and ceiling is not None:
            prediction = floor if found.value is None else min(max(found.value, floor), ceiling)
        if self.kind in ("number", "nearest") and prediction is not None:
            resolution = RESOLUTION if self.resolution is None else self.resolution
            return found.agreement(prediction, resolution=resolution, accuracy=self.accuracy)
        if self.kind == "at most" and ceiling is not None:
            return found.at_most(ceiling, accuracy=self.accuracy)
        if self.kind == "at least" and floor is not None:
            return found.at_least(floor, accuracy=self.accuracy)
        if self.kind == "between" and floor is not None and ceiling is not None:
            return found.between(floor, ceiling, accuracy=self.accuracy)
        return None
