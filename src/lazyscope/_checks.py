"""How is bad input refused, in one sentence that helps?

Every refusal has four parts: the rule, what was received, the likely cause and the fix. The command
line prints the message and exits with code 2; from Python it is a ``ValueError``.
"""

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any

import numpy as np

from lazyscope._portable import PortableError

LARGEST_COUNT = 2**63 - 1
"""More than this no machine counts to."""

_LONGEST_SHOWN = 160
_LARGEST_SHOWN = 10**40


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
    """The text of a value on one line, its middle left out where it is longer than a sentence should be.

    Example:
        >>> shortened(0.5), shortened("a" * 10_000)[195:]
        ('0.5', 'aaaaa ... (10000 characters) ... aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
        >>> shortened(10**5000)
        'a whole number of about 5001 digits'
    """
    try:
        text = str(value)
    except Exception as error:  # digits beyond what Python writes out, broken texts
        text = _untold(value, error)
    text = " ".join(text.splitlines())
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} ... ({len(text)} characters) ... {text[-40:]}"


def _untold(value: Any, error: Exception) -> str:
    """What is said of a value that cannot be written out, and why."""
    if isinstance(value, Integral):
        return _digits(value)
    return f"{type(value).__name__} ({type(error).__name__} while printing it)"


def _digits(value: Any) -> str:
    """How long a whole number is that is too long to be written."""
    return f"a whole number of about {int(int(value).bit_length() * math.log10(2)) + 1} digits"


def unreadable_value(name: str, value: Any, error: Exception) -> InputError:
    """The refusal of an argument whose own methods raised `error` while it was looked at.

    What a *function* of the user raises while it runs is another matter: it comes through as it is.
    """
    return InputError(
        f"{name} must be a value that can be read",
        received=f"{type(value).__name__}, which raised {shown(error)} while it was looked at",
        cause="an object whose own methods fail, an array that was deleted or donated, or more entries "
        "than fit into memory",
        fix="give plain numbers, text or a NumPy array",
    )


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
            f"{name} must be at most {maximum:.15g}",
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


def shown(value: Any) -> str:
    """A value as a message shows it: on one line, and not longer than a line.

    Example:
        >>> shown([0.5, "wide"]), shown("x" * 500)[-5:], shown(10**400)
        ("[0.5, 'wide']", 'x ...', 'a whole number of about 401 digits')
    """
    if isinstance(value, Integral) and abs(int(value)) > _LARGEST_SHOWN:
        return _digits(value)
    try:
        text = " ".join(repr(value).split())
    except Exception as error:  # very many digits, broken reprs
        return _untold(value, error)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} ..."


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


def check_scale(name: str, value: Any) -> Any:
    """Return a factor above zero as it came, or refuse it; of a traced one only type and shape."""
    import jax  # here, since what looks at no arrays answers without JAX

    if not isinstance(value, jax.Array):
        return check_positive(name, value)
    check_array(name, value, ndim=0)
    if is_known(value):
        check_positive(name, float(value))
    return value


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


