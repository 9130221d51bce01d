"""How is bad input refused, in one sentence that helps?

Every refusal has four parts: the rule, what was received, the likely cause and the fix. The command
line prints the message and exits with code 2; from Python it is a ``ValueError``.
"""

import math
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np

from lazyscope._portable import PortableError


class InputError(PortableError, ValueError):
    """Input that breaks a rule, with what was received, the likely cause and the fix.

    It comes back equal from pickle, ``copy`` and other processes; a received value that cannot be
    pickled comes back as its text. Long texts of what was received, and why, are shortened in the message.

    Example:
        >>> print(InputError("width must be positive", received=0, cause="a typo", fix="try 64"))
        Width must be positive. Received: 0. Likely cause: a typo. Fix: try 64.
    """

    def __init__(self, rule: str, *, received: Any, cause: str, fix: str) -> None:
        self.rule = rule
        self.received = received
        self.cause = cause
        self.fix = fix
        opening, shown, why = rule[:1].upper() + rule[1:], shortened(received), shortened(cause)
        super().__init__(f"{opening}. Received: {shown}. Likely cause: {why}. Fix: {fix}.")


_LONGEST = 400


def shortened(value: Any) -> str:
    """The text of a value, its middle left out where it is longer than a sentence should be.

    Example:
        >>> shortened(0.5), shortened("a" * 10_000)[195:]
        ('0.5', 'aaaaa ... (10000 characters) ... aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
        >>> shortened(10**5000)
        'a whole number of about 5001 digits'
    """
    try:
        text = str(value)
    except ValueError:  # digits beyond what Python writes out
        text = _digits(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} ... ({len(text)} characters) ... {text[-40:]}"


def _digits(value: Any) -> str:
    """How long a whole number is that is too long to be written."""
    if not isinstance(value, Integral):
        return f"a value of type {type(value).__name__} with a number too long to be written"
    about = int(int(value).bit_length() * math.log10(2)) + 1
    return f"a whole number of about {about} digits"


def _shown(value: Any) -> str:
    """What was received, as Python writes it."""
    try:
        return repr(value)
    except ValueError:
        return _digits(value)


def check_count(name: str, value: Any, *, minimum: int = 1, cause: str = "", fix: str = "") -> int:
    """Return `value` as an int of at least `minimum`, or refuse it."""
    count = _as_whole(value)
    if count is not None and count > _MOST:
        raise InputError(
            f"{name} must be at most {_MOST}",
            received=_shown(value),
            cause="an exponent or a digit too many",
            fix=fix or f"give a whole number such as {max(minimum, 1)}",
        )
    if count is None or count < minimum:
        raise InputError(
            f"{name} must be a whole number of at least {minimum}",
            received=_shown(value),
            cause=cause or "an empty setting, or a computed value that went wrong",
            fix=fix or f"give a whole number such as {max(minimum, 1)}",
        )
    return count


_MOST = 2**63 - 1  # no machine counts further


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
            received=_shown(value),
            cause=_cause_of(value),
            fix="give a finite number",
        )
    return number


def _as_real(value: Any) -> float | None:
    """`value` as a finite float if it is a real number that one can hold, else None."""
    try:
        number = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


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
            received=_shown(value),
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
            received=_shown(value),
            cause="a percentage, or a loss where a fraction of the initial loss was meant",
            fix="give a fraction such as 1e-4",
        )
    return number


def check_array(name: str, value: Any, *, finite: bool = True) -> Any:
    """Return `value` as an array of real or whole numbers as it came, or refuse it.

    Refused are masked entries, imaginary parts, text, objects, dates and, unless ``finite`` is False,
    NaN and infinity, since none of them can be used as given. Arrays of JAX stay where they are; while
    tracing only the type can be checked. Anything else becomes a NumPy array.

    Example:
        >>> check_array("targets", [1, 2]).dtype.kind
        'i'
    """
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.getmaskarray(value).any():
            raise InputError(
                f"{name} must be an array without a mask",
                received=f"{int(np.ma.getmaskarray(value).sum())} masked entries",
                cause="missing values kept in a masked array",
                fix="drop or fill those entries, for example with its filled method",
            )
        value = value.data
    values: Any = value if hasattr(value, "aval") else _as_numpy(name, value)
    if not _is_real(values.dtype):
        raise InputError(
            f"{name} must be real or whole numbers",
            received=f"entries of type {values.dtype}",
            cause="complex numbers, text, dates or missing entries among the data",
            fix="encode categories as numbers, and take real parts or absolute values beforehand",
        )
    if finite and values.dtype.kind not in "biu" and _is_known(values):
        numbers = np.asarray(values)
        bad = int((~np.isfinite(numbers)).sum())
        if bad:
            raise InputError(
                f"{name} must be finite",
                received=f"{bad} of {numbers.size} numbers that are NaN or infinite",
                cause="missing values in the data, or an overflow upstream",
                fix="remove or fill the missing values, or use a smaller scale",
            )
    return values


def _as_numpy(name: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{name} must be an array of numbers",
            received=f"{type(value).__name__} ({error})",
            cause="rows of different lengths, or an object that is no array",
            fix="give a NumPy array",
        ) from error


def _is_real(dtype: Any) -> bool:
    """Whether entries are real: NumPy's kinds, and short ones such as bfloat16 by their names."""
    return getattr(dtype, "kind", "O") in "biuf" or str(dtype).startswith(("bfloat", "float"))


def _is_known(values: Any) -> bool:
    """Whether the entries have values, which arrays of JAX have not while tracing."""
    return not hasattr(values, "_trace")


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`, or refuse it with the nearest choice."""
    known = sorted(choices)
    if isinstance(value, str) and value in known:
        return value
    close = get_close_matches(str(value), known, n=1)
    raise InputError(
        f"{name} must be one of {', '.join(known)}",
        received=_shown(value),
        cause="a misspelt name" if close else "a name that lazyscope does not know",
        fix=f"use {close[0]!r}" if close else "choose a name from the list",
    )
