"""What do a function, a class and its fields say of themselves, also where Python drops docstrings?"""

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any


def described(function: Callable[..., Any]) -> str:
    """The docstring of a function or class; under ``python -OO`` it is read from the source.

    Returns:
        The text; empty where the function has none, or where there is neither text nor source.

    Example:
        >>> described(described).splitlines()[0]
        'The docstring of a function or class; under ``python -OO`` it is read from the source.'
    """
    text = inspect.cleandoc(function.__doc__ or "")
    if text and not text.startswith(
        f"{function.__name__}("
    ):  # what a dataclass says without a docstring
        return text
    try:
        source = inspect.getsource(inspect.unwrap(function))
        defined = ast.parse(inspect.cleandoc("\n" + source)).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    if not isinstance(defined, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ""
    return ast.get_docstring(defined) or ""


def field_words(kind: type) -> dict[str, str]:
    """What the section ``Attributes`` of a class and of those it inherits from says of every field.

    Returns:
        The words by the name of the field, on one line each.

    Example:
        >>> from lazyscope._estimate import Verdict
        >>> field_words(Verdict)["remarks"]
        'what a reader has to know to believe it, one sentence each.'
    """
    found: dict[str, str] = {}
    for owner in reversed(kind.__mro__[:-1]):
        section = described(owner).partition("Attributes:\n")[2].split("\n\n")[0]
        for entry in re.split(r"\n(?=    \w)", section):
            names, colon, words = entry.strip().partition(": ")
            if colon:
                found |= dict.fromkeys(names.split(", "), " ".join(words.split()))
    return found
