"""Does one learning rate serve every width, and what shows it?

A step at one rate does the same at every width where what it takes off the loss, as a share of the loss,
does not depend on the width. To first order that is the kernel weighed with the rates for descent on
squares, one over which is the largest stable step, and the sum of -<gradient, step> over all arrays for
any optimiser. By the law its exponent is p rho + max_l u_l where 0 <= rho <= 1/2, and the rate has to
follow the width with the opposite one (`lazyscope.scaling.rate_exponent`). For rho < 0 layers grow before
the loss falls, which first steps do not show.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from lazyscope.measure import ExponentEstimate
from lazyscope.study.coordinates._verdict import MARGIN, clear_side, exact

NEXT = 0.5
"""Distance of the exponents of familiar parametrisations from zero."""
_WIDEST = 64


class RateTransfer(NamedTuple):
    """Whether one learning rate serves every width.

    Attributes:
        answer: ``supported`` where it does, ``contradicted`` where it does not, else ``undecided``.
        exponent: power of the width that the rate has to follow; 0 where it transfers, NaN if not measured.
        interval: of the exponent.
        sentence: the answer with what shows it.
        next_widths: widths that would decide, where it is undecided.
    """

    answer: Literal["supported", "contradicted", "undecided"]
    exponent: float
    interval: tuple[float, float]
    sentence: str
    next_widths: tuple[int, ...]


class Step(NamedTuple):
    """What a check saw of steps at one rate.

    Attributes:
        rate: whose rate it is.
        about: what a step does, in words, and ``found``, the exponent of it.
        found: zero where the rate transfers.
        kappa: exponent of kappa.
        may_not_grow: what must not change more and more, in words, with its exponent.
        is_mup: whether the network was found to be in muP, where every rate transfers.
        is_lazy: whether all layers move less and less.
    """

    rate: str
    about: str
    found: ExponentEstimate
    kappa: ExponentEstimate
    may_not_grow: tuple[tuple[str, ExponentEstimate], ...] = ()
    is_mup: bool = False
    is_lazy: bool = False


def rate_transfer(step: Step, axis: str, values: Sequence[int]) -> RateTransfer:
    """Whether one rate serves every value of the axis.

    An interval contradicts where it is more than `MARGIN` and a quarter of its own length away from zero; it
    supports where its middle is nearer to zero than to the neighbours -1/2 and 1/2, which it excludes.
    """
    found, whose = step.found, step.rate
    low, high = found.interval
    told = f"{step.about} goes like {power_of(axis, found)}"
    rate = -found.exponent, (-high, -low)
    if not math.isfinite(high - low) or high - low > 1e6:
        why = f"{step.about} could not be measured; take more seeds"
        return RateTransfer("undecided", math.nan, rate[1], _open(whose, axis, why), ())
    growing = [each for each in step.may_not_grow if clear_side(each[1]) > 0]
    if growing and clear_side(found) <= 0:
        what, grows = growing[0]
        told = f"{what} grows like {power_of(axis, grows)}"
        sentence = f"{whose} does not transfer across {axis}: {told}."
        return RateTransfer("contradicted", *rate, sentence, ())
    if step.kappa.interval[1] < -MARGIN and clear_side(found) <= 0:
        why = (
            f"kappa falls like {power_of(axis, step.kappa)}, so that layers have to grow before the loss "
            "falls, which first steps do not show; `lazyscope regime` has the law for it (rate_exponent)"
        )
        return RateTransfer("undecided", *rate, _open(whose, axis, why), ())
    if clear_side(found):
        power = exact(found)
        follow = f"{axis}^{-power:g}" if power else f"about {axis}^{rate[0]:.2g}"
        sentence = (
            f"{whose} does not transfer across {axis}: {told} and not like {axis}^0, so that the rate "
            f"has to follow {follow}."
        )
        return RateTransfer("contradicted", *rate, sentence, ())
    if step.is_mup or (abs(found.exponent) < NEXT / 2 and low > -NEXT and high < NEXT):
        lazy = "; but layers move less and less, so that wide networks train lazily with it"
        sentence = (
            f"{whose} transfers across {axis}: {told}, the same at every {axis}"
            f"{lazy if step.is_lazy else ''}."
        )
        return RateTransfer("supported", *rate, sentence, ())
    more = wider(values, (high - low) / 2, NEXT / 2)
    named = "widths" if axis == "width" else f"values {axis} ="  # which need no plural
    listed = ", ".join(map(str, more))
    why = f"{told}, where only 0 transfers; take the {named} {listed}, or more seeds"
    return RateTransfer("undecided", *rate, _open(whose, axis, why), more)


def _open(whose: str, axis: str, why: str) -> str:
    return f"Whether {whose[0].lower()}{whose[1:]} transfers across {axis} is undecided: {why}."


def power_of(axis: str, found: ExponentEstimate) -> str:
    """``width^0.50 [0.40, 0.60]``."""
    middle, low, high = (f"{round(x, 2) + 0.0:.2f}" for x in (found.exponent, *found.interval))
    return f"{axis}^{middle} [{low}, {high}]"


def wider(values: Sequence[int], half: float, wanted: float) -> tuple[int, ...]:
    """As many values as these from the same first one, over a range that should narrow an interval.

    Half of an interval falls about like one over the logarithm of the range; the range is two to four times
    as long in it, of a factor of 64 at most, and at least four times as wide as these.

    Example:
        >>> wider((64, 128, 256, 512), 0.5, 0.25)
        (64, 256, 1024, 4096)
        >>> wider((8, 128, 1024), 0.5, 0.25)
        (8, 181, 4096)
    """
    first, span = values[0], values[-1] / values[0]
    wished = span ** max(2.0, min(half / wanted, 4.0))
    ratio = max(min(wished, _WIDEST), 4 * span) ** (1 / (len(values) - 1))
    return tuple(round(first * ratio**k) for k in range(len(values)))
