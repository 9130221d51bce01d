"""Where is a public name now that had another name or place before?"""

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

Renamed = TypeVar("Renamed", bound=Callable[..., Any])


def warn_renamed(old: str, new: str, depth: int = 3) -> None:
    """Say to who used `old`, so many calls above, what it is called now."""
    warnings.warn(
        f"{old} is {new} now; the old name goes with lazyscope 1.0",
        DeprecationWarning,
        stacklevel=depth,
    )


def accept_renamed(kind: type, old: str, new: str) -> None:
    """Let a dataclass take and tell field `new` under the name that it had before, with a warning.

    Example:
        >>> import warnings
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Sizes:
        ...     spread: int = 1
        >>> accept_renamed(Sizes, "shape", "spread")
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     made = Sizes(shape=2)
        >>> made, str(told[0].message)
        (Sizes(spread=2), 'Sizes.shape is spread now; the old name goes with lazyscope 1.0')
    """
    made = kind.__init__

    @wraps(made)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if old in kwargs and new not in kwargs:
            warn_renamed(f"{kind.__name__}.{old}", new)
            kwargs[new] = kwargs.pop(old)
        made(self, *args, **kwargs)

    def tell(self: Any) -> Any:
        warn_renamed(f"{kind.__name__}.{old}", new)
        return getattr(self, new)

    setattr(kind, "__init__", init)  # noqa: B010
    setattr(kind, old, property(tell))


def renamed_argument(old: str, new: str) -> Callable[[Renamed], Renamed]:
    """Let a function take argument `new` under the name that it had before, with a warning.

    Example:
        >>> import warnings
        >>> @renamed_argument("ends_at", "stop")
        ... def run(*, stop: float) -> float:
        ...     return stop
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     found = run(ends_at=0.5)
        >>> found, str(told[0].message)
        (0.5, 'ends_at of run is stop now; the old name goes with lazyscope 1.0')
    """

    def wrap(function: Renamed) -> Renamed:
        @wraps(function)
        def _by_old_name(*args: Any, **kwargs: Any) -> Any:
            if old in kwargs and new not in kwargs:
                warn_renamed(f"{old} of {function.__name__}", new)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return _by_old_name  # pyright: ignore[reportReturnType]

    return wrap


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
