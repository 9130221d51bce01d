"""Is a value the number that it should be?"""

import math
from numbers import Integral, Real
from typing import Any

from lazyscope._checks._error import InputError, shortened, shown

LARGEST_COUNT = 2**63 - 1
"""More than this no machine counts to."""


def check_count(
    name: str,
    value: Any,
    *,
    minimum: int = 1,
    maximum: int = LARGEST_COUNT,
    cause: str = "",
    fix: str = "",
) -> int:
    """Return `value` as an int from `minimum` to `maximum`, or refuse it."""
    count = _as_whole(value)
    if count is None or count < minimum:
        raise InputError(
            f"{name} must be a whole number of at least {minimum}",
            received=shown(value),
            cause=cause or "an empty setting, or a computed value that went wrong",
            fix=fix or f"give a whole number such as {max(minimum, 1)}",
        )
    if count > maximum:
        raise InputError(
            f"{name} must be at most {_limit(maximum)}",
            received=shown(value),
            cause="an exponent or a digit too many",
            fix=fix or f"give a whole number such as {max(minimum, 1)}",
        )
    return count


def _as_whole(value: Any) -> int | None:
    """`value` as an int if it is a whole number of any type, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    number = _as_real(value)
    return int(number) if number is not None and number.is_integer() else None


def check_finite(name: str, value: Any) -> float:
    """Return `value` as a finite float, or refuse it."""
    number = _as_real(value)
    if number is None:
        raise InputError(
            f"{name} must be a finite number",
            received=shown(value),
            cause=_cause_of(value),
            fix="give a finite number",
        )
    return number


def as_number(value: Any) -> float | None:
    """`value` as a float if it is a real number, infinite or NaN included; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return None


def _as_real(value: Any) -> float | None:
    """`value` as a finite float if it is a real number that one can hold, else None."""
    number = as_number(value)
    return number if number is not None and math.isfinite(number) else None


def _cause_of(value: Any) -> str:
    """Why something is no finite number."""
    if isinstance(value, str) and not _spells_number(value):
        return "text where a number belongs"
    if isinstance(value, str | Real) and not _is_unbounded(value):
        return "a number beyond double precision, which ends at 1.8e308"
    return "a division by zero or an unset value upstream"


def _spells_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_unbounded(value: Any) -> bool:
    """Whether a number is NaN or infinity itself, rather than one that is too large."""
    text = shortened(value).lower()
    return "nan" in text or "inf" in text


def check_positive(name: str, value: Any) -> float:
    """Return `value` as a finite float above zero, or refuse it."""
    number = check_finite(name, value)
    if number <= 0:
        raise InputError(
            f"{name} must be above zero",
            received=shown(value),
            cause="a sign or an exponent that was meant differently",
            fix="give a number above zero",
        )
    return number


def check_fraction(name: str, value: Any) -> float:
    """Return `value` as a float strictly between 0 and 1, or refuse it."""
    number = check_finite(name, value)
    if not 0 < number < 1:
        raise InputError(
            f"{name} must lie strictly between 0 and 1",
            received=shown(value),
            cause="a percentage, or a loss where a fraction of the initial loss was meant",
            fix="give a fraction such as 1e-4",
        )
    return number


def check_not_negative(name: str, value: Any) -> float:
    """Return `value` as a finite float of at least zero, or refuse it."""
    number = check_finite(name, value)
    if number < 0:
        raise InputError(
            f"{name} must not be below zero",
            received=shown(value),
            cause="a sign that was meant differently",
            fix="give zero or a number above it",
        )
    return number


def _limit(maximum: float) -> str:
    """A largest number in words; one that is no round number with all of its digits."""
    return str(maximum) if isinstance(maximum, int) and maximum % 10 else f"{maximum:.15g}"
