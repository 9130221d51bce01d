"""What is the limit of infinite width of any build, from draws at several widths?"""

from lazyscope.monte_carlo._limit_kernel import limit_kernel_estimate
from lazyscope.monte_carlo._record import Bounds, LimitKernelEstimate

__all__ = ["Bounds", "LimitKernelEstimate", "limit_kernel_estimate"]