def check_flag(name: str, value: Any) -> bool:
    """Return `value` as a bool if it is True or False, or refuse it.

    Example:
        >>> check_flag("centred", np.True_)
        True
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(
            f"{name} must be True or False",
            received=shown(value),
            cause="text or a number in place of a truth value; the text 'False' would count as true",
            fix="give True or False",
        )
    return bool(value)


def check_text(name: str, value: Any) -> str:
    """Return `value` if it is text, or refuse it."""
    if not isinstance(value, str):
        raise InputError(
            f"{name} must be text",
            received=shown(value),
            cause="bytes, a number or nothing where a name was expected",
            fix="give a str",
        )
    return value


def check_path(name: str, value: Any) -> Any:
    """Return `value` if it is the text or object of a path, or refuse it."""
    text = fspath(value) if isinstance(value, str | PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(
            f"{name} must be a path",
            received=shown(value),
            cause="nothing, a number, an open file or a null character where a path was expected",
            fix="give a str or a pathlib.Path",
        )
    return value


def check_callable(name: str, value: Any) -> Any:
    """Return `value` if it can be called, or refuse it."""
    if not callable(value):
        raise InputError(
            f"{name} must be a function",
            received=shown(value),
            cause="the result of a call in place of the function, or arguments in another order",
            fix="give the function itself, without brackets",
        )
    return value


def check_instance(name: str, value: Any, *kinds: type) -> Any:
    """Return `value` if it is an object of one of these kinds, or refuse it."""
    if not isinstance(value, kinds):
        words = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(
            f"{name} must be of the kind {words}",
            received=f"{type(value).__name__}, {shown(value)}",
            cause="arguments in another order, or a value that was not built yet",
            fix=f"give a {kinds[0].__name__}",
        )
    return value


def check_sequence(name: str, value: Any) -> Any:
    """Return `value` if it is a list, tuple or other row of things, or refuse it; text is none."""
    try:
        single = isinstance(value, str | bytes | Mapping) or getattr(value, "ndim", 1) == 0
    except Exception as error:
        raise unreadable_value(name, value, error) from error
    if single or not isinstance(value, Iterable):
        raise InputError(
            f"{name} must be a list",
            received=shown(value),
            cause="a single value, or text, where several were expected",
            fix="put brackets around it",
        )
    return value


def check_tree(name: str, tree: Any, *, finite: bool = True) -> Any:
    """Return a tree of parameters whose leaves are all arrays of numbers, or refuse it.

    Raises:
        InputError: no leaf at all, or a leaf that `check_array` refuses.
    """
    import jax  # here, since what looks at no parameters answers without JAX

    named, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_masked)
    if not named:
        raise InputError(
            f"{name} must hold at least one array",
            received=shown(tree),
            cause="an empty tree, or None in place of parameters",
            fix="give the tree of parameters",
        )
    for path, leaf in named:
        check_array(f"{name}{jax.tree_util.keystr(path)}", leaf, finite=finite)
    return tree


def _is_masked(leaf: Any) -> bool:
    return isinstance(leaf, np.ma.MaskedArray)


def check_array(
    name: str, value: Any, *, finite: bool = True, ndim: Iterable[int] | int | None = None
) -> Any:
    """Return `value` as an array of real or whole numbers as it came, or refuse it.

    Refused are masked entries, imaginary parts, text, objects, dates and, unless ``finite`` is False,
    NaN and infinity, since none of them can be used as given; with `ndim`, other numbers of axes too.
    Arrays of JAX stay where they are; while tracing only type and shape can be checked. Anything else
    becomes a NumPy array.

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
    values = _as_array(name, value)
    if not _is_real(values.dtype):
        raise InputError(
            f"{name} must be real or whole numbers",
            received=f"entries of type {values.dtype}",
            cause="complex numbers, text, dates or missing entries among the data",
            fix="encode categories as numbers, and take real parts or absolute values beforehand",
        )
    _check_axes(name, values, ndim)
    if finite and values.dtype.kind not in "biu" and is_known(values):
        numbers = values if isinstance(values, np.ndarray) else as_numpy(name, values)
        if numbers.dtype.itemsize > _DOUBLE:
            with np.errstate(over="ignore"):
                numbers = numbers.astype(np.float64)  # in which everything is computed
        bad = int((~np.isfinite(numbers)).sum())
        if bad:
            raise InputError(
                f"{name} must be finite",
                received=f"{bad} of {numbers.size} numbers that are NaN or infinite",
                cause="missing values in the data, or an overflow upstream",
                fix="remove or fill the missing values, or use a smaller scale",
            )
    return values


def check_alike(*, may_be_empty: bool = False, **arrays: Any) -> None:
    """Refuse arrays of different shapes or without entries; names are those of the arguments."""
    shapes = {name: tuple(np.shape(value)) for name, value in arrays.items()}
    is_empty = not may_be_empty and any(0 in shape for shape in shapes.values())
    if len(set(shapes.values())) > 1 or is_empty:
        raise InputError(
            f"{' and '.join(shapes)} must have one shape, with entries",
            received=f"shapes {' and '.join(map(str, shapes.values()))}",
            cause="outputs at different points, or an axis too many",
            fix="give both at the same points",
        )


_DOUBLE = 8  # bytes


def _check_axes(name: str, values: Any, ndim: Iterable[int] | int | None) -> None:
    if ndim is None:
        return
    allowed = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    if np.ndim(values) not in allowed:
        words = " or ".join(map(str, allowed))
        raise InputError(
            f"{name} must be an array with {words} {'axis' if words == '1' else 'axes'}",
            received=f"shape {tuple(np.shape(values))}",
            cause="a flattened array, a single number or row, or one axis too many",
            fix="reshape it, for instance with array[:, None] or array[None]",
        )


def _as_array(name: str, value: Any) -> Any:
    """An array of JAX as it is, anything else as one of NumPy."""
    try:
        is_jax = hasattr(value, "aval")
        if is_jax and is_known(value) and getattr(value, "is_deleted", bool)():
            raise RuntimeError("Array has been deleted")
    except Exception as error:
        raise unreadable_value(name, value, error) from error
    return value if is_jax else as_numpy(name, value)


def as_numpy(name: str, value: Any) -> np.ndarray:
    """`value` as an array of NumPy, whatever its entries are, or a refusal."""
    if value is None or isinstance(value, dict | set):
        value = np.asarray(value, object)
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{name} must be an array of numbers",
            received=f"{type(value).__name__} ({error})",
            cause="rows of different lengths, or an object that is no array",
            fix="give a NumPy array",
        ) from error
    except Exception as error:
        raise unreadable_value(name, value, error) from error


def _is_real(dtype: Any) -> bool:
    """Whether entries are real: NumPy's kinds, and short ones such as bfloat16 by their names."""
    return getattr(dtype, "kind", "O") in "biuf" or str(dtype).startswith(("bfloat", "float"))


def is_known(values: Any) -> bool:
    """Whether the entries have values, which arrays of JAX have not while tracing."""
    return not hasattr(values, "_trace")


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`, or refuse it with the nearest choice."""
    known = sorted(choices)
    if isinstance(value, str) and value in known:
        return value
    close = get_close_matches(value, known, n=1) if isinstance(value, str) else []
    raise InputError(
        f"{name} must be one of {', '.join(known)}",
        received=shown(value),
        cause="a misspelt name" if close else "a name that lazyscope does not know",
        fix=f"use {close[0]!r}" if close else "choose a name from the list",
    )
