"""What does a function say of itself, also where Python drops docstrings?"""

import ast
import inspect
from collections.abc import Callable
from typing import Any


def described(function: Callable[..., Any]) -> str:
    """The docstring of a function; under ``python -OO`` it is read from the source.

    Returns:
        The text; empty where the function has none, or where there is neither text nor source.

    Example:
        >>> described(described).splitlines()[0]
        'The docstring of a function; under ``python -OO`` it is read from the source.'
    """
    text = inspect.getdoc(function)
    if text:
        return text
    try:
        source = inspect.getsource(inspect.unwrap(function))
        defined = ast.parse(inspect.cleandoc("\n" + source)).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    if not isinstance(defined, ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    return ast.get_docstring(defined) or ""
