"""Which array of a network is its readout, from which kappa is measured?"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles


class Outline(NamedTuple):
    """Groups in order of use; the group, by number, the shape and the name of every array."""

    groups: tuple[str, ...]
    leaf_group: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    names: tuple[str, ...] = ()


class Readout(NamedTuple):
    """Numbers of the arrays that write the output, none if none does alone; and sentences for a reader."""

    leaves: tuple[int, ...]
    notes: tuple[str, ...] = ()


Growing = Mapping[int, Sequence[int]]
"""The axes whose length depends on the width, by numbers of the arrays that have such."""


def find_readout(outline: Outline, roles: ArrayRoles) -> Readout:
    """The readout as the graph shows it: what alone feeds the output."""
    leaves = roles.readouts
    names = _listed(outline, leaves)
    mixed = [
        outline.groups[g]
        for g in sorted({outline.leaf_group[k] for k in leaves})
        if any(
            outline.leaf_group[k] == g and k not in leaves and len(outline.shapes[k]) > 1
            for k in roles.growing
        )
    ]
    if mixed:
        reason = f"The group {mixed[0]} holds the readout ({names}) and other layers"
        return Readout((), (f"{reason}. {_UNNAMED} Group the arrays by layer.",))
    if len(leaves) > 1:
        return Readout(
            leaves, (f"The output is written by {names}; kappa is that of all of them together.",)
        )
    if leaves:
        return Readout(leaves)
    if roles.pooled and not roles.last & roles.before:
        reason = (
            f"Units of {_listed(outline, roles.last)} are summed or picked without a trained weight"
        )
    elif roles.last & roles.before:
        again = _listed(outline, roles.last & roles.before)
        if len(roles.last & roles.before) == len(roles.growing) and roles.entangled:
            reason = "Where the layers meet the output cannot be followed"
        else:
            reason = f"The output is written by {again}, which other layers read as well"
    elif roles.last:
        reason = (
            f"The output is written by {_listed(outline, roles.last)}, multiplied with each other"
        )
    else:
        reason = "No array that grows with the width writes the output"
    return Readout((), (f"{reason}. {_UNNAMED} Name the readout with readout= if there is one.",))


_UNNAMED = (
    "So no readout is named, kappa and relative speeds are not measured, and the regime is judged by how far "
    "the layers moved."
)


def named_readout(readout: str | Sequence[str], outline: Outline, roles: ArrayRoles) -> Readout:
    """The readout that was asked for, by names of groups or of arrays.

    Raises:
        InputError: a name that no group and no array has, an array that does not grow with the width, or
            one with other layers between it and the output.
    """
    several = isinstance(readout, Iterable) and not isinstance(readout, str)
    wanted = list(readout) if several else [readout]
    known = [*outline.groups, *outline.names]
    if not wanted or not all(isinstance(name, str) for name in wanted):
        raise _refusal(repr(readout), "something else than names", outline.groups)
    leaves: list[int] = []
    for name in wanted:
        if name not in known:
            close = get_close_matches(name, known, n=3)
            raise _refusal(
                repr(name), "a misspelt name", [str(each) for each in close] or outline.groups
            )
        if name in outline.groups:
            group = outline.groups.index(name)
            members = [k for k, g in enumerate(outline.leaf_group) if g == group]
        else:
            members = [outline.names.index(name)]
        matrices = [k for k in members if k in roles.growing and len(outline.shapes[k]) > 1]
        vectors = [k for k in members if k in roles.growing and k in roles.last]
        if not matrices and not vectors:
            raise _refusal(
                f"{name!r}, no array of which grows with the width",
                "a layer beside the network that grows, such as a skip connection",
                _groups_of(outline, roles.last) or outline.groups,
            )
        leaves += matrices or vectors
    behind = [k for k in leaves if k not in roles.last]
    if behind:
        raise _refusal(
            f"{outline.names[behind[0]]}, with other layers between it and the output",
            "a hidden layer",
            _groups_of(outline, roles.last),
        )
    notes = [f"The readout was named: {_listed(outline, leaves)}."]
    again = [k for k in leaves if k in roles.before]
    if again:
        notes.append(
            f"{_listed(outline, again)} is used before the output as well: kappa counts all of its uses, and "
            "a factor on its weights acts on all of them."
        )
    if roles.pooled:
        notes.append(
            "Units are summed or picked after the last matrix: kappa is that of the readout only where this "
            "sum is the readout's own."
        )
    return Readout(tuple(sorted(set(leaves))), tuple(notes))


def _groups_of(outline: Outline, leaves: frozenset[int]) -> list[str]:
    return list(dict.fromkeys(outline.groups[outline.leaf_group[k]] for k in sorted(leaves)))


def _listed(outline: Outline, leaves: Sequence[int] | frozenset[int]) -> str:
    names = [outline.names[k] for k in sorted(leaves)]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _refusal(received: str, cause: str, names: Sequence[str]) -> InputError:
    return InputError(
        "readout must name layers or arrays that write the output",
        received=received,
        cause=cause,
        fix=f"give a name among {', '.join(names)}, or leave it out to have it found",
    )
