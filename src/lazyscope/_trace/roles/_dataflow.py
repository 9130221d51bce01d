"""How do data flow through matrices: which feed a value last, with no other between them and it?

A network is followed from its data to its output in one library or another; this is what both keep of a
value, and how it changes where values meet. Only matrices that grow with the width count: others are
passed through like biases and activation functions.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, final

Meeting = Literal["sum", "product", "contraction", "other"]
"""How values meet: ``contraction`` is a product that sums over an axis, ``other`` is not known."""


class Feed(NamedTuple):
    """What is known of one value.

    Attributes:
        data: whether it depends on the example.
        own: for a value made of parameters alone, which, and with how many of their axes.
        gains: vectors it was multiplied with since the last matrix.
        last: matrices that feed it last.
        before: matrices further back.
        entangled: whether those in `last` were multiplied with each other, or met in an unknown way.
        pooled: whether units were summed or picked since the last matrix, weighed by no matrix.
        depth: matrices on the longest way to it.
    """

    data: bool = False
    own: frozenset[tuple[int, int]] = frozenset()
    gains: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    before: frozenset[int] = frozenset()
    entangled: bool = False
    pooled: bool = False
    depth: int = 0


class Feeds(NamedTuple):
    """How the matrices of a network feed its output; numbers of arrays.

    Attributes:
        last, before, entangled, pooled: as for `Feed`, of the output.
        depth: of arrays, how many matrices stand before them where they are used first.
    """

    last: frozenset[int]
    before: frozenset[int]
    entangled: bool
    pooled: bool
    depth: Mapping[int, int]

    @property
    def readouts(self) -> tuple[int, ...]:
        """Matrices that write the output, each by itself and nowhere else; none if it is not so."""
        alone = not self.entangled and not self.pooled and not self.last & self.before
        return tuple(sorted(self.last)) if alone else ()


@final
class Ledger:
    """The rules for values that meet, with the depth at which every array is first used."""

    def __init__(
        self, shapes: Sequence[Sequence[int]], growing: Mapping[int, Sequence[int]]
    ) -> None:
        self._growing = frozenset(growing)
        self._lengths = {k: shape[0] for k, shape in enumerate(shapes) if len(shape) == 1}
        self._widths = {shapes[k][axis] for k, axes in growing.items() for axis in axes}
        self.depth: dict[int, int] = {}

    def meet(self, feeds: Sequence[Feed], kind: Meeting) -> Feed:
        """What comes of values that meet."""
        data = [feed for feed in feeds if feed.data]
        own = frozenset[tuple[int, int]]().union(*(feed.own for feed in feeds if not feed.data))
        if not data:
            return Feed(own=own)
        found = together(data)
        sets = {feed.last for feed in data if feed.last}
        if kind in ("product", "contraction", "other") and len(sets) > 1:
            found = found._replace(entangled=True)
        return self._enter(found, own, kind) if own else found

    def _enter(self, found: Feed, own: frozenset[tuple[int, int]], kind: Meeting) -> Feed:
        """Parameters meet data."""
        enough = 1 if kind == "contraction" else 2
        matrices = {leaf for leaf, axes in own if axes >= enough}
        for leaf, _ in own:
            self.depth.setdefault(leaf, found.depth)
        if matrices and kind != "sum":
            found = found._replace(depth=found.depth + 1)
        growing = self._growing & matrices
        if not growing:
            vectors = self._growing & {leaf for leaf, axes in own if axes == 1}
            return found._replace(gains=found.gains | vectors) if kind == "product" else found
        if kind in ("product", "contraction"):
            before = found.before | found.last
            return found._replace(
                last=growing,
                before=before,
                entangled=len(growing) > 1,
                pooled=False,
                gains=frozenset(),
            )
        entangled = found.entangled or kind == "other"
        return found._replace(last=found.last | growing, entangled=entangled)

    def summed(self, feed: Feed, lengths: Iterable[int]) -> Feed:
        """A sum over axes of these lengths: a vector that was multiplied along one is contracted."""
        gains = {leaf for leaf in feed.gains if self._lengths[leaf] in set(lengths)}
        if not gains:
            return feed
        return feed._replace(
            last=frozenset(gains),
            before=feed.before | feed.last,
            entangled=len(gains) > 1,
            pooled=False,
            gains=frozenset(),
        )

    def pool(
        self,
        feeds: Sequence[Feed],
        found: Feed,
        before: Sequence[Sequence[int]],
        after: Sequence[int],
    ) -> Feed:
        """Say so where values of shapes `before` lose their units without meeting a matrix.

        Lengths tell which axis counts units.
        """
        own = {leaf for feed in feeds for leaf, _ in feed.own}
        pairs = zip(feeds, before, strict=True)
        data = [(feed, shape) for feed, shape in pairs if feed.data and feed.last]
        if not data or own & self._growing or found.last != together([f for f, _ in data]).last:
            return found
        lost = any(self._widths & set(shape) for _, shape in data) and not self._widths & set(after)
        smaller = math.prod(after) < max(math.prod(shape) for _, shape in data)
        return found._replace(pooled=True) if lost and smaller else found

    def close(self, output: Feed) -> Feeds:
        """What is known in the end."""
        return Feeds(output.last, output.before, output.entangled, output.pooled, self.depth)


def together(feeds: Sequence[Feed]) -> Feed:
    """A value that may be any of these, or holds parts of them."""
    nothing: frozenset[int] = frozenset()
    return Feed(
        data=any(feed.data for feed in feeds),
        own=frozenset[tuple[int, int]]().union(*(feed.own for feed in feeds)),
        gains=nothing.union(*(feed.gains for feed in feeds)),
        last=nothing.union(*(feed.last for feed in feeds)),
        before=nothing.union(*(feed.before for feed in feeds)),
        entangled=any(feed.entangled for feed in feeds),
        pooled=any(feed.pooled for feed in feeds),
        depth=max((feed.depth for feed in feeds), default=0),
    )


def with_axes(feed: Feed, axes: int) -> Feed:
    """A value of parameters alone that has so many axes, however it came by them."""
    return feed._replace(own=frozenset((leaf, min(old, axes)) for leaf, old in feed.own))
