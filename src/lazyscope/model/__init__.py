"""Networks as pure functions of their parameters, drawn at a width from a scheme."""

from lazyscope.model._activation import Activation, activation, activation_names
from lazyscope.model._centred import Centred
from lazyscope.model._dense import Dense, Layer, affine
from lazyscope.model._function import FunctionModel
from lazyscope.model._groups import (
    Grouping,
    ParameterGroups,
    group_norms,
    parameter_groups,
    speeds_by_name,
)
from lazyscope.model._memory import check_memory, physical_memory
from lazyscope.model._protocol import AbstractModel

__all__ = [
    "AbstractModel",
    "Activation",
    "Centred",
    "Dense",
    "FunctionModel",
    "Grouping",
    "Layer",
    "ParameterGroups",
    "activation",
    "activation_names",
    "affine",
    "check_memory",
    "group_norms",
    "parameter_groups",
    "physical_memory",
    "speeds_by_name",
]
