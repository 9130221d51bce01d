"""What does each array of parameters do in its network, and which of its sides grow with the width?

Which sides grow is seen from the shapes at two widths; what an array does, from the places at which it
meets data. Both are found in one library or another, and make the same record here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, final

import numpy as np

from lazyscope._trace.roles._dataflow import Feeds

Role = Literal["input", "hidden", "output", "fixed", "tied", "unused"]


class Place(NamedTuple):
    """One place at which an array meets data.

    Attributes:
        kind: ``dense``, ``convolution``, ``embedding``, ``shift``, ``scale``, or ``other``.
        blocks: axes of the array that count independent products (groups, heads, turns of a loop).
        inputs: axes that are summed over, the fan-in.
        outputs: axes that stay, the fan-out.
    """

    kind: str
    blocks: frozenset[int] = frozenset()
    inputs: frozenset[int] = frozenset()
    outputs: frozenset[int] = frozenset()


def place_of(kind: str, numbers: np.ndarray, shape: Sequence[int]) -> Place:
    """The place of a product whose weights (b, i, o) are these entries of an array."""
    index = np.unravel_index(numbers, tuple(shape))
    along = [
        frozenset(k for k, each in enumerate(index) if (each != each.take([0], direction)).any())
        for direction in range(numbers.ndim)
        if numbers.size
    ]
    return Place(kind, *along)


@final
@dataclass(frozen=True)
class ArrayRole:
    """What one array of parameters does.

    Attributes:
        name: of the array, parts between dots.
        shape: at the smaller width.
        growing: axes whose length depends on the width.
        kinds: what each use was recognised as (`Place`), in order of use; ``other`` where it was not.
        uses: the role of each use: ``hidden`` takes units to units, so that its fan-in and its fan-out
            grow; ``input`` makes units of what does not grow (embeddings, first layers, biases and scales
            of units); ``output`` sums over units; ``fixed`` has no side that grows. Of a use of
            kind ``other`` it is what the sides that grow suggest.
        depth: matrices on the longest way from the data to its first use; None if unused. The bias of a
            layer may count the layer's own matrix.
        writes_output: whether no other matrix that grows stands between one of its uses and the output.
        read_before: whether the output depends on it through such matrices as well.
        readout: whether it writes the output by itself and does nothing else: alone, or as one of
            several terms.
    """

    name: str
    shape: tuple[int, ...]
    growing: tuple[int, ...]
    kinds: tuple[str, ...]
    uses: tuple[str, ...]
    depth: int | None
    writes_output: bool
    read_before: bool
    readout: bool

    @property
    def role(self) -> Role:
        """The role that all uses agree on; ``tied`` where they do not, ``unused`` without any."""
        found: set[str] = set(self.uses)
        if len(found) > 1:
            return "tied"
        return found.pop() if found else "unused"  # pyright: ignore[reportReturnType]

    @property
    def tied(self) -> bool:
        """Whether it has more than one role, as an embedding that is the readout too."""
        return self.role == "tied"

    @property
    def places(self) -> int:
        """At how many places it is used; a compiled loop is one."""
        return len(self.uses)


@final
@dataclass(frozen=True)
class ArrayRoles:
    """The roles of all arrays of a network. Print it; index it by the name of an array.

    Attributes:
        arrays: an `ArrayRole` each, in the order of the parameters.
        entangled: whether arrays that write the output are multiplied with each other before it, or meet
            it in a way that could not be followed; then there is no readout.
        pooled: whether units are summed or picked without a trained weight after the last matrix; then
            there is no readout either.
    """

    arrays: tuple[ArrayRole, ...]
    entangled: bool
    pooled: bool

    def __getitem__(self, name: str) -> ArrayRole:
        return {each.name: each for each in self.arrays}[name]

    def __iter__(self) -> Iterator[ArrayRole]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def readouts(self) -> tuple[int, ...]:
        """Numbers of the arrays that are the readout; none where none writes the output by itself."""
        return self._numbers("readout")

    @property
    def last(self) -> frozenset[int]:
        """Numbers of the arrays that write the output."""
        return frozenset(self._numbers("writes_output"))

    @property
    def before(self) -> frozenset[int]:
        """Numbers of the arrays that are read before the output is written."""
        return frozenset(self._numbers("read_before"))

    @property
    def growing(self) -> Mapping[int, tuple[int, ...]]:
        """Axes that grow, by numbers of the arrays that have such."""
        return {k: each.growing for k, each in enumerate(self.arrays) if each.growing}

    def _numbers(self, name: str) -> tuple[int, ...]:
        return tuple(k for k, each in enumerate(self.arrays) if getattr(each, name))

    def __str__(self) -> str:
        width = max(len(each.name) for each in self.arrays)
        return "\n".join(f"{each.name:<{width}}  {_sentence(each)}" for each in self.arrays)


def _sentence(each: ArrayRole) -> str:
    shape = ", ".join(
        f"{length}*" if axis in each.growing else f"{length}"
        for axis, length in enumerate(each.shape)
    )
    words = each.role + (f" ({', '.join(each.uses)})" if each.tied else "")
    where = f"{', '.join(dict.fromkeys(each.kinds))}" + (
        f" at {each.places} places" if each.places > 1 else ""
    )
    parts = [f"{f'[{shape}]':<16}", words, *([where] if where else []), "readout" * each.readout]
    return "  ".join(part for part in parts if part)


def array_roles(
    names: Sequence[str],
    shapes: Sequence[Sequence[int]],
    growing: Mapping[int, Sequence[int]],
    places: Mapping[int, Sequence[Place]],
    feeds: Feeds,
) -> ArrayRoles:
    """The record, from axes that grow and places by numbers of arrays, and from the flow of data."""
    arrays = [
        ArrayRole(
            name,
            tuple(shape),
            tuple(growing.get(k, ())),
            tuple(place.kind for place in places.get(k, ())),
            tuple(
                _role(place, frozenset(growing.get(k, ())), k in feeds.last)
                for place in places.get(k, ())
            ),
            feeds.depth.get(k),
            writes_output=k in feeds.last,
            read_before=k in feeds.before,
            readout=k in feeds.readouts,
        )
        for k, (name, shape) in enumerate(zip(names, shapes, strict=True))
    ]
    return ArrayRoles(tuple(arrays), feeds.entangled, feeds.pooled)


def _role(place: Place, growing: frozenset[int], last: bool) -> str:
    """Products say by their sides what they are; all else by how many axes grow."""
    if not growing:
        return "fixed"
    if place.kind == "shift":
        return "input"
    if place.inputs or place.outputs or place.blocks:
        taken, given = bool(growing & place.inputs), bool(growing & place.outputs)
        if taken:
            return "hidden" if given else "output"
        # Products of units one by one, as of a convolution of single channels, are like scales.
        return "input" if given or growing & place.blocks else "fixed"
    if len(growing) > 1:
        return "hidden"
    return "output" if last else "input"


def growing_axes(
    small: Sequence[Sequence[int]], large: Sequence[Sequence[int]]
) -> dict[int, tuple[int, ...]]:
    """Which arrays depend on the width, and along which axes, from their shapes at two widths."""
    axes = [
        tuple(axis for axis, (one, two) in enumerate(zip(a, b, strict=True)) if one != two)
        for a, b in zip(small, large, strict=False)
    ]
    return {k: each for k, each in enumerate(axes) if each}
