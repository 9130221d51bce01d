"""How does an old public name answer until it is gone?"""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def warn_renamed(old: str, new: str, depth: int = 3) -> None:
    """Say to who used `old`, so many calls above, what it is called now."""
    warnings.warn(
        f"{old} is called {new} now; the old name goes with lazyscope 1.0.",
        DeprecationWarning,
        stacklevel=depth,
    )


def old_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """A ``__getattr__`` for a module, by which old names still give what new ones do.

    Args:
        module: name of the module, ``__name__``.
        names: new names by old ones.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn_renamed(f"{module}.{name}", names[name])
        return getattr(import_module(module), names[name])

    return find
