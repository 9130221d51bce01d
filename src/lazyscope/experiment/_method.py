"""Which way of training do the settings of a run mean, and what can be kept of runs that it trains?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lazyscope._checks import OPTIMISERS, WITH_EPSILON, InputError
from lazyscope._loss import LOSSES
from lazyscope.experiment._settings import DEFAULT_SHARE, Value
from lazyscope.flow import AbstractMethod, ExponentialFlow, GradientDescent, OptimiserSteps
from lazyscope.scaling import Scheme, growth_power

_OF_SQUARES = (
    "forecast",
    "forecast_kernel",
    "spectrum",
    "rates",
    "linearisation",
    "linearised_curve",
    "outputs",
)
"""What rests on residuals that decay by the kernel alone."""

_OF_FLOW_TIME = ("linearisation", "linearised_curve", "outputs")
"""What compares a run with the linearised network at the same time of gradient flow."""


def run_method(settings: Mapping[str, Value]) -> AbstractMethod:
    """The method that settings mean; its numbers are traced, so that runs which differ in them share."""
    name, told = str(settings["method"]), dict(settings)
    if name in OPTIMISERS:
        step_size: Any = told.get("step_size")
        share: Any = told.get("share")
        epsilon: Any = told.get("epsilon") if name in WITH_EPSILON else None
        decay: Any = told.get("weight_decay")
        if step_size is None:
            share = DEFAULT_SHARE if share is None else share
        return OptimiserSteps(name, step_size, share, epsilon=epsilon, weight_decay=decay)
    if name == "descent":
        return GradientDescent(stability_fraction=settings.get("step") or 0.5)  # type: ignore[arg-type]
    return ExponentialFlow(tolerance=settings["tolerance"])  # type: ignore[arg-type]


def check_training(told: Mapping[str, Any], record: tuple[str, ...]) -> None:
    """Refuse settings of training that contradict each other, and records that they leave no meaning.

    Raises:
        InputError: a step and a share, the step of descent for an optimiser, cross-entropy under a
            method that rests on squares, or a record without a meaning.
    """
    method, loss = told["method"], told.get("loss", LOSSES[0])
    own = {name: told.get(name) for name in ("step_size", "share", "step")}
    given = ", ".join(f"{name} = {value}" for name, value in own.items() if value is not None)
    if method in OPTIMISERS:
        if own["step_size"] is not None and own["share"] is not None:
            raise InputError(
                "an optimiser takes either a step_size or a share",
                received=given,
                cause="a rate and steps as small as asked at the same time",
                fix="leave one of them out",
            )
        if own["step"] is not None and own["step_size"] is None and own["share"] is None:
            raise InputError(
                "step is that of descent, in units of the largest stable one",
                received=f"{given} with method {method}",
                cause="a rate of an optimiser written as a step",
                fix="write step_size for a rate, or share for small steps",
            )
    elif loss != LOSSES[0]:
        raise InputError(
            f"method {method} needs the squared loss",
            received=f"loss {loss}",
            cause="steps that come from the kernel and a residual",
            fix=f"choose an optimiser as the method, one of {', '.join(OPTIMISERS)}",
        )
    trainer = method if method in OPTIMISERS else None
    check_record(record, loss, _with_decay(trainer, told.get("weight_decay")))


def check_record(record: tuple[str, ...], loss: str, optimizer: str | None) -> None:
    """Refuse to record what has no meaning under a loss or an optimiser."""
    for name in record:
        if reason := without_meaning(name, loss, optimizer):
            raise InputError(
                f"the record {name} needs gradient flow or descent on the squared loss",
                received=f"loss {loss}, trained by {optimizer or 'gradient flow or descent'}",
                cause=reason,
                fix=f"leave {name} out of record",
            )


def without_meaning(name: str, loss: str, optimizer: str | None) -> str | None:
    """Why a record has no meaning under a loss and an optimiser; None where it has one."""
    if name in _OF_SQUARES and loss == LOSSES[1]:
        return "residuals decay by the tangent kernel alone under the squared loss only"
    if name in (*_OF_FLOW_TIME, "forecast", "forecast_kernel") and optimizer not in (None, "sgd"):
        return "the linearised network follows gradient flow, whose time optimisers and decays do not keep"
    if name == "forecast_steps" and not takes_steps_ahead(loss, optimizer):
        return "the linearised network is known in closed form"
    return None


def takes_steps_ahead(loss: str, optimizer: str | None) -> bool:
    """Whether a forecast takes the steps of the run, since gradient flow on squares is not what it does."""
    return optimizer is not None and (loss != LOSSES[0] or optimizer != "sgd")


def is_transformation(optimiser: Any) -> bool:
    """Whether an optimiser was given by its own functions instead of a name."""
    return callable(getattr(optimiser, "init", None))


def optimizer_name(method: AbstractMethod) -> str | None:
    """The optimiser of Optax that trains, by its name or names; None for flow, descent and others."""
    if not isinstance(method, OptimiserSteps):
        return None
    given = method.optimiser
    if isinstance(given, str):
        return given
    names = [name for name in given if isinstance(name, str)]
    return ", ".join(names) or "optax.GradientTransformation"


def trainer_name(method: AbstractMethod) -> str | None:
    """Who trains, as far as it decides what has a meaning: descent with a decay does not follow the flow."""
    decay = method.weight_decay if isinstance(method, OptimiserSteps) else None
    return _with_decay(optimizer_name(method), decay)


def _with_decay(optimizer: str | None, decay: Any) -> str | None:
    decays = decay is not None and bool(np.any(np.asarray(decay) > 0))
    return f"{optimizer} with a decay of weights" if optimizer == "sgd" and decays else optimizer


def scheme_for(scheme: Scheme, method: AbstractMethod) -> Scheme:
    """The scheme, which says that its speeds are rates of the optimiser that a run is trained by.

    Raises:
        InputError: a scheme whose rates are those of another optimiser; plain speeds serve any of them, but
            not those of residual branches, whose power of the depth is one optimiser's.
    """
    _check_scheme(scheme, method)
    if not isinstance(method, OptimiserSteps) or is_transformation(method.optimiser):
        return scheme
    return replace(scheme, optimiser=method.optimiser)


def _check_scheme(scheme: Scheme, method: AbstractMethod) -> None:
    held, used = scheme.optimiser, optimizer_name(method)
    wanted = held if isinstance(held, str) else ", ".join(held)
    follows_flow = growth_power(held) == 2 and used in (None, "sgd", "momentum")
    plain = held == "sgd" and scheme.branches is None
    if plain or follows_flow or used == wanted:
        return
    raise InputError(
        f"this scheme holds rates of {wanted}",
        received=f"a run by {used or type(method).__name__}",
        cause="a scheme for one optimiser under another one",
        fix=f"train by OptimiserSteps({held!r}, ...), or make the scheme "
        + ("without an optimiser" if scheme.branches is None else "for the optimiser that trains"),
    )


def method_record(method: AbstractMethod) -> dict[str, Any]:
    """The name and the numbers of a method."""
    numbers = {name: value for name, value in vars(method).items() if value is not None}
    return {"name": type(method).__name__, **{name: _told(v) for name, v in numbers.items()}}


def _told(value: Any) -> Any:
    """A field of a method for people: numbers as they are, what is none by its words."""
    try:
        return value if isinstance(value, str) else np.asarray(value, np.float64).tolist()
    except (TypeError, ValueError):
        return repr(value)
