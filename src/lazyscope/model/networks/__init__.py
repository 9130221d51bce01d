"""Which networks are there? Each file has one, with the entry by which it is found."""

from lazyscope._checks import check_choice
from lazyscope._entry import checked
from lazyscope.model._architecture import Architecture
from lazyscope.model._network import AbstractNetwork
from lazyscope.model.networks import (
    _attention,
    _convolution,
    _dense,
    _layer_norm,
    _residual,
    _residual_convolution,
)
from lazyscope.model.networks._attention import Attention
from lazyscope.model.networks._convolution import Convolution
from lazyscope.model.networks._dense import Dense
from lazyscope.model.networks._layer_norm import LayerNorm
from lazyscope.model.networks._residual import Residual
from lazyscope.model.networks._residual_convolution import ResidualConvolution

__all__ = [
    "Attention",
    "Convolution",
    "Dense",
    "LayerNorm",
    "Residual",
    "ResidualConvolution",
    "architecture",
    "build_network",
    "network_names",
]

_ENTRIES: dict[str, Architecture] = {
    module.ENTRY.name: module.ENTRY
    for module in (
        _dense,
        _convolution,
        _residual,
        _residual_convolution,
        _layer_norm,
        _attention,
    )
}


def network_names() -> tuple[str, ...]:
    """Names that `architecture` and `build_network` know.

    Example:
        >>> network_names()[:2]
        ('dense', 'convolution')
    """
    return tuple(_ENTRIES)


def architecture(name: str) -> Architecture:
    """What is known of the kind of network called `name`.

    Raises:
        InputError: `name` is not one of `network_names`.

    Example:
        >>> architecture("attention").most_depth
        1
    """
    return _ENTRIES[check_choice("model", name, _ENTRIES)]


@checked()
def build_network(
    name: str, features: int, outputs: int, width: int, depth: int, activation: str = "relu"
) -> AbstractNetwork:
    """The network called `name` for points of this many features.

    Args:
        name: one of `network_names`.
        features: numbers of a point; those of a square grey image for networks of images.
        outputs: number of outputs C.
        width: m.
        depth: as the architecture counts it, see ``docs/networks.md``.
        activation: name of sigma.

    Raises:
        InputError: an unknown name, a depth that the architecture does not have, or points that are no
            images where it needs some.

    Example:
        >>> build_network("convolution", 64, 1, width=8, depth=2).shapes
        ((8, 1, 3, 3), (8, 8, 3, 3), (1, 8))
    """
    kind = architecture(name)
    kind.check_depth(depth)
    return kind.build(features, outputs, width, depth, activation)
