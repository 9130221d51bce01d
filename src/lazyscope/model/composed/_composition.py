"""Of which parts is a network of the library composed?"""

from typing import NoReturn

from lazyscope._checks import InputError, check_instance
from lazyscope._entry import checked
from lazyscope.model._network import AbstractNetwork
from lazyscope.model.blocks._block import AbstractBlock
from lazyscope.model.blocks._convolve import Convolve, Pool, Reshape
from lazyscope.model.blocks._dense import Activate, Linear, Scale
from lazyscope.model.blocks._skip import Skip
from lazyscope.model.composed._network import ComposedNetwork
from lazyscope.model.composed._parts import (
    AbstractPart,
    activation,
    conv,
    dense,
    global_avg_pool,
    residual,
    serial,
)


@checked(own=("network",))
def composition_of(network: AbstractNetwork) -> ComposedNetwork:
    """The network as a composition, which has kernels at infinite width.

    It draws the same layers in the same sizes: parameters and schemes of one are those of the other, and
    `apply` gives the same outputs.

    Args:
        network: a `Dense`, `Convolution`, `Residual` or `ResidualConvolution`, or a composition, which is
            returned as it is.

    Raises:
        InputError: parts without their network; attention and layer norm of the library, whose scales and
            shifts are trained, biases that start at zero, and an output scale other than one; with what to
            compose in its place.

    Example:
        >>> from lazyscope.model import Dense
        >>> net = composition_of(Dense(input_dim=3, output_dim=1, width=16, depth=1))
        >>> net.shapes, net.input_shape
        (((16, 3), (1, 16)), (3,))
    """
    if isinstance(network, AbstractPart):
        raise InputError(
            "a network must have an input shape and a width",
            received=f"its parts alone, {network.words}",
            cause="parts without the network that is made of them",
            fix="give ComposedNetwork(parts, input_shape=(height, width, channels), width=64)",
        )
    check_instance("network", network, AbstractNetwork)
    if isinstance(network, ComposedNetwork):
        return network
    blocks = list(network.blocks)
    if isinstance(blocks[0], Reshape):
        shape = tuple(blocks.pop(0).shape)  # pyright: ignore[reportAttributeAccessIssue]
    elif isinstance(blocks[0], Linear):
        shape = (blocks[0].fan_in,)
    else:
        _refuse(network, blocks[0])
    readout = blocks[-1]
    if isinstance(readout, Scale):
        blocks.pop()
        if not (isinstance(readout.factor, float | int) and readout.factor == 1.0):
            _refuse(network, readout)
    readout = blocks[-1]
    if not isinstance(readout, Linear):
        _refuse(network, readout)
    parts = [_part(network, block) for block in blocks[:-1]]
    return ComposedNetwork(serial(*parts, dense(outputs=readout.fan_out)), shape, network.width)


def _part(network: AbstractNetwork, block: AbstractBlock) -> AbstractPart:
    if isinstance(block, Linear) and not block.use_bias:
        return dense()
    if isinstance(block, Activate):
        return activation(block.sigma)
    if isinstance(block, Pool):
        return global_avg_pool()
    if isinstance(block, Skip):
        branch = (_part(network, one) for one in block.branch)
        return residual(*branch, multiplier=block.multiplier)
    if isinstance(block, Convolve):
        return _convolution(block)
    return _refuse(network, block)


def _convolution(block: Convolve) -> AbstractPart:
    sizes, strides = (block.kernel_size,) * 2, (block.stride,) * 2
    return conv(sizes, strides=strides, padding="EVEN" if block.padding == "same" else "VALID")


def _refuse(network: AbstractNetwork, block: AbstractBlock) -> NoReturn:
    raise InputError(
        "a network must be of parts whose limit the library knows",
        received=f"{type(network).__name__} with {type(block).__name__}",
        cause="attention, layer norm with learned scales, an output scale, or biases that start at zero "
        "(the theorem is about networks without bias)",
        fix="compose it of lazyscope.composed's parts, or estimate its limit by limit_kernel_estimate",
    )
