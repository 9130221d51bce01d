"""What did training do to one network, beside what was forecast?"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lazyscope._checks import InputError, check_choice, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._loss import LOSSES, check_squared, named_loss
from lazyscope._plain import plain
from lazyscope.experiment._forecast import forecast_of, forecast_record, steps_record
from lazyscope.experiment._method import (
    optimizer_name,
    scheme_for,
    trainer_name,
    without_meaning,
)
from lazyscope.experiment._quantities import OF_START
from lazyscope.experiment._record import RunRecord
from lazyscope.experiment._single import SingleRun, check_start
from lazyscope.experiment.run._run import run_settings
from lazyscope.flow import (
    DEFAULT_MAX_STEPS,
    DEFAULT_STOP,
    AbstractMethod,
    ExponentialFlow,
    GradientDescent,
)
from lazyscope.forecast import DescentSteps
from lazyscope.measure import decay_rate

_RECORD = (
    *OF_START,
    "forecast_steps",
    "displacement",
    "total",
    "loss_curve",
    "kernel",
    "linearisation",
    "outputs",
    "test_error",
)
_LAWS = ("displacement_exponents", "layer_regimes", "regime")


@checked(own=("stop",))
def train_run(
    run: SingleRun,
    method: AbstractMethod | None = None,
    *,
    stop: float = DEFAULT_STOP,
    max_steps: int = DEFAULT_MAX_STEPS,
    loss: str = LOSSES[0],
) -> RunRecord:
    """Forecast, train and measure one run.

    A run that diverges, stalls or runs out of steps is a result like any other; numbers that it
    leaves without a value are None.

    Args:
        run: network, scheme and data.
        method: `ExponentialFlow` (default), `GradientDescent` or `OptimiserSteps`, whose rates are
            the scheme's speeds.
        stop: fraction of the initial loss at which training ends.
        max_steps: steps tried at most.
        loss: ``squared`` or ``cross-entropy``, which optimisers and descent of a given step train.

    Returns:
        The run, whose items are ready for JSON: its description, and ``outcome`` with its ``sentence``;
        ``loss`` (``initial``, ``final``); ``steps`` (accepted), ``tried``, ``time`` (flow time);
        ``displacement`` (``operator`` and ``frobenius`` per layer, ``total``; all relative);
        ``kernel_change``; ``linearisation_gap`` (``train``, ``test``, in rms targets); ``decay_rate``:
        ``measured`` over the second half of the fall with ``measured_interval``, ``average`` over all of
        it, the theorem's ``bound`` for that average, and ``kernel``, 2 lambda_min / n; ``test_error`` and
        ``test_loss`` of network and linearised network; ``forecast`` at the same stop; ``curve``;
        ``verdict``; ``criterion``, the loss, and ``optimizer``, None for flow and descent. What rests on
        the squared loss or on the time of gradient flow is None under another loss or optimiser; the
        ``forecast`` of an optimiser takes the same steps with the linearised network, ``steps`` of them.
        Exponents and regimes are those of the optimiser.

    Raises:
        InputError: see `SingleRun.experiment`; a stop outside (0, 1); a kernel that is zero; a loss
            that the method does not train, or targets that it does not take; a scheme whose rates are
            those of another optimiser.

    Cost: a compilation of seconds, and the steps of the method, of an optimiser twice; twice an
    eigendecomposition of n C x n C.

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
    loss = check_choice("loss", loss, LOSSES)
    if loss != LOSSES[0] and isinstance(method, ExponentialFlow):
        check_squared("exponential flow", named_loss(loss))
    run.check()
    optimizer = optimizer_name(method)
    run = replace(run, scheme=scheme_for(run.scheme, method))
    reasons = {name: without_meaning(name, loss, trainer_name(method)) for name in _RECORD}
    record = tuple(name for name, reason in reasons.items() if reason is None)
    began = time.perf_counter()
    settings = run.settings(stop=stop, max_steps=max_steps, loss=loss)
    with own_settings():
        given: dict[str, Any] = {"data": run.data, "scheme": run.scheme, "method": method}
        ended = run_settings(settings, record, use="one", **given)
    check_start(ended.measurements)
    told = {
        **run.record(),
        "criterion": loss,
        "optimizer": optimizer,
        "stop": stop,
        **_training_record(ended),
        **_forecast_record(run, ended, method, reasons),
        **_test_record(run, ended),
        "verdict": ended.verdict,
        "wall_seconds": time.perf_counter() - began,
    }
    if optimizer is not None and optimizer.startswith("optax"):
        told |= dict.fromkeys(_LAWS)
    return ended.telling(plain(told))


