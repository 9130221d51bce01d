"""What does initialization say of more points and outputs than an eigendecomposition takes?"""

from dataclasses import dataclass
from typing import Any, Protocol, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_count, check_fraction, shown
from lazyscope._deprecated import renamed_argument
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope._jax import own_settings
from lazyscope._loss import SquaredLoss, check_squared
from lazyscope._outcome import Outcome
from lazyscope._result import AbstractResult
from lazyscope.forecast._forecast import Posed
from lazyscope.model import group_norms
from lazyscope.operator import (
    FlowLossBounds,
    empirical_kernel_operator,
    extreme_eigenvalues,
    flow_loss_bounds,
    predict_flow_with,
)

_AT_ONCE = 1024


@final
@dataclass(frozen=True, repr=False)
class ForecastByProducts(AbstractResult):
    """`Forecast` from products with K(0): bounds in place of the spectrum.

    Attributes:
        lambda_max: largest eigenvalue of K(0), with its interval.
        losses: bounds of the linearised loss at every time.
        time: when displacements are taken: in the middle of the bounds on the time to the fraction asked for.
        displacement: |s_g J_g^T c(t)| over the norm at the start, Frobenius, of every group.
        displacement_error: of c(t), relative to the first residual.
        outcome: converged, or out of steps before c(t) was known to the tolerance.
        num_points: n.
    """

    lambda_max: Estimate
    losses: FlowLossBounds
    time: float
    displacement: Float[np.ndarray, " groups"]
    displacement_error: float
    outcome: Outcome
    num_points: int

    @property
    def max_stable_step(self) -> float:
        """2 n / lambda_max, of the upper end of its interval where that is known."""
        largest = self.lambda_max.value if self.lambda_max.high is None else self.lambda_max.high
        assert largest is not None
        return 2.0 * self.num_points / largest

    def time_to(self, fraction: float) -> tuple[float, float]:
        """Bounds of the time at which the linearised loss is down to a fraction of its start."""
        return self.losses.time_to(fraction)


class TrainableProblem(Posed, Protocol):
    """A problem whose network alone is known."""

    @property
    def model(self) -> Any:
        """The network, with ``apply(params, x)``."""
        ...


@renamed_argument("at_fraction", "stop")
@checked()
def forecast_by_products(
    problem: TrainableProblem,
    *,
    stop: float,
    steps: int = 60,
    tolerance: float = 1e-3,
) -> ForecastByProducts:
    """`forecast_problem` without the kernel: for n C beyond what an eigendecomposition allows.

    Args:
        problem: as `dense_problem` and `function_problem` make it.
        stop: predict displacements for training that stops at this fraction of the initial loss.
        steps: products with the kernel for the bounds on the loss.
        tolerance: relative error of the outputs at that time at which the last Krylov space is large enough.

    Returns:
        A `ForecastByProducts`.

    Raises:
        InputError: a fraction outside (0, 1), another loss than squares, a loss that no number of `steps`
            products tells to fall to the fraction.

    Cost: about 3 `steps` products, five forward passes each, and 8 n C steps bytes.
    Trust: bounds are those of `flow_loss_bounds`, exact for the linearised network.

    Example:
        >>> from lazyscope.flow import function_problem
        >>> network = lambda p, x: 3.0 * x @ p["w"]
        >>> problem = function_problem(network, {"w": np.ones((1, 1))}, np.ones((1, 1)), [6.0])
        >>> seen = forecast_by_products(problem, stop=0.25)
        >>> round(seen.lambda_max.value, 9), seen.displacement.round(3).tolist()
        (9.0, [0.5])
    """
    fraction, steps = check_fraction("loss fraction", stop), check_count("steps", steps)
    if not all(hasattr(problem, name) for name in ("model", "params", "x", "y", "speeds")):
        raise InputError(
            "problem must have a model, params, x, y and speeds",
            received=shown(problem),
            cause="a network or a tree of parameters in place of the problem",
            fix="make it with dense_problem or function_problem",
        )
    check_squared("a forecast", getattr(problem, "criterion", SquaredLoss()))
    with own_settings():
        params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), problem.params)
        x, y = np.asarray(problem.x, np.float64), np.asarray(problem.y, np.float64)
        outputs = np.asarray(problem.model.apply(params, jnp.asarray(x)))
    speeds = [float(s) for s in problem.speeds]
    moving = tuple(group for group, speed in zip(params, speeds, strict=True) if speed > 0)
    if not moving:
        raise InputError(
            "a forecast needs a tangent kernel that is not zero",
            received=f"speeds {shown(speeds)}",
            cause="all speeds are zero",
            fix="use speeds above zero",
        )

    def around(changes: Any, points: Any) -> Any:
        """The network at the start plus sqrt(speed) times changes, whose kernel has the speeds in it."""
        left = iter(changes)
        moved = tuple(
            jax.tree.map(lambda p, q, s=speed: p + s**0.5 * q, group, next(left))
            if speed > 0
            else group
            for group, speed in zip(params, speeds, strict=True)
        )
        return problem.model.apply(moved, points)

    start = jax.tree.map(np.zeros_like, moving)
    operator = empirical_kernel_operator(around, start, x)
    share = getattr(problem, "start_share", None)
    first = outputs if share is None else float(share) * outputs
    losses = flow_loss_bounds(operator, first - y, steps=steps)
    early, late = losses.time_to(fraction)
    if not np.isfinite(early):
        raise InputError(
            "the linearised loss must fall to the fraction asked for",
            received=f"a loss that stays above {fraction:g} of its start",
            cause="a residual along modes of eigenvalue zero, such as equal points with different targets",
            fix="ask for a larger fraction",
        )
    time = (early + late) / 2 if np.isfinite(late) else early
    flow = predict_flow_with(operator, y, time, f0_train=first, tolerance=tolerance)
    norms = _norms(around, start, x, flow.coefficients)
    relative, moved = np.zeros(len(speeds)), iter(norms)
    sizes = np.asarray(group_norms(params))
    for place, speed in enumerate(speeds):
        if speed > 0 and sizes[place] > 0:
            relative[place] = speed**0.5 * next(moved) / sizes[place]
        elif speed > 0:
            next(moved)
    largest = extreme_eigenvalues(operator, max_steps=steps).largest
    return ForecastByProducts(
        largest, losses, float(time), relative, flow.error, flow.outcome, len(x)
    )


def _norms(apply: Any, params: Any, x: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """Norms of J_g^T cotangent of every group, points taken in blocks."""
    total: Any = None
    with own_settings():
        tree = jax.tree.map(jnp.asarray, params)
        for first in range(0, len(x), _AT_ONCE):
            some = jnp.asarray(x[first : first + _AT_ONCE])
            pulled = jax.vjp(lambda p, s=some: apply(p, s), tree)[1](
                jnp.asarray(cotangent[first : first + _AT_ONCE])
            )[0]
            total = pulled if total is None else jax.tree.map(jnp.add, total, pulled)
        return np.asarray(group_norms(total))
