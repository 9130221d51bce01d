"""How does an exception reach another process as it was?

Pools, joblib, Dask and ``copy`` take an exception apart and put it together again. Python's own way
calls the class with the message alone, which fails for constructors with other arguments, and a
field that cannot be pickled takes the whole exception, and often its pool, with it.
"""

import pickle
from typing import Any, NamedTuple

_PLAIN = (str, bool, int, float, complex, bytes, type(None))
_UNSAID = ("__notes__",)  # travels, but says nothing about which refusal it is


class PortableError(Exception):
    """An exception that comes back equal from pickle, ``copy`` and other processes.

    Fields, notes and the cause come along, whatever the arguments of the constructor, which is not
    called again. What cannot be pickled comes back as its text. Equal are exceptions of one class with
    the same text and the same fields; the cause, the notes and the traceback do not count, since
    process pools change them.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: _packed(value) for name, value in vars(self).items()}
        for kind in type(self).__mro__:
            for name in _slots(kind):
                if hasattr(self, name):
                    fields[name] = _packed(getattr(self, name))
        arguments = tuple(_packed(value) for value in self.args)
        cause = None if self.__cause__ is None else _packed(self.__cause__)
        return _blank, (type(self),), (arguments, fields, cause, self.__suppress_context__)

    def __setstate__(self, state: Any) -> None:
        """Put arguments, fields and cause back."""
        arguments, fields, cause, suppress = state
        self.args = tuple(_unpacked(value) for value in arguments)
        for name, value in fields.items():
            object.__setattr__(self, name, _unpacked(value))
        self.__cause__ = None if cause is None else _as_exception(_unpacked(cause))
        self.__suppress_context__ = suppress

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if self is other:
            return True
        mine, theirs = _said(self), _said(other)
        return (
            str(self) == str(other)
            and mine.keys() == theirs.keys()
            and all(_alike(mine[name], theirs[name]) for name in mine)
        )

    def __hash__(self) -> int:
        return hash((type(self), str(self)))


class _Packed(NamedTuple):
    """A value on its way: its bytes, None where it has none, and its text."""

    content: bytes | None
    text: str


def _blank(kind: type[BaseException]) -> BaseException:
    """An exception of `kind` without arguments, made without calling its constructor."""
    base: Any = next(one for one in kind.__mro__ if one.__module__ == "builtins")
    return base.__new__(kind)


def _packed(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    try:
        content = pickle.dumps(value)
    except Exception:  # locks, closures, tracers and whatever else objects to travelling
        content = None
    return _Packed(content, _text(value))


def _unpacked(value: Any) -> Any:
    if not isinstance(value, _Packed):
        return value
    if value.content is None:
        return value.text
    try:
        return pickle.loads(value.content)  # noqa: S301  # part of a pickle that is being loaded
    except Exception:  # for instance an exception of others whose constructor takes more
        return value.text


def _text(value: Any) -> str:
    try:
        text = str(value)
    except Exception:  # a text that cannot be made, such as that of a huge integer
        return f"<{type(value).__name__}>"
    return f"{type(value).__name__}: {text}" if isinstance(value, BaseException) else text


def _as_exception(value: Any) -> BaseException:
    return value if isinstance(value, BaseException) else RuntimeError(str(value))


def _slots(kind: type) -> tuple[str, ...]:
    names = vars(kind).get("__slots__", ())
    listed = (names,) if isinstance(names, str) else tuple(names)
    return tuple(name for name in listed if not name.startswith("__"))


def _said(error: BaseException) -> dict[str, Any]:
    """The fields of an exception, those in slots included."""
    fields = {name: value for name, value in vars(error).items() if name not in _UNSAID}
    for kind in type(error).__mro__:
        fields |= {name: getattr(error, name) for name in _slots(kind) if hasattr(error, name)}
    return fields


def _alike(one: Any, other: Any) -> bool:
    """Whether two fields say the same: by value, or by their texts, as NaN, arrays and what travelled."""
    if one is other:
        return True
    try:
        equal = bool(one == other)
    except Exception:  # arrays, and objects that refuse the question
        equal = False
    return equal or _text(one) == _text(other)
