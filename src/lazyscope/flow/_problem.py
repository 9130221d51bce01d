"""What is to be trained, on what, and how fast does each group of parameters learn?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from lazyscope._checks import InputError, check_array, check_tree, is_known
from lazyscope._entry import checked
from lazyscope._jax import kept
from lazyscope._loss import AbstractLoss, SquaredLoss, check_squared, check_targets
from lazyscope._types import Params, Scalar
from lazyscope.kernel import AbstractGradient, AbstractTangentKernel, LayerwiseKernel
from lazyscope.model import (
    AbstractModel,
    Centred,
    Dense,
    check_speeds,
    output_difference,
    passes_differences_on,
)

Tree = TypeVar("Tree")

_CANCELS, _CANCELS_BADLY = 10.0, 1e6
"""Outputs at the start this many times the first residual are too large to be subtracted: of networks that
pass differences on exactly, and of others, where what stands in for it jumps as a unit changes sides."""


@final
class Problem(eqx.Module):
    """A loss to be made small from one starting point: R(theta) = 1/(2n) sum_i |f(x_i) - y_i|^2 unless said.

    Gradient flow is d theta_g/dt = - s_g grad_g R for every group g of parameters, so that outputs
    follow r' = -(1/n) K r under the squared loss, with K = sum_g s_g K_g. All fields are arrays or
    pytrees of arrays: problems of one shape can be stacked and trained together under ``vmap``.

    What is trained may count the outputs at the start less than in full: ``g = f - f_0 + c f_0``, with
    c = 0 for a centred network. The state of training is the displacement ``D = theta - theta_0``, in
    which a group may move by less than the rounding of its parameters. Where f_0 is more than ten times
    the first residual, f - f_0 is passed on from layer to layer instead of subtracted, see
    `lazyscope.model.output_difference`: exactly for the networks of `lazyscope.model`. For other functions
    it is at a million times, and where they move little.

    Attributes:
        model: the network f.
        kernel: its tangent kernel.
        params: the starting point theta_0, a tuple of groups.
        x: training points, (n, ...).
        y: targets of g, (n, C).
        speeds: s_g, one per group.
        criterion: the loss R as a function of outputs g and targets.
        start_share: c; None trains f itself.
        initial: f_0 on the training points, where it is known; see `started`.
    """

    model: AbstractModel
    kernel: AbstractTangentKernel
    params: Params
    x: Float[Array, "n ..."]
    y: Float[Array, "n C"]
    speeds: Float[Array, " groups"]
    criterion: AbstractLoss = SquaredLoss()
    start_share: Scalar | float | None = None
    initial: Float[Array, "n C"] | None = None

    def at(self, displacement: Params) -> Params:
        """theta_0 + D."""
        return jax.tree.map(jnp.add, self.params, displacement)

    def started(self) -> "Problem":
        """The same problem knowing f_0, so that no step computes it again."""
        if self.start_share is None or self.initial is not None:
            return self
        return replace(self, initial=self._initial())

    def residual(self, params: Params) -> Float[Array, "n C"]:
        """What is left at these parameters, g(x) - y."""
        return self._shifted(self.model.apply(params, self.x)) - self.y

    def loss(self, residual: Float[Array, "n C"]) -> Scalar:
        """R where outputs are y + r; of a residual only the squared loss knows."""
        check_squared("the loss of a residual", self.criterion)
        return self.criterion.value(residual, jnp.zeros_like(residual))

    def loss_of(self, outputs: Float[Array, "n C"]) -> Scalar:
        """R of these outputs g."""
        return self.criterion.value(outputs, self.y)

    def loss_at(self, params: Params) -> Scalar:
        """R(theta)."""
        return self.loss_of(self._shifted(self.model.apply(params, self.x)))

    def start_outputs(self, initial: Float[Array, "n C"] | None = None) -> Float[Array, "n C"]:
        """Outputs that count at the start, c f_0, of outputs f_0 where these are known."""
        initial = self._initial() if initial is None else initial
        return initial if self.start_share is None else self.start_share * initial

    def outputs_after(
        self, displacement: Params, x: Float[Array, "k ..."] | None = None
    ) -> Float[Array, "k C"]:
        """What is trained, g(theta_0 + D), on the training points, or on others."""
        outputs = self.model.apply(self.at(displacement), self.x if x is None else x)
        return self.trained(outputs, displacement, x)

    def residual_after(self, displacement: Params) -> Float[Array, "n C"]:
        """What is left at theta_0 + D, g(x) - y."""
        return self.outputs_after(displacement) - self.y

    def loss_after(self, displacement: Params) -> Scalar:
        """R(theta_0 + D)."""
        return self.loss_of(self.outputs_after(displacement))

    def gradient_after(
        self,
        displacement: Params,
        cotangent_of: Callable[[Float[Array, "n C"]], Float[Array, "n C"]],
    ) -> AbstractGradient:
        """The gradient sum_ic c_ic d f_c(x_i) / d theta at theta_0 + D, of a cotangent c made from g."""

        def cotangent(outputs: Array) -> Array:
            return cotangent_of(self.trained(outputs, displacement))

        return self.kernel.gradient_at(self.at(displacement), self.x, cotangent)

    def trained(
        self,
        outputs: Float[Array, "k C"],
        displacement: Params,
        x: Float[Array, "k ..."] | None = None,
    ) -> Float[Array, "k C"]:
        """What is trained, g at theta_0 + D, from the network's own outputs there, on these points."""
        if self.start_share is None:
            return outputs
        share, on_training = self.start_share, self._initial()
        points, initial = (self.x, on_training) if x is None else (x, self._initial(x))

        def passed_on() -> Array:
            return share * initial + output_difference(
                self.model, self.params, displacement, points
            )

        size, left = (
            jnp.max(jnp.abs(part), initial=0.0)
            for part in (on_training, self.start_outputs(on_training) - self.y)
        )
        most = _CANCELS if passes_differences_on(self.model) else _CANCELS_BADLY
        return jax.lax.cond(
            size > most * left, passed_on, lambda: outputs - (1.0 - share) * initial
        )

    def _initial(self, x: Array | None = None) -> Array:
        if x is None and self.initial is not None:
            return self.initial
        return self.model.apply(self.params, self.x if x is None else x)

    def _shifted(self, outputs: Array) -> Array:
        if self.start_share is None:
            return outputs
        return outputs - (1.0 - self.start_share) * self._initial()

    def move(self, params: Params, direction: Params) -> Params:
        """theta_g + s_g * direction_g for every group; of a displacement, D_g + s_g * direction_g."""
        return tuple(
            jax.tree.map(lambda p, d, s=speed: p + s * d, group, step)
            for group, step, speed in zip(params, direction, self.speeds, strict=True)
        )


