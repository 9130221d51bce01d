"""How does one number of a scheme depend on the width?"""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from lazyscope._checks import InputError, check_count, check_finite, check_positive


@final
@dataclass(frozen=True)
class PowerLaw:
    """A power of the width, ``constant * width**exponent``.

    Args:
        constant: value at width 1; above zero.
        exponent: power of the width; any finite number.

    Raises:
        InputError: the constant is not a positive number or the exponent is not finite; on a call,
            the value is too large or too small for double precision.

    Example:
        >>> PowerLaw(2.0, -0.5)(16)
        0.5
    """

    constant: float
    exponent: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", check_positive("the constant of a law", self.constant))
        object.__setattr__(self, "exponent", check_finite("an exponent of width", self.exponent))

    def __call__(self, width: int) -> float:
        """The value at `width`."""
        return self.at_virtual(check_width(width))

    def at_virtual(self, width: float) -> float:
        """The value at any width, whole or not."""
        try:
            value = self.constant * float(width) ** self.exponent
        except OverflowError:
            value = math.inf
        return _representable(
            value, f"{self.constant:g} * width^{self.exponent:g} at width {width:.16g}"
        )


@final
@dataclass(frozen=True)
class FanAverageLaw:
    """A scale set by the mean of the two fans of a layer, ``sqrt(2 m / (m + fixed_fan))``.

    This is Glorot's first or last layer, with variance ``2 / (fan_in + fan_out)``, of which one fan
    is the width m and the other stays fixed. It is no power of m; it tends to sqrt(2), so its
    exponent is zero.

    Args:
        fixed_fan: the fan that does not grow, the input or the output dimension.

    Example:
        >>> FanAverageLaw(6)(2)
        0.7071067811865476
    """

    fixed_fan: int

    def __post_init__(self) -> None:
        fan = check_count("the fixed fan of a layer", self.fixed_fan)
        object.__setattr__(self, "fixed_fan", fan)

    def __call__(self, width: int) -> float:
        """The value at `width`."""
        return self.at_virtual(check_width(width))

    def at_virtual(self, width: float) -> float:
        """The value at any width, whole or not."""
        return math.sqrt(2 * width / (width + self.fixed_fan))

    @property
    def exponent(self) -> float:
        """The power of the width as the width grows: zero."""
        return 0.0


@final
@dataclass(frozen=True)
class ValueAtWidth:
    """A number known at one width only; it has no exponent.

    Args:
        value: the number; above zero.
        width: the width at which it holds.

    Raises:
        InputError: the value is not a positive number, another width is asked for, or an exponent
            is asked for.

    Example:
        >>> ValueAtWidth(3.0, width=64)(64)
        3.0
    """

    value: float
    width: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", check_positive("a scale or speed", self.value))
        object.__setattr__(self, "width", check_width(self.width))

    def __call__(self, width: int) -> float:
        """The value at `width`, which must be the width that it was given for."""
        return self.at_virtual(check_width(width))

    def at_virtual(self, width: float) -> float:
        """The value, where `width` is the width that it was given for."""
        if width != self.width:
            raise InputError(
                f"numbers given at one width hold at that width only, here {self.width}",
                received=f"width {width:.12g}",
                cause="a scheme given by numbers was used in a sweep over widths",
                fix=f"use width {self.width}, or give power laws of the width",
            )
        return self.value

    @property
    def exponent(self) -> float:
        """Refused: one number says nothing about other widths."""
        raise InputError(
            "an exponent needs a law over widths",
            received=f"the number {self.value:g} at the single width {self.width}",
            cause="exponents or regimes were asked of a scheme that was given by numbers",
            fix="give the scheme by exponents or by name",
        )


Law: TypeAlias = PowerLaw | FanAverageLaw | ValueAtWidth
"""A positive number as a function of the width: ``law(width)``, and ``law.exponent``."""


def check_width(width: Any) -> int:
    """Return `width` as an int of at least one, or refuse it."""
    return check_count(
        "width",
        width,
        maximum=_LARGEST_WIDTH,
        cause="a computed width that went wrong",
        fix="use a width that a machine can hold, such as 256",
    )


def check_virtual_width(width: Any) -> float:
    """Return a width that is only computed with, any number from 1 to 1e30, or refuse it."""
    number = check_positive("virtual width", width)
    if not 1 <= number <= LARGEST_VIRTUAL_WIDTH:
        raise InputError(
            f"a virtual width must lie between 1 and {LARGEST_VIRTUAL_WIDTH:g}",
            received=f"{number:g}",
            cause="an exponent in place of the width, or a width beyond what numbers hold",
            fix="give a number such as 1e12",
        )
    return number


def _representable(value: float, formula: str) -> float:
    if not 0 < value < math.inf:
        raise InputError(
            "scales and speeds must be representable in double precision",
            received=formula,
            cause="an exponent or a width far beyond any network",
            fix="use a smaller width or an exponent nearer to zero",
        )
    return value


_LARGEST_WIDTH = 10**15
LARGEST_VIRTUAL_WIDTH = 1e30
