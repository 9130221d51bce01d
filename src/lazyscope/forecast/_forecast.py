"""What does initialization alone say about training: how far, how fast, how stable?

No training happens here. The network is replaced by its linearisation at the start; where it trains
lazily that is the truth, and comparing the two measures laziness.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import (
    InputError,
    check_fraction,
    check_not_negative,
    check_tree,
    shown,
)
from lazyscope._deprecated import renamed_argument
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._loss import SquaredLoss, check_rows, check_squared
from lazyscope._result import AbstractResult
from lazyscope._types import Params, Scalar
from lazyscope.forecast._descent_steps import DescentSteps
from lazyscope.kernel import (
    AbstractTangentKernel,
    Spectrum,
    as_matrix,
    traced_precision,
)
from lazyscope.model import (
    COPIES_WITH_EIGENVECTORS,
    check_kernel_memory,
    check_speeds,
    group_norms,
)


@final
class Forecast(AbstractResult, eqx.Module):
    """Training as seen from the start, for the loss R = |r|^2 / (2n) and r' = -(1/n) K r.

    With r_0 the initial residual and c(t) = K^{-1} (1 - exp(-K t / n)) r_0, the linearised network
    moves group g by s_g |J_g^T c(t)| in Frobenius norm.

    Attributes:
        eigenvalues: of K(0), ascending, one per (point, output) pair.
        energies: squared components of r_0 along its eigenvectors.
        change: predicted change of the parameters when training ends (see `horizon`).
        displacement: its relative size in every group, Frobenius norm.
        horizon: loss fraction at which `displacement` is taken; 0 means the end of training.
        num_points: training points n.
        precision: the type in which K(0) was computed: float64, or that of parts of the network which
            compute in a coarser one. Eigenvalues below n C eps lambda_max of it count as zero.
        groups: names of the groups that `displacement` is of; empty where they have none.

    Trust: exact for the linearised network. For a real one the error is the laziness to be measured.
    Reference: derived from Lee et al. 2019 (arXiv 1902.06720); the split by groups is elementary.
    """

    eigenvalues: Float[Array, " modes"]
    energies: Float[Array, " modes"]
    change: Params
    displacement: Float[Array, " groups"]
    horizon: float | Scalar
    num_points: int
    precision: str = eqx.field(static=True, default="float64")
    groups: tuple[str, ...] = eqx.field(static=True, default=())

    _told_first = ("groups", "displacement", "max_stable_step", "lambda_min", "lambda_max")

    def quantities(self) -> dict[str, Any]:
        """The fields, and what follows from them."""
        derived = ("lambda_min", "lambda_max", "max_stable_step", "rate")
        return {**super().quantities(), **{name: getattr(self, name) for name in derived}}

    @property
    def lambda_min(self) -> float:
        """Smallest eigenvalue of K(0)."""
        return float(self.eigenvalues[0])

    @property
    def lambda_max(self) -> float:
        """Largest eigenvalue of K(0)."""
        return float(self.eigenvalues[-1])

    @property
    def is_singular(self) -> bool:
        """Whether lambda_min is zero to rounding: some residual cannot be trained away."""
        return self.num_resolved < len(self.eigenvalues)

    @property
    def num_resolved(self) -> int:
        """Number of eigenvalues that are more than rounding."""
        return int(np.count_nonzero(self._spectrum.values))

    @property
    def max_stable_step(self) -> float:
        """2 n / lambda_max, the largest stable step of gradient descent on the linearised network.

        Above it no kappa keeps a network lazy; see `descent_steps`.
        """
        return 2.0 * self.num_points / self.lambda_max

    @property
    def descent_steps(self) -> DescentSteps:
        """Steps at which descent is monotone, lazy but not monotone, or a catapult."""
        return DescentSteps.of(self.lambda_max, self.num_points)

    @property
    def rate(self) -> float:
        """2 lambda_min / n, the slowest decay rate of the linearised loss; zero for a singular kernel."""
        return 2.0 * float(self._spectrum.values[0]) / self.num_points

    def loss_fraction(self, time: float) -> float:
        """R(t) / R(0) of the linearised network."""
        return float(self._spectrum.share_left(np.asarray(self.energies), time))

    def time_to(self, fraction: float) -> float:
        """Time at which the linearised loss reaches `fraction` of its start; infinite if it never does."""
        check_fraction("loss fraction", fraction)
        return float(self._spectrum.time_to(np.asarray(self.energies), fraction))

    @property
    def _spectrum(self) -> Spectrum:
        """Eigenvalues with what flows do along them; no vectors."""
        values = np.asarray(self.eigenvalues)
        return Spectrum(values, np.zeros((len(values), 0)), self.num_points, self.precision)


@renamed_argument("at_fraction", "stop")
@checked(own=("params",), any_axes=("y", "speeds"))
def forecast(
    kernel: AbstractTangentKernel,
    params: Params,
    x: Float[ArrayLike, "n ..."],
    y: Float[ArrayLike, "n C"],
    *,
    speeds: Sequence[float] | Float[ArrayLike, " groups"] | None = None,
    stop: float = 0.0,
    start_share: float | Scalar | None = None,
) -> Forecast:
    """Predict training from initialization alone, in double precision.

    Args:
        kernel: the network's tangent kernel, for instance ``LayerwiseKernel(model)``.
        params: the initial parameters.
        x: training points.
        y: targets.
        speeds: s_g of every group, 1 unless given.
        stop: predict displacements for training that stops at this fraction of the initial
            loss; 0 trains to the end.
        start_share: c, where f - f_0 + c f_0 is trained: 0 for a centred network, 1 unless given.

    Returns:
        A `Forecast`.

    Raises:
        InputError: a fraction outside [0, 1), an initial network without any gradient, arrays that are
            not finite real numbers, or targets and speeds that do not fit points, outputs and groups.

    Cost: one eigendecomposition of n C x n C, what the kernel takes, and one backward pass; the result
    holds one copy of the parameters.

    Example:
        >>> from lazyscope.model import Dense, Layer
        >>> from lazyscope.kernel import LayerwiseKernel
        >>> model = Dense(1, 1, width=1, depth=1, activation="linear")
        >>> layers = (Layer(np.full((1, 1), 3.0), None), Layer(np.zeros((1, 1)), None))
        >>> seen = forecast(LayerwiseKernel(model), layers, [[1.0]], [[6.0]], speeds=[0.0, 1.0])
        >>> seen.lambda_min, seen.max_stable_step
        (9.0, 0.2222222222222222)
    """
    if stop != 0.0:
        check_fraction("loss fraction", stop)
    share = None if start_share is None else check_not_negative("start_share", start_share)
    check_kernel_memory(
        8 * np.size(y) ** 2,
        what=f"the kernel of {np.size(y)} pairs of point and output with its eigenvectors",
        copies=COPIES_WITH_EIGENVECTORS,
    )
    check_tree("params", params)
    if not isinstance(params, Sequence | Mapping):
        raise InputError(
            "params must hold the arrays of one group of parameters after the other",
            received=type(params).__name__,
            cause="a single array in place of the layers of a network",
            fix="give what init of the network returned, or a tuple of the array",
        )
    with own_settings():
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
        x, y = jnp.asarray(x, jnp.float64), jnp.asarray(y, jnp.float64)
        speeds = jnp.asarray(check_speeds(speeds, len(params), np.dtype(np.float64)), jnp.float64)
        fraction = jnp.asarray(stop, jnp.float64)
        precision = str(_working_precision(kernel, params, x))
        start = kernel, params, x, y
        share = None if share is None else jnp.asarray(share, jnp.float64)
        values, energies, change, moved = _linearised(*start, speeds, share, fraction, precision)
        if not values[-1] > 0:
            raise InputError(
                "a forecast needs a tangent kernel that is not zero",
                received=f"a largest eigenvalue of {float(values[-1])}",
                cause="all units are dead, or all speeds are zero",
                fix="use another seed, a larger scale, or speeds above zero",
            )
        return Forecast(values, energies, change, moved, stop, x.shape[0], precision)


class Posed(Protocol):
    """What every forecast needs to know of a problem."""

    @property
    def params(self) -> Params:
        """The initial parameters, in groups."""
        ...

    @property
    def x(self) -> Any:
        """Training points."""
        ...

    @property
    def y(self) -> Any:
        """Targets."""
        ...

    @property
    def speeds(self) -> Any:
        """Speeds of the groups."""
        ...


class StartingPoint(Posed, Protocol):
    """A problem with a kernel that can be held."""

    @property
    def kernel(self) -> AbstractTangentKernel:
        """The tangent kernel of its network."""
        ...


@renamed_argument("at_fraction", "stop")
@checked()
def forecast_problem(problem: StartingPoint, *, stop: float = 0.0) -> Forecast:
    """`forecast` of a problem made by `dense_problem` or `function_problem`.

    Args:
        problem: anything with a tangent kernel, parameters, points x, targets y and speeds.
        stop: as for `forecast`.

    Example:
        >>> from lazyscope.flow import function_problem
        >>> network = lambda p, x: 3.0 * x @ p["w"]
        >>> problem = function_problem(network, {"w": np.ones((1, 1))}, np.ones((1, 1)), [6.0])
        >>> seen = forecast_problem(problem)
        >>> round(seen.lambda_max, 12), problem.model.tree_of(seen.change)["w"].round(12).item()
        (9.0, 1.0)
    """
    needed = ("kernel", "params", "x", "y", "speeds")
    if not all(hasattr(problem, name) for name in needed):
        raise InputError(
            "problem must have a kernel, params, x, y and speeds",
            received=shown(problem),
            cause="a model or a tree of parameters in place of the problem",
            fix="make it with dense_problem or function_problem",
        )
    check_squared("a forecast", getattr(problem, "criterion", SquaredLoss()))
    share = getattr(problem, "start_share", None)
    seen = forecast(
        problem.kernel,
        problem.params,
        problem.x,
        problem.y,
        speeds=problem.speeds,
        stop=stop,
        start_share=None if share is None else float(share),
    )
    names = getattr(getattr(problem, "model", None), "group_names", ())
    return replace(seen, groups=tuple(names))


@renamed_argument("at_fraction", "stop")
def trace_forecast(problem: StartingPoint, stop: Scalar | float) -> Forecast:
    """`forecast_problem` as a pure function for use under ``jit``, in the problem's precision.

    Only the loss is checked: of a network without any gradient the largest eigenvalue is zero, and what
    is predicted says nothing.
    """
    check_squared("a forecast", getattr(problem, "criterion", SquaredLoss()))
    start = problem.kernel, problem.params, problem.x
    fraction = jnp.asarray(stop, problem.x.dtype)
    precision = str(_working_precision(*start))
    share = getattr(problem, "start_share", None)
    found = _linearised(*start, problem.y, problem.speeds, share, fraction, precision)
    return Forecast(*found, fraction, problem.x.shape[0], precision)


def _working_precision(kernel: AbstractTangentKernel, params: Params, x: Any) -> Any:
    """The coarsest type that the network computes in, if parameters and points are its own."""
    try:
        return traced_precision(lambda p, points: kernel.expand(p, points).outputs, params, x)
    except InputError:
        raise
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            "parameters and points must be those of the kernel's network",
            received=f"points of shape {x.shape}; {type(error).__name__}: {shown(str(error))}",
            cause="a single point without its first axis, points of other data, or parameters of "
            "another network or of one without groups",
            fix="give the params, x and y that a problem of this network holds",
        ) from error


@eqx.filter_jit
def _linearised(kernel, params, x, y, speeds, share, fraction, precision):
    """Eigenvalues, energies, change and relative displacements, from one expansion."""
    expansion = kernel.expand(params, x)
    check_rows("targets", y, expansion.outputs.shape)
    residual = (expansion.outputs if share is None else share * expansion.outputs) - y
    spectrum = Spectrum.of(as_matrix(expansion.kernel(speeds)), len(x), precision)
    coefficients = spectrum.vectors.T @ residual.reshape(-1)
    time = jnp.where(fraction > 0, spectrum.time_to(coefficients**2, fraction), jnp.inf)
    pushed = spectrum.vectors @ (spectrum.impulse(time) * coefficients)
    pulled = expansion.pull_back(pushed.reshape(residual.shape))
    change = tuple(
        jax.tree.map(lambda g, s=speed: -s * g, group)
        for group, speed in zip(pulled, speeds, strict=True)
    )
    moved = group_norms(change)
    relative = jnp.where(moved > 0, moved / group_norms(params), 0.0)
    return spectrum.computed, coefficients**2, change, relative