@checked(own=("model", "x", "y", "speeds"))
def dense_problem(
    model: Dense | Centred,
    params: Params,
    x: Real[Array, "n ..."],
    y: Real[Array, "n ..."],
    *,
    speeds: Sequence[float] | Float[Array, " layers"] | None = None,
    loss: AbstractLoss | None = None,
) -> Problem:
    """The problem of training a dense network, with its layerwise kernel.

    A `Centred` network is trained as its inner network whose outputs at the start do not count, which is
    the same flow without evaluating the network twice.

    Args:
        model: the network, centred or not.
        params: the starting point, from ``model.init``.
        x: training points; whole numbers become real ones.
        y: targets, or (n,) for one output.
        speeds: s_l for every layer, 1 unless given (``scheme.speed(width)``).
        loss: `SquaredLoss` unless given. Another one, such as `CrossEntropy`, trains by `GradientDescent` and
            `OptimiserSteps`.

    Raises:
        InputError: shapes that do not fit together, numbers that are not finite, or a network
            centred at another start with another loss.
    """
    x, y = as_real("points", x), as_real("targets", y)
    check_tree("params", params)
    if y.ndim == 1:
        y = y[:, None]
    inner = model.inner if isinstance(model, Centred) else model
    if not isinstance(inner, Dense):
        raise InputError(
            "a dense problem needs a dense network",
            received=type(inner).__name__,
            cause="a network of another architecture",
            fix="use function_problem with its apply function",
        )
    _check_shapes(inner, x, y)
    _check_params(inner, params)
    loss = SquaredLoss() if loss is None else loss
    share = None
    if isinstance(model, Centred):
        share = 0.0
        if not _same(model.initial, params):
            check_squared("a network centred at another start", loss)
            y = y + (inner.apply(model.initial, x) - inner.apply(params, x))
    found = check_speeds(speeds, inner.depth + 1, x.dtype)
    start = kept((params, x, y, found))
    return Problem(inner, LayerwiseKernel(inner), *start, criterion=loss, start_share=share)


