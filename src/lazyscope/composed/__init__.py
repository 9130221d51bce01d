"""Networks composed of parts: finite ones at a width, and their kernels at infinite width."""

from lazyscope.limit.composed import network_covariance_kernel as network_covariance_kernel
from lazyscope.limit.composed import network_tangent_kernel as network_tangent_kernel
from lazyscope.limit.composed import (
    network_tangent_kernel_by_layer as network_tangent_kernel_by_layer,
)
from lazyscope.limit.composed import normalised_network_kernels as normalised_network_kernels
from lazyscope.model.composed import AbstractPart as AbstractPart
from lazyscope.model.composed import ComposedNetwork as ComposedNetwork
from lazyscope.model.composed import activation as activation
from lazyscope.model.composed import avg_pool as avg_pool
from lazyscope.model.composed import batch_norm as batch_norm
from lazyscope.model.composed import composition_of as composition_of
from lazyscope.model.composed import conv as conv
from lazyscope.model.composed import dense as dense
from lazyscope.model.composed import dropout as dropout
from lazyscope.model.composed import fan_out as fan_out
from lazyscope.model.composed import flatten as flatten
from lazyscope.model.composed import global_avg_pool as global_avg_pool
from lazyscope.model.composed import global_self_attention as global_self_attention
from lazyscope.model.composed import layer_norm as layer_norm
from lazyscope.model.composed import max_pool as max_pool
from lazyscope.model.composed import residual as residual
from lazyscope.model.composed import serial as serial
from lazyscope.model.composed import sum_pool as sum_pool
