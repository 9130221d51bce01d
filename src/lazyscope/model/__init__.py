"""Networks as pure functions of their parameters, drawn at a width from a scheme."""

from lazyscope.model import networks
from lazyscope.model._activation import LEAKY_SLOPE as LEAKY_SLOPE
from lazyscope.model._activation import Activation, activation, activation_names
from lazyscope.model._activation import activation_of as activation_of
from lazyscope.model._architecture import Architecture
from lazyscope.model._centred import Centred
from lazyscope.model._difference import output_difference as output_difference
from lazyscope.model._difference import passes_differences_on as passes_differences_on
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
from lazyscope.model.blocks import AbstractBlock, Layer, Norm, affine
from lazyscope.model.networks import *  # noqa: F403  # a network is named in one list

__all__ = [
    "COPIES_WITH_EIGENVECTORS",
    "AbstractBlock",
    "AbstractModel",
    "AbstractNetwork",
    "Activation",
    "Architecture",
    "Centred",
    "FunctionModel",
    "Grouping",
    "Layer",
    "Norm",
    "ParameterGroups",
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
__all__ += networks.__all__
