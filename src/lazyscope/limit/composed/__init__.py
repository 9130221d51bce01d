"""What kernels do composed networks have at infinite width?"""

from lazyscope.limit.composed._kernels import (
    network_covariance_kernel as network_covariance_kernel,
)
from lazyscope.limit.composed._kernels import network_tangent_kernel as network_tangent_kernel
from lazyscope.limit.composed._kernels import (
    network_tangent_kernel_by_layer as network_tangent_kernel_by_layer,
)
from lazyscope.limit.composed._kernels import (
    normalised_network_kernels as normalised_network_kernels,
)
