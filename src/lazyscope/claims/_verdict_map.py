"""Which rows does a phase diagram give: signs, sizes of exponents, and intervals against the law?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import share_estimate
from lazyscope.measure import RESOLUTION, STANDARD_ERRORS, Estimate, middle_of, resampled_means
from lazyscope.study import MARGIN

SHARE = 0.9
"""Part of many cells that has to be as claimed: intervals of 95 % and cells that are not independent."""
_NARROW = 16  # as in the notes of `lazyscope.measure.estimate_exponent`


def map_rows(design: Mapping[str, Any], layers: Sequence[int]) -> Iterator[Row]:
    """What `sign_findings` and `error_findings` claim, from a design of a phase diagram."""
    design = {**design, "margin": MARGIN, "estimator": "exponent"}
    yield Row("slope-signs", 1.0, Rule.at_least(SHARE), design)
    yield Row("decided-signs", 1.0, Rule.at_least(SHARE), design)
    words = (
        "undecided in place of disagrees where the error of local slopes still falls, and where widths span "
        f"less than a factor of {_NARROW}"
    )
    for layer in layers:
        at = {**design, "layer": layer}
        yield Row(f"layer-{layer}-exponents", 0.0, Rule.at_most(RESOLUTION, words=words), at)
        yield Row(f"layer-{layer}-convergence", None, Rule.at_most(1.0), at)


def sign_findings(estimates: xr.Dataset, *, basis: str) -> tuple[Finding, Finding]:
    """Signs over all cells and layers, from straight lines and from the intervals that decide.

    Args:
        estimates: what `lazyscope.study.map_estimates` gives, with a law.
        basis: what was run.
    """
    predicted, far = estimates["predicted"].values, far_cells(estimates)
    slope = estimates["slope"].values
    sign = estimates["sign"].values.astype(str)
    law = np.where(predicted < 0, "negative", "positive")
    straight = far & np.isfinite(slope)
    decided = far & (sign != "undecided")
    where = f"farther than {MARGIN:g} from the layer's predicted boundary"
    undecided = int(far.sum() - decided.sum())
    layers = "; ".join(
        f"layer {layer}: {int((far & ~decided)[..., place].sum())} of {int(far[..., place].sum())}"
        for place, layer in enumerate(estimates["layer"].values)
    )
    return (
        share_finding(
            "slope-signs",
            f"straight-line slopes in the width have the law's sign in ≥ {SHARE:.0%} of cells {where}",
            (np.sign(slope) == np.sign(predicted))[straight],
            basis=basis,
            note="Every cell counts, whatever its error.",
        ),
        share_finding(
            "decided-signs",
            f"extrapolated exponents whose interval excludes zero have the law's sign in ≥ {SHARE:.0%} "
            f"of cells {where}",
            (sign == law)[decided],
            basis=basis,
            note=f"{undecided} of {int(far.sum())} intervals contain zero ({layers}).",
        ),
    )


def error_findings(
    runs: xr.Dataset, estimates: xr.Dataset, layer: int, *, basis: str, bound: float = RESOLUTION
) -> tuple[Finding, Finding]:
    """One layer's exponents against the law, and whether the error falls as the width grows.

    The law is about infinite width. An error above the bound refutes nothing, and is ``undecided``,
    where the error of local slopes still falls significantly at the widths at hand, and where these
    span less than a factor of 16: crossovers beyond them are missed (``docs/estimates.md``).
    """
    place = estimates["layer"].values.tolist().index(layer)
    far = far_cells(estimates)[..., place] & np.isfinite(estimates["exponent"].values[..., place])
    low, high, exponent, predicted = (
        estimates[name].values[..., place][far] for name in ("low", "high", "exponent", "predicted")
    )
    error, own_error = exponent - predicted, (high - low) / (2 * STANDARD_ERRORS)
    local = _local_slopes(runs, estimates, layer)[:, far] - predicted
    rms = _rms_beside_errors(error, own_error)
    ratio = _ratio_of_rms(local[-1], local[0])
    falls = ratio.at_most(1.0)
    verdict = rms.at_most(bound)
    widths = runs["width"].values
    reason = ""
    if verdict == "disagrees" and falls == "agrees":
        reason = " The error still falls with the width, so the law is not refuted."
    elif verdict == "disagrees" and widths[-1] < _NARROW * widths[0]:
        reason = f" Widths that span less than a factor of {_NARROW} refute no exponent."
    held = int(np.sum((low <= predicted) & (predicted <= high)))
    size = Finding(
        name=f"layer-{layer}-exponents",
        claim=f"layer {layer}: rms of (extrapolated exponent − law) ≤ {bound:g}, no constant fitted",
        prediction=0.0,
        measured=rms,
        verdict="undecided" if reason else verdict,
        basis=basis,
        note=f"{_worst(estimates, far, error)} {held} of {len(error)} intervals contain the law's "
        f"exponent (median half-width {np.median(high - low) / 2:.2f}). The interval of the rms is "
        "from resampled cells, its lower end without the exponents' own errors." + reason,
        details={"held": held, "cells": len(error)},
    )
    slopes = ", ".join(f"{value:.2f}" for value in np.sqrt(np.nanmean(local**2, axis=1)))
    trend = Finding(
        name=f"layer-{layer}-convergence",
        claim=f"layer {layer}: local slopes approach the law: rms of (slope − law) at the largest widths "
        "over that at the smallest ≤ 1",
        prediction=None,
        measured=ratio,
        verdict=falls,
        basis=basis,
        note=f"Slopes between neighbouring widths, smallest first, have rms {slopes}. Interval from "
        "resampled cells.",
    )
    return size, trend


def share_finding(
    name: str,
    claim: str,
    holds: Bool[np.ndarray, " cells"],
    *,
    basis: str,
    note: str = "",
    share: float = SHARE,
) -> Finding:
    """A row about the share of cells in which something holds, with its exact binomial interval."""
    if not len(holds):
        return Finding(name, claim, 1.0, None, "undecided", basis, note="No such cell.")
    count, total = int(np.sum(holds)), len(holds)
    found = share_estimate(count, total)
    return Finding(
        name=name,
        claim=claim,
        prediction=1.0,
        measured=found,
        verdict=found.at_least(share),
        basis=basis,
        note=" ".join(part for part in (f"{count} of {total}.", note) if part),
        details={"count": count, "total": total},
    )


def _rms_beside_errors(
    error: Float[np.ndarray, " cells"], own: Float[np.ndarray, " cells"]
) -> Estimate:
    """Rms of errors, by resampled cells; its lower end without the part that is estimation error.

    Estimation errors add to the rms, so the measured one errs on the large side.
    """
    low, _ = middle_of(resampled_means(error**2 - own**2))
    _, high = middle_of(resampled_means(error**2))
    squared = Estimate(float(np.mean(error**2)), max(low, 0.0), high)
    return squared.mapped(np.sqrt)


def _ratio_of_rms(
    above: Float[np.ndarray, " cells"], below: Float[np.ndarray, " cells"]
) -> Estimate:
    """Ratio of two rms over the same cells, with its interval by resampling them together."""
    ratios = np.sqrt(resampled_means(above**2) / resampled_means(below**2))
    low, high = middle_of(ratios)
    ratio = float(np.sqrt(np.mean(above**2) / np.mean(below**2)))
    return Estimate(ratio, low, high)


def _worst(
    estimates: xr.Dataset, cells: Bool[np.ndarray, "x y"], error: Float[np.ndarray, " cells"]
) -> str:
    """The largest error of some cells, and where it is."""
    worst = int(np.argmax(np.abs(error)))
    x, y = (str(name) for name in estimates["exponent"].dims[:2])
    i, j = np.argwhere(cells)[worst]
    where = f"{x} {estimates[x].values[i]:g}, {y} {estimates[y].values[j]:g}"
    return f"Worst of {len(error)} cells: {error[worst]:+.2f} at {where}."


def joined(values: Sequence[float]) -> str:
    """Numbers for a line of text.

    Example:
        >>> joined((300, 965.0, 0.25))
        '300, 965, 0.25'
    """
    return ", ".join(f"{value:g}" for value in values)


def _local_slopes(
    runs: xr.Dataset, estimates: xr.Dataset, layer: int
) -> Float[np.ndarray, "steps x y"]:
    """Slope of the mean log displacement of a layer between neighbouring widths."""
    x, y = (str(name) for name in estimates["exponent"].dims[:2])
    moved = runs["displacement_operator"].sel(layer=layer).transpose("width", x, y, "seed").values
    mean = np.nanmean(np.log(np.where(moved > 0, moved, np.nan)), axis=-1)
    return np.diff(mean, axis=0) / np.diff(np.log(runs["width"].values))[:, None, None]


def far_cells(estimates: xr.Dataset) -> Bool[np.ndarray, "x y layer"]:
    """Cells and layers away from the layer's boundary, where the law predicts a sign."""
    return (estimates["distance"].values > MARGIN) & (estimates["predicted"].values != 0)
