"""Tangent kernels: finite networks, any function, and the limit of infinite width."""

from lazyscope.kernel._function import FunctionExpansion, FunctionGradient, FunctionKernel
from lazyscope.kernel._function_check import CheckedFunction, check_function
from lazyscope.kernel._generic_explain import (
    KernelExplanation,
    LeafHandling,
    explain_tangent_kernel,
    working_precision,
)
from lazyscope.kernel._generic_kernel import tangent_kernel, tangent_kernel_by_leaf
from lazyscope.kernel._generic_precision import traced_precision
from lazyscope.kernel._generic_product import tangent_kernel_product
from lazyscope.kernel._layerwise import LayerwiseExpansion, LayerwiseGradient, LayerwiseKernel
from lazyscope.kernel._limit import (
    Nonlinearity,
    limit_amplification,
    limit_covariance_kernel,
    limit_tangent_kernel,
    limit_tangent_kernel_by_layer,
)
from lazyscope.kernel._limit_amplification import AccuracyWarning
from lazyscope.kernel._limit_function import PiecewiseSmooth
from lazyscope.kernel._limit_normalised import normalised_limit_kernels
from lazyscope.kernel._predict import predict_flow
from lazyscope.kernel._protocol import (
    AbstractExpansion,
    AbstractGradient,
    AbstractTangentKernel,
    as_matrix,
)
from lazyscope.kernel._spectrum import (
    coarser,
    resolved,
    resolved_directions,
    smallest_eigenvalue,
)

__all__ = [
    "AbstractExpansion",
    "AbstractGradient",
    "AbstractTangentKernel",
    "AccuracyWarning",
    "CheckedFunction",
    "FunctionExpansion",
    "FunctionGradient",
    "FunctionKernel",
    "KernelExplanation",
    "LayerwiseExpansion",
    "LayerwiseGradient",
    "LayerwiseKernel",
    "LeafHandling",
    "Nonlinearity",
    "PiecewiseSmooth",
    "as_matrix",
    "check_function",
    "coarser",
    "explain_tangent_kernel",
    "limit_amplification",
    "limit_covariance_kernel",
    "limit_tangent_kernel",
    "limit_tangent_kernel_by_layer",
    "normalised_limit_kernels",
    "predict_flow",
    "resolved",
    "resolved_directions",
    "smallest_eigenvalue",
    "tangent_kernel",
    "tangent_kernel_by_leaf",
    "tangent_kernel_product",
    "traced_precision",
    "working_precision",
]
