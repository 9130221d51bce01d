"""What does gradient flow under a kernel do until a finite time, from products with the kernel alone?

With V the Krylov basis of a residual r and T = V^T K V, exp(-s K) r ~ |r| V exp(-s T) e_1, s = t / n. The
error obeys the flow itself, driven by beta_m e_m^T exp(-s T) e_1, which keeps one sign; flow of a positive
kernel does not grow, so that the integral of the drive bounds the error, in closed form.
"""

import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Real

from lazyscope._checks import InputError, check_count, check_instance, check_positive
from lazyscope._entry import checked
from lazyscope._jax import known_array
from lazyscope._outcome import Outcome
from lazyscope._result import AbstractResult
from lazyscope.kernel import time_to_level
from lazyscope.operator._operator import AbstractKernelOperator
from lazyscope.operator.krylov._lanczos import Krylov, Tridiagonal
from lazyscope.operator.solve._conjugate import SolveProgress, Tell

_SERIES_BELOW = 1e-4


@final
@dataclass(frozen=True, repr=False)
class FlowPrediction(AbstractResult):
    """Outputs of a linear model at a finite time, with a bound on their error.

    Attributes:
        outputs: at the training points, with a leading axis of times if several were asked for.
        outputs_other: the same at other points; None where none were given.
        coefficients: c(t) with f_other = f0_other - K(x, X) c(t), shaped like `outputs`.
        error: bound on the norm of the error of `outputs` over points, largest over outputs and times,
            relative to that of the residual at the start.
        error_other: bound on the absolute error of any of `outputs_other`; zero without.
        outcome: converged, or out of steps.
        steps: products with the kernel.
    """

    outputs: Float[np.ndarray, "..."]
    outputs_other: Float[np.ndarray, "..."] | None
    coefficients: Float[np.ndarray, "..."]
    error: float
    error_other: float
    outcome: Outcome
    steps: int


@checked(own=("operator", "y", "t", "f0_train", "f0_other", "x_other"))
def predict_flow_with(
    operator: AbstractKernelOperator,
    y: Float[Any, "n *outputs"],
    t: float | Float[Any, " times"],
    *,
    x_other: Real[Any, "m ..."] | None = None,
    f0_train: Float[Any, "n *outputs"] | float = 0.0,
    f0_other: Float[Any, "m *outputs"] | float = 0.0,
    tolerance: float = 1e-6,
    max_steps: int = 300,
    progress: Tell | None = None,
) -> FlowPrediction:
    """`predict_flow` at finite times with more points than a kernel in memory, by Krylov spaces.

    Conventions are those of `predict_flow`: loss |f - y|^2 / (2 n), f' = -(1/n) K (f - y).

    Args:
        operator: the kernel of the training points.
        y: targets, (n,) or (n, C).
        t: time of at least 0, or several.
        x_other: points at which outputs are wanted as well.
        f0_train: outputs at time 0 at the training points, or one number.
        f0_other: the same at the other points.
        tolerance: bound on the relative error of the outputs at which to stop.
        max_steps: products at most.
        progress: called with a `SolveProgress`, whose residual is the bound so far.

    Returns:
        A `FlowPrediction`.

    Raises:
        InputError: what does not fit or is not finite; an infinite time, which `solve_kernel_regression`
            answers.

    Cost: about sqrt(lambda_max t / n log(1 / tolerance)) products; 8 modes C steps bytes.
    Trust: the bound is exact but for rounding, for positive kernels.
    Source: Saad 1992 (SIAM J. Numer. Anal. 29) for the approximation; the bound is derived above.

    Example:
        >>> from lazyscope.operator import kernel_operator
        >>> one = kernel_operator(lambda a, b: a @ b.T, np.array([[2.0**0.5]]))
        >>> predict_flow_with(one, np.array([1.0]), np.log(2.0)).outputs.round(12).tolist()
        [0.75]
    """
    began = time.monotonic()
    operator = check_instance("operator", operator, AbstractKernelOperator)
    tolerance, max_steps = (
        check_positive("tolerance", tolerance),
        check_count("max_steps", max_steps),
    )
    times, single = _finite_times(t)
    targets = operator.as_vectors("y", y)
    shape = np.shape(y)
    start = operator.as_vectors("f0_train", _spread("f0_train", f0_train, shape))
    shares = times / operator.num_points
    krylov, found, error, outcome = (
        Krylov(operator.product, start - targets),
        [],
        np.inf,
        Outcome.OUT_OF_STEPS,
    )
    for found in krylov.grow(max_steps):
        error = max(one.coupling * abs(one.entry(_phi_1(one, s))) for one in found for s in shares)
        if progress is not None:
            spent = time.monotonic() - began
            progress(SolveProgress("flow", krylov.steps, min(1.0, error), spent))
        if error <= tolerance:
            outcome = Outcome.CONVERGED
            break
    else:
        outcome = Outcome.CONVERGED if error <= tolerance else outcome
    left = _applied(krylov, found, shares, lambda one, s: np.exp(-s * one.values))
    pushed = _applied(krylov, found, shares, _phi_1)
    outputs = (targets + left).reshape(len(times), *shape)
    coefficients = pushed.reshape(len(times), *shape)
    others, error_other = None, 0.0
    if x_other is not None:
        cross = operator.across(x_other)
        moved = np.stack([cross.product(each) for each in pushed])
        moved = moved.reshape(len(times), -1, *shape[1:])
        others = _spread("f0_other", f0_other, moved.shape[1:]) - moved
        drive = max(
            norm * one.coupling * abs(one.entry(_phi_2(one, s)))
            for one, norm in zip(found, krylov.norms, strict=True)
            for s in shares
        )
        largest = max(one.values[-1] + one.errors[-1] for one in found)
        error_other = float(np.sqrt(np.max(cross.diagonal(), initial=0.0) * largest) * drive)
    if single:
        outputs, coefficients = outputs[0], coefficients[0]
        others = None if others is None else others[0]
    return FlowPrediction(
        outputs, others, coefficients, float(error), error_other, outcome, krylov.steps
    )


