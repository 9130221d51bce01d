"""Which networks can a run train, and how are they made from its data?"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_choice, check_count
from lazyscope._entry import check_fields
from lazyscope.model import (
    AbstractNetwork,
    Attention,
    Convolution,
    Dense,
    LayerNorm,
    Residual,
    ResidualConvolution,
)

_HEADS = 4


@dataclass(frozen=True)
class Architecture:
    """A kind of network that runs can train.

    Attributes:
        name: how settings and the command line call it.
        words: what it is, for the page; ``{depth}`` and ``{activation}`` are filled in.
        build: (features, outputs, width, depth, activation) -> network.
        homogeneous: whether kappa is the product of all scales, so that exponents and regimes of dense
            networks hold.
        most_depth: largest depth, if there is one.
    """

    name: str
    words: str
    build: Callable[[int, int, int, int, str], AbstractNetwork]
    homogeneous: bool = False
    most_depth: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.most_depth is not None:
            check_count("most_depth", self.most_depth)

    def check_depth(self, depth: int) -> None:
        """Refuse a depth that the architecture does not have."""
        if self.most_depth is not None and depth > self.most_depth:
            raise InputError(
                f"networks of model {self.name} have a depth of at most {self.most_depth}",
                received=repr(depth),
                cause="a depth that was meant for another model",
                fix=f"use depth {self.most_depth}",
            )


def architecture(name: str) -> Architecture:
    """The architecture called `name`."""
    return _BY_NAME[check_choice("model", name, _BY_NAME)]


def architecture_names() -> tuple[str, ...]:
    """Names that `architecture` knows."""
    return tuple(_BY_NAME)


def with_scores_of_size_one(
    network: AbstractNetwork, alpha: Float[np.ndarray, " layers"]
) -> AbstractNetwork:
    """Attention whose scores start at size one whatever the scales; other networks as they are."""
    if not isinstance(network, Attention):
        return network
    shape, outputs, width, heads = (
        network.input_shape,
        network.output_dim,
        network.width,
        network.num_heads,
    )
    unscaled = Attention(
        shape, outputs, width, heads, network.activation_name, score_scale=1.0
    ).score_size(alpha)
    return Attention(
        shape,
        outputs,
        width,
        heads,
        network.activation_name,
        score_scale=jnp.asarray(1.0 / unscaled),
    )


def _square(features: int) -> int:
    """Side of a square grey image with this many pixels."""
    side = math.isqrt(features)
    if side * side != features:
        raise InputError(
            "this model needs square grey images",
            received=f"points of {features} numbers",
            cause="data that are no images, or images in colour",
            fix="use --data digits, or --model dense",
        )
    return side


def _convolution(features: int, outputs: int, width: int, depth: int, sigma: str) -> Convolution:
    side = _square(features)
    return Convolution((side, side, 1), outputs, width, depth, sigma, stride=2)


def _residual_convolution(
    features: int, outputs: int, width: int, depth: int, sigma: str
) -> ResidualConvolution:
    side = _square(features)
    return ResidualConvolution((side, side, 1), outputs, width, depth, sigma, stride=2)


def _attention(features: int, outputs: int, width: int, depth: int, sigma: str) -> Attention:
    side = _square(features)
    return Attention((side, side), outputs, width, _HEADS, sigma)


_BY_NAME = {
    entry.name: entry
    for entry in (
        Architecture("dense", "{depth} hidden layers, {activation}", Dense, homogeneous=True),
        Architecture(
            "convolution",
            "{depth} convolutions (3 x 3, stride 2), mean over positions, {activation}",
            _convolution,
            homogeneous=True,
        ),
        Architecture(
            "residual",
            "{depth} hidden layers of which all but one are branches, {activation}",
            Residual,
        ),
        Architecture(
            "residual-convolution",
            "{depth} convolutions (3 x 3, the first with stride 2) of which all but one are branches, "
            "mean over positions, {activation}",
            _residual_convolution,
        ),
        Architecture(
            "layer-norm",
            "{depth} hidden layers, each normalised before its activation, {activation}",
            LayerNorm,
        ),
        Architecture(
            "attention",
            f"one block of attention ({_HEADS} heads) over the rows of the images, scores of size one, "
            "mean over tokens, {activation}",
            _attention,
            most_depth=1,
        ),
    )
}
