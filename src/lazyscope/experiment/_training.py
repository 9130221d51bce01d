"""What did training do to one network, beside what was forecast?"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._plain import plain
from lazyscope.experiment._experiment import Experiment, Observation, observe_compiled
from lazyscope.experiment._forecast import LAZY, NOT_LAZY, forecast_record, look_ahead
from lazyscope.experiment._single import SingleRun
from lazyscope.flow import AbstractMethod, ExponentialFlow, FlowResult
from lazyscope.measure import decay_rate, mean_squared_error

DEFAULT_STOP = 1e-4
DEFAULT_MAX_STEPS = 20_000


@checked(own=("stop",))
def train_run(
    run: SingleRun,
    method: AbstractMethod | None = None,
    *,
    stop: float = DEFAULT_STOP,
    max_steps: int = DEFAULT_MAX_STEPS,
) -> dict[str, Any]:
    """Forecast, train and measure one run, ready for JSON.

    A run that diverges, stalls or runs out of steps is a result like any other; numbers that it
    leaves without a value are None.

    Args:
        run: network, scheme and data.
        method: `ExponentialFlow` (default) or `GradientDescent`.
        stop: fraction of the initial loss at which training ends.
        max_steps: steps tried at most.

    Returns:
        The run's record, and ``outcome`` with its ``sentence``; ``loss`` (``initial``, ``final``);
        ``steps`` (accepted), ``tried``, ``time`` (flow time); ``displacement`` (``operator`` and
        ``frobenius`` per layer, ``total``; all relative); ``kernel_change``;
        ``linearisation_gap`` (``train``, ``test``, in rms targets); ``decay_rate``: ``measured``
        over the second half of the fall with ``measured_interval``, ``average`` over all of it, the
        theorem's ``bound`` for that average, and ``kernel``, 2 lambda_min / n; ``test_error`` and
        ``test_loss`` of network and linearised network; ``forecast`` at the same stop; ``curve``;
        ``verdict``.

    Raises:
        InputError: see `SingleRun.experiment`; a stop outside (0, 1); a kernel that is zero.

    Cost: a compilation of seconds, and the steps of the method; twice an eigendecomposition of
    n C x n C.

    Example:
        >>> from lazyscope.data import four_points
        >>> from lazyscope.scaling import named_scheme
        >>> run = SingleRun(four_points(), named_scheme("lecun", depth=1, input_dim=2), width=64)
        >>> train_run(run, stop=0.1)["outcome"]
        'converged'
    """
    check_fraction("stop fraction", stop)
    max_steps = check_count("max_steps", max_steps)
    method = ExponentialFlow() if method is None else method
    began = time.perf_counter()
    with own_settings():
        experiment = run.experiment()
        problem = experiment.problem
        seen = look_ahead(problem, stop)
        ahead = forecast_record(run, problem, seen)
        observed = observe_compiled(
            experiment, method, stop_fraction=jnp.asarray(stop), max_steps=max_steps
        )
        observed = jax.block_until_ready(observed)
        rates = ahead.pop("decay_rate")
        record = {
            **run.record(),
            "stop": stop,
            **_training_record(observed),
            "decay_rate": {**_measured_rate(observed.result), **rates},
            **_test_record(run, experiment, observed),
            "forecast": {
                "displacement": seen.displacement,
                "time": seen.time_to(stop),
                **ahead,
            },
            "verdict": _verdict(observed),
            "wall_seconds": time.perf_counter() - began,
        }
    return plain(record)


def _training_record(observed: Observation) -> dict[str, Any]:
    result = observed.result
    times, losses = result.curve()
    moved = observed.displacement
    return {
        "outcome": result.outcome.label,
        "sentence": result.outcome.sentence,
        "loss": {"initial": result.initial_loss, "final": result.loss},
        "steps": result.num_steps,
        "tried": result.num_tried,
        "time": result.time,
        "displacement": {
            "operator": moved.operator,
            "frobenius": moved.frobenius,
            "total": moved.total,
        },
        "kernel_change": observed.kernel_change,
        "linearisation_gap": {"train": observed.gap_train, "test": observed.gap_test},
        "curve": {"time": times, "loss": losses},
    }


def _measured_rate(result: FlowResult) -> dict[str, Any]:
    """Rate of decay late in the fall, and over all of it; None and why where there is none."""
    average = jnp.log(result.initial_loss / result.loss) / result.time
    try:
        found = decay_rate(*result.curve())
    except InputError as error:
        return {
            "measured": None,
            "measured_interval": None,
            "measured_reason": str(error),
            "average": average,
        }
    return {
        "measured": found.rate,
        "measured_interval": list(found.interval),
        "measured_reason": None,
        "average": average,
    }


def _test_record(run: SingleRun, experiment: Experiment, observed: Observation) -> dict[str, Any]:
    """Errors on test points; classification errors only where targets are classes."""
    signs = experiment.y_train.shape[1] == 1 and bool(jnp.all(jnp.abs(experiment.y_train) == 1))
    has_classes = bool(run.data.labels) or signs
    network, linear = observed.test_outputs, observed.linearised_test_outputs
    loss = jax.jit(mean_squared_error)  # compiled, where a run that diverged leaves NaN
    return {
        "test_loss": {
            "network": loss(network, experiment.y_test),
            "linearised": loss(linear, experiment.y_test),
        },
        "test_error": {
            "network": observed.error if has_classes else None,
            "linearised": observed.linearised_error if has_classes else None,
        },
    }


def _verdict(observed: Observation) -> str | None:
    """``lazy`` if neither a layer nor the kernel changed by a tenth; None if the run did not converge."""
    if not observed.result.outcome.ok:
        return None
    largest = max(
        float(np.max(np.asarray(observed.displacement.operator))), float(observed.kernel_change)
    )
    if largest < LAZY:
        return "lazy"
    return "borderline" if largest < NOT_LAZY else "not-lazy"
