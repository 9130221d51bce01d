"""What is to be trained, on what, and how fast does each group of parameters learn?"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope._types import Params, Scalar
from lazyscope.kernel import AbstractTangentKernel, LayerwiseKernel
from lazyscope.model import AbstractModel, Centred, Dense


class Problem(eqx.Module):
    """Least squares from one starting point: R(theta) = 1/(2n) sum_i |f(x_i) - y_i|^2.

    Gradient flow is d theta_g/dt = - s_g grad_g R for every group g of parameters, so that outputs
    follow r' = -(1/n) K r with K = sum_g s_g K_g. All fields are arrays or pytrees of arrays: problems
    of one shape can be stacked and trained together under ``vmap``.

    Attributes:
        model: the network f.
        kernel: its tangent kernel.
        params: the starting point theta_0, a tuple of groups.
        x: training points, (n, ...).
        y: targets, (n, C).
        speeds: s_g, one per group.
    """

    model: AbstractModel
    kernel: AbstractTangentKernel
    params: Params
    x: Float[Array, "n ..."]
    y: Float[Array, "n C"]
    speeds: Float[Array, " groups"]

    def residual(self, params: Params) -> Float[Array, "n C"]:
        """R = f(x) - y."""
        return self.model.apply(params, self.x) - self.y

    def loss(self, residual: Float[Array, "n C"]) -> Scalar:
        """R = |r|^2 / (2n)."""
        return jnp.sum(residual**2) / (2 * residual.shape[0])

    def move(self, params: Params, direction: Params) -> Params:
        """theta_g + s_g * direction_g for every group."""
        return tuple(
            jax.tree.map(lambda p, d, s=speed: p + s * d, group, step)
            for group, step, speed in zip(params, direction, self.speeds, strict=True)
        )


def dense_problem(
    model: Dense | Centred,
    params: Params,
    x: Float[Array, "n d"],
    y: Float[Array, "n C"],
    *,
    speeds: Sequence[float] | Float[Array, " layers"] | None = None,
) -> Problem:
    """The problem of training a dense network, with its layerwise kernel.

    A `Centred` network is trained as its inner network on shifted targets y + f_0, which is the same
    flow without evaluating the network twice.

    Args:
        model: the network, centred or not.
        params: the starting point, from ``model.init``.
        x: training points; whole numbers become real ones.
        y: targets, or (n,) for one output.
        speeds: s_l for every layer, 1 unless given (``scheme.speed(width)``).

    Raises:
        InputError: shapes that do not fit together, or numbers that are not finite.
    """
    x, y = as_real("points", x), as_real("targets", y)
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
    if isinstance(model, Centred):
        y = y + inner.apply(model.initial, x)
    num_groups = inner.depth + 1
    return Problem(
        inner, LayerwiseKernel(inner), params, x, y, check_speeds(speeds, num_groups, x.dtype)
    )


def check_speeds(speeds: Any, num_groups: int, dtype: np.dtype) -> Array:
    """One speed per group, 1 unless given, or a refusal."""
    if isinstance(speeds, jax.Array):
        speeds = speeds.astype(jax.dtypes.canonicalize_dtype(dtype))
    else:
        speeds = np.asarray(np.ones(num_groups) if speeds is None else speeds, dtype)
    if speeds.shape != (num_groups,):
        raise InputError(
            "there must be one speed for every layer or group of parameters",
            received=f"{speeds.shape} speeds for {num_groups} of them",
            cause="speeds made for another depth or grouping",
            fix=f"give {num_groups} speeds (a dense network: one more than the hidden layers)",
        )
    return speeds


def as_real(what: str, values: Any) -> Array:
    """Real numbers as they came, whole numbers as real ones; NumPy arrays keep their precision."""
    numbers: Any = values if isinstance(values, jax.Array) else np.asarray(values)
    if jnp.issubdtype(numbers.dtype, jnp.floating):
        return numbers
    if numbers.dtype.kind in "biu":
        return numbers.astype(jax.dtypes.canonicalize_dtype(np.float64))
    raise InputError(
        f"{what} must be numbers",
        received=f"entries of type {numbers.dtype}",
        cause="text or missing entries among the data",
        fix="encode categories as numbers",
    )


def in_double(problem: Problem) -> Problem:
    """The same problem in double precision (inside a scope that enables it)."""

    def widen(leaf):
        is_real = eqx.is_array_like(leaf) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf, jnp.float64) if is_real else leaf

    return jax.tree.map(widen, problem)


def check_numbers(problem: Problem) -> None:
    """Refuse a problem whose numbers are not finite (values must be known, so not under ``jit``)."""
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
