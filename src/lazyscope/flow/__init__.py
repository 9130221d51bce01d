"""Training: gradient flow by exponential steps, gradient descent, the linearised network."""

from lazyscope.flow._descent import GradientDescent, largest_stable_step
from lazyscope.flow._exponential import ExponentialFlow
from lazyscope.flow._history import History
from lazyscope.flow._method import AbstractMethod, FlowState, Stop, start_run
from lazyscope.flow._problem import Problem, check_numbers, dense_problem
from lazyscope.flow._solve import FlowResult, advance, finish, in_double, solve_flow, trace_flow

__all__ = [
    "AbstractMethod",
    "ExponentialFlow",
    "FlowResult",
    "FlowState",
    "GradientDescent",
    "History",
    "Problem",
    "Stop",
    "advance",
    "check_numbers",
    "dense_problem",
    "finish",
    "in_double",
    "largest_stable_step",
    "solve_flow",
    "start_run",
    "trace_flow",
]
