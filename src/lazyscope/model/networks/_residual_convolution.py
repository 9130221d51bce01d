"""What does a convolutional network with skip connections compute?"""

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import check_count
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth, pooled
from lazyscope.model._patches import (
    check_image,
    check_kernel,
    convolution_shapes,
    convolution_sizes,
    patches,
)
from lazyscope.model.networks._residual import (
    branch_multiplier,
    branched_kappa,
    branched_leverage,
    branched_names,
)


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
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(m, channels, k, k) of the convolutions, (C, m) of the readout."""
        return convolution_shapes(
            self.input_shape, self.width, self.depth, self.kernel_size, self.output_dim
        )

    @property
    def layer_sizes(self) -> tuple[float, ...]:
        """sqrt(m k^2 / P_0), sqrt(m k^2), ..., sqrt(m)."""
        return convolution_sizes(self.input_shape, self.width, self.depth, self.kernel_size)

    def kappa(self, alpha: Float[ArrayLike, " layers"]) -> float:
        """alpha_1 g_2 ... g_L alpha_{L+1} with g_l = sqrt(1 + c b^2 alpha_l^2)."""
        return branched_kappa(
            self.per_layer("alpha", alpha), self.branch_scale, self.activation_name
        )

    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """One for stem and readout, the branch's share of h for branches."""
        return branched_leverage(
            self.per_layer("alpha", alpha), self.branch_scale, self.activation_name
        )

    @property
    def group_names(self) -> tuple[str, ...]:
        """``stem``, ``branch 1`` to ``branch L-1``, ``readout``."""
        return branched_names(self.depth)

    def apply(self, params: tuple[Layer, ...], x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per image."""
        sigma = activation_named(self.activation_name)
        x = x.reshape(x.shape[0], *self.input_shape)
        h = affine(params[0], patches(x, self.kernel_size, self.stride, "same"))
        for layer in params[1:-1]:
            seen = patches(sigma(h), self.kernel_size, 1, "same")
            h = h + self.branch_scale * affine(layer, seen)
        return affine(params[-1], pooled(sigma(h)))
