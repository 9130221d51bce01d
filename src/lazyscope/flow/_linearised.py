"""What would the network do if it were linear in its parameters?"""

from dataclasses import replace
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_array
from lazyscope._entry import checked
from lazyscope._jax import coarser, is_double, own_settings
from lazyscope._loss import check_squared
from lazyscope._types import Params, Scalar
from lazyscope.flow._problem import Problem, in_double
from lazyscope.kernel import FunctionKernel, Spectrum, as_matrix, traced_precision
from lazyscope.model import (
    COPIES_WITH_EIGENVECTORS,
    AbstractModel,
    FunctionModel,
    check_kernel_memory,
    parameter_groups,
)


@final
class LinearisedFlow(eqx.Module):
    """Gradient flow of the network linearised at its start, in closed form at any time.

    With K = K(theta_0) on the training points, r_0 the initial residual and the loss |r|^2/(2n), of what
    is trained (a centred network counts from f_0 = 0)::

        f_lin(t)      = y + exp(-K t / n) r_0                              training points
        f_lin(x, t)   = f_0(x) - K(x, X) K^{-1} (1 - exp(-K t / n)) r_0    any other point

    Attributes:
        spectrum: of K, over (point, output) pairs.
        coefficients: components of r_0 along its vectors.
        y: targets, (n, C).
        cross_kernel: K(x, X) of the other points as a matrix (n_other C, n C).
        initial_other: f_0 on the other points, (n_other, C).

    Trust: exact to rounding. Modes of eigenvalue zero (below n C eps lambda_max in the precision that
    the network computes in) do not move and do not move other points.
    Reference: Lee et al. 2019 (arXiv 1902.06720), with this loss and time unit.
    """

    spectrum: Spectrum
    coefficients: Float[Array, " modes"]
    y: Float[Array, "n C"]
    cross_kernel: Float[Array, "n_other*C n*C"]
    initial_other: Float[Array, "n_other C"]

    def residual(self, time: Scalar | float) -> Float[Array, "n C"]:
        """f_lin - y on the training points at `time`."""
        with own_settings(double=is_double(self.coefficients)):
            left = self.spectrum.left(time) * self.coefficients
            return (self.spectrum.vectors @ left).reshape(self.y.shape)

    def outputs(self, time: Scalar | float) -> Float[Array, "n C"]:
        """f_lin on the training points at `time`."""
        with own_settings(double=is_double(self.coefficients)):
            return self.y + self.residual(time)

    def outputs_other(self, time: Scalar | float) -> Float[Array, "n_other C"]:
        """f_lin on the other points at `time`."""
        with own_settings(double=is_double(self.coefficients)):
            pushed = self.spectrum.impulse(time) * self.coefficients
            moved = self.cross_kernel @ (self.spectrum.vectors @ pushed)
            return self.initial_other - moved.reshape(self.initial_other.shape)

    def loss(self, time: Float[Array, "*times"]) -> Float[Array, "*times"]:
        """R of the linearised network at one or many times."""
        with own_settings(double=is_double(self.coefficients)):
            left = self.spectrum.left(time) * self.coefficients
            return jnp.sum(left**2, axis=-1) / (2 * self.y.shape[0])


def linearise(
    problem: Problem, x_other: Float[Array, "n_other ..."] | None = None
) -> LinearisedFlow:
    """The linearised flow of a problem; a pure function, in the problem's precision.

    Args:
        problem: what to linearise, at its starting point.
        x_other: points beside the training points (test points), if any.

    Cost: one eigendecomposition of n C x n C and the kernel between the two sets of points.
    """
    check_squared("the linearised flow in closed form", problem.criterion)
    x_other = problem.x[:0] if x_other is None else x_other
    expansion = problem.kernel.expand(problem.params, problem.x)
    matrix = as_matrix(expansion.kernel(problem.speeds))
    precision = coarser(
        matrix.dtype, traced_precision(problem.model.apply, problem.params, problem.x)
    )
    cross = problem.kernel.summed(problem.params, x_other, problem.x, speeds=problem.speeds)
    spectrum = Spectrum.of(matrix, len(problem.x), precision)
    residual = problem.start_outputs(expansion.outputs) - problem.y
    return LinearisedFlow(
        spectrum,
        spectrum.vectors.T @ residual.reshape(-1),
        problem.y,
        as_matrix(cross),
        problem.start_outputs(problem.model.apply(problem.params, x_other)),
    )


@checked()
def solve_linearised(
    problem: Problem, x_other: Float[Array, "n_other ..."] | None = None
) -> LinearisedFlow:
    """`linearise` in double precision, compiled.

    Raises:
        InputError: kernel and eigenvectors would not fit into the memory at hand; other points of
            another shape, or that are not finite real numbers.
    """
    if x_other is not None:
        shape = np.shape(check_array("x_other", x_other))
        if not shape or shape[1:] != problem.x.shape[1:]:
            raise InputError(
                f"x_other must hold points of shape {tuple(problem.x.shape[1:])}, as the problem does",
                received=f"shape {tuple(shape)}",
                cause="a single point without its first axis, or points of other data",
                fix="give an array (n_other, ...)",
            )
    points, num_outputs = problem.y.shape
    check_kernel_memory(
        8 * (points * num_outputs) ** 2,
        what=f"the kernel of {points} points and {num_outputs} outputs with its eigenvectors",
        copies=COPIES_WITH_EIGENVECTORS,
    )
    with own_settings():
        other = None if x_other is None else jnp.asarray(x_other, jnp.float64)
        return eqx.filter_jit(linearise)(in_double(problem), other)


def linearised_problem(problem: Problem) -> Problem:
    """The problem of the network made linear at its start, f_0 + J(theta_0) (theta - theta_0); pure.

    Any method and loss trains it, step by step, where `linearise` has gradient flow on squares in closed
    form. Its parameters are those of `problem` as tuples of arrays, ``model.tree_of`` gives them back.

    Args:
        problem: what to linearise, at its starting point.

    Cost: an output is one forward derivative of the network at its start, a gradient one backward pass
    through that.

    Trust: exact to rounding.

    Example:
        >>> from lazyscope.flow import OptimiserSteps, function_problem, solve_flow
        >>> start, one = np.ones(1), np.ones((1, 1))
        >>> squares = function_problem(lambda p, x: x * p**2, start, one, 3.0 * np.ones(1))
        >>> signs = OptimiserSteps("sign", step_size=0.5)
        >>> solve_flow(linearised_problem(squares), signs, stop=1e-9).params[0][0].tolist()
        [2.0]
    """
    groups = parameter_groups(problem.params, tuple(problem.model.group_names))
    model = FunctionModel(_Tangent(problem.model, problem.params), groups)
    start = model.groups_of(problem.params)
    return replace(problem, model=model, kernel=FunctionKernel(model), params=start, initial=None)


@final
class _Tangent(eqx.Module):
    """A network to first order around a point, as a function of its parameters."""

    model: AbstractModel
    start: Params

    def __call__(self, params: Params, x: Array) -> Array:
        change = jax.tree.map(jnp.subtract, params, self.start)
        outputs, moved = jax.jvp(lambda p: self.model.apply(p, x), (self.start,), (change,))
        return outputs + moved
