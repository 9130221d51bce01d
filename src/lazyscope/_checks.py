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


class InputError(ValueError):
    """Input that breaks a rule, with what was received, the likely cause and the fix.

    Example:
        >>> print(InputError("width must be positive", received=0, cause="a typo", fix="try 64"))
        Width must be positive. Received: 0. Likely cause: a typo. Fix: try 64.
    """

    def __init__(self, rule: str, *, received: Any, cause: str, fix: str) -> None:
        self.rule = rule
        self.received = received
        self.cause = cause
        self.fix = fix
        opening = rule[:1].upper() + rule[1:]
        super().__init__(f"{opening}. Received: {received}. Likely cause: {cause}. Fix: {fix}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.rule, str(self.received), self.cause, self.fix)


def _remade(kind: type[InputError], rule: str, received: Any, cause: str, fix: str) -> InputError:
    """The same refusal in another process."""
    return kind(rule, received=received, cause=cause, fix=fix)


def check_count(name: str, value: Any, *, minimum: int = 1, cause: str = "", fix: str = "") -> int:
    """Return `value` as an int of at least `minimum`, or refuse it."""
    count = _as_whole(value)
    if count is None or count < minimum:
        raise InputError(
            f"{name} must be a whole number of at least {minimum}",
            received=repr(value),
            cause=cause or "an empty setting, or a computed value that went wrong",
            fix=fix or f"give a whole number such as {max(minimum, 1)}",
        )
    return count


def _as_whole(value: Any) -> int | None:
    """`value` as an int if it is a whole number of any type, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    whole = isinstance(value, Real) and math.isfinite(value) and float(value).is_integer()
    return int(float(value)) if whole else None


def check_finite(name: str, value: Any) -> float:
    """Return `value` as a finite float, or refuse it."""
    if not isinstance(value, Real) or not math.isfinite(value):
        raise InputError(
            f"{name} must be a finite number",
            received=repr(value),
            cause="a division by zero or an unset value upstream",
            fix="give a finite number",
        )
    return float(value)


def check_positive(name: str, value: Any) -> float:
    """Return `value` as a finite float above zero, or refuse it."""
    number = check_finite(name, value)
    if number <= 0:
        raise InputError(
            f"{name} must be above zero",
            received=repr(value),
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
            received=repr(value),
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
        received=repr(value),
        cause="a misspelt name" if close else "a name that lazyscope does not know",
        fix=f"use {close[0]!r}" if close else "choose a name from the list",
    )
