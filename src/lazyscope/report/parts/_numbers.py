"""How is a number written for a reader?

Three significant digits unless asked otherwise, a real minus sign, powers of ten in superscript,
and a dash where a failed run left nothing. The same words serve page, terminal and hover texts.
"""

import math
from collections.abc import Sequence
from typing import Any

MISSING = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_number(value: Any) -> bool:
    """Whether a stored value is a finite number (runs that failed store null)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, digits: int = 3) -> str:
    """Write a number with `digits` significant digits, or a dash where there is none.

    Example:
        >>> number(0.01234), number(-1.5e-7), number(65536), number(None)
        ('0.0123', '−1.5 × 10⁻⁷', '65536', '–')
    """
    if not is_number(value):
        return MISSING
    if value == 0:
        return "0"
    sign = "−" if value < 0 else ""
    mantissa, power = f"{abs(value):.{digits - 1}e}".split("e")
    exponent = int(power)
    if -4 <= exponent < 6:
        text = f"{abs(value):.{max(digits - 1 - exponent, 0)}f}"
        return sign + (_short(text) if exponent >= 0 or digits < 3 else text)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{sign}{mantissa} × 10{str(exponent).translate(_SUPERSCRIPT)}"


def decimal(value: Any, places: int = 2) -> str:
    """Write a number with a fixed number of decimals, so that columns line up.

    Example:
        >>> decimal(-0.9876), decimal(None)
        ('−0.99', '–')
    """
    return f"{value:.{places}f}".replace("-", "−") if is_number(value) else MISSING


def interval(bounds: Sequence[Any], places: int = 2) -> str:
    """Write an interval.

    Example:
        >>> interval([-1.03, -0.95])
        '[−1.03, −0.95]'
    """
    low, high = bounds
    return f"[{decimal(low, places)}, {decimal(high, places)}]"


def percent(value: Any, places: int = 0) -> str:
    """Write a fraction as a percentage.

    Example:
        >>> percent(0.153)
        '15 %'
    """
    return f"{100 * value:.{places}f} %" if is_number(value) else MISSING


def seconds(value: Any) -> str:
    """Write a duration.

    Example:
        >>> seconds(61.04), seconds(0.034)
        ('61.0 s', '0.034 s')
    """
    if not is_number(value):
        return MISSING
    return f"{value:.1f} s" if value >= 10 else f"{number(value, 2)} s"


def listing(values: Sequence[Any], digits: int = 3) -> str:
    """Write numbers in a row, separated by commas, without zeros at their ends.

    Example:
        >>> listing([0.5, 0, -0.25])
        '0.5, 0, −0.25'
    """
    return ", ".join(_short(number(value, digits)) for value in values)


def _short(text: str) -> str:
    plain = "." in text and "×" not in text
    return text.rstrip("0").rstrip(".") if plain else text
