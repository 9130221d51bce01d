"""Tangent kernels: finite networks, any function, and the limit of infinite width."""

from lazyscope._deprecated import moved
from lazyscope._jax import coarser
from lazyscope._trace import traced_precision
from lazyscope.kernel._conjugate import conjugate_kernel
from lazyscope.kernel._drawn import drawn_tangent_kernel
from lazyscope.kernel._function import FunctionExpansion, FunctionGradient, FunctionKernel
from lazyscope.kernel._function_check import CheckedFunction, check_function
from lazyscope.kernel._layerwise import LayerwiseExpansion, LayerwiseGradient, LayerwiseKernel
from lazyscope.kernel._predict import predict_flow
from lazyscope.kernel._protocol import (
    AbstractExpansion,
    AbstractGradient,
    AbstractTangentKernel,
    as_matrix,
)
from lazyscope.kernel._spectrum import (
    Spectrum,
    resolved,
    resolved_directions,
    smallest_eigenvalue,
    time_to_level,
    zero_share,
)
from lazyscope.kernel._taylor import linearise, taylor
from lazyscope.kernel.any_function._explain import (
    KernelExplanation,
    ParameterHandling,
    explain_tangent_kernel,
    working_precision,
)
from lazyscope.kernel.any_function._kernel import tangent_kernel, tangent_kernel_by_parameter
from lazyscope.kernel.any_function._outputs import tangent_kernel_diagonal, tangent_kernel_trace
from lazyscope.kernel.any_function._product import tangent_kernel_product
from lazyscope.kernel.gaussian import (
    AbstractDynamics,
    Calibration,
    GaussianProcess,
    GradientFlow,
    HeavyBallFlow,
    HeavyBallSteps,
    TrainedEnsemble,
    calibration,
)
from lazyscope.limit import (
    AccuracyWarning,
    Nonlinearity,
    limit_amplification,
    limit_covariance_kernel,
    limit_tangent_kernel,
    limit_tangent_kernel_by_layer,
    normalised_limit_kernels,
)
from lazyscope.limit.dual import PiecewiseSmooth

__all__ = [
    "AbstractDynamics",
    "AbstractExpansion",
    "AbstractGradient",
    "AbstractTangentKernel",
    "AccuracyWarning",
    "Calibration",
    "CheckedFunction",
    "FunctionExpansion",
    "FunctionGradient",
    "FunctionKernel",
    "GaussianProcess",
    "GradientFlow",
    "HeavyBallFlow",
    "HeavyBallSteps",
    "KernelExplanation",
    "LayerwiseExpansion",
    "LayerwiseGradient",
    "LayerwiseKernel",
    "Nonlinearity",
    "ParameterHandling",
    "PiecewiseSmooth",
    "Spectrum",
    "TrainedEnsemble",
    "as_matrix",
    "calibration",
    "check_function",
    "coarser",
    "conjugate_kernel",
    "drawn_tangent_kernel",
    "explain_tangent_kernel",
    "limit_amplification",
    "limit_covariance_kernel",
    "limit_tangent_kernel",
    "limit_tangent_kernel_by_layer",
    "linearise",
    "normalised_limit_kernels",
    "predict_flow",
    "resolved",
    "resolved_directions",
    "smallest_eigenvalue",
    "tangent_kernel",
    "tangent_kernel_by_parameter",
    "tangent_kernel_diagonal",
    "tangent_kernel_product",
    "tangent_kernel_trace",
    "taylor",
    "time_to_level",
    "traced_precision",
    "working_precision",
    "zero_share",
]

__getattr__ = moved(
    __name__,
    {
        "LeafHandling": "lazyscope.kernel.ParameterHandling",
        "tangent_kernel_by_leaf": "lazyscope.kernel.tangent_kernel_by_parameter",
    },
)