def _same(left: Params, right: Params) -> bool:
    """Whether two trees are known to hold the same numbers."""
    pairs = zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True)
    return all(a is b or (is_known((a, b)) and np.array_equal(a, b)) for a, b in pairs)


def as_real(what: str, values: Any) -> Array:
    """Real numbers as they came, whole numbers as real ones; NumPy arrays keep their precision."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "USO":
        raise InputError(
            f"{what} must be numbers",
            received=f"entries of type {values.dtype}",
            cause="text or missing entries among the data",
            fix="encode categories as numbers",
        )
    numbers: Any = check_array(what, values)
    if jnp.issubdtype(numbers.dtype, jnp.floating):
        return numbers
    return numbers.astype(jax.dtypes.canonicalize_dtype(np.float64))


def in_double(problem: Tree) -> Tree:
    """The same problem, or what holds it, in double precision (inside a scope that enables it)."""

    def widen(leaf):
        is_real = eqx.is_array_like(leaf) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf, jnp.float64) if is_real else leaf

    return jax.tree.map(widen, problem)


@checked()
def check_numbers(problem: Problem) -> None:
    """Refuse a problem whose numbers are not finite, or whose targets its loss cannot be asked for.

    Values must be known, so not under ``jit``.
    """
    for what, tree in (
        ("points", problem.x),
        ("targets", problem.y),
        ("parameters", problem.params),
        ("speeds", problem.speeds),
    ):
        bad = sum(int((~np.isfinite(np.asarray(leaf))).sum()) for leaf in jax.tree.leaves(tree))
        if bad:
            raise InputError(
                f"{what} must be finite",
                received=f"{bad} numbers that are NaN or infinite",
                cause="missing values in the data, or a scale that overflows",
                fix="remove or fill the missing values, or use a smaller scale",
            )
    check_targets(problem.criterion, problem.y)


def _check_params(model: Dense, params: Params) -> None:
    """Refuse parameters of another width, depth or architecture."""
    wanted = [((out, into), (out,) if model.use_bias else None) for out, into in model.shapes]
    try:
        given = [(np.shape(w), None if b is None else np.shape(b)) for w, b in params]
    except (TypeError, ValueError):
        given = [tuple(np.shape(leaf)) for leaf in jax.tree.leaves(params)]
    if given != wanted:
        raise InputError(
            "parameters must have the shapes of the network's layers, weight and bias",
            received=f"shapes {given} for {wanted}",
            cause="parameters drawn for a network of another width or depth",
            fix="draw them with init of this very network",
        )


def _check_shapes(model: Dense, x: Array, y: Array) -> None:
    fits = x.ndim == 2 and y.ndim == 2 and x.shape[0] == y.shape[0] > 0
    fits = fits and (x.shape[1], y.shape[1]) == (model.input_dim, model.output_dim)
    if not fits:
        raise InputError(
            f"points must be (n, {model.input_dim}) and targets (n, {model.output_dim}) for this network",
            received=f"points {tuple(x.shape)} and targets {tuple(y.shape)}",
            cause="data of another dimension, or points and targets from different sets",
            fix="flatten the points, or make the network with the data's dimensions",
        )
