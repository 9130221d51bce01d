"""What does a convolutional network with global average pooling compute?"""

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import check_count
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth, pooled
from lazyscope.model._patches import (
    Padding,
    check_image,
    check_kernel,
    convolution_shapes,
    convolution_sizes,
    image_size,
    patches,
)


class Convolution(AbstractNetwork):
    """Convolutional network: L convolutions of m channels, mean over positions, readout.

    Definition, at every position p, with k x k patches around p (a stride s leaves every s-th one)::

        x[0] = image,   x[l]_p = sigma(W[l] patch_p(x[l-1])),  l = 1..L
        f(x) = W[L+1] (1/P) sum_p x[L]_p

    Scales: ``alpha_1 = sqrt(m k^2 / P_0) std``, with P_0 the positions of the image, since a position of
    an image of norm one has norm ``1/sqrt(P_0)``; ``alpha_l = sqrt(m k^2) std``; ``alpha_{L+1} = sqrt(m)
    std``. kappa is their product, every leverage is one.

    Args:
        input_shape: (height, width, channels) of an image; points may come flattened.
        output_dim: number of outputs C.
        width: number m of channels of every convolution.
        depth: number L of convolutions.
        activation: name of sigma.
        kernel_size: k.
        stride: of every convolution.
        padding: ``"same"`` or ``"valid"``.

    Raises:
        InputError: a size below one, an image that becomes empty, or more parameters than memory holds.

    Trust: the gain of a layer is exact where the whole patch lies in the image; zeros around it make the
    gain smaller by a fixed factor (0.92 for 3 x 3 on 8 x 8), as pooling does.

    Example:
        >>> model = Convolution((8, 8, 1), output_dim=1, width=4, depth=1)
        >>> model.shapes
        ((4, 1, 3, 3), (1, 4))
        >>> float(model.alpha([1.0, 1.0])[0])  # sqrt(4 * 9 / 64)
        0.75
    """

    input_shape: tuple[int, int, int] = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    kernel_size: int = eqx.field(static=True)
    stride: int = eqx.field(static=True)
    padding: Padding = eqx.field(static=True)

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
        padding: Padding = "same",
    ) -> None:
        self.input_shape = check_image(input_shape)
        self.output_dim = check_count("output_dim", output_dim)
        self.width = check_count("width", width)
        self.depth = check_depth(depth)
        self.activation_name = activation_named(activation).name
        self.kernel_size, self.stride, self.padding = check_kernel(kernel_size, stride, padding)
        size = self.input_shape[:2]
        for _ in range(self.depth):
            size = image_size(size, self.kernel_size, self.stride, self.padding)
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
        """The product of all scales."""
        return float(np.prod(self.per_layer("alpha", alpha)))

    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """One for every layer: outputs are proportional to each of them."""
        return np.ones(len(self.shapes))

    @property
    def group_names(self) -> tuple[str, ...]:
        """``convolution 1`` to ``convolution L``, ``readout``."""
        return (*(f"convolution {i + 1}" for i in range(self.depth)), "readout")

    def apply(self, params: tuple[Layer, ...], x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per image."""
        sigma = activation_named(self.activation_name)
        x = x.reshape(x.shape[0], *self.input_shape)
        for layer in params[:-1]:
            x = sigma(affine(layer, patches(x, self.kernel_size, self.stride, self.padding)))
        return affine(params[-1], pooled(x))
