"""Which power of the width does every layer of every cell of a sweep follow?"""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._checks import OPTIMISERS, InputError
from lazyscope._entry import checked
from lazyscope._plain import plain
from lazyscope.experiment import DEFAULT_SHARE, DEFAULT_TOLERANCE, run_scheme
from lazyscope.measure import estimate_exponents
from lazyscope.scaling import displacement_exponents

_RUN_DIMS = ("width", "seed", "layer")
LEAST_ACCURACY = 1e-3
ACCURACY_OF_TOLERANCE = 0.1
"""Relative error of displacements over the solver's tolerance, as far as it differs between widths.

At tolerance 0.2 displacements are up to 7 % off, much alike at all widths: slopes in the width from
300 to 10000 are off by 0.004 (rms over 32), 0.012 at most, as an error of 0.01 to 0.03 at every
width would make them.
"""


@checked()
def sweep_exponents(
    runs: xr.Dataset, *, quantity: str = "displacement_operator", level: float = 0.95
) -> list[dict[str, Any]]:
    """Exponents in the width of a quantity of every layer, one record per cell and layer.

    Args:
        runs: what `lazyscope.sweep.open_store` gives, over width, seed and any further axes.
        quantity: a positive variable of `runs` with a layer.
        level: nominal coverage of the intervals.

    Returns:
        Records ready for JSON: the cell's place on the further axes, ``layer``, ``exponent`` with
        ``low`` and ``high`` (None where nothing could be estimated), ``sign``, ``predicted`` by the
        displacement law (``displacement_operator`` only), ``verdict`` on the prediction, ``runs``
        and ``failed``, and a ``note``.

    Raises:
        InputError: no such quantity, no widths, or too few runs for any estimate.

    Cost: two milliseconds per cell and layer.

    Trust: as `lazyscope.measure.estimate_exponents`; a tenth of the solver's tolerance is taken as
    the error that all seeds of a width share.
    """
    _check(runs, quantity)
    axes = [str(dim) for dim in runs["outcome"].dims if dim not in _RUN_DIMS]
    if "seed" not in runs["outcome"].dims:
        runs = runs.expand_dims("seed")
    settings = json.loads(runs.attrs.get("settings", "{}"))
    outcome = runs["outcome"].transpose(*axes, "width", "seed").values.astype(str)
    values = runs[quantity].transpose(*axes, "layer", "width", "seed").values
    ended = (outcome == "converged")[..., None, :, :]
    values = np.where(ended & (values > 0) & np.isfinite(values), values, np.nan)
    num_layers = values.shape[-3]
    try:
        found = estimate_exponents(
            runs["width"].values,
            values.reshape(-1, *values.shape[-2:]),
            level=level,
            accuracy=_accuracy(settings),
            missing="absent" if np.isin(outcome, ("converged", "missing")).all() else "failed",
        )
    except InputError as error:
        raise _with_outcomes(error, outcome) from error
    records = []
    for number, place in enumerate(_places(runs, axes)):
        predicted = _predicted({**settings, **place}) if quantity == _LAW_ABOUT else ()
        for layer in range(num_layers):
            estimate = found.cell(number * num_layers + layer)
            said = predicted[layer] if layer < len(predicted) else None
            records.append(
                {
                    **place,
                    "layer": int(runs["layer"].values[layer]),
                    "exponent": estimate.exponent,
                    "low": estimate.interval[0],
                    "high": estimate.interval[1],
                    "sign": estimate.sign_verdict(),
                    "predicted": said,
                    "verdict": None if said is None else estimate.agrees_with(said),
                    "runs": sum(estimate.runs),
                    "failed": sum(estimate.failed),
                    "note": estimate.note,
                    **estimate.evidence(),
                }
            )
    return plain(records)


_LAW_ABOUT = "displacement_operator"


def _with_outcomes(error: InputError, outcome: np.ndarray) -> InputError:
    """The refusal of too few values, with how runs ended where that is why."""
    lost = {str(name): int(np.sum(outcome == name)) for name in np.unique(outcome)}
    lost.pop("converged", None)
    if not lost:
        return error
    told = ", ".join(f"{count} {name}" for name, count in lost.items())
    return InputError(
        error.rule,
        received=f"{error.received}; of {outcome.size} runs {told}",
        cause="runs that did not come to the loss that was asked for, which have no displacement there",
        fix="ask for a loss that they reach (a larger stop), for more max_steps, or for data whose points "
        "are less alike: columns of one size, say",
    )


def _check(runs: xr.Dataset, quantity: str) -> None:
    if quantity not in runs or "layer" not in runs[quantity].dims:
        layered = [str(name) for name in runs.data_vars if "layer" in runs[name].dims]
        raise InputError(
            "an exponent is estimated for a recorded quantity that every layer has",
            received=f"{quantity!r} in a store with {', '.join(layered) or 'no such quantity'}",
            cause="a sweep that did not record it, or another spelling",
            fix=f"choose {layered[0]!r}" if layered else "add 'displacement' to the sweep's record",
        )
    if "width" not in runs["outcome"].dims:
        raise InputError(
            "an exponent in the width needs runs at several widths",
            received=f"the axes {', '.join(map(str, runs['outcome'].dims)) or '(none)'}",
            cause="a sweep at a single width",
            fix="add an axis such as width = [64, 256, 1024, 4096]",
        )


def _places(runs: xr.Dataset, axes: list[str]) -> Iterator[dict[str, Any]]:
    """The settings of every cell, the last axis fastest; points have all their columns."""
    columns = {
        axis: [str(name) for name, c in runs.coords.items() if c.dims == (axis,)] for axis in axes
    }
    for index in product(*(range(runs.sizes[axis]) for axis in axes)):
        yield {
            name: runs[name].values[i].item()
            for axis, i in zip(axes, index, strict=True)
            for name in columns[axis]
        }


def _predicted(settings: Mapping[str, Any]) -> tuple[float, ...]:
    """Exponents of the displacement law; none where the settings describe no scheme."""
    told = {name: _as_setting(value) for name, value in settings.items() if value is not None}
    try:
        scheme = run_scheme(told)
        a, rates = scheme.scale_exponents, scheme.speed_exponents
        return displacement_exponents(a, rates, optimiser=scheme.optimiser)
    except InputError:
        return ()


def _as_setting(value: Any) -> Any:
    """Lists as the sweep has them; on an axis they are written as JSON."""
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    return tuple(value) if isinstance(value, list) else value


def _accuracy(settings: Mapping[str, Any]) -> float:
    if settings.get("method", "flow") != "flow":
        return accuracy_of_steps(settings)
    tolerance = float(settings.get("tolerance") or DEFAULT_TOLERANCE)
    return max(LEAST_ACCURACY, ACCURACY_OF_TOLERANCE * tolerance)


def accuracy_of_steps(settings: Mapping[str, Any]) -> float:
    """Relative error of displacements by descent, or an optimiser: steps in a share are as small as that."""
    if settings["method"] in OPTIMISERS and settings.get("step_size") is None:
        return max(LEAST_ACCURACY, float(settings.get("share") or DEFAULT_SHARE))
    return LEAST_ACCURACY
