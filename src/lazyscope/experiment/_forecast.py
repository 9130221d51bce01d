"""What does initialization alone say about one run?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_choice, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._loss import LOSSES, check_squared, named_loss
from lazyscope._plain import plain
from lazyscope._result import AbstractReport, AnswerPart
from lazyscope.data import duplicate_groups
from lazyscope.experiment._method import (
    optimizer_name,
    scheme_for,
    takes_steps_ahead,
    trainer_name,
)
from lazyscope.experiment._quantities import OF_STEPS
from lazyscope.experiment._single import SingleRun, check_start
from lazyscope.experiment.run._run import look_ahead
from lazyscope.flow import DEFAULT_MAX_STEPS, DEFAULT_STOP, AbstractMethod
from lazyscope.forecast import Forecast, guaranteed_rate, limit_lambda_min
from lazyscope.measure import NOT_LAZY, laziness
from lazyscope.scaling import growth_power

_FAR_FROM_ONE = 2.0
"""Factor by which inputs are another size than kappa is defined for."""
FRACTIONS = (0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-6)
"""Fractions of the initial loss whose times are told."""


@final
class RunForecast(AbstractReport):
    """What `forecast_run` says, by items and by fields; those of the run that follows have the same names."""

    __slots__ = ()
    _told_first = (
        "verdict",
        "predicted_displacement",
        "predicted_kernel_change",
        "max_stable_step",
    )

    @property
    def displacement(self) -> Mapping[str, Any]:
        """``frobenius`` per layer as predicted, relative, and ``operator_bound``, an upper bound."""
        told = {"frobenius": self["predicted_displacement"]}
        return AnswerPart(told | {"operator_bound": self["predicted_displacement_bound"]})

    @property
    def kernel_change(self) -> float | None:
        """As predicted."""
        return self["predicted_kernel_change"]


@checked(own=("stop",))
def forecast_run(
    run: SingleRun,
    method: AbstractMethod | None = None,
    *,
    stop: float | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    loss: str = LOSSES[0],
) -> RunForecast:
    """Everything that initialization says about a run, ready for JSON. The network is not trained.

    Items are fields too, ``forecast.verdict``. What ``forecast.displacement.frobenius`` and
    ``forecast.kernel_change`` predict has the same names in what `train_run` measures.

    Args:
        run: network, scheme and data.
        method: how it will be trained; gradient flow unless given. `OptimiserSteps` of another optimiser than
            ``sgd`` are taken with the linearised network, until `stop`.
        stop: fraction of the initial loss for ``predicted_displacement_at_stop``; None leaves it out. Under
            an optimiser, where everything is predicted; 1e-4 unless given.
        max_steps: steps of an optimiser at most.
        loss: that an optimiser trains; flow has the squared one.

    Returns:
        The run's record, and ``predicted_displacement`` (Frobenius norm, relative, per layer, when
        training has ended), ``predicted_displacement_bound`` (in operator norm, an upper bound, see
        `bound_of_displacements`; None where the linearised network moves a layer by its own size),
        ``predicted_kernel_change`` (where the linearised network ends), ``lambda_min``,
        ``lambda_max``, ``max_stable_step`` (2 n / lambda_max), ``time_to`` (flow time to a fraction
        of the initial loss, None where it is never reached), ``step_intervals`` (of descent, see
        `lazyscope.forecast.DescentSteps`), ``decay_rate`` with ``kernel`` (2 lambda_min / n) and the
        theorem's ``bound`` (derived: layer by layer) and ``bound_published`` (one lambda_S for all
        layers), ``duplicates``, ``verdict`` (see `forecast_verdict`) and ``notes``. Under an optimiser in
        their place ``steps_to`` (steps of the linearised network to a fraction of the initial loss, None
        where there are more than `max_steps`), ``time_to`` (sums of these steps), ``optimizer``, ``stop``,
        and displacements, kernel change and verdict at `stop`.

    Raises:
        InputError: see `SingleRun.experiment`; a stop outside (0, 1); a kernel that is zero; a loss that the
            method does not train.

    Cost: one eigendecomposition of n C x n C and two kernels, twice that with `stop`. Under an optimiser up
    to three times the steps of the run.

    Trust: exact for the linearised network; a predicted displacement of order one says that the
    prediction itself cannot be trusted. Bound and verdict are calibrated on drawn networks
    (``benchmarks/forecast_calibration.py``).

    Example:
        >>> from lazyscope.data import four_points
        >>> from lazyscope.scaling import Scheme
        >>> run = SingleRun(four_points(), Scheme.from_exponents((0.5, 0.5)), width=4096)
        >>> forecast_run(run)["verdict"]
        'lazy'
    """
    if stop is not None:
        check_fraction("stop fraction", stop)
    check_choice("loss", loss, LOSSES)
    run.check()
    if method is not None and takes_steps_ahead(loss, trainer_name(method)):
        stop = DEFAULT_STOP if stop is None else stop
        settings = run.settings(stop=stop, max_steps=check_count("max_steps", max_steps), loss=loss)
        return RunForecast(plain(_steps_ahead(run, method, settings)))
    check_squared("a forecast without steps of an optimiser", named_loss(loss))
    settings = run.settings(stop=0.0)
    seen = look_ahead(settings, data=run.data, scheme=run.scheme)
    check_start(seen)
    record = {
        **run.record(),
        "initial_loss": seen["loss_initial"],
        "predicted_displacement": seen["forecast_frobenius"],
        **forecast_record(run, seen),
    }
    if stop is not None:
        earlier = look_ahead({**settings, "stop": stop}, data=run.data, scheme=run.scheme)
        record["stop"] = stop
        record["predicted_displacement_at_stop"] = earlier["forecast_frobenius"]
    return RunForecast(plain(record))


def _steps_ahead(
    run: SingleRun, method: AbstractMethod, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The forecast by steps of an optimiser, at the stop and at larger fractions."""
    run = replace(run, scheme=scheme_for(run.scheme, method))
    given: dict[str, Any] = {"data": run.data, "scheme": run.scheme, "method": method}
    stop = float(settings["stop"])
    seen = look_ahead(settings, OF_STEPS, **given)
    check_start(seen)
    earlier = {
        fraction: look_ahead({**settings, "stop": fraction}, OF_STEPS, **given)
        for fraction in FRACTIONS
        if fraction > stop
    }
    told = {**earlier, stop: seen}
    ahead = steps_record(run, seen)
    return {
        **run.record(),
        "optimizer": optimizer_name(method),
        "criterion": settings["loss"],
        "stop": stop,
        "initial_loss": seen["loss_initial"],
        "predicted_displacement": ahead["displacement"],
        "predicted_displacement_bound": ahead["predicted_displacement_bound"],
        "predicted_kernel_change": ahead["predicted_kernel_change"],
        "steps_to": {f"{f:g}": _count(each["forecast_num_steps"]) for f, each in told.items()},
        "time_to": {f"{f:g}": float(each["forecast_time"]) for f, each in told.items()},
        "verdict": ahead["verdict"],
        "notes": ahead["notes"],
    }


