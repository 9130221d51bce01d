"""What can be known of a kernel of more points than fit into memory, from its products alone?"""

from lazyscope.operator._make import kernel_operator, limit_kernel_operator
from lazyscope.operator._operator import AbstractCrossKernel, AbstractKernelOperator
from lazyscope.operator.solve._conjugate import SolveProgress
from lazyscope.operator.solve._regression import (
    KernelRegression,
    PreconditionerSettings,
    solve_kernel_regression,
)
from lazyscope.operator.tiles._tiled import TiledKernelOperator

__all__ = [
    "AbstractCrossKernel",
    "AbstractKernelOperator",
    "KernelRegression",
    "PreconditionerSettings",
    "SolveProgress",
    "TiledKernelOperator",
    "kernel_operator",
    "limit_kernel_operator",
    "solve_kernel_regression",
]
