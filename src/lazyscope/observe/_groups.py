"""Which parameter arrays belong together?"""

from collections.abc import Callable, Mapping, Sequence

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.model import named_by

Grouping = Callable[[str], str] | Mapping[str, str] | None
"""A function of an array's name, or beginnings of names (cut at dots) with the group they mean."""


@checked(own=("groups",))
def group_parameters(
    names: Sequence[str], groups: Grouping = None
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the groups, in the order of their first array, and the number of every array's group.

    Args:
        names: of the arrays, parts between dots.
        groups: None puts arrays together whose names differ in the last part only, as the weight and
            the bias of a layer do. A function gets the name of an array and returns its group's. A
            mapping names all arrays that begin with a key, as ``{"body": "hidden", "head": "readout"}``;
            the longest key counts.

    Raises:
        InputError: an array without a group, or a beginning that no array has.

    Example:
        >>> group_parameters(["in.weight", "in.bias", "out.weight"])
        (('in', 'out'), (0, 0, 1))
        >>> group_parameters(["in.weight", "in.bias", "out.weight"], {"in": "all", "out": "all"})
        (('all',), (0, 0, 0))
    """
    labels: Sequence[str | None]
    if groups is None:
        labels = [name.rpartition(".")[0] or name for name in names]
    elif callable(groups):
        labels = [named_by(groups, name) for name in names]
    elif not isinstance(groups, Mapping):
        raise _refusal(names, f"groups of type {type(groups).__name__}")
    else:
        labels = [_label(name, groups) for name in names]
        for start in groups:
            if not any(_begins(name, start) for name in names):
                raise _refusal(names, f"{start!r}, with which no name begins")
    known: list[str] = []
    for name, label in zip(names, labels, strict=True):
        if not isinstance(label, str):
            raise _refusal(names, f"{label!r} for {name}")
        known.append(label)
    found = tuple(dict.fromkeys(known))
    return found, tuple(found.index(label) for label in known)


def in_words(group: str, kind: str = "") -> str:
    """The name of a group as sentences say it: a place in a sequence gets a noun.

    Args:
        group: its name.
        kind: what it is, told beside a number.

    Example:
        >>> in_words("0"), in_words("2.1", "Linear"), in_words("head")
        ('layer 0', 'layer 2.1 (Linear)', 'head')
    """
    if not all(part.isdecimal() for part in group.split(".")):
        return group
    return f"layer {group} ({kind})" if kind else f"layer {group}"


def _label(name: str, groups: Mapping[str, str]) -> str | None:
    """The group of the longest beginning that fits, None if none does."""
    fitting = [start for start in groups if _begins(name, start)]
    return groups[max(fitting, key=len)] if fitting else None


def _begins(name: str, start: str) -> bool:
    return name == start or name.startswith(f"{start}.")


def _refusal(names: Sequence[str], received: str) -> InputError:
    return InputError(
        "every parameter array must belong to a group that has a name",
        received=received,
        cause="a misspelt beginning, or a layer that was left out",
        fix=f"name {', '.join(names[:4])}{', ..' * (len(names) > 4)}",
    )
