"""What does initialization alone say about one run?"""

from typing import Any

import numpy as np

from lazyscope._checks import InputError, check_fraction
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._plain import plain
from lazyscope.data import duplicate_groups
from lazyscope.experiment._single import SingleRun
from lazyscope.flow import Problem
from lazyscope.forecast import Forecast, forecast, guaranteed_rate, limit_lambda_min
from lazyscope.measure import operator_norm

FRACTIONS = (0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-6)
"""Fractions of the initial loss whose times are told."""

LAZY, NOT_LAZY = 0.1, 1.0
"""Relative displacements below and above which a run is called lazy and not lazy: conventions."""


@checked(own=("stop",))
def forecast_run(run: SingleRun, *, stop: float | None = None) -> dict[str, Any]:
    """Everything that initialization says about a run, ready for JSON. Nothing is trained.

    Args:
        run: network, scheme and data.
        stop: fraction of the initial loss for ``predicted_displacement_at_stop``; None leaves it out.

    Returns:
        The run's record, and ``predicted_displacement`` (Frobenius norm, relative, per layer, when
        training has ended), ``predicted_displacement_bound`` (the same in operator norm, an upper
        bound), ``lambda_min``, ``lambda_max``, ``max_stable_step`` (2 n / lambda_max),
        ``time_to`` (flow time to a fraction of the initial loss, None where it is never reached),
        ``decay_rate`` with ``kernel`` (2 lambda_min / n) and ``bound`` (the theorem's),
        ``duplicates``, ``verdict`` (``lazy``, ``borderline``, ``not-lazy``) and ``notes``.

    Raises:
        InputError: see `SingleRun.experiment`; a stop outside (0, 1); a kernel that is zero.

    Cost: one eigendecomposition of n C x n C, two with `stop`.

    Trust: exact for the linearised network; a predicted displacement of order one says that the
    prediction itself cannot be trusted.

    Example:
        >>> from lazyscope.data import four_points
        >>> from lazyscope.scaling import Scheme
        >>> run = SingleRun(four_points(), Scheme.from_exponents((0.5, 0.5)), width=4096)
        >>> forecast_run(run)["verdict"]
        'lazy'
    """
    if stop is not None:
        check_fraction("stop fraction", stop)
    with own_settings():
        problem = run.experiment().problem
        seen = look_ahead(problem, 0.0)
        record = {
            **run.record(),
            "initial_loss": problem.loss(problem.residual(problem.params)),
            "predicted_displacement": seen.displacement,
            **forecast_record(run, problem, seen),
        }
        if stop is not None:
            record["stop"] = stop
            record["predicted_displacement_at_stop"] = look_ahead(problem, stop).displacement
    return plain(record)


def look_ahead(problem: Problem, at_fraction: float) -> Forecast:
    """The forecast of a problem, with displacements at a fraction of the initial loss."""
    return forecast(
        problem.kernel,
        problem.params,
        problem.x,
        problem.y,
        speeds=problem.speeds,
        at_fraction=at_fraction,
    )


def forecast_record(run: SingleRun, problem: Problem, seen: Forecast) -> dict[str, Any]:
    """What a forecast says beside displacements: spectrum, times, rates, duplicates, verdict."""
    bound, reason = theorem_rate(run)
    groups = duplicate_groups(run.data.x_train)
    largest = operator_bound(problem, seen)
    return {
        "predicted_displacement_bound": largest,
        "lambda_min": 0.0 if seen.is_singular else seen.lambda_min,
        "lambda_max": seen.lambda_max,
        "max_stable_step": seen.max_stable_step,
        "time_to": {f"{fraction:g}": seen.time_to(fraction) for fraction in FRACTIONS},
        "decay_rate": {
            "kernel": 0.0 if seen.is_singular else seen.rate,
            "bound": bound,
            "bound_reason": reason,
        },
        "duplicates": [list(group) for group in groups],
        "verdict": _verdict(float(np.max(largest))),
        "notes": _notes(seen, groups),
    }


def theorem_rate(run: SingleRun) -> tuple[float | None, str | None]:
    """The theorem's decay rate of the loss, and a remark; None where the theorem does not speak.

    An output scale c multiplies every kernel, hence the rate, by c^2.
    """
    model = run.model
    if duplicate_groups(run.data.x_train):
        return 0.0, "inputs that repeat: every lambda_min is zero"
    try:
        smallest = limit_lambda_min(run.scheme, model, run.data.x_train)
    except InputError as error:
        return None, str(error)
    alpha, speed = run.scheme.alpha(model.width), run.scheme.speed(model.width)
    rate = guaranteed_rate(alpha, speed, smallest, len(run.data.x_train))
    return rate * float(run.output_scale) ** 2, None


def operator_bound(problem: Problem, seen: Forecast) -> np.ndarray:
    """Upper bound of the predicted relative displacement in operator norm, |dW| <= |dW|_F."""
    weights = [layer.weight for layer in problem.params]
    start = np.array([float(operator_norm(weight)) for weight in weights])
    frobenius = np.array([float(np.linalg.norm(np.asarray(weight))) for weight in weights])
    return np.asarray(seen.displacement) * frobenius / start


def _verdict(largest: float) -> str:
    if largest < LAZY:
        return "lazy"
    return "borderline" if largest < NOT_LAZY else "not-lazy"


def _notes(seen: Forecast, groups: tuple[tuple[int, ...], ...]) -> list[str]:
    """Sentences on what is singular about the kernel."""
    if groups:
        repeated = sum(len(group) - 1 for group in groups)
        sentence = (
            f"{repeated} training inputs repeat another one (points {_listed(groups)}), so "
            "lambda_min = 0: no training can tell these inputs apart. The loss reaches zero only if "
            "their targets agree; otherwise the part of the residual in which they differ stays."
        )
        return [sentence]
    if seen.is_singular:
        sentence = (
            "lambda_min = 0 to rounding although all inputs differ: the network cannot fit every "
            "target as it is (too few parameters, dead units, or inputs that its activation cannot "
            "tell apart)."
        )
        return [sentence]
    return []


def _listed(groups: tuple[tuple[int, ...], ...]) -> str:
    shown = "; ".join(" and ".join(map(str, group)) for group in groups[:5])
    return f"{shown}; and {len(groups) - 5} more groups" if len(groups) > 5 else shown
