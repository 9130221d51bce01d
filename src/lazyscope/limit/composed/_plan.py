"""What does a composition carry where: covariances of all pairs of positions, of equal ones, or none?

A network that ends with a readout of flattened positions needs equal positions alone, one that pools needs
all pairs before the pooling. One walk from the end to the beginning finds out, branch by branch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, final

from lazyscope._checks import InputError
from lazyscope.model.composed import (
    ActivationPart,
    AttentionPart,
    ConvPart,
    DensePart,
    DropoutPart,
    FanOut,
    FlattenPart,
    LayerNormPart,
    Node,
    PoolPart,
)


@final
class Need(IntEnum):
    """Which pairs of positions are needed."""

    NONE = 0
    EQUAL = 1
    PAIRS = 2


@final
@dataclass(frozen=True)
class Step:
    """A node with what is needed of it.

    Attributes:
        node: the part at its place.
        before: pairs of positions of what it receives, between two points.
        after: those of what it passes on.
        own_before: the same between a point and itself.
        own_after: the same.
        slot: number among the parts that need the variances of points.
        branches: of a fan-out.
    """

    node: Node
    before: Need
    after: Need
    own_before: Need
    own_after: Need
    slot: int | None
    branches: tuple["Row", ...] = ()


@final
@dataclass(frozen=True)
class Row:
    """Steps in a row, and what they receive."""

    steps: tuple[Step, ...]
    before: Need
    own_before: Need


@final
@dataclass(frozen=True)
class Plan:
    """How a composition is computed.

    Attributes:
        row: the steps.
        slots: how many parts need the variances of points.
        numbers_per_pair: largest number of pairs of positions held at once for a pair of points.
        own_numbers: the same for one point.
        needs_rectangles: whether a part needs all pairs of two sets of points at once (attention).
    """

    row: Row
    slots: int
    numbers_per_pair: int
    own_numbers: int
    needs_rectangles: bool


class _Kind(NamedTuple):
    """What is known of a signal: Gaussian entries, and weights of its own that make it centred."""

    gaussian: bool
    fresh: bool


def plan_of(nodes: Sequence[Node]) -> Plan:
    """The plan of a composition, or a refusal of what has no limit.

    Raises:
        InputError: a part whose covariance does not follow from that of what it receives.
    """
    _check(nodes, _Kind(gaussian=False, fresh=False))
    counter = _Counter()
    row = counter.row(nodes, Need.EQUAL, Need.NONE)
    return Plan(row, counter.slots, counter.largest, counter.own_largest, counter.attends)


@final
class _Counter:
    """One walk from the end to the beginning."""

    def __init__(self) -> None:
        self.slots = 0
        self.largest = 1
        self.own_largest = 1
        self.attends = False

    def row(self, nodes: Sequence[Node], after: Need, own_after: Need) -> Row:
        """Steps of nodes in a row of whose output this is needed."""
        steps = []
        for node in reversed(nodes):
            steps.append(self._step(node, after, own_after))
            after, own_after = steps[-1].before, steps[-1].own_before
        return Row(tuple(reversed(steps)), after, own_after)

    def _step(self, node: Node, after: Need, own_after: Need) -> Step:
        if isinstance(node.part, FanOut):
            rows = tuple(self.row(branch, after, own_after) for branch in node.branches)
            needs = max(row.before for row in rows), max(row.own_before for row in rows)
            return Step(node, needs[0], after, needs[1], own_after, None, rows)
        before = _before(node.part, after)
        own = _before(node.part, own_after)
        slot = None
        if isinstance(node.part, ActivationPart | LayerNormPart):
            own, slot = max(own, Need.EQUAL), self._new()
        self.attends |= isinstance(node.part, AttentionPart)
        if isinstance(node.part, AttentionPart) and node.part.scaling == "linear":
            own, slot = Need.PAIRS, self._new()
        self.largest = max(self.largest, _count(node, before, after))
        self.own_largest = max(self.own_largest, _count(node, own, own_after))
        return Step(node, before, after, own, own_after, slot)

    def _new(self) -> int:
        self.slots += 1
        return self.slots - 1


def _before(part: Any, after: Need) -> Need:
    """What a part needs of its input for this of its output."""
    if after == Need.NONE:
        return Need.NONE
    if isinstance(part, PoolPart | AttentionPart):
        return Need.PAIRS
    return Need.EQUAL if isinstance(part, FlattenPart) else after


def _count(node: Node, before: Need, after: Need) -> int:
    """Numbers for one pair of points."""
    found = 1
    for signal, need in ((node.before, before), (node.after, after)):
        positions = 1
        for length in signal.positions:
            positions *= length
        found = max(found, positions ** max(int(need), 1))
    return found


def _check(nodes: Sequence[Node], kind: _Kind) -> _Kind:
    for node in nodes:
        kind = _checked(node, kind)
    return kind


def _checked(node: Node, kind: _Kind) -> _Kind:
    """What is known behind a node, or a refusal."""
    part = node.part
    if isinstance(part, FanOut):
        start = _Kind(kind.gaussian, fresh=False)
        ends = [_check(branch, start) for branch in node.branches]
        if part.combine == "concatenate":
            return _Kind(gaussian=False, fresh=all(end.fresh for end in ends))
        if sum(not end.fresh for end in ends) > 1:
            raise InputError(
                "all branches of a sum but one must end with weights of their own",
                received=f"{sum(not end.fresh for end in ends)} that do not, at {node.place}",
                cause="two skip connections, or activations at the ends, whose sum is not that of "
                "independent signals",
                fix="end a branch with dense() or conv()",
            )
        # a skip connection inside of a branch passes on what the branch's own weights made
        fresh = all(end.fresh or (kind.fresh and end.gaussian) for end in ends)
        return _Kind(all(end.gaussian for end in ends), fresh)
    if isinstance(part, DensePart | ConvPart | AttentionPart):
        return _Kind(gaussian=True, fresh=True)
    if isinstance(part, ActivationPart | LayerNormPart) and not kind.gaussian:
        raise InputError(
            f"{part.words} needs Gaussian entries of mean zero in the limit",
            received=f"a signal that is not, at {node.place}",
            cause="a layer without a limit here: it stands behind an activation, a flatten, a dropout, a "
            "concatenation, or before the first weights",
            fix="put dense() or conv() directly before it",
        )
    if isinstance(part, DropoutPart) and not node.before.wide:
        raise InputError(
            "dropout needs signals of infinite width in the limit",
            received=f"the features of the points at {node.place}",
            cause="masks of finitely many features, over which nothing averages",
            fix="put it behind the first layer",
        )
    if isinstance(part, ActivationPart | DropoutPart):
        return _Kind(gaussian=False, fresh=kind.fresh and isinstance(part, DropoutPart))
    if isinstance(part, FlattenPart) and node.before.positions:
        return _Kind(gaussian=False, fresh=kind.fresh)
    return kind
