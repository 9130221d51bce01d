"""Training: gradient flow by exponential steps, gradient descent, any optimiser, the linearised network."""

from lazyscope._loss import AbstractLoss, CrossEntropy, SquaredLoss
from lazyscope.flow._descent import GradientDescent, largest_stable_step
from lazyscope.flow._function_problem import function_problem
from lazyscope.flow._history import History
from lazyscope.flow._in_parts import FlowProgress
from lazyscope.flow._lapack import one_lapack_thread
from lazyscope.flow._linearised import (
    LinearisedFlow,
    linearise,
    linearised_problem,
    solve_linearised,
)
from lazyscope.flow._method import AbstractMethod, FlowState, Stop, start_run
from lazyscope.flow._optimiser import OptimiserSteps
from lazyscope.flow._problem import Problem, check_numbers, dense_problem, in_double
from lazyscope.flow._solve import DEFAULT_MAX_STEPS as DEFAULT_MAX_STEPS
from lazyscope.flow._solve import DEFAULT_STOP as DEFAULT_STOP
from lazyscope.flow._solve import (
    FlowResult,
    advance,
    check_trainable,
    finish,
    solve_flow,
    trace_flow,
)
from lazyscope.flow.exponential._exponential import ExponentialFlow

__all__ = [
    "AbstractLoss",
    "AbstractMethod",
    "CrossEntropy",
    "ExponentialFlow",
    "FlowProgress",
    "FlowResult",
    "FlowState",
    "GradientDescent",
    "History",
    "LinearisedFlow",
    "OptimiserSteps",
    "Problem",
    "SquaredLoss",
    "Stop",
    "advance",
    "check_numbers",
    "check_trainable",
    "dense_problem",
    "finish",
    "function_problem",
    "in_double",
    "largest_stable_step",
    "linearise",
    "linearised_problem",
    "one_lapack_thread",
    "solve_flow",
    "solve_linearised",
    "start_run",
    "trace_flow",
]
