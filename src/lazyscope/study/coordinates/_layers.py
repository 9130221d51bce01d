"""Which arrays of a network are its layers?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles
from lazyscope.observe import check_shapes, in_words


class Layer(NamedTuple):
    """A group of parameters with a matrix: the largest array stands for it.

    Attributes:
        name: of the group; ``layer 2`` where that is a place in a sequence.
        leaf: number of the array.
        growing: axes of the array whose length grows with the width.
        kind: ``readout`` for what alone writes the output, ``hidden`` if two axes or more grow, ``input``
            if one does, ``fixed`` if none does; ``outer`` for a layer that grows along one axis and writes
            the output without being the readout.
    """

    name: str
    leaf: int
    growing: tuple[int, ...]
    kind: str


def find_layers(
    groups: Sequence[str],
    leaf_group: Sequence[int],
    shapes: Sequence[Sequence[tuple[int, ...]]],
    widths: Sequence[int],
    readouts: Sequence[int] | None = None,
    roles: ArrayRoles | None = None,
) -> tuple[Layer, ...]:
    """The layers, from the data to the output and the readout last, from the shapes at every width.

    Args:
        groups: names of the groups, in order of use.
        leaf_group: number of the group of every array.
        shapes: of all arrays at every width.
        widths: the widths.
        readouts: numbers of the arrays that are the readout; None: the last matrix.
        roles: how far every array is from the data, and what writes the output; None: groups in order.

    Raises:
        InputError: shapes that are the same at two widths, or a network without two matrices.
    """
    check_shapes(shapes, widths)
    first, last = shapes[0], shapes[-1]
    found = []
    for number, name in enumerate(groups):
        members = [k for k, g in enumerate(leaf_group) if g == number]
        chosen = [k for k in members if k in (readouts or ())]
        chosen = chosen or [k for k in members if len(first[k]) >= 2]
        if not chosen:
            continue
        leaf = max(chosen, key=lambda k: int(np.prod(last[k])))
        pairs = zip(first[leaf], last[leaf], strict=True)
        growing = tuple(axis for axis, (small, large) in enumerate(pairs) if large > small)
        found.append(Layer(in_words(name), leaf, growing, _kind(leaf, growing, readouts, roles)))
    if len(found) < 2:
        raise InputError(
            "a coordinate check needs a network of at least two layers with matrices",
            received=f"{len(found)} among the groups {', '.join(groups)}",
            cause="one group for all arrays, or a linear model",
            fix="group the arrays by layer",
        )
    if readouts is None:
        return (*found[:-1], found[-1]._replace(kind="readout"))
    depths = {} if roles is None else {k: each.depth for k, each in enumerate(roles)}
    depth = {k: each for k, each in depths.items() if each is not None}
    end = max(depth.values(), default=0) + 1
    found.sort(key=lambda each: (each.kind == "readout", depth.get(each.leaf, end), each.leaf))
    return tuple(found)


def _kind(
    leaf: int, growing: Sequence[int], readouts: Sequence[int] | None, roles: ArrayRoles | None
) -> str:
    if readouts is not None and leaf in readouts:
        return "readout"
    if len(growing) > 1:
        return "hidden"
    if not growing:
        return "fixed"
    return "outer" if roles is not None and leaf in roles.last else "input"
