"""Is every argument of a public function of the kind that its annotation says?

What annotations cannot say (above zero, increasing, of one length) is checked inside the function. The
checks of one function are made once, from its annotations, and cost microseconds per call. Arrays that
are being traced are checked by type and shape alone, so that functions stay pure under ``jit``.
"""

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lazyscope._checks import (
    LARGEST_COUNT,
    InputError,
    as_number,
    check_array,
    check_callable,
    check_choice,
    check_count,
    check_finite,
    check_flag,
    check_instance,
    check_path,
    check_sequence,
    check_text,
    shown,
    unreadable_value,
    wrong_call,
)

F = TypeVar("F", bound=Callable[..., Any])
Check = Callable[[str, Any], Any]
"""Returns the value, whole numbers as int, or refuses it under a name."""

_NUMBER = "must be a number"


def checked(
    *,
    unbounded: Iterable[str] = (),
    any_axes: Iterable[str] = (),
    own: Iterable[str] = (),
    instead: str | None = None,
) -> Callable[[F], F]:
    """A function that refuses arguments of another kind than their annotations before it begins.

    A call without an argument that is needed, or with one that is not there, is refused as well, by a
    `CallError`, which is a ``TypeError`` too.

    Args:
        unbounded: names of arguments that may hold NaN and infinity, such as runs without a value.
        any_axes: names of arrays that may have other axes than annotated, such as targets (n,), or
            whose axes the function checks in its own words.
        own: names of arguments that the function checks in its own words altogether.
        instead: what to write in place of a call that does not fit, such as that of another library.

    Example:
        >>> @checked()
        ... def twice(count: int) -> int:
        ...     return 2 * count
        >>> twice(2.0)
        4
        >>> twice("2")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        lazyscope._checks.InputError: Count must be a whole number of at least 0. Received: '2'. ...
    """
    free, loose, skipped = frozenset(unbounded), frozenset(any_axes), frozenset(own)

    def wrap(function: F) -> F:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def entry(*args: Any, **kwargs: Any) -> Any:
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError as error:
                refused = wrong_call(function, signature, error, (args, kwargs), instead)
                raise refused from None
            checks = _argument_checks(function, free, loose)
            for name, value in given.arguments.items():
                if name in checks and name not in skipped:
                    given.arguments[name] = _apply(
                        checks[name], name, value, signature.parameters[name].kind
                    )
            return function(*given.args, **given.kwargs)

        return entry  # pyright: ignore[reportReturnType]

    return wrap


def check_fields(record: Any, *, unbounded: Iterable[str] = ()) -> None:
    """Refuse a dataclass whose fields are of another kind than annotated; for ``__post_init__``.

    Lists become tuples where a tuple is annotated, and whole numbers become int.

    Args:
        record: the dataclass.
        unbounded: fields whose numbers may be infinite or, where they are whole, negative.
    """
    checks = _field_checks(type(record), frozenset(unbounded))
    for field in fields(record):
        if field.name in checks:
            value = getattr(record, field.name)
            found = _read(checks[field.name], field.name, value)
            if found is not value:
                object.__setattr__(record, field.name, found)


def _apply(check: Check, name: str, value: Any, kind: Any) -> Any:
    if kind is inspect.Parameter.VAR_KEYWORD:
        return {key: _read(check, key, entry) for key, entry in value.items()}
    if kind is inspect.Parameter.VAR_POSITIONAL:
        return tuple(_read(check, name, entry) for entry in value)
    return _read(check, name, value)


def _read(check: Check, name: str, value: Any) -> Any:
    """The checked value; what its own methods raise while it is looked at is a refusal as well."""
    try:
        return check(name, value)
    except InputError:
        raise
    except Exception as error:
        raise unreadable_value(name, value, error) from error


@functools.cache
def _argument_checks(
    function: Callable[..., Any], free: frozenset[str], loose: frozenset[str]
) -> dict[str, Check]:
    found = {
        name: _check_of(hint, finite=name not in free, any_axes=name in loose)
        for name, hint in _hints(function).items()
        if name != "return"
    }
    return {name: check for name, check in found.items() if check is not None}


@functools.cache
def _field_checks(kind: type, free: frozenset[str]) -> dict[str, Check]:
    found = {
        name: _check_of(hint, finite=name not in free, any_axes=False)
        for name, hint in _hints(kind).items()
    }
    return {name: check for name, check in found.items() if check is not None}


def _hints(thing: Any) -> dict[str, Any]:
    try:
        return get_type_hints(thing)
    except NameError:  # an annotation that only type checkers can read
        return {k: v for k, v in thing.__annotations__.items() if not isinstance(v, str)}