def steps_record(run: SingleRun, start: Mapping[str, Any]) -> dict[str, Any]:
    """What the linearised network says that takes the steps of an optimiser; None where they do not end."""
    moved, bent = np.asarray(start["forecast_bound"]), float(start["forecast_kernel_change"])
    steps = _count(start["forecast_num_steps"])
    power = growth_power(run.scheme.optimiser)
    lost = "the linearised network does not come to this loss in as many steps"
    return {
        "displacement": start["forecast_frobenius"],
        "time": float(start["forecast_time"]),
        "steps": steps,
        "predicted_displacement_bound": bound_of_displacements(moved, bent, power),
        "predicted_kernel_change": bent,
        "verdict": None if steps is None else forecast_verdict(moved, bent, power),
        "notes": [
            *_notes_of_points(duplicate_groups(run.data.x_train)),
            *_notes_of_sizes(run.data.x_train),
        ],
        "reason": lost if steps is None else None,
    }


def _count(steps: Any) -> int | None:
    return None if np.isnan(steps) else int(steps)


def forecast_of(run: SingleRun, seen: Mapping[str, Any]) -> Forecast:
    """The forecast that the start of a run holds, without the change of its parameters.

    Raises:
        InputError: a kernel that is zero.
    """
    eigenvalues, moved = seen["eigenvalues"], seen["forecast_frobenius"]
    if not eigenvalues[-1] > 0:
        raise InputError(
            "a forecast needs a tangent kernel that is not zero",
            received=f"a largest eigenvalue of {float(eigenvalues[-1])}",
            cause="all units are dead, or all speeds are zero",
            fix="use another seed, a larger scale, or speeds above zero",
        )
    return Forecast(eigenvalues, seen["energies"], (), moved, 0.0, len(run.data.x_train))


def forecast_record(run: SingleRun, start: Mapping[str, Any]) -> dict[str, Any]:
    """What a forecast says beside displacements: spectrum, times, rates, duplicates, verdict."""
    seen = forecast_of(run, start)
    groups = duplicate_groups(run.data.x_train)
    moved, bent = np.asarray(start["forecast_bound"]), float(start["forecast_kernel_change"])
    return {
        "predicted_displacement_bound": bound_of_displacements(moved, bent),
        "predicted_kernel_change": bent,
        "lambda_min": 0.0 if seen.is_singular else seen.lambda_min,
        "lambda_max": seen.lambda_max,
        "max_stable_step": seen.max_stable_step,
        "step_intervals": seen.descent_steps.as_json(),
        "time_to": {f"{fraction:g}": seen.time_to(fraction) for fraction in FRACTIONS},
        "decay_rate": {
            "kernel": 0.0 if seen.is_singular else seen.rate,
            **theorem_rates(run),
        },
        "duplicates": [list(group) for group in groups],
        "verdict": forecast_verdict(moved, bent),
        "notes": [*_notes(seen, groups), *_notes_of_sizes(run.data.x_train)],
    }


