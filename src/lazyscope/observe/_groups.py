"""Which parameter arrays belong together?"""

from collections.abc import Mapping, Sequence

from lazyscope._checks import InputError

Grouping = Mapping[str, str | Sequence[str]]
"""Name of a group -> beginnings of the names of its arrays, cut at dots."""


def group_leaves(
    leaves: Sequence[str], groups: Grouping | None = None
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the groups, and the number of the group of every array.

    Args:
        leaves: names of the arrays, parts between dots.
        groups: None puts arrays together whose names differ in the last part only, as the weight and
            the bias of a layer do.

    Raises:
        InputError: an array in no group or in two, or a group without arrays.

    Example:
        >>> group_leaves(["in.weight", "in.bias", "out.weight"])
        (('in', 'out'), (0, 0, 1))
        >>> group_leaves(["in.weight", "in.bias", "out.weight"], {"all": ["in", "out"]})
        (('all',), (0, 0, 0))
    """
    if groups is None:
        parents = [name.rpartition(".")[0] or name for name in leaves]
        names = tuple(dict.fromkeys(parents))
        return names, tuple(names.index(parent) for parent in parents)
    starts = {g: [p] if isinstance(p, str) else list(p) for g, p in groups.items()}
    members = [[g for g, s in starts.items() if _belongs(name, s)] for name in leaves]
    for name, found in zip(leaves, members, strict=True):
        if len(found) != 1:
            raise InputError(
                "every parameter array must belong to one group",
                received=f"{name} in {' and '.join(found) if found else 'no group'}",
                cause="a misspelt beginning, or beginnings that overlap",
                fix=f"name beginnings of {', '.join(leaves[:4])}{', ..' * (len(leaves) > 4)}",
            )
    for group in starts:
        if [group] not in members:
            raise InputError(
                "every group must hold a parameter array",
                received=f"{group} with {', '.join(starts[group])}",
                cause="a layer that the network does not have",
                fix=f"name beginnings of {', '.join(leaves[:4])}{', ..' * (len(leaves) > 4)}",
            )
    names = tuple(starts)
    return names, tuple(names.index(found[0]) for found in members)


def _belongs(name: str, starts: Sequence[str]) -> bool:
    return any(name == start or name.startswith(f"{start}.") for start in starts)
