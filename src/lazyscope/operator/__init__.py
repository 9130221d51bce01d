"""What can be known of a kernel of more points than fit into memory, from its products alone?"""

from lazyscope.operator._empirical import EmpiricalKernelOperator, empirical_kernel_operator
from lazyscope.operator._make import kernel_operator, limit_kernel_operator
from lazyscope.operator._operator import AbstractCrossKernel, AbstractKernelOperator
from lazyscope.operator.krylov._extreme import ExtremeEigenvalues, extreme_eigenvalues
from lazyscope.operator.krylov._flow import (
    FlowLossBounds,
    FlowPrediction,
    flow_loss_bounds,
    predict_flow_with,
)
from lazyscope.operator.solve._conjugate import SolveProgress
from lazyscope.operator.solve._regression import (
    KernelRegression,
    PreconditionerSettings,
    solve_kernel_regression,
)
from lazyscope.operator.solve._variance import PosteriorVariance, posterior_variance
from lazyscope.operator.tiles._tiled import TiledKernelOperator

__all__ = [
    "AbstractCrossKernel",
    "AbstractKernelOperator",
    "EmpiricalKernelOperator",
    "ExtremeEigenvalues",
    "FlowLossBounds",
    "FlowPrediction",
    "KernelRegression",
    "PosteriorVariance",
    "PreconditionerSettings",
    "SolveProgress",
    "TiledKernelOperator",
    "empirical_kernel_operator",
    "extreme_eigenvalues",
    "flow_loss_bounds",
    "kernel_operator",
    "limit_kernel_operator",
    "posterior_variance",
    "predict_flow_with",
    "solve_kernel_regression",
]