def bound_of_displacements(
    moved: Float[np.ndarray, " layers"], bent: float, power: int = 2
) -> Float[np.ndarray, " layers"]:
    """At most how far layers move that the linearised network moves by `moved`, all relative.

    `bent` is the relative change of the kernel where the linearised network ends.

    A layer moves by J_l^T K^{-1} r. While all layers move by d_l, gradients may shrink by as much as
    prod_l (1 - d_l), and the kernel, which is of second degree in them, by its square: what solves for
    the residual grows by the inverse. Activations that are not homogeneous bend gradients by as much as
    they bend the kernel: d_l ((1 + bent) / prod_l (1 - d_l))^2. Infinite for every layer where one moves
    by its own size.

    With steps that do not know the size of the gradient a layer moves by its rate times the time, and the
    pace of outputs is of first degree in gradients: `power`, the growth power, is then one.

    Trust: an argument of first order, and a calibration: see ``benchmarks/forecast_calibration.py``.

    Example:
        >>> bound_of_displacements(np.array([0.1, 0.5]), 0.0).round(3).tolist()
        [0.494, 2.469]
    """
    return moved * _at_most(moved, bent, power)


def _at_most(moved: Float[np.ndarray, " layers"], bent: float, power: int) -> float:
    """How many times as far as the linearised network a real one moves at most; infinite where unknown."""
    if not ((moved < NOT_LAZY).all() and np.isfinite(bent)):
        return float("inf")
    return float(((1.0 + bent) / np.prod(1.0 - moved)) ** power)


def theorem_rates(run: SingleRun) -> dict[str, Any]:
    """The theorem's decay rates of the loss, and a remark; None where the theorem does not speak.

    ``bound`` is the derived form, with lambda_min of every layer; ``bound_published`` the published one. An
    output scale c multiplies every kernel, hence both, by c^2.
    """
    model, drawn = replace(run, output_scale=1.0).model, run.drawn_scheme
    if duplicate_groups(run.data.x_train):
        return _no_bound(0.0, "inputs that repeat: every lambda_min is zero")
    try:
        smallest = limit_lambda_min(drawn, model, run.data.x_train)
    except InputError as error:
        return _no_bound(None, str(error))
    scale, alpha = float(run.output_scale) ** 2, drawn.alpha(model.width)
    given = alpha, drawn.speed(model.width), smallest, len(run.data.x_train)
    known = {"kappa": float(model.kappa(alpha)), "leverage": model.leverage(alpha)}
    return {
        "bound": scale * guaranteed_rate(*given, **known),
        "bound_published": scale * guaranteed_rate(*given, form="published", **known),
        "bound_reason": None,
    }


def _no_bound(value: float | None, reason: str) -> dict[str, Any]:
    return {"bound": value, "bound_published": value, "bound_reason": reason}


def forecast_verdict(moved: Float[np.ndarray, " layers"], bent: float, power: int = 2) -> str:
    """``lazy``, ``borderline`` or ``not-lazy``, from what the linearised network says.

    Args:
        moved: relative displacements of its layers, Frobenius norm over operator norm of the start.
        bent: relative change of the kernel where it ends; one without a number counts as large.
        power: growth power of the optimiser.

    Returns:
        ``lazy`` if neither `bound_of_displacements` reaches a tenth nor the kernel's change times the factor
        of that bound, since layers that move so much farther change the kernel by as much more, to first
        order; ``not-lazy`` if a layer or the kernel changes by its own size.

    Example:
        >>> forecast_verdict(np.array([0.01, 0.02]), 0.3)
        'borderline'
    """
    factor = _at_most(moved, bent, power)
    if np.isfinite(factor) and laziness(factor * float(max(*moved, bent))) == "lazy":
        return "lazy"
    told = laziness(np.max([*moved, bent]).item())
    return "borderline" if told == "lazy" else told


def _notes_of_points(groups: tuple[tuple[int, ...], ...]) -> list[str]:
    """A sentence on inputs that repeat."""
    if not groups:
        return []
    repeated = sum(len(group) - 1 for group in groups)
    sentence = (
        f"{repeated} training inputs repeat another one (points {_listed(groups)}), so "
        "lambda_min = 0: no training can tell these inputs apart. The loss reaches zero only if "
        "their targets agree; otherwise the part of the residual in which they differ stays."
    )
    return [sentence]


def _notes_of_sizes(x: Float[np.ndarray, "n d"]) -> list[str]:
    """A sentence on inputs of which kappa does not speak."""
    size = float(np.sqrt(np.mean(np.sum(x**2, axis=1))))
    if 1 / _FAR_FROM_ONE < size < _FAR_FROM_ONE:
        return []
    sentence = (
        f"Inputs have norm {size:.3g} (root mean square): kappa and alpha are those of norm one, so "
        "they do not say how large this network starts. Bring every input to norm one."
    )
    return [sentence]


def _notes(seen: Forecast, groups: tuple[tuple[int, ...], ...]) -> list[str]:
    """Sentences on what is singular about the kernel."""
    if groups:
        return _notes_of_points(groups)
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
