"""What does one need to know of a kind of network in order to offer it by name?"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from lazyscope._checks import InputError, check_count
from lazyscope._entry import check_fields
from lazyscope.model._network import AbstractNetwork


@final
@dataclass(frozen=True)
class Architecture:
    """A kind of network that is made from the sizes of the data.

    Attributes:
        name: how settings and the command line call it.
        words: what it is, for a page; ``{depth}`` and ``{activation}`` are filled in.
        build: (features, outputs, width, depth, activation) -> network.
        homogeneous: whether kappa is the product of all scales, so that exponents and regimes of dense
            networks hold.
        most_depth: largest depth, if there is one.
        has_branches: whether hidden layers are residual branches, so that schemes may have exponents in the
            depth.
    """

    name: str
    words: str
    build: Callable[[int, int, int, int, str], AbstractNetwork]
    homogeneous: bool = False
    most_depth: int | None = None
    has_branches: bool = False

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


def image_side(features: int) -> int:
    """Side of a square grey image with this many pixels, or a refusal."""
    side = math.isqrt(features)
    if side * side != features:
        raise InputError(
            "this model needs square grey images",
            received=f"points of {features} numbers",
            cause="data that are no images, or images in colour",
            fix="use --data digits, or --model dense",
        )
    return side
