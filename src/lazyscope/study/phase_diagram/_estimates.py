"""Which power of the width does every cell of a phase diagram follow, and is it the law's?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.measure import ExponentEstimate, ExponentMap, LargestWidth, estimate_exponents
from lazyscope.study._protocol import answer_of, stated
from lazyscope.study._sweep_exponents import (
    ACCURACY_OF_TOLERANCE,
    LEAST_ACCURACY,
    accuracy_of_steps,
)
from lazyscope.study.phase_diagram._law import PlaneLaw, zero_lines
from lazyscope.study.phase_diagram._verdict import sign_check, verdict

MARGIN = 0.1
"""Cells nearer than this to a predicted boundary say nothing about the sign of the law."""
_FIT_POINTS = 24
_CONVERGED, _ABSENT = "converged", "missing"


@checked()
def map_estimates(
    runs: xr.Dataset,
    *,
    quantity: str = "displacement_operator",
    level: float = 0.95,
    title: str = "",
) -> xr.Dataset:
    """Exponents in the width over a plane of runs, with the displacement law beside them.

    Args:
        runs: what `lazyscope.sweep.open_store` gives: dims (x, y, width, seed) and the layer. Runs
            that did not converge count as failed and widen the interval of their cell; runs that
            are not in the store are left out.
        quantity: a positive variable of `runs` with a layer, ``displacement_operator`` unless
            another one is asked for. The law is about that one; beside others there is no
            prediction.
        level: nominal coverage of the intervals.
        title: of the page.

    Returns:
        The estimates that ``docs/report.md`` describes: over (x, y, layer) ``exponent``, ``low``,
        ``high``, ``sign``, ``predicted``, ``verdict``, ``fit``, ``slope`` (a straight line through
        all runs), ``last_slope`` (between the two largest widths), ``distance`` from the nearest
        predicted boundary in units of the axes, ``failed`` runs, and what the estimate rests on:
        ``straight_p``, ``assumption`` in a sentence, ``largest_measured``, ``largest_low`` and
        ``largest_high`` (where the other widths expect the largest). Attributes: ``level``, ``title``,
        ``quantity`` and as JSON ``boundaries``, ``regions``, ``verdict`` and ``sign_check``.

    Raises:
        InputError: other axes than x, y, width and seed, no such quantity, or too few widths.

    Cost: two milliseconds per cell and layer, and about a second for the law's lines.

    Trust: intervals as ``docs/estimates.md`` says. The relative error of the solver, shared by all
    seeds of a width, is taken as a tenth of its tolerance.
    """
    x, y = _plane(runs, quantity)
    runs = runs.transpose(x, y, "width", "seed", ...)
    settings = _settings(runs)
    values = np.moveaxis(runs[quantity].transpose(..., "layer").values, -1, 2)
    outcome = runs["outcome"].values.astype(str)
    ended = np.broadcast_to((outcome == _CONVERGED)[:, :, None], values.shape)
    values = np.where(ended & (values > 0) & np.isfinite(values), values, np.nan)
    shape = values.shape[:3]
    found = _estimate(runs["width"].values, values, outcome, level, _accuracy(settings))
    law = _law(runs, settings, x, y) if quantity == "displacement_operator" else None
    estimates = xr.Dataset(
        _variables((x, y, "layer"), shape, found, runs["width"].values, values),
        {name: runs[name] for name in (x, y, "layer")}
        | {"fit_width": _fit_widths(runs["width"].values)},
        {"level": level, "title": title, "quantity": quantity},
    )
    return with_law(estimates, law, (x, y))


def _plane(runs: xr.Dataset, quantity: str) -> tuple[str, str]:
    """Names of the two axes of the map."""
    for name in ("outcome", quantity):
        if name not in runs or (name == quantity and "layer" not in runs[name].dims):
            raise InputError(
                f"runs of a map must have the variable {name}"
                + (" with a layer" if name == quantity else ""),
                received=f"the variables {', '.join(map(str, runs.data_vars))}",
                cause="a sweep that did not record it",
                fix="add 'displacement' to the sweep's record and run it again",
            )
    others = [str(dim) for dim in runs["outcome"].dims if dim not in ("width", "seed")]
    if len(others) != 2 or runs["outcome"].ndim != 4:
        raise InputError(
            "a map needs runs over exactly two axes, widths and seeds",
            received=f"the axes {', '.join(map(str, runs['outcome'].dims))}",
            cause="a sweep over more or fewer axes",
            fix=_fewer(runs, others),
        )
    return others[0], others[1]


def _fewer(runs: xr.Dataset, others: Sequence[str]) -> str:
    """How runs over other axes become runs over two; a shell has words of its own."""
    if len(others) <= 2:
        return "make a sweep over two axes, widths and seeds"
    named = ", ".join(f"{axis}={runs[axis].values[0]}" for axis in others[2:])
    return f"select one value of each further axis, for instance with .sel({named})"


def _settings(runs: xr.Dataset) -> dict[str, Any]:
    """Settings that all runs share, axes of which one value was selected included."""
    shared = json.loads(runs.attrs.get("settings", "{}"))
    chosen = {str(name): c.values.item() for name, c in runs.coords.items() if c.ndim == 0}
    return {**shared, **{k: v for k, v in chosen.items() if k not in ("layer", "width", "seed")}}


def _accuracy(settings: Mapping[str, Any]) -> float:
    if settings.get("method", "flow") != "flow":
        return accuracy_of_steps(settings)
    tolerance = settings.get("tolerance")
    if tolerance is None:
        return LEAST_ACCURACY
    return max(LEAST_ACCURACY, ACCURACY_OF_TOLERANCE * float(tolerance))


def _estimate(
    widths: np.ndarray,
    values: Float[np.ndarray, "x y layer width seed"],
    outcome: np.ndarray,
    level: float,
    accuracy: float,
) -> ExponentMap:
    """One estimate per cell and layer; a run that is not in the store is not a failed one."""
    cells = values.reshape(-1, *values.shape[3:])
    absent = np.repeat((outcome == _ABSENT).reshape(-1, *outcome.shape[2:]), values.shape[2], 0)
    found = estimate_exponents(widths, cells, level=level, accuracy=accuracy)
    begun = np.isnan(cells).any((-1, -2)) & ~(np.isnan(cells) & ~absent).any((-1, -2))
    if not begun.any():
        return found
    other = estimate_exponents(widths, cells, level=level, accuracy=accuracy, missing="absent")
    return replace(
        found,
        low=np.where(begun, other.low, found.low),
        high=np.where(begun, other.high, found.high),
        failed=np.where(absent, 0, np.isnan(cells)).sum(-1),
    )


def _law(runs: xr.Dataset, settings: Mapping[str, Any], x: str, y: str) -> PlaneLaw | None:
    """The law over the plane, or None where the settings describe no scheme with exponents."""
    try:
        return PlaneLaw(settings, (x, runs[x].values), (y, runs[y].values))
    except InputError:
        return None


def _variables(
    dims: tuple[str, str, str],
    shape: tuple[int, ...],
    found: ExponentMap,
    widths: np.ndarray,
    values: np.ndarray,
) -> dict[str, Any]:
    fit_widths = _fit_widths(widths)
    fits = np.full((len(found), _FIT_POINTS), np.nan)
    for index in np.flatnonzero(found.usable):
        fits[index] = found.cell(int(index)).models[0].curve(fit_widths)
    mean = found.log_mean.reshape(*shape, -1)
    last = (mean[..., -1] - mean[..., -2]) / np.log(widths[-1] / widths[-2])
    slope = {"long_name": "straight-line slope over all widths"}
    last_slope = {"long_name": "slope between the two largest widths"}
    return {
        "exponent": (dims, found.exponent.reshape(shape)),
        "low": (dims, found.low.reshape(shape)),
        "high": (dims, found.high.reshape(shape)),
        "sign": (dims, found.sign_verdicts().reshape(shape)),
        "fit": ((*dims, "fit_width"), fits.reshape(*shape, -1)),
        "slope": (dims, _slopes(widths, values), slope),
        "last_slope": (dims, last, last_slope),
        "failed": (dims, found.failed.sum(-1).reshape(shape), {"long_name": "failed runs"}),
        **evidence(dims, shape, [found.cell(k) for k in range(len(found))]),
    }


def evidence(
    dims: tuple[str, str, str], shape: tuple[int, ...], cells: Sequence[ExponentEstimate]
) -> dict[str, Any]:
    """What the estimate of every cell and layer rests on, as variables of a map."""
    told = np.array([one.assumption for one in cells])
    straight = np.array([one.straight_p for one in cells])
    words = {"long_name": "probability of such means if nothing bends"}
    return {
        "straight_p": (dims, straight.reshape(shape), words),
        "assumption": (dims, told.reshape(shape)),
        **largest_variables(dims, shape, [one.largest for one in cells]),
    }


def largest_variables(
    dims: tuple[str, str, str], shape: tuple[int, ...], found: Sequence[LargestWidth | None]
) -> dict[str, Any]:
    """What the largest width shows and where the others expect it; NaN where they are too few."""
    nothing = (np.nan,) * 3
    rows = [nothing if one is None else (one.measured, *one.expected) for one in found]
    columns = np.array(rows).T.reshape(3, *shape)
    names = ("largest_measured", "largest_low", "largest_high")
    return {name: (dims, column) for name, column in zip(names, columns, strict=True)}


def _fit_widths(widths: np.ndarray) -> np.ndarray:
    return np.geomspace(widths[0], widths[-1], _FIT_POINTS)


def _slopes(widths: np.ndarray, values: Float[np.ndarray, "*n width seed"]) -> np.ndarray:
    """Least-squares slope of log value in log width over all runs that have one."""
    known = np.isfinite(values)
    count = np.maximum(known.sum((-1, -2)), 1)[..., None, None]
    log_width = np.broadcast_to(np.log(widths)[:, None], values.shape)
    log_value = np.log(np.where(known, values, 1.0))
    centred = np.where(
        known, log_width - np.where(known, log_width, 0).sum((-1, -2), keepdims=True) / count, 0
    )
    square = (centred**2).sum((-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(square > 0, (centred * log_value).sum((-1, -2)) / square, np.nan)


def with_law(estimates: xr.Dataset, law: PlaneLaw | None, plane: tuple[str, str]) -> xr.Dataset:
    dims = (*plane, "layer")
    x, y = (estimates[name].values for name in plane)
    exponents = np.moveaxis(estimates["exponent"].values, -1, 0)
    lines = [
        _line(f"measured, layer {layer}", "measured", line)
        for layer, exponent in zip(estimates["layer"].values, exponents, strict=True)
        for line in zero_lines(x, y, exponent)
    ]
    if law is None:
        undecided = np.full(estimates["exponent"].shape, "undecided")
        attrs = {"boundaries": json.dumps(lines)}
        return estimates.assign(verdict=(dims, undecided)).assign_attrs(attrs)
    lines += [
        _line(f"law, layer {layer}", "predicted", line)
        for layer, found in zip(estimates["layer"].values, law.boundaries(), strict=True)
        for line in found
    ]
    words = {"long_name": "distance from the nearest predicted boundary"}
    estimates = estimates.assign(
        predicted=(dims, law.exponents), distance=(dims, law.distances(), words)
    )
    estimates = estimates.assign(verdict=(dims, verdict(estimates)))
    check = sign_check(estimates, margin=MARGIN)
    told = stated(answer_of(check["supported"]), check["sentence"])
    return estimates.assign_attrs(
        boundaries=json.dumps(lines),
        regions=json.dumps(law.regions()),
        sign_check=json.dumps(check),
        verdict=json.dumps(told),
    )


def _line(name: str, kind: str, line: np.ndarray) -> dict[str, Any]:
    return {"name": name, "kind": kind, "x": line[:, 0].tolist(), "y": line[:, 1].tolist()}