def _forecast_record(
    run: SingleRun, ended: RunRecord, method: AbstractMethod, reasons: Mapping[str, str | None]
) -> dict[str, Any]:
    """Rates and forecast, by the closed form or by steps, or the reason why there are none."""
    reason = reasons["forecast"]
    if reason is not None:
        nothing = {"bound": None, "bound_published": None, "bound_reason": reason, "kernel": None}
        ahead: Mapping[str, Any] = {
            "displacement": None,
            "time": None,
            "notes": [],
            "reason": reason,
        }
        if reasons["forecast_steps"] is None:
            ahead = steps_record(run, ended.measurements)
        return {"decay_rate": {**_measured_rate(ended), **nothing}, "forecast": ahead}
    seen = forecast_of(run, ended.measurements)
    ahead = forecast_record(run, ended.measurements)
    rates = ahead.pop("decay_rate")
    if isinstance(method, GradientDescent):
        ahead["notes"] += _step_notes(seen.descent_steps, method)
    stop: Any = ended.settings["stop"]
    return {
        "decay_rate": {**_measured_rate(ended), **rates},
        "forecast": {
            "displacement": seen.displacement,
            "time": seen.time_to(stop),
            **ahead,
            "reason": None,
        },
    }


def _step_notes(steps: DescentSteps, method: GradientDescent) -> list[str]:
    """What a step above the limit of the linearised network means for laziness."""
    share = method.stability_fraction
    step = float(method.step_size) if share is None else share * steps.lazy  # type: ignore[arg-type]
    if step <= steps.lazy:
        return []
    sentence = (
        f"The step {step:.3g} is {step / steps.lazy:.3g} times the largest stable one, 2 n / lambda_max: no "
        "kappa keeps a network lazy there; descent converges, if at all, by a catapult, which brings "
        "lambda_max down."
    )
    return [sentence]


def _training_record(run: RunRecord) -> dict[str, Any]:
    seen = run.measurements
    return {
        "outcome": run.outcome.label,
        "sentence": run.outcome.sentence,
        "loss": {"initial": seen["loss_initial"], "final": seen["loss_final"]},
        "steps": run.num_steps,
        "tried": seen["tried"],
        "time": seen["time"],
        "displacement": {
            "operator": seen["displacement_operator"],
            "frobenius": seen["displacement_frobenius"],
            "total": seen["displacement_total"],
        },
        "kernel_change": seen["kernel_change"],
        "linearisation_gap": {
            "train": seen.get("gap_train"),
            "test": seen.get("gap_test"),
        },
        "curve": {"time": seen["curve_time"], "loss": seen["curve_loss"]},
    }


def _measured_rate(run: RunRecord) -> dict[str, Any]:
    """Rate of decay late in the fall, and over all of it; None and why where there is none."""
    seen = run.measurements
    with np.errstate(all="ignore"):
        average = np.log(seen["loss_initial"] / seen["loss_final"]) / seen["time"]
    try:
        found = decay_rate(seen["curve_time"], seen["curve_loss"])
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


def _test_record(run: SingleRun, ended: RunRecord) -> dict[str, Any]:
    """Errors on test points; classification errors only where targets are classes."""
    targets, seen = run.data.y_train, ended.measurements
    signs = targets.shape[1] == 1 and bool(np.all(np.abs(targets) == 1))
    has_classes = bool(run.data.labels) or signs
    return {
        "test_loss": {
            "network": seen.get("test_loss"),
            "linearised": seen.get("linearised_test_loss"),
        },
        "test_error": {
            "network": seen["test_error"] if has_classes else None,
            "linearised": seen.get("linearised_test_error") if has_classes else None,
        },
    }
