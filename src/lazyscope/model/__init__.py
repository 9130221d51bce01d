"""Networks as pure functions of their parameters, drawn at a width from a scheme."""

from lazyscope.model._activation import LEAKY_SLOPE as LEAKY_SLOPE
from lazyscope.model._activation import Activation, activation, activation_names
from lazyscope.model._centred import Centred
from lazyscope.model._function import FunctionModel
from lazyscope.model._groups import (
    Grouping,
    ParameterGroups,
    group_norms,
    parameter_groups,
    speeds_by_name,
)
from lazyscope.model._groups import check_speeds as check_speeds
from lazyscope.model._groups import named_by as named_by
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import (
    COPIES_WITH_EIGENVECTORS,
    check_kernel_memory,
    check_memory,
    memory_at_hand,
    physical_memory,
)
from lazyscope.model._network import AbstractNetwork
from lazyscope.model._products import rows_times, sum_of_outer_products
from lazyscope.model._protocol import AbstractModel
from lazyscope.model.networks._attention import Attention
from lazyscope.model.networks._convolution import Convolution
from lazyscope.model.networks._dense import Dense
from lazyscope.model.networks._layer_norm import LayerNorm, Norm
from lazyscope.model.networks._residual import Residual
from lazyscope.model.networks._residual_convolution import ResidualConvolution

__all__ = [
    "COPIES_WITH_EIGENVECTORS",
    "AbstractModel",
    "AbstractNetwork",
    "Activation",
    "Attention",
    "Centred",
    "Convolution",
    "Dense",
    "FunctionModel",
    "Grouping",
    "Layer",
    "LayerNorm",
    "Norm",
    "ParameterGroups",
    "Residual",
    "ResidualConvolution",
    "activation",
    "activation_names",
    "affine",
    "check_kernel_memory",
    "check_memory",
    "group_norms",
    "memory_at_hand",
    "parameter_groups",
    "physical_memory",
    "rows_times",
    "speeds_by_name",
    "sum_of_outer_products",
]
