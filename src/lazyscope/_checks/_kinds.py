"""Is a value of the kind that it should be: a switch, text, a path, a function, one of a few words?"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from typing import Any

from lazyscope._checks._error import InputError, shown, unreadable_value
from lazyscope._checks._how_made import how_made


def check_flag(name: str, value: Any) -> bool:
    """Return `value` as a bool if it is True or False, or refuse it.

    Example:
        >>> import numpy as np
        >>> check_flag("centred", np.True_)
        True
    """
    if isinstance(value, bool):
        return value
    import numpy as np  # here, since what looks at no arrays answers without NumPy

    if not isinstance(value, np.bool_):
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
        are_arrays = any(
            hasattr(each, "__array__")
            for each in (value, *(value if isinstance(value, tuple | list) else ()))
        )
        raise InputError(
            f"{name} must be text",
            received=shown(value),
            cause="arrays in place of a name or path"
            if are_arrays
            else "bytes, a number or nothing where a name was expected",
            fix="save arrays by numpy.savez(PATH, x=x, y=y) and give the path, so that runs can be repeated"
            if are_arrays
            else "give a str",
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
            fix="give its method apply"
            if callable(getattr(value, "apply", None))
            else "give the function itself, without brackets",
        )
    return value


def check_instance(name: str, value: Any, *kinds: type) -> Any:
    """Return `value` if it is an object of one of these kinds, or refuse it."""
    if not isinstance(value, kinds):
        words = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(
            f"{name} must be of the kind {words}",
            received=f"{type(value).__name__}, {shown(value)}",
            cause=_why_another(value),
            fix=how_made(kinds[0], value),
        )
    return value


def _why_another(value: Any) -> str:
    """Why an object of another kind was given."""
    if isinstance(value, str):
        return "a name in place of the object that it names, or arguments in another order"
    if isinstance(value, type):
        return "a class in place of an object, or arguments in another order"
    return "arguments in another order, or a value that was not built yet"


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
