"""Which numbers of a phase diagram go into its page, and in how few bytes?

Numbers become single precision, labels one byte with a list of names, both in base64. Everything is
there for every cell, except weights, which are those of one run per cell.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope.report.parts import ABSENT, CONVERGED, category_colors
from lazyscope.study.phase_diagram.page._study import ESTIMATES, LARGEST, MapAxis, MapStudy

_STANDARD_LABELS = {
    "sign": ("negative", "undecided", "positive"),
    "verdict": ("agrees", "undecided", "disagrees"),
}

WEIGHT_TIMES = {
    "initial": "before",
    "early": "when the loss begins to fall",
    "final": "after",
}
"""When weights are kept, by the names of the variables, and how that is said."""

_MOST_RECORDS = 280_000
"""Records of loss curves on one page: about 0.7 MB of it."""
_DROPPED = 11
"""Bits of single precision that a drawn curve does without, of 23."""

_DASHES = {
    "predicted": ("solid", "longdash", "dashdot", "longdashdot"),
    "measured": ("dash", "dashdot"),
    "early": ("dot",),
}
_OF_RUNS = {
    "kernel_change": "relative change of the kernel",
    "steps": "steps",
    "seconds": "seconds of a run",
}


def map_data(study: MapStudy) -> dict[str, Any]:
    """Everything that the script of the page needs, as one JSON object."""
    arrays = _estimate_arrays(study) | _run_arrays(study) | _curve_arrays(study)
    weights = weight_points(study)
    return {
        "axes": [_axis(study.x), _axis(study.y)],
        "layers": study.layers,
        "widths": study.widths,
        "seeds": [int(seed) for seed in study.runs["seed"].values],
        "level": float(study.estimates.attrs.get("level", 0.95)),
        "name": quantity_name(study),
        "largestWidth": study.largest_width,
        "fitWidths": (
            study.estimates["fit_width"].values.tolist()
            if _has_fit(study) and not study.is_virtual
            else []
        ),
        "quantities": _quantities(study),
        "boundaries": drawn_boundaries(study),
        "layerColors": list(category_colors(study.layers).values()),
        "regions": list(study.regions),
        "weightAxes": weights[0] if weights else [],
        "weightTimes": [
            pair for pair in WEIGHT_TIMES.items() if weights and f"weights_{pair[0]}" in weights[1]
        ],
        "assumption": (
            study.estimates["assumption"].values.astype(str).tolist()
            if "assumption" in study.estimates
            else []
        ),
        "arrays": arrays | (weights[1] if weights else {}),
    }


def drawn_boundaries(study: MapStudy) -> list[dict[str, Any]]:
    """Lines of theory and measurement with how they are drawn: a colour for a layer, a dash for the rest."""
    colors = {str(layer): color for layer, color in category_colors(study.layers).items()}
    lines, used = [], set()
    for line in study.boundaries:
        layer = re.search(r"layer (\d+)", str(line["name"]))
        color = colors.get(layer[1], "") if layer else ""
        dashes = _DASHES.get(str(line.get("kind")), _DASHES["predicted"])
        dash = next((d for d in dashes if (color, d) not in used), dashes[-1])
        used.add((color, dash))
        lines.append({**line, "color": color, "dash": dash})
    return lines


def quantity_name(study: MapStudy) -> str:
    """What the estimated quantity is called."""
    if study.quantity == "displacement_operator":
        return "relative displacement (operator norm)"
    if study.quantity == "displacement_frobenius":
        return "relative displacement (Frobenius norm)"
    return study.quantity.replace("_", " ")


def weight_points(study: MapStudy) -> tuple[list[str], dict[str, Any]] | None:
    """Input weights before and after, of the first seed at the largest width, or None.

    A study of the initial stage shows the weights at its end too.

    Inputs with two features (a position and a constant) have an angle and an amplitude, the norm of
    a neuron's input weights times that of its output weights; others show two features.
    """
    if "input_weights_initial" not in study.runs:
        return None
    chosen = study.runs.isel(width=-1, seed=0)
    points = {}
    planar = chosen.sizes["feature"] == 2
    for when in WEIGHT_TIMES:
        if f"input_weights_{when}" not in chosen:
            continue
        weights = chosen[f"input_weights_{when}"].values
        points[f"weights_{when}"] = _rounded_numbers(
            _polar(weights, chosen.get(f"output_weights_{when}")) if planar else weights[..., :2]
        )
    if planar:
        return ["angle of input weights, degrees", "amplitude"], points
    return ["input weight of feature 1", "input weight of feature 2"], points


def packed_numbers(values: Any) -> dict[str, Any]:
    """An array in single precision, little-endian, base64."""
    return _packed("f4", values)


def packed_labels(values: Any, names: Sequence[str]) -> dict[str, Any]:
    """An array of labels as places in `names`, one byte each."""
    place = {name: index for index, name in enumerate(names)}
    array = np.asarray(values).astype(str)
    codes = np.array([place[label] for label in array.ravel()]).reshape(array.shape)
    return {**_packed("u1", codes), "labels": list(names)}


def _packed(kind: str, values: Any) -> dict[str, Any]:
    array = np.asarray(values).astype(f"<{kind}")
    return {"shape": list(array.shape), kind: base64.b64encode(array.tobytes()).decode()}


def _axis(axis: MapAxis) -> dict[str, Any]:
    return {"label": axis.label, "values": axis.values.tolist(), "log": axis.is_log}


def _has_fit(study: MapStudy) -> bool:
    return "fit" in study.estimates and ("fit_width" in study.estimates.coords or study.is_virtual)


def _estimate_arrays(study: MapStudy) -> dict[str, Any]:
    arrays = {
        name: packed_numbers(study.estimates[name].values)
        for name in ("exponent", "low", "high", "predicted", *LARGEST)
        if name in study.estimates
    }
    for name, labels in _STANDARD_LABELS.items():
        if name in study.estimates:
            values = study.estimates[name].values
            further = sorted(set(values.astype(str).ravel()) - set(labels))
            arrays[name] = packed_labels(values, (*labels, *further))
    if _has_fit(study):
        arrays["fit"] = packed_numbers(study.estimates["fit"].values)
    if study.virtual_widths is not None:
        arrays["cell_widths"] = packed_numbers(study.virtual_widths)
        arrays["fit_widths"] = packed_numbers(study.estimates["fit_widths"].values)
    for name in _further(study):
        arrays[name] = packed_numbers(study.estimates[name].values)
    return arrays


def _run_arrays(study: MapStudy) -> dict[str, Any]:
    runs = study.runs
    names = (CONVERGED, *(name for name in study.outcomes if name != CONVERGED))
    outcome = runs["outcome"].values.astype(str)
    values = runs[study.quantity]
    arrays = {
        "outcome": packed_labels(outcome, names),
        "displacement": packed_numbers(values.transpose(*runs["outcome"].dims, "layer").values),
        "at_largest_width": packed_numbers(_geometric_mean(values.isel(width=-1), axis=2)),
        "failed": packed_numbers(_share_failed(outcome)),
    }
    for name in _OF_RUNS:
        if name in runs:
            arrays[name] = packed_numbers(_geometric_mean(runs[name].isel(width=-1), axis=2))
    return arrays


def curve_stride(study: MapStudy) -> int:
    """Every how many records of a loss curve are on the page: 1 unless there are too many of them.

    The first and the last record of a curve always are.
    """
    if "curve_loss" not in study.runs:
        return 1
    loss, time = study.runs["curve_loss"].values, study.runs["curve_time"].values
    held = int((np.isfinite(loss) & np.isfinite(time)).sum())
    return max(1, -(-held // _MOST_RECORDS))


def _curve_arrays(study: MapStudy) -> dict[str, Any]:
    """Loss curves one after the other without their unused slots, and where each begins."""
    if "curve_loss" not in study.runs:
        return {}
    loss, time = study.runs["curve_loss"].values, study.runs["curve_time"].values
    used = np.isfinite(loss) & np.isfinite(time)
    place = np.cumsum(used, axis=-1) - 1
    last = place == used.sum(axis=-1, keepdims=True) - 1
    used &= (place % curve_stride(study) == 0) | last
    begin = np.concatenate([[0], np.cumsum(used.sum(axis=-1).ravel())])
    return {
        "curve_time": _rounded_numbers(time[used]),
        "curve_loss": _rounded_numbers(loss[used]),
        "curve_begin": _packed("i4", begin),
    }


def _rounded_numbers(values: Any) -> dict[str, Any]:
    """An array to one part in 8192, as four planes of bytes, which compress to a byte or two a number."""
    array = np.asarray(values).astype("<f4")
    kept = np.uint32(0xFFFFFFFF << _DROPPED & 0xFFFFFFFF)
    bits = (array.ravel().view("<u4") + np.uint32(1 << (_DROPPED - 1))) & kept
    planes = bits.view("u1").reshape(-1, 4).T
    return {"shape": list(array.shape), "planes": base64.b64encode(planes.tobytes()).decode()}


def _polar(weights: np.ndarray, outputs: Any) -> np.ndarray:
    size = np.linalg.norm(weights, axis=-1)
    if outputs is not None:
        size = size * np.linalg.norm(outputs.values, axis=-1)
    angle = np.degrees(np.arctan2(weights[..., 1], weights[..., 0]))
    return np.stack([angle, size], axis=-1)


def _geometric_mean(values: Any, axis: int) -> np.ndarray:
    """Mean of the logarithms of the positive values along `axis`; NaN where there are none."""
    array = np.asarray(values, dtype=float)
    known = np.isfinite(array) & (array > 0)
    logs = np.where(known, np.log(np.where(known, array, 1.0)), 0.0)
    count = known.sum(axis=axis)
    mean = logs.sum(axis=axis) / np.maximum(count, 1)
    return np.where(count > 0, np.exp(mean), np.nan)


def _share_failed(outcome: np.ndarray) -> np.ndarray:
    made = (outcome != ABSENT).sum(axis=(2, 3))
    failed = ((outcome != ABSENT) & (outcome != CONVERGED)).sum(axis=(2, 3))
    return np.where(made > 0, failed / np.maximum(made, 1), np.nan)


def _further(study: MapStudy) -> list[str]:
    """Numeric variables of the estimates beyond the exponents, over cells or cells and layers."""
    cells = (study.x.name, study.y.name)
    return [
        str(name)
        for name, variable in study.estimates.data_vars.items()
        if name not in ESTIMATES
        and variable.dims in (cells, (*cells, "layer"))
        and variable.dtype.kind in "iuf"
    ]


def _quantities(study: MapStudy) -> list[Mapping[str, Any]]:
    """What the map can be coloured by: key of an array, words, and the kind of colour scale."""
    has, largest = study.estimates.__contains__, study.largest_width
    found: list[Mapping[str, Any]] = [_quantity("exponent", "exponent, measured", "diverging")]
    if has("predicted"):
        found.append(_quantity("predicted", "exponent, predicted", "diverging"))
        found.append(_quantity("difference", "measured minus predicted", "diverging"))
    found.append(_quantity("half_width", "half-width of the interval", "sequential"))
    found.append(_quantity("verdict", "verdict on the prediction", "labels"))
    if has("sign"):
        found.append(_quantity("sign", "sign of the exponent", "labels"))
    for name in _further(study):
        variable = study.estimates[name]
        words = variable.attrs.get("long_name", name.replace("_", " "))
        found.append(_quantity(name, words, "sequential", "layer" in variable.dims))
    found.append(_quantity("at_largest_width", f"displacement at {largest}", "log"))
    found.append(_quantity("failed", "share of failed runs", "sequential", per_layer=False))
    for name, words in _OF_RUNS.items():
        if name in study.runs:
            found.append(_quantity(name, f"{words} at {largest}", "log", per_layer=False))
    shown = study.estimates.attrs.get("shown")
    return sorted(found, key=lambda quantity: quantity["key"] != shown)


def _quantity(key: str, label: str, scale: str, per_layer: bool = True) -> Mapping[str, Any]:
    return {"key": key, "label": label, "scale": scale, "perLayer": per_layer}
