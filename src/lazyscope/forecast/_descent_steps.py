"""What does gradient descent do at a given step: approach, overshoot, or leave the lazy regime?"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from lazyscope._checks import check_positive
from lazyscope._entry import check_fields, checked

StepKind: TypeAlias = Literal["monotone", "lazy-not-monotone", "catapult", "divergent"]


@final
@dataclass(frozen=True)
class DescentSteps:
    """Three intervals of the step eta of descent under R = |r|^2 / (2n), from lambda_max(K(0)) alone.

    One step of the linearised network multiplies the residual along an eigenvector of K(0) by
    1 - eta lambda / n. With the largest eigenvalue this gives

    - *monotone*, up to n / lambda_max: every factor lies in [0, 1), so that no output and no parameter
      passes its end along any mode; descent follows the flow and moves as far.
    - *lazy, not monotone*, up to 2 n / lambda_max: factors down to -1. The loss of the linearised network
      still falls at every step and training ends where the flow does, but modes of lambda > n / eta
      change sign at every step and overshoot on the way by `overshoot`.
    - *catapult*, up to about 4 n / lambda_max: the largest mode grows until parameters have moved by a
      share of their own size, which lowers lambda_max below 2 n / eta. Then the loss falls. However large
      kappa is, such a network does not train lazily: its kernel has to change by the share by which eta is
      above the limit.

    The end of the third interval is that of linear and tanh networks; ReLU networks are reported to
    converge up to 12 n / lambda_max.

    Attributes:
        monotone: end of the first interval, n / lambda_max.
        lazy: end of the second, 2 n / lambda_max, also called the largest stable step.
        catapult: end of the third, 4 n / lambda_max.

    Trust: the first two ends are exact for the linearised network; the third is exact for two linear
    layers on one point as the width grows, else a rule.
    Reference: Lewkowycz et al. 2020 (arXiv 2003.02218), where lambda_0 is lambda_max(K(0)) / n.
    """

    monotone: float
    lazy: float
    catapult: float

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def of(cls, lambda_max: float, num_points: int) -> "DescentSteps":
        """From the largest eigenvalue of K(0) and the number of training points.

        Example:
            >>> DescentSteps.of(8.0, 4)
            DescentSteps(monotone=0.5, lazy=1.0, catapult=2.0)
        """
        end = num_points / check_positive("lambda_max", lambda_max)
        return cls(end, 2.0 * end, 4.0 * end)

    @checked()
    def kind(self, step: float) -> StepKind:
        """The interval in which a step lies; ``divergent`` above all three.

        Example:
            >>> [DescentSteps.of(8.0, 4).kind(step) for step in (0.5, 0.9, 1.1, 2.1)]
            ['monotone', 'lazy-not-monotone', 'catapult', 'divergent']
        """
        step = check_positive("step", step)
        if step <= self.monotone:
            return "monotone"
        if step <= self.lazy:
            return "lazy-not-monotone"
        return "catapult" if step <= self.catapult else "divergent"

    @checked()
    def overshoot(self, step: float) -> float:
        """How far the first step takes the largest mode, over the whole way: 1 at most where monotone."""
        return check_positive("step", step) / self.monotone

    def as_json(self) -> dict[str, list[float]]:
        """The intervals by name, each with its two ends."""
        return {
            "monotone": [0.0, self.monotone],
            "lazy_not_monotone": [self.monotone, self.lazy],
            "catapult": [self.lazy, self.catapult],
        }
