"""When is it worth looking, so that looking stays cheap?"""

import math
from dataclasses import dataclass
from typing import Any, final

from lazyscope._checks import InputError, check_count, check_fraction, shown


@final
@dataclass(frozen=True)
class Cadence:
    """Look often at first and ever more rarely, and not for more than a share of the time.

    Some looks are owed: they are taken whatever they cost, so that a short training is seen as well. All
    others are taken where the time allows them and those still owed.

    Attributes:
        per_decade: looks in every factor of ten of the step count, evenly in its logarithm.
        share: time for looking at most, as a share of the time spent training; exceeded only where the
            looks that are owed do not fit into it.
        at_least: looks that are owed, the one at the start among them; 1 for none but that.
        steps: how long training will be, if known. The looks owed are then spread evenly over the
            logarithm of its steps, the last one at the end; else they are at steps 1, 2, 4, 8, ...

    Example:
        >>> cadence = Cadence(per_decade=4)
        >>> steps = [0]
        >>> while steps[-1] < 100: steps.append(cadence.step_after(steps[-1]))
        >>> steps
        [0, 1, 2, 4, 6, 10, 18, 32, 57, 100]
        >>> cadence.owed, Cadence(steps=1000).owed
        ((1, 2, 4, 8, 16, 32, 64), (1, 3, 10, 32, 100, 316, 1000))
    """

    per_decade: int = 12
    share: float = 0.03
    at_least: int = 8
    steps: int | None = None

    def __post_init__(self) -> None:
        check_count("per_decade", self.per_decade)
        check_fraction("share of the time", self.share)
        check_count("at_least", self.at_least)
        if self.steps is not None:
            check_count("steps", self.steps)

    @property
    def owed(self) -> tuple[int, ...]:
        """Steps after the start by which a look is owed, ascending; no more than training has."""
        count = self.at_least - 1
        if self.steps is None:
            return tuple(2**k for k in range(count))
        count = min(count, self.steps)
        even = [self.steps ** (k / max(count - 1, 1)) for k in range(count)]
        # Where steps are few, the first ones follow each other.
        return tuple(max(k + 1, round(step)) for k, step in enumerate(even))

    def step_after(self, step: int) -> int:
        """The first step after `step` at which to look, where time allows."""
        if step < 1:
            return step + 1
        number = math.floor(self.per_decade * math.log10(step) + 1e-9)
        following = step
        while following <= step:
            number += 1
            following = math.ceil(10 ** (number / self.per_decade) - 1e-9)
        return following

    def affords(self, cost: float, spent: float, elapsed: float, waiting: int = 0) -> bool:
        """Whether a look of `cost` seconds keeps within the share.

        Args:
            cost: seconds that a look takes.
            spent: seconds spent looking so far.
            elapsed: seconds since training began, looks included.
            waiting: looks still owed, for which time has to be left.
        """
        return spent + (1 + waiting) * cost <= self.share * max(elapsed - spent, 0.0)


def check_cadence(cadence: Any) -> Cadence:
    """A cadence, or a refusal."""
    if isinstance(cadence, Cadence):
        return cadence
    raise InputError(
        "cadence must be a Cadence",
        received=shown(cadence),
        cause="the looks per decade, or a word for how often, by themselves",
        fix="give for instance Cadence(per_decade=12, share=0.03)",
    )


DEFAULT_CADENCE = Cadence()
