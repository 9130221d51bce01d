"""Do the runs of a kappa study agree with the law, and how sure is that?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope.measure import estimate_exponent, fit_power_law
from lazyscope.scaling import displacement_exponents, layer_regimes, network_regime
from lazyscope.study._shapes import shape

PREDICTED_SLOPE = -1.0
LAZY_FORECAST = 0.25
"""Runs whose forecast displacement is below this are in the range where the law is to hold."""

MIN_KAPPAS = 3
LEVEL = 0.95
SHARED_ACCURACY = 0.01


def judge(runs: list[dict[str, Any]], shapes: Sequence[str], depth: int) -> dict[str, Any]:
    """Fits, collapse, schemes and verdict of a kappa study, from its run records.

    The law says: largest relative displacement ~ 1/kappa once training is lazy. Which runs are to
    obey it is decided by the forecast from initialization, before any outcome is seen.

    Args:
        runs: run records.
        shapes: names of the shapes.
        depth: hidden layers.
    """
    fits = [_fit(name, [r for r in runs if r["shape"] == name]) for name in shapes]
    collapse = _collapse(runs)
    return {
        "fits": fits,
        "collapse": collapse,
        "schemes": [_scheme_record(name, depth) for name in shapes],
        "verdict": _verdict(runs, fits, collapse),
    }


def _fit(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Slope over the lazy range with cluster-robust interval, and its limit at large kappa."""
    kappas = sorted({r["kappa"] for r in runs})
    lazy = [
        k
        for k in kappas
        if np.median([r["largest_forecast"] for r in runs if r["kappa"] == k]) < LAZY_FORECAST
    ]
    inside = [r for r in runs if r["kappa"] in lazy]
    usable = [r for r in inside if r["largest_displacement"] is not None]
    record: dict[str, Any] = {
        "shape": name,
        "level": LEVEL,
        "predicted": PREDICTED_SLOPE,
        "num_runs": len(usable),
        "num_failed": len(inside) - len(usable),
        "kappa_range": [min(lazy), max(lazy)] if lazy else None,
        "slope": None,
        "interval": None,
        "limit": None,
        "limit_interval": None,
        "verdict": "undecided",
        "note": "",
    }
    if len(lazy) < MIN_KAPPAS:
        record["note"] = (
            f"only {len(lazy)} values of kappa have a forecast displacement below {LAZY_FORECAST}; "
            f"{MIN_KAPPAS} are needed: add larger kappas"
        )
        return record
    try:
        line = fit_power_law(
            np.array([r["kappa"] for r in usable]),
            np.array([r["largest_displacement"] for r in usable]),
            groups=[f"{r['width']}/{r['seed']}" for r in usable],
            intercepts="per-group",
            level=LEVEL,
        )
        limit = estimate_exponent(
            2.0 * np.array(lazy), _table(inside, lazy), level=LEVEL, accuracy=SHARED_ACCURACY
        )
    except InputError as refusal:
        record["note"] = str(refusal)
        return record
    return record | {
        "slope": line.slope,
        "interval": list(line.interval),
        "limit": limit.exponent,
        "limit_interval": list(limit.interval),
        "constant": line.constant,
        "verdict": limit.agrees_with(PREDICTED_SLOPE),
        "note": " ".join(part for part in (line.note, limit.note) if part),
    }


def _table(runs: list[dict[str, Any]], kappas: list[float]) -> np.ndarray:
    """Largest displacements, one row per kappa, one column per (width, seed); NaN where failed.

    Every column is divided by its mean over kappa, so that widths differ in constant only.
    """
    columns = sorted({(r["width"], r["seed"]) for r in runs})
    table = np.full((len(kappas), len(columns)), np.nan)
    for r in runs:
        value = r["largest_displacement"]
        place = kappas.index(r["kappa"]), columns.index((r["width"], r["seed"]))
        table[place] = np.nan if value is None else value
    return table / np.exp(np.nanmean(np.log(table), axis=0, keepdims=True))


