"""Which inputs does every position of a convolution see?"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_choice, check_count, check_sequence

Padding = Literal["same", "valid"]
"""``same`` surrounds the image with zeros, half a kernel wide; ``valid`` stays inside it."""


def patches(
    x: Float[Array, "n h w c"], kernel_size: int, stride: int, padding: Padding
) -> Float[Array, "n h_out w_out seen"]:
    """The k x k patch that every position sees, as one row: channel by channel, row by row.

    Example:
        >>> patches(jnp.arange(9.0).reshape(1, 3, 3, 1), 2, 1, "valid")[0, 0, 0].tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    before = kernel_size // 2 if padding == "same" else 0
    height, width = image_size(x.shape[1:3], kernel_size, stride, padding)
    x = jnp.pad(x, ((0, 0), (before, before), (before, before), (0, 0)))
    reach_h, reach_w = stride * (height - 1) + 1, stride * (width - 1) + 1
    seen = [
        x[:, i : i + reach_h : stride, j : j + reach_w : stride]
        for i in range(kernel_size)
        for j in range(kernel_size)
    ]
    channels = len(seen) * x.shape[-1]
    return jnp.stack(seen, axis=-1).reshape(x.shape[0], height, width, channels)


def image_size(
    size: tuple[int, ...], kernel_size: int, stride: int, padding: Padding
) -> tuple[int, int]:
    """Height and width that a convolution leaves of an image."""
    around = 2 * (kernel_size // 2) if padding == "same" else 0
    height, width = ((length + around - kernel_size) // stride + 1 for length in size)
    if min(height, width) < 1:
        raise InputError(
            "images must be at least as large as the kernels that run over them",
            received=f"{size[0]} x {size[1]} positions and kernels of {kernel_size} x {kernel_size}",
            cause="more layers, longer strides or larger kernels than the image has room for",
            fix="use fewer layers, stride 1, smaller kernels, or padding 'same'",
        )
    return height, width


def check_kernel(kernel_size: int, stride: int, padding: Padding) -> tuple[int, int, Padding]:
    """The settings of a convolution, or a refusal of what makes none."""
    kernel_size, stride = check_count("kernel_size", kernel_size), check_count("stride", stride)
    check_choice("padding", padding, ("same", "valid"))
    if padding == "same" and kernel_size % 2 == 0:
        raise InputError(
            "kernels must have an odd size when images are padded to the same size",
            received=f"kernels of {kernel_size} x {kernel_size}",
            cause="an even kernel has no middle",
            fix="use an odd kernel_size, or padding 'valid'",
        )
    return kernel_size, stride, padding


def check_image(input_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width, channels) of the input images, or a refusal."""
    if len(check_sequence("input_shape", input_shape)) != 3:
        raise InputError(
            "images must be given as (height, width, channels)",
            received=f"{tuple(input_shape)}",
            cause="a missing channel axis",
            fix="give (8, 8, 1) for grey images of 8 x 8",
        )
    names = ("height", "width", "channels")
    height, width, channels = (
        check_count(f"the {name} of images", length)
        for name, length in zip(names, input_shape, strict=True)
    )
    return height, width, channels
