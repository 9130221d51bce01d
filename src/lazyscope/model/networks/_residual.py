"""What does a dense network with skip connections compute?"""

import math
from typing import final

import equinox as eqx

from lazyscope._checks import check_count, check_positive
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._architecture import Architecture
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth
from lazyscope.model.blocks import AbstractBlock, Activate, Linear, Skip


@final
class Residual(AbstractNetwork):
    """Dense network whose hidden layers add a scaled branch to what they receive.

    Definition, with the branch multiplier b, ``1/sqrt(depth)`` unless given::

        h[1] = W[1] x,   h[l] = h[l-1] + b W[l] sigma(h[l-1]),  l = 2..L
        f(x) = W[L+1] sigma(h[L])

    Scales: ``alpha_l = sqrt(m) std`` for every layer. A branch brings the gain ``g_l = sqrt(1 + c b^2
    alpha_l^2)`` in place of alpha_l, with c = E sigma(z)^2 (one half for ReLU)::

        kappa = alpha_1 g_2 ... g_L alpha_{L+1},   leverage of a branch = sqrt(c) b alpha_l / g_l

    Args:
        input_dim: number of features d of a point.
        output_dim: number of outputs C.
        width: number m of units in every hidden layer.
        depth: number L of hidden layers; L - 1 of them are branches.
        activation: name of sigma.
        branch_scale: b; ``None`` means ``1/sqrt(depth)``, which keeps kappa finite as depth grows.

    Raises:
        InputError: a size below one, a branch scale that is not positive, an unknown activation, or more
            parameters than memory holds.

    Example:
        >>> model = Residual(3, 1, width=4, depth=2, branch_scale=1.0, activation="linear")
        >>> round(model.kappa([2.0, 1.0, 3.0]) ** 2, 9)  # 2^2 (1 + 1) 3^2
        72.0
    """

    input_dim: int = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    branch_scale: float = eqx.field(static=True)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        width: int,
        depth: int,
        activation: str = "relu",
        *,
        branch_scale: float | None = None,
    ) -> None:
        self.input_dim = check_count("input_dim", input_dim)
        self.output_dim = check_count("output_dim", output_dim)
        self.width = check_count("width", width)
        self.depth = check_depth(depth)
        self.activation_name = activation_named(activation).name
        self.branch_scale = branch_multiplier(branch_scale, self.depth)
        check_memory(self.num_parameters, what=f"a network of width {width} and depth {depth}")

    @property
    def branch_multiplier(self) -> float:
        """The number b before every branch."""
        return self.branch_scale

    def with_branch_multiplier(self, multiplier: float) -> "Residual":
        """The network with another b."""
        return Residual(
            self.input_dim,
            self.output_dim,
            self.width,
            self.depth,
            self.activation_name,
            branch_scale=multiplier,
        )

    @property
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """Stem, L - 1 branches around which the signal skips, sigma, readout."""
        m, size = self.width, math.sqrt(self.width)
        sigma = Activate(activation_named(self.activation_name))
        branches = (
            Skip((sigma, Linear(f"branch {number}", m, m, size)), self.branch_scale)
            for number in range(1, self.depth)
        )
        stem = Linear("stem", self.input_dim, m, size)
        return (stem, *branches, sigma, Linear("readout", m, self.output_dim, size))


def branch_multiplier(given: float | None, depth: int) -> float:
    """The multiplier of a branch: as given, or 1/sqrt(depth)."""
    return 1.0 / math.sqrt(depth) if given is None else check_positive("branch_scale", given)


ENTRY = Architecture(
    "residual",
    "{depth} hidden layers of which all but one are branches, {activation}",
    Residual,
    has_branches=True,
)
