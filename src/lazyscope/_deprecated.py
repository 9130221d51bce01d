"""Where is a public name now that had another name or place before?"""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def warn_renamed(old: str, new: str, depth: int = 3) -> None:
    """Say to who used `old`, so many calls above, what it is called now."""
    warnings.warn(
        f"{old} is {new} now; the old name goes with lazyscope 1.0",
        DeprecationWarning,
        stacklevel=depth,
    )


def moved(
    module: str, names: Mapping[str, str], instead: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that finds names of before under what they are called now, until 1.0.

    Args:
        module: ``__name__`` of the module that had the names.
        names: where each of them is now, as a dotted path.
        instead: what to use in its place, where that is not the same thing under another name.

    Example:
        >>> find = moved("lazyscope.old", {"root": "math.sqrt"})
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     found = find("root")
        >>> found(4.0), str(told[0].message)
        (2.0, 'lazyscope.old.root is math.sqrt now; the old name goes with lazyscope 1.0')
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, called = names[name].rpartition(".")
        warn_renamed(f"{module}.{name}", (instead or {}).get(name, names[name]))
        return getattr(import_module(home), called)

    return find
