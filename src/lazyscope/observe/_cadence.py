"""When is it worth looking, so that looking stays cheap?"""

import math
from dataclasses import dataclass
from typing import Any, final

from lazyscope._checks import InputError, check_count, check_fraction, shown


@final
@dataclass(frozen=True)
class Cadence:
    """Look often at first and ever more rarely, and never for more than a share of the time.

    Attributes:
        per_decade: looks in every factor of ten of the step count, evenly in its logarithm.
        share: time for looking at most, as a share of the time spent training.

    Example:
        >>> cadence = Cadence(per_decade=4)
        >>> steps = [0]
        >>> while steps[-1] < 100: steps.append(cadence.step_after(steps[-1]))
        >>> steps
        [0, 1, 2, 4, 6, 10, 18, 32, 57, 100]
    """

    per_decade: int = 12
    share: float = 0.05

    def __post_init__(self) -> None:
        check_count("per_decade", self.per_decade)
        check_fraction("share of the time", self.share)

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

    def affords(self, cost: float, spent: float, elapsed: float) -> bool:
        """Whether a look of `cost` seconds keeps within the share.

        Args:
            cost: seconds that a look takes.
            spent: seconds spent looking so far.
            elapsed: seconds since training began, looks included.
        """
        return spent + cost <= self.share * max(elapsed - spent, 0.0)


def check_cadence(cadence: Any) -> Cadence:
    """A cadence, or a refusal."""
    if isinstance(cadence, Cadence):
        return cadence
    raise InputError(
        "cadence must be a Cadence",
        received=shown(cadence),
        cause="the looks per decade, or a word for how often, by themselves",
        fix="give for instance Cadence(per_decade=12, share=0.05)",
    )


DEFAULT_CADENCE = Cadence()
