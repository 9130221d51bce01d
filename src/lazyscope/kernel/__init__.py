"""Tangent kernels: finite networks, any function, and the limit of infinite width."""

from lazyscope.kernel._generic_kernel import tangent_kernel, tangent_kernel_by_leaf
from lazyscope.kernel._layerwise import LayerwiseExpansion, LayerwiseKernel
from lazyscope.kernel._protocol import AbstractExpansion, AbstractTangentKernel, as_matrix

__all__ = [
    "AbstractExpansion",
    "AbstractTangentKernel",
    "LayerwiseExpansion",
    "LayerwiseKernel",
    "as_matrix",
    "tangent_kernel",
    "tangent_kernel_by_leaf",
]