def _check_of(hint: Any, *, finite: bool, any_axes: bool) -> Check | None:
    """The check that an annotation stands for; None where it says nothing that can be checked."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return None
    if origin in (Union, types.UnionType):
        return _union(parts, finite=finite, any_axes=any_axes)
    if origin is Literal:
        return lambda name, value: check_choice(name, value, parts)
    if hint is int and not finite:
        return _check_signed
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if hint is float:
        return check_finite if finite else _check_number
    if _is_array(hint):
        axes = None if any_axes else _axes(hint)
        return functools.partial(_check_array, finite=finite, ndim=axes)
    if origin is not None and isinstance(origin, type):
        return _container(origin, parts, finite=finite)
    if isinstance(hint, type) and not getattr(hint, "_is_protocol", False):
        return functools.partial(_check_kind, kind=hint)
    return None


def _check_kind(name: str, value: Any, *, kind: type) -> Any:
    """An object of this kind, also made from what the kind itself takes in its place."""
    if not isinstance(value, kind) and hasattr(kind, "in_place_of"):
        value = kind.in_place_of(value)  # pyright: ignore[reportAttributeAccessIssue]
    return check_instance(name, value, kind)


def _union(parts: Sequence[Any], *, finite: bool, any_axes: bool) -> Check | None:
    """Any of several kinds. Arrays stand for numbers and lists of numbers beside them."""
    optional = type(None) in parts
    kinds = [part for part in parts if part is not type(None)]
    paths = [kind for kind in kinds if _is_path(kind)]
    arrays = [kind for kind in kinds if _is_array(kind)]
    if paths:
        rest = [kind for kind in kinds if kind is not str and kind not in paths]
        alternatives: list[Check | None] = [check_path]
    elif arrays:
        rest = [
            k for k in kinds if k not in arrays and get_origin(k) is not Sequence and k is not float
        ]
        alternatives = [_array_or_number(kinds, arrays, finite=finite, any_axes=any_axes)]
    else:
        rest, alternatives = kinds, []
    alternatives += [_check_of(kind, finite=finite, any_axes=any_axes) for kind in rest]
    known = [check for check in alternatives if check is not None]
    if len(known) < len(alternatives):
        return None

    def check(name: str, value: Any) -> Any:
        if optional and value is None:
            return None
        first: InputError | None = None
        for attempt in known:
            try:
                return attempt(name, value)
            except InputError as error:
                first = first or error
        assert first is not None
        raise first

    return check


def _array_or_number(
    kinds: Sequence[Any], arrays: Sequence[Any], *, finite: bool, any_axes: bool
) -> Check:
    axes: set[int] | None = set()
    for array in arrays:
        one = _axes(array)
        axes = None if axes is None or one is None else axes | {one}
    if axes is not None and float in kinds:
        axes = axes | {0}
    return functools.partial(
        _check_array, finite=finite, ndim=None if any_axes or axes is None else sorted(axes)
    )


def _check_array(name: str, value: Any, *, finite: bool, ndim: Any) -> Any:
    import numpy as np  # here, since settings of texts and numbers are checked without NumPy

    if isinstance(value, bool | np.bool_):
        raise InputError(
            f"{name} {_NUMBER}",
            received=shown(value),
            cause="a truth value in place of a number",
            fix="give a number",
        )
    check_array(name, value, finite=finite, ndim=ndim)
    return value


def _check_number(name: str, value: Any) -> Any:
    if as_number(value) is None:
        raise InputError(
            f"{name} {_NUMBER}",
            received=shown(value),
            cause="text, a truth value or nothing in place of a number",
            fix="give a number",
        )
    import numpy as np

    return value if isinstance(value, int | float | np.number) else as_number(value)


def _check_whole(name: str, value: Any) -> int:
    return check_count(name, value, minimum=0)


def _check_signed(name: str, value: Any) -> int:
    return check_count(name, value, minimum=-LARGEST_COUNT - 1)


def _container(origin: type, parts: Sequence[Any], *, finite: bool) -> Check | None:
    """Functions, mappings, and rows of things of one kind or of a fixed length."""
    if issubclass(origin, Callable):
        return check_callable
    if issubclass(origin, Mapping):
        return lambda name, value: check_instance(name, value, Mapping)
    if not issubclass(origin, Iterable):
        return None
    kinds = [part for part in parts if part is not Ellipsis]
    each = [_check_of(kind, finite=finite, any_axes=False) for kind in kinds]
    fixed = len(each) if origin is tuple and Ellipsis not in parts and each else None
    as_tuple = origin is tuple

    def check(name: str, value: Any) -> Any:
        entries = list(check_sequence(name, value))
        if fixed is not None and len(entries) != fixed:
            raise InputError(
                f"{name} must have {fixed} entries",
                received=shown(value),
                cause="an entry too many or too few",
                fix=f"give {fixed} of them",
            )
        checks = each if fixed is not None else each[:1] * len(entries)
        found = [
            entry if one is None else one(name, entry)
            for one, entry in zip(checks, entries, strict=False)
        ] or entries
        if as_tuple:
            return tuple(found)
        return value if isinstance(value, Sequence) else found

    return check


def _is_array(hint: Any) -> bool:
    """Whether an annotation is one of jaxtyping's, or the arrays of JAX or NumPy."""
    return (hasattr(hint, "dims") and hasattr(hint, "array_type")) or _name(hint) in _ARRAYS


def _is_path(hint: Any) -> bool:
    return hint is Path or hint is PathLike or get_origin(hint) is PathLike


def _name(hint: Any) -> str:
    return getattr(hint, "__name__", "") if isinstance(hint, type) else ""


def _axes(hint: Any) -> int | None:
    """How many axes an annotation asks for; None where it leaves them open."""
    dims = getattr(hint, "dims", None)
    if dims is None or hint.index_variadic is not None:
        return None
    return len(dims)


_ARRAYS = ("Array", "ndarray")
_SIMPLE: dict[Any, Check] = {
    bool: check_flag,
    int: _check_whole,
    str: check_text,
    Path: check_path,
    Callable: check_callable,
}
