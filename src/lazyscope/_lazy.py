"""Which names does a package load only when they are asked for?

They stand once, where type checkers read them: as imports under ``if TYPE_CHECKING``.
"""

import ast
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def homes_of(package: str) -> tuple[dict[str, str], ...]:
    """The module of every name that a package imports under ``if TYPE_CHECKING``, a dict for each block.

    Raises:
        ImportError: the package came without its source.

    Example:
        >>> homes_of("lazyscope")[0]["Scheme"]
        'lazyscope.scaling'
    """
    spec = sys.modules[package].__spec__
    source = getattr(spec and spec.loader, "get_source", lambda name: None)(package)
    if source is None:
        raise ImportError(f"{package} finds its names in its source, which is not installed")
    return tuple(
        {
            name.asname or name.name: statement.module
            for statement in node.body
            if isinstance(statement, ast.ImportFrom) and statement.module
            for name in statement.names
        }
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )


def loaded(package: str, homes: Mapping[str, str], name: str) -> Any:
    """A name of a package from its home, which the package has from now on; for its ``__getattr__``."""
    value = getattr(import_module(homes[name]), name)
    setattr(sys.modules[package], name, value)
    return value