def _collapse(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Spread over widths at one shape and kappa: largest over smallest geometric mean, minus one."""
    records = []
    for name, kappa in sorted({(r["shape"], r["kappa"]) for r in runs}):
        here = [r for r in runs if (r["shape"], r["kappa"]) == (name, kappa)]
        means = []
        for width in sorted({r["width"] for r in here}):
            values = [r["largest_displacement"] for r in here if r["width"] == width]
            known = [v for v in values if v is not None]
            if known:
                means.append(float(np.exp(np.mean(np.log(known)))))
        spread = max(means) / min(means) - 1.0 if len(means) > 1 else None
        records.append({"shape": name, "kappa": kappa, "width_spread": spread})
    return records


def _scheme_record(name: str, depth: int) -> dict[str, Any]:
    """The shape's exponents and regimes where kappa grows like sqrt(m), as in NTK scaling."""
    spread = shape(name)
    scheme = spread.growing(0.5, depth)
    exponents = displacement_exponents(scheme.scale_exponents, scheme.speed_exponents)
    return {
        "shape": name,
        "description": spread.description,
        "alpha": _formula(name, depth),
        "scale_exponents": [float(a) for a in scheme.scale_exponents],
        "displacement_exponents": [float(e) for e in exponents],
        "layer_regimes": list(layer_regimes(scheme.scale_exponents, scheme.speed_exponents)),
        "regime": str(network_regime(scheme.scale_exponents, scheme.speed_exponents)),
        "source": "exponents for kappa = sqrt(m)",
    }


def _formula(name: str, depth: int) -> str:
    powers, factors = shape(name).powers(depth), shape(name).factors(depth)
    parts = []
    for power, factor in zip(powers, factors, strict=True):
        text = "1" if factor == 1.0 else f"{factor:.2f}"
        parts.append(
            text if power == 0 else f"m^{power:g}" if factor == 1.0 else f"{text} m^{power:g}"
        )
    return f"c ({', '.join(parts)}), product kappa"


def _verdict(
    runs: list[dict[str, Any]], fits: list[dict[str, Any]], collapse: list[dict[str, Any]]
) -> dict[str, Any]:
    agreeing = [f for f in fits if f["verdict"] == "agrees"]
    refuting = [f for f in fits if f["verdict"] == "disagrees"]
    failed = sum(r["outcome"] != "converged" for r in runs)
    slopes = [f["slope"] for f in fits if f["slope"] is not None]
    lazy = {(f["shape"], k) for f in fits if f["kappa_range"] for k in _kappas_inside(f, runs)}
    spreads = [
        c["width_spread"]
        for c in collapse
        if c["width_spread"] is not None and (c["shape"], c["kappa"]) in lazy
    ]
    supported = bool(fits) and len(agreeing) == len(fits)
    opening = "Supported" if supported else "Contradicted" if refuting else "Undecided"
    measured = f"slopes {min(slopes):.2f} to {max(slopes):.2f}" if slopes else "no slope"
    spread = f"at most {max(spreads):.0%} between widths" if spreads else "unknown between widths"
    named = ", ".join(f["shape"] for f in refuting) or "none"
    sentence = (
        f"{opening}: where training is forecast to be lazy, the largest displacement falls with kappa "
        f"with {measured} against the predicted -1; {len(agreeing)} of {len(fits)} shapes agree at "
        f"{LEVEL:.0%} (disagreeing: {named}), displacements at one kappa and shape differ by {spread}, "
        f"and {failed} of {len(runs)} runs did not reach the asked loss."
    )
    return {
        "sentence": sentence,
        "supported": supported,
        "num_agreeing": len(agreeing),
        "num_disagreeing": len(refuting),
        "num_shapes": len(fits),
        "num_failed": failed,
        "largest_width_spread": max(spreads) if spreads else None,
    }


def _kappas_inside(fit: dict[str, Any], runs: list[dict[str, Any]]) -> set[float]:
    low, high = fit["kappa_range"]
    return {r["kappa"] for r in runs if low <= r["kappa"] <= high}