@final
@dataclass(frozen=True, repr=False)
class FlowLossBounds(AbstractResult):
    """Loss of a linear model over time, from below and above.

    The loss |exp(-K t / n) r|^2 / (2 n) is an integral over the spectrum. The quadrature of Gauss is below it
    and that of Radau with a node at zero above, since derivatives of the exponential alternate in sign (Golub
    & Meurant 2010, chapter 6); after more steps both are closer.

    Attributes:
        num_points: n.
        start: the loss at time 0.
        rates: 2 theta / n of the nodes from below and from above.
        energies: their weights, as shares of the first loss.
        steps: products with the kernel.
    """

    num_points: int
    start: float
    rates: tuple[Float[np.ndarray, " low"], Float[np.ndarray, " high"]]
    energies: tuple[Float[np.ndarray, " low"], Float[np.ndarray, " high"]]
    steps: int

    def loss(self, t: float | Float[Any, " times"]) -> Float[np.ndarray, "two *times"]:
        """Lower and upper bound of the loss at one or many times."""
        times = known_array("t", t).astype(np.float64)
        pairs = zip(self.rates, self.energies, strict=True)
        bounds = [np.exp(-times[..., None] * rates) @ energies for rates, energies in pairs]
        return self.start * np.stack(bounds)

    def time_to(self, fraction: float) -> tuple[float, float]:
        """Bounds of the time at which the loss is down to a fraction of its start; infinite at worst."""
        fraction = check_positive("fraction", fraction)
        if fraction >= 1:
            return 0.0, 0.0
        pairs = zip(self.rates, self.energies, strict=True)
        low, high = (float(time_to_level(rates, energies, fraction)) for rates, energies in pairs)
        return min(low, high), max(low, high)  # which rounding may turn round where they meet


