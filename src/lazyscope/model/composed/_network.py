"""What is a composed network at a width, and which schemes does it have of its own?"""

import math
from collections.abc import Sequence
from typing import final

import equinox as eqx
import jax
import numpy as np

from lazyscope._checks import InputError, check_count, check_instance, check_sequence
from lazyscope._entry import checked
from lazyscope._types import Key
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork
from lazyscope.model.blocks import AbstractBlock, Activate, Drawn, Pool, Reshape
from lazyscope.model.composed._blocks import (
    Branches,
    DropEntries,
    FlattenPositions,
    GatherLinear,
    GatherRoot,
    NormaliseChannels,
    Weights,
    WindowPool,
)
from lazyscope.model.composed._nodes import Drawing, Node, layers_of, nodes_of
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
)
from lazyscope.scaling import PowerLaw, Scheme, ValueAtWidth


@final
class ComposedNetwork(AbstractNetwork):
    """A composition of parts at a width: a finite network that is drawn, and one that has a limit.

    Definition: the parts in a row, every hidden dense layer, convolution and attention with m units or
    channels. Scales are those of all networks here: ``alpha_l`` is the gain of layer l on
    signals, ``std sqrt(fan_in)``, times ``sqrt(m / d)`` for layers that receive the d numbers of a point of
    norm one; kappa follows from them block by block, with ``sqrt(m)`` behind a layer
    normalisation.

    Args:
        parts: a part, usually `serial`, that ends with ``dense(outputs=C)``.
        input_shape: (d,) for points without positions, (*positions, channels) with them; points may come
            flattened.
        width: number m of units and channels.

    Raises:
        InputError: parts that do not fit each other or the points (the message says where), a readout
            that is missing or stands inside, or more parameters than memory holds.

    Example:
        >>> from lazyscope import composed
        >>> parts = composed.serial(
        ...     composed.conv((3, 3)), composed.activation("relu"), composed.global_avg_pool()
        ... )
        >>> net = ComposedNetwork(composed.serial(parts, composed.dense(outputs=1)), (8, 8, 1), width=4)
        >>> net.shapes, net.group_names
        (((4, 9), (1, 4)), ('convolution 1', 'readout'))
        >>> net.ntk_scheme().alpha(4).round(12).tolist()  # sqrt(m / 64), 1
        [0.25, 1.0]
    """

    parts: AbstractPart = eqx.field(static=True)
    input_shape: tuple[int, ...] = eqx.field(static=True)
    width: int = eqx.field(static=True)
    nodes: tuple[Node, ...] = eqx.field(static=True)
    dropout_key: Key | None

    @checked(
        own=("parts", "input_shape", "width", "dropout_key"),
        instead="for example ComposedNetwork(parts, input_shape=(8, 8, 1), width=64), without an axis of "
        "points",
    )
    def __init__(
        self,
        parts: AbstractPart,
        input_shape: Sequence[int],
        width: int,
        *,
        dropout_key: Key | None = None,
    ) -> None:
        self.parts = check_instance("parts", parts, AbstractPart)
        self.input_shape = tuple(
            check_count(
                "a length of input_shape",
                each,
                cause="an axis of the batch, which the shape of one point does not have",
                fix="give the shape of one point, such as (8, 8, 1)",
            )
            for each in check_sequence("input_shape", input_shape)
        )
        if not self.input_shape:
            raise InputError(
                "input_shape must have at least the features",
                received="()",
                cause="single numbers as points",
                fix="give (1,), and points as (n, 1)",
            )
        self.width = check_count("width", width)
        self.nodes = nodes_of(parts, self.input_shape)
        self.dropout_key = dropout_key
        _check_ends(self.nodes)
        check_memory(self.num_parameters, what=f"a composed network of width {width}")

    def __repr__(self) -> str:
        row = ", ".join(node.part.words for node in self.nodes)
        dropout = "" if self.dropout_key is None else ", with dropout"
        return (
            f"ComposedNetwork({row}; input_shape={self.input_shape}, width={self.width}{dropout})"
        )

    @property
    def output_dim(self) -> int:
        """Number of outputs C."""
        return self.nodes[-1].after.fixed

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """What every drawn layer is, at any width."""
        return tuple(layers_of(self.nodes))

    @property
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """The points in their shape, then a block for every part."""
        keys = _Keys(self.dropout_key)
        return (Reshape(self.input_shape), *_blocks(self.nodes, self.width, keys))

    def at_width(self, width: int) -> "ComposedNetwork":
        """The same composition at another width."""
        return ComposedNetwork(self.parts, self.input_shape, width, dropout_key=self.dropout_key)

    def with_dropout(self, key: Key | None) -> "ComposedNetwork":
        """The network as it is while training: entries dropped by masks that the key decides.

        Every call of `apply` has the masks of this key, other ones for every row; None keeps all entries.
        """
        return ComposedNetwork(self.parts, self.input_shape, self.width, dropout_key=key)

    def fan_ins(self) -> np.ndarray:
        """Numbers that one unit of every drawn layer sees, biases not counted."""
        return np.array([_fan_in(one, self.width) for one in self.drawings], np.float64)

    def ntk_scheme(self) -> Scheme:
        """The NTK parametrisation of the composition's own standard deviations, at any width.

        Weights have the standard deviation ``weight_std / sqrt(fan_in)`` and the speed ``weight_std^2 /
        fan_in``, so that the tangent kernel tends to `network_tangent_kernel` of the same object.
        """
        speeds = [self._ntk_speed(one) for one in self.drawings]
        return Scheme("ntk", self._scales(), tuple(speeds), "Jacot, Gabriel & Hongler 2018")

    def standard_scheme(self) -> Scheme:
        """The same scales with one learning rate for all layers."""
        speeds = (PowerLaw(1.0),) * len(self.drawings)
        return Scheme("standard", self._scales(), speeds, "one learning rate for all layers")

    def weight_stds(self, scheme: Scheme | None = None) -> np.ndarray:
        """``std sqrt(fan_in)`` of every layer: of a scheme at this width, else of the parts."""
        if scheme is None:
            return np.array([one.weight_std for one in self.drawings])
        return self.weight_std(scheme.alpha(self.width)) * np.sqrt(self.fan_ins())

    def _scales(self) -> tuple[PowerLaw, ...]:
        return tuple(
            PowerLaw(one.weight_std)
            if one.features is None
            else PowerLaw(one.weight_std / math.sqrt(one.features), 0.5)
            for one in self.drawings
        )

    def _ntk_speed(self, one: Drawing) -> PowerLaw | ValueAtWidth:
        """weight_std^2 / fan_in."""
        wide, fixed = one.fan_in.wide * one.taps, one.fan_in.fixed * one.taps
        square = one.weight_std**2
        if wide and fixed:  # hidden channels beside those of the points: no power of the width
            return ValueAtWidth(square / _fan_in(one, self.width), self.width)
        return PowerLaw(square / wide, -1.0) if wide else PowerLaw(square / fixed)


