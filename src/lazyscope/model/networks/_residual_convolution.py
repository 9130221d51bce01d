"""What does a convolutional network with skip connections compute?"""

import math
from typing import final

import equinox as eqx

from lazyscope._checks import check_count
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._architecture import Architecture, image_side
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth
from lazyscope.model.blocks import AbstractBlock, Activate, Convolve, Linear, Pool, Reshape, Skip
from lazyscope.model.blocks._patches import check_image, check_kernel
from lazyscope.model.networks._residual import branch_multiplier


@final
class ResidualConvolution(AbstractNetwork):
    """Residual network of convolutions: stem, L - 1 branches, mean over positions, readout.

    Definition, at every position p, with k x k patches in an image surrounded by zeros and the branch
    multiplier b, ``1/sqrt(depth)`` unless given::

        h[1]_p = W[1] patch_p(x),   h[l]_p = h[l-1]_p + b W[l] patch_p(sigma(h[l-1])),  l = 2..L
        f(x) = W[L+1] (1/P) sum_p sigma(h[L]_p)

    Scales as for `Convolution`; kappa and leverages as for `Residual`.

    Args:
        input_shape: (height, width, channels) of an image; points may come flattened.
        output_dim: number of outputs C.
        width: number m of channels.
        depth: number L of convolutions; L - 1 of them are branches.
        activation: name of sigma.
        kernel_size: k, odd.
        stride: of the stem; branches have stride 1.
        branch_scale: b; ``None`` means ``1/sqrt(depth)``.

    Raises:
        InputError: a size below one, an even kernel, a branch scale that is not positive, or more
            parameters than memory holds.

    Trust: zeros around the image make branches smaller than their formula by a fixed factor (0.92 for
    3 x 3 on 8 x 8).

    Example:
        >>> ResidualConvolution((8, 8, 1), output_dim=1, width=4, depth=3).group_names
        ('stem', 'branch 1', 'branch 2', 'readout')
    """

    input_shape: tuple[int, int, int] = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    kernel_size: int = eqx.field(static=True)
    stride: int = eqx.field(static=True)
    branch_scale: float = eqx.field(static=True)

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        output_dim: int,
        width: int,
        depth: int,
        activation: str = "relu",
        *,
        kernel_size: int = 3,
        stride: int = 1,
        branch_scale: float | None = None,
    ) -> None:
        self.input_shape = check_image(input_shape)
        self.output_dim = check_count("output_dim", output_dim)
        self.width = check_count("width", width)
        self.depth = check_depth(depth)
        self.activation_name = activation_named(activation).name
        self.kernel_size, self.stride, _ = check_kernel(kernel_size, stride, "same")
        self.branch_scale = branch_multiplier(branch_scale, self.depth)
        check_memory(self.num_parameters, what=f"{width} channels and {depth} convolutions")

    @property
    def branch_multiplier(self) -> float:
        """The number b before every branch."""
        return self.branch_scale

    def with_branch_multiplier(self, multiplier: float) -> "ResidualConvolution":
        """The network with another b."""
        return ResidualConvolution(
            self.input_shape,
            self.output_dim,
            self.width,
            self.depth,
            self.activation_name,
            kernel_size=self.kernel_size,
            stride=self.stride,
            branch_scale=multiplier,
        )

    @property
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """Stem, L - 1 branches around which the signal skips, sigma, mean over positions, readout."""
        height, width, channels = self.input_shape
        m, k = self.width, self.kernel_size
        sigma = Activate(activation_named(self.activation_name))
        stem = Convolve("stem", channels, m, k, self.stride, "same", height * width)
        branches = (
            Skip((sigma, Convolve(f"branch {number}", m, m, k, 1, "same")), self.branch_scale)
            for number in range(1, self.depth)
        )
        readout = Linear("readout", m, self.output_dim, math.sqrt(m))
        return (Reshape(self.input_shape), stem, *branches, sigma, Pool(), readout)


def _on_images(
    features: int, outputs: int, width: int, depth: int, sigma: str
) -> ResidualConvolution:
    side = image_side(features)
    return ResidualConvolution((side, side, 1), outputs, width, depth, sigma, stride=2)


ENTRY = Architecture(
    "residual-convolution",
    "{depth} convolutions (3 x 3, the first with stride 2) of which all but one are branches, "
    "mean over positions, {activation}",
    _on_images,
    has_branches=True,
)
