"""What does a convolutional network with global average pooling compute?"""

import math
from typing import final

import equinox as eqx

from lazyscope._checks import check_count
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._architecture import Architecture, image_side
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, check_depth
from lazyscope.model.blocks import AbstractBlock, Activate, Convolve, Linear, Pool, Reshape
from lazyscope.model.blocks._patches import Padding, check_image, check_kernel, image_size


@final
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
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """L times convolution and sigma, mean over positions, readout."""
        height, width, channels = self.input_shape
        sigma = Activate(activation_named(self.activation_name))
        parts: list[AbstractBlock] = [Reshape(self.input_shape)]
        for number in range(1, self.depth + 1):
            first = number == 1
            parts += [
                Convolve(
                    f"convolution {number}",
                    channels if first else self.width,
                    self.width,
                    self.kernel_size,
                    self.stride,
                    self.padding,
                    height * width if first else 1,
                ),
                sigma,
            ]
        readout = Linear("readout", self.width, self.output_dim, math.sqrt(self.width))
        return (*parts, Pool(), readout)


def _on_images(features: int, outputs: int, width: int, depth: int, sigma: str) -> Convolution:
    side = image_side(features)
    return Convolution((side, side, 1), outputs, width, depth, sigma, stride=2)


ENTRY = Architecture(
    "convolution",
    "{depth} convolutions (3 x 3, stride 2), mean over positions, {activation}",
    _on_images,
    homogeneous=True,
)
