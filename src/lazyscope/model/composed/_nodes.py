"""Which signal does every part of a composition receive and pass on, and do they fit?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from lazyscope._checks import InputError
from lazyscope.model.composed._parts import (
    AbstractPart,
    ActivationPart,
    AttentionPart,
    ConvPart,
    DensePart,
    DropoutPart,
    FanOut,
    FlattenPart,
    LayerNormPart,
    PoolPart,
    Serial,
)
from lazyscope.model.composed._signal import Signal
from lazyscope.model.composed._window import Window


@final
@dataclass(frozen=True)
class Drawing:
    """A weight that is drawn.

    Attributes:
        name: of its group.
        fan_in: what one unit sees, ``wide * m + fixed`` numbers.
        taps: positions that one unit sees, by which the channels are multiplied.
        weight_std: root of the fan-in times the standard deviation of the entries, in the NTK
            parametrisation.
        bias_std: the same for the bias.
        features: numbers of a point, for layers that receive points; None behind the first layers.
    """

    name: str
    fan_in: Signal
    taps: int
    weight_std: float
    bias_std: float
    features: int | None = None


@final
@dataclass(frozen=True)
class Node:
    """A part at its place.

    Attributes:
        part: what it is.
        place: where in the composition, for messages.
        before: what it receives.
        after: what it passes on.
        first: number of the first layer that it draws.
        drawings: the layers that it draws itself.
        branches: of a fan-out, nodes in a row for each branch.
    """

    part: AbstractPart
    place: str
    before: Signal
    after: Signal
    first: int
    drawings: tuple[Drawing, ...] = ()
    branches: tuple[tuple["Node", ...], ...] = ()


def nodes_of(part: AbstractPart, input_shape: tuple[int, ...]) -> tuple[Node, ...]:
    """The nodes of a composition for points of this shape, channels last, or a refusal that says where."""
    start = Signal(input_shape[:-1], 0, input_shape[-1])
    return tuple(_Walk(start).row(_flat(part), "", start))


def layers_of(nodes: Sequence[Node]) -> list[Drawing]:
    """Every drawn layer, in order."""
    found = []
    for node in nodes:
        found += node.drawings
        for branch in node.branches:
            found += layers_of(branch)
    return found


@final
class _Walk:
    """One walk from the input to the output, which counts layers."""

    def __init__(self, start: Signal) -> None:
        self.start = start
        self.count = 0
        self.used: dict[str, int] = {}

    def row(self, parts: Sequence[AbstractPart], above: str, signal: Signal) -> list[Node]:
        """Nodes in a row."""
        found = []
        for number, part in enumerate(parts, start=1):
            place = f"{above}part {number} ({part.words})"
            node = self.node(part, place, signal)
            found.append(node)
            signal = node.after
        return found

    def node(self, part: AbstractPart, place: str, signal: Signal) -> Node:
        """One part at its place."""
        first = self.count
        if isinstance(part, FanOut):
            branches = tuple(
                tuple(self.row(_flat(one), f"{place}, branch {number}, ", signal))
                for number, one in enumerate(part.branches, start=1)
            )
            ends = [branch[-1].after if branch else signal for branch in branches]
            return Node(part, place, signal, _together(part, ends, place), first, branches=branches)
        drawings = tuple(self._drawings(part, place, signal))
        self.count += len(drawings)
        return Node(part, place, signal, _after(part, place, signal), first, drawings)

    def _drawings(self, part: AbstractPart, place: str, signal: Signal) -> list[Drawing]:
        features = None
        if not signal.wide:
            features = math.prod(self.start.positions) * self.start.fixed
        if isinstance(part, DensePart):
            kind = "readout" if part.outputs is not None else "dense"
            return [Drawing(self._name(kind), signal, 1, part.weight_std, part.bias_std, features)]
        if isinstance(part, ConvPart):
            _check_axes(part.window, place, signal)
            taps, stds = part.window.count, (part.weight_std, part.bias_std)
            return [Drawing(self._name("convolution"), signal, taps, *stds, features)]
        if isinstance(part, AttentionPart):
            names = ["key", "value"] if part.scaling == "linear" else ["query", "key", "value"]
            inner = [
                Drawing(self._name(n), signal, 1, getattr(part, f"{n}_std"), 0.0, features)
                for n in names
            ]
            gathered = Signal(signal.positions, 1, 0)
            last = Drawing(self._name("output"), gathered, 1, part.output_std, part.bias_std)
            return [*inner, last]
        return []

    def _name(self, kind: str) -> str:
        number = self.used[kind] = self.used.get(kind, 0) + 1
        return kind if kind == "readout" else f"{kind} {number}"


def _flat(part: AbstractPart) -> list[AbstractPart]:
    """Parts in a row, without rows in rows."""
    if not isinstance(part, Serial):
        return [part]
    return [inner for each in part.parts for inner in _flat(each)]


def _after(part: AbstractPart, place: str, signal: Signal) -> Signal:
    """What a part that is no fan-out passes on."""
    if isinstance(part, DensePart):
        return Signal(signal.positions, 0, part.outputs) if part.outputs else _hidden(signal)
    if isinstance(part, ConvPart):
        return _hidden(Signal(_left(part.window, place, signal), 0, 0))
    if isinstance(part, PoolPart) and part.window is not None:
        _check_axes(part.window, place, signal)
        return Signal(_left(part.window, place, signal), signal.wide, signal.fixed)
    if isinstance(part, PoolPart | AttentionPart) and not signal.positions:
        raise InputError(
            f"{part.words} needs positions",
            received=f"a signal of shape {signal.words} at {place}",
            cause="points without positions, or a flatten before it",
            fix="give input_shape with positions, such as (8, 8, 1), or leave the part out",
        )
    if isinstance(part, PoolPart):
        return Signal((), signal.wide, signal.fixed)
    if isinstance(part, AttentionPart):
        return _hidden(signal)
    if isinstance(part, FlattenPart):
        count = math.prod(signal.positions)
        return Signal((), signal.wide * count, signal.fixed * count)
    assert isinstance(part, ActivationPart | LayerNormPart | DropoutPart)
    return signal


def _hidden(signal: Signal) -> Signal:
    return Signal(signal.positions, 1, 0)


def _together(part: FanOut, ends: list[Signal], place: str) -> Signal:
    """What branches are together."""
    if part.combine == "concatenate" and len({end.positions for end in ends}) == 1:
        return Signal(ends[0].positions, sum(e.wide for e in ends), sum(e.fixed for e in ends))
    if part.combine == "sum" and len(set(ends)) == 1:
        return ends[0]
    what = "positions and channels" if part.combine == "sum" else "positions"
    raise InputError(
        f"branches that are put together must end with the same {what}",
        received=f"{' and '.join(end.words for end in ends)} at {place}",
        cause="a branch with strides or other channels beside one without, such as a skip connection "
        "around the first layer",
        fix="give the other branch the same strides, or its own dense() or conv()",
    )


def _check_axes(window: Window, place: str, signal: Signal) -> None:
    if len(window.sizes) != len(signal.positions):
        raise InputError(
            "a window must have one length for each axis of positions",
            received=f"{len(window.sizes)} for a signal of shape {signal.words} at {place}",
            cause="flattened points, a missing channel axis in input_shape, or a window for other data",
            fix="give input_shape=(height, width, channels) and a window of two lengths for images",
        )


def _left(window: Window, place: str, signal: Signal) -> tuple[int, ...]:
    left = window.out(signal.positions)
    if min(left) < 1:
        raise InputError(
            "windows must leave at least one position",
            received=f"a window of {window.sizes} on {signal.positions} positions at {place}",
            cause="more layers, longer strides or larger windows than there is room for",
            fix="use smaller windows, fewer strides, or padding 'SAME'",
        )
    return left