def _check_ends(nodes: tuple[Node, ...]) -> None:
    """The readout is the last part, and nothing before it has a fixed number of units."""
    last = nodes[-1] if nodes else None
    if last is None or not isinstance(last.part, DensePart) or last.part.outputs is None:
        raise InputError(
            "a composed network must end with its readout",
            received=f"{last.place} at the end" if last else "no parts",
            cause="a hidden layer, or an activation behind the readout, as the last part",
            fix="end with dense(outputs=1)",
        )
    if last.before.positions:
        raise InputError(
            "outputs must have no positions",
            received=f"a signal of shape {last.before.words} at {last.place}",
            cause="a missing flatten or pooling",
            fix="put flatten() or global_avg_pool() before the readout",
        )
    _check_inside(nodes[:-1])


def _check_inside(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if isinstance(node.part, DensePart) and node.part.outputs is not None:
            raise InputError(
                "only the last layer may have a fixed number of units",
                received=f"outputs={node.part.outputs} at {node.place}",
                cause="a bottleneck inside, whose fluctuations stay at any width, so that there is no limit",
                fix="leave outputs out for hidden layers",
            )
        for branch in node.branches:
            _check_inside(branch)


def _fan_in(one: Drawing, width: int) -> int:
    return one.taps * one.fan_in.channels(width)


def _drawn(one: Drawing, fan_out: int, width: int) -> tuple[Drawn, float]:
    """What is drawn, and the feature that makes its bias."""
    fan_in = _fan_in(one, width)
    feature = one.bias_std / one.weight_std * math.sqrt(fan_in)
    shape = (fan_out, fan_in + (feature > 0))
    gain = 1.0 if one.features is None else width / one.features
    return Drawn(one.name, shape, math.sqrt(fan_in * gain)), feature


@final
class _Keys:
    """A key for every dropout, in order."""

    def __init__(self, key: Key | None) -> None:
        self.key, self.count = key, 0

    def next(self) -> Key | None:
        self.count += 1
        return None if self.key is None else jax.random.fold_in(self.key, self.count)


def _blocks(nodes: Sequence[Node], width: int, keys: _Keys) -> tuple[AbstractBlock, ...]:
    return tuple(_block(node, width, keys) for node in nodes)


def _block(node: Node, width: int, keys: _Keys) -> AbstractBlock:
    part = node.part
    if isinstance(part, FanOut):
        branches = tuple(_blocks(branch, width, keys) for branch in node.branches)
        return Branches(branches, part.multipliers, _shares(node), part.combine == "concatenate")
    if isinstance(part, DensePart | ConvPart):
        fan_out = node.after.channels(width)
        drawn, feature = _drawn(node.drawings[0], fan_out, width)
        return Weights(drawn, feature, part.window if isinstance(part, ConvPart) else None)
    if isinstance(part, AttentionPart):
        made = [_drawn(one, width, width) for one in node.drawings]
        layers, feature = tuple(drawn for drawn, _ in made), made[-1][1]
        kind = GatherLinear if part.scaling == "linear" else GatherRoot
        return kind(layers, feature)
    if isinstance(part, ActivationPart):
        return Activate(part.sigma)
    if isinstance(part, FlattenPart):
        return FlattenPositions()
    if isinstance(part, PoolPart):
        if part.window is None:
            return Pool()
        return WindowPool(part.window, 1.0 / part.window.count if part.mean else 1.0)
    if isinstance(part, LayerNormPart):
        return NormaliseChannels(width, part.over == "all", part.epsilon)
    assert isinstance(part, DropoutPart)
    return DropEntries(part.keep, keys.next())


def _shares(node: Node) -> tuple[float, ...]:
    """What the squared size of each branch counts: its multiplier squared, or its share of the channels."""
    assert isinstance(node.part, FanOut)
    if node.part.combine == "sum":
        return tuple(number**2 for number in node.part.multipliers)
    ends = [branch[-1].after if branch else node.before for branch in node.branches]
    wide = [end.wide for end in ends]
    counted = (
        wide if any(wide) else [end.fixed for end in ends]
    )  # finitely many beside m count nothing
    return tuple(each / sum(counted) for each in counted)