@checked(own=("operator", "residual"))
def flow_loss_bounds(
    operator: AbstractKernelOperator,
    residual: Float[Any, "n *outputs"],
    *,
    steps: int = 40,
    progress: Tell | None = None,
) -> FlowLossBounds:
    """Bounds on the training loss of a linear model at every time, from so many products with its kernel.

    Args:
        operator: the kernel.
        residual: f - y at the start.
        steps: products; the bounds part at times where the loss depends on modes that these do not tell.
        progress: called with a `SolveProgress` after every product.

    Returns:
        `FlowLossBounds`.

    Raises:
        InputError: a residual that does not fit, is not finite, or is zero.

    Cost: `steps` products; 8 modes C steps bytes.

    Example:
        >>> from lazyscope.operator import kernel_operator
        >>> dot = kernel_operator(lambda a, b: a @ b.T, np.diag([1.0, 2.0, 3.0, 4.0]))
        >>> bounds = flow_loss_bounds(dot, np.ones(4), steps=2)
        >>> low, high = bounds.loss(1.0)
        >>> exact = np.exp(-2 * np.array([1.0, 4.0, 9.0, 16.0]) / 4).sum() / 8
        >>> bool(low < exact < high), round(float(low / exact), 2), round(float(high / exact), 2)
        (True, 0.76, 1.13)
    """
    began = time.monotonic()
    operator = check_instance("operator", operator, AbstractKernelOperator)
    steps = check_count("steps", steps)
    start = operator.as_vectors("residual", residual)
    whole = float(np.sum(start**2))
    if not whole > 0:
        raise InputError(
            "a residual must not be zero",
            received="outputs that equal the targets",
            cause="targets in place of the residual's difference, or a network that is trained already",
            fix="give outputs minus targets at the start",
        )
    krylov, found = Krylov(operator.product, start), []
    for tridiagonals in krylov.grow(steps):
        found = tridiagonals
        if progress is not None:
            spent = time.monotonic() - began
            progress(SolveProgress("flow", krylov.steps, 1.0, spent))
    shares = krylov.norms**2 / whole
    rules = [
        [(one.values, share * one.first**2) for one, share in zip(found, shares, strict=True)],
        [_radau(one, share) for one, share in zip(found, shares, strict=True)],
    ]
    n = operator.num_points
    rates, energies = [], []
    for rule in rules:
        nodes = np.maximum(np.concatenate([r for r, _ in rule]), 0.0)
        order = np.argsort(nodes)
        rates.append(2.0 * nodes[order] / n)
        energies.append(np.concatenate([e for _, e in rule])[order])
    return FlowLossBounds(
        n, whole / (2 * n), (rates[0], rates[1]), (energies[0], energies[1]), krylov.steps
    )


def _radau(one: Tridiagonal, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights with a node at zero; those of Gauss where the Krylov space is invariant."""
    from scipy.linalg import eigh_tridiagonal

    floor = np.finfo(np.float64).eps * one.values[-1]
    if not one.coupling or one.values[0] <= floor:
        return one.values, share * one.first**2
    last = one.coupling**2 * float(np.sum(one.last**2 / one.values))
    values, vectors = eigh_tridiagonal(np.append(one.diagonal, last), one.off)
    return values, share * vectors[0] ** 2


def _applied(krylov: Krylov, found: list[Tridiagonal], shares: np.ndarray, function: Any) -> Any:
    """f(K) r for every time, (times, modes, k)."""
    out = np.empty((len(shares), *krylov.shape))
    for place, s in enumerate(shares):
        for column, (one, norm) in enumerate(zip(found, krylov.norms, strict=True)):
            weights = norm * (one.vectors @ (function(one, s) * one.first))
            out[place, :, column] = krylov.assemble(column, weights)
    return out


def _phi_1(one: Tridiagonal, s: float) -> np.ndarray:
    """(1 - exp(-s theta)) / theta, s at theta = 0."""
    z = s * one.values
    safe = np.where(z == 0, 1.0, z)
    return s * np.where(z == 0, 1.0, -np.expm1(-safe) / safe)


def _phi_2(one: Tridiagonal, s: float) -> np.ndarray:
    """(s theta - 1 + exp(-s theta)) / theta^2, s^2 / 2 at theta = 0."""
    z = s * one.values
    near = np.abs(z) < _SERIES_BELOW
    safe = np.where(near, 1.0, z)
    return s * s * np.where(near, 0.5 - z / 6.0, (safe + np.expm1(-safe)) / safe**2)


def _finite_times(t: Any) -> tuple[np.ndarray, bool]:
    given = known_array("t", np.inf if t is None else t, finite=False)
    times = np.atleast_1d(given).astype(np.float64)
    if given.dtype.kind == "b" or given.ndim > 1 or not times.size or not np.all(times >= 0):
        raise InputError(
            "t must be a time of at least 0, or an array of times",
            received=repr(t),
            cause="a difference of times the wrong way round, or a comparison instead of a time",
            fix="give times measured from the start of training",
        )
    if not np.isfinite(times).all():
        raise InputError(
            "t must be finite, since Krylov spaces do not reach infinite times",
            received=repr(t),
            cause="the limit of training, which is a linear system",
            fix="call solve_kernel_regression for the limit, with a small ridge",
        )
    return times, given.ndim == 0


def _spread(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Outputs of this shape from themselves or from one number."""
    read = known_array(name, value)
    given = read.astype(np.float64)
    if read.dtype.kind == "b" or (given.ndim and given.shape != shape):
        raise InputError(
            f"{name} must have shape {shape}",
            received=f"{read.dtype} of shape {given.shape}",
            cause="outputs at other points, or a missing or extra axis of outputs",
            fix="give one row for each point and the trailing axes of y, or one number",
        )
    return np.broadcast_to(given, shape)
