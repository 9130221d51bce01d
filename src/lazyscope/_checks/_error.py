"""How is bad input refused, in one sentence that helps?

Every refusal has four parts: the rule, what was received, the likely cause and the fix. The command
line prints the message and exits with code 2; from Python it is a ``ValueError``.
"""

import difflib
import inspect
import math
import re
from numbers import Integral
from typing import Any

from lazyscope._portable import PortableError

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

    __module__ = "lazyscope._checks"  # what tracebacks and pickles call it by

    def __init__(self, rule: str, *, received: Any, cause: str, fix: str) -> None:
        self.rule = rule
        self.received = received
        self.cause = cause
        self.fix = fix
        opening, shown, why = rule[:1].upper() + rule[1:], shortened(received), shortened(cause)
        super().__init__(f"{opening}. Received: {shown}. Likely cause: {why}. Fix: {fix}.")


class CallError(InputError, TypeError):
    """A call without an argument that is needed, or with one that the function does not have."""

    __module__ = "lazyscope._checks"


def wrong_call(
    function: Any, signature: inspect.Signature, error: TypeError, given: Any, instead: str | None
) -> CallError:
    """The refusal of a call that does not bind, with how to call it.

    Args:
        function: what was called.
        signature: of it.
        error: what binding the arguments raised.
        given: positional and named arguments.
        instead: what to write, for those who come from another library.
    """
    owner, _, name = function.__qualname__.rpartition("<locals>.")[2].rpartition(".")
    name = owner if name == "__init__" else name
    known = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in known]
    form = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    form = re.sub(r"<[^<>]*>", "...", form)  # defaults that are functions
    positional, named = given
    positional = positional[1:] if len(known) < len(signature.parameters) else positional
    texts = [*map(shown, positional), *(f"{key}={shown(value)}" for key, value in named.items())]
    near = [
        found
        for key in named
        if key not in signature.parameters
        for found in difflib.get_close_matches(key, list(signature.parameters), 1, _ALIKE)
    ]
    cause = (
        f"another spelling of {near[0]}" if near else "arguments as of another library or release"
    )
    return CallError(
        f"{name} must be called with the arguments that it has and needs",
        received=f"{name}({', '.join(texts)}): {error}",
        cause=cause,
        fix=f"call {name}{form}" + (f"; {instead}" if instead else ""),
    )


_LONGEST = 400
_ALIKE = 0.7
"""From which on a name is another spelling, of one."""


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
