"""What is a network of infinite width: its covariances, its tangent kernels, its sensitivity?"""

from lazyscope.limit._amplification import AccuracyWarning as AccuracyWarning
from lazyscope.limit._blocks import LimitKernelBlocks as LimitKernelBlocks
from lazyscope.limit._blocks import LimitKernelName as LimitKernelName
from lazyscope.limit._blocks import limit_kernel_blocks as limit_kernel_blocks
from lazyscope.limit._kernels import limit_amplification as limit_amplification
from lazyscope.limit._kernels import limit_covariance_kernel as limit_covariance_kernel
from lazyscope.limit._kernels import limit_tangent_kernel as limit_tangent_kernel
from lazyscope.limit._kernels import limit_tangent_kernel_by_layer as limit_tangent_kernel_by_layer
from lazyscope.limit._network import NetworkArguments as LimitNetworkArguments  # noqa: F401
from lazyscope.limit._network import Nonlinearity as Nonlinearity
from lazyscope.limit._network import showing_network as showing_network
from lazyscope.limit._normalised import normalised_limit_kernels as normalised_limit_kernels
