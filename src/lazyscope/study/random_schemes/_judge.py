"""Does the displacement law hold for schemes that nobody chose, as a record?"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lazyscope._estimate import Answer, Estimate
from lazyscope.experiment import run_data
from lazyscope.measure import STANDARD_ERRORS, middle_of, resampled_means
from lazyscope.study._protocol import Runs, stated
from lazyscope.study.random_schemes._estimates import (
    LayerEstimate,
    estimate_layers,
    estimate_virtual_layers,
    measured,
    measured_virtual,
)
from lazyscope.study.random_schemes._settings import RandomSchemesSettings

TITLE = "Does the displacement law hold for schemes that nobody chose?"
TIE = 0.25
"""A scheme whose slowest correction m^-delta has delta up to this counts as near a tie: from width 64
to 4096 such a correction falls by less than a factor of 3."""
RMS = 0.08
"""Largest rms of (measured - predicted) exponents that confirms the law."""
VIRTUAL_TIE, VIRTUAL_RMS = 0.1, 0.005
"""The same at virtual widths, where a correction m^-0.1 has fallen to a thousandth."""
ADAM_RMS = 0.02
"""The same for Adam, whose average of squares remembers more steps than training takes."""
LEAST_SCHEMES = 8
"""Fewer schemes say too little about all of them for a verdict."""
_WORST = 8


def judge_random_schemes(settings: RandomSchemesSettings, runs: Runs) -> dict[str, Any]:
    """What every layer's exponent is beside the law's, and how often its interval contains it.

    Returns:
        ``rms`` of (estimate - law) over all layers, ``rms_by_depth``, ``coverage`` (share of intervals with
        the law's exponent), ``median_half_width``, ``worst`` (layers, the farthest from the law first);
        ``away`` (the same numbers farther than `TIE`, at virtual widths `VIRTUAL_TIE`, from a tie, on which
        the verdict is, its rms with an interval from resampled schemes), ``depths``, ``outcomes``,
        ``layers`` (every `LayerEstimate`), ``verdict``.
    """
    found = _layers(settings, runs)
    tie, limit = (VIRTUAL_TIE, virtual_rms(settings)) if settings.widths is None else (TIE, RMS)
    known = [e for e in found if np.isfinite([e.exponent, e.low, e.high]).all()]
    away = [e for e in known if e.correction > tie]
    depths = {
        depth: [e for e in known if len(e.scale_exponents) == depth + 1]
        for depth in settings.all_depths
    }
    ends = np.concatenate([one["outcome"].values.ravel().astype(str) for one in runs.values()])
    names, counts = np.unique(ends, return_counts=True)
    return {
        "title": TITLE,
        **_numbers(known),
        "rms_by_depth": {str(depth): _numbers(held)["rms"] for depth, held in depths.items()},
        "worst": [_told(e) for e in sorted(known, key=lambda e: -abs(e.error))[:_WORST]],
        "away": {**_numbers(away), "rms_interval": list(rms_of_errors(away).interval), "tie": tie},
        "depths": {str(depth): _numbers(held) for depth, held in depths.items()},
        "outcomes": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "layers": [asdict(e) for e in found],
        "verdict": _verdict(known, away, tie, limit, missing=[e for e in found if e not in known]),
    }


def _layers(settings: RandomSchemesSettings, runs: Runs) -> list[LayerEstimate]:
    """Every layer of every scheme."""
    found: list[LayerEstimate] = []
    assert settings.tolerance is not None
    for depth in settings.all_depths:
        held, schemes = runs[f"depth-{depth}"], settings.schemes(depth)
        if settings.widths is None:
            moved = measured_virtual(held, settings.num_widths, settings.num_seeds)
            for scheme, values in zip(schemes, moved, strict=True):
                widths = settings.virtual_widths(scheme)
                accuracy = settings.accuracy_of(scheme)
                how = {"accuracy": accuracy, "optimiser": settings.optimiser}
                found += estimate_virtual_layers(scheme, widths, values, **how)
            continue
        displacements, losses = measured(held, settings.num_seeds)
        found += estimate_layers(
            schemes,
            np.array(settings.real_widths(depth)),
            displacements,
            losses,
            run_data(settings.problem()),
            tolerance=settings.tolerance,
        )
    return found


def virtual_rms(settings: RandomSchemesSettings) -> float:
    """The largest rms that confirms the law at virtual widths, for the method that trains."""
    return ADAM_RMS if settings.method == "adam" else VIRTUAL_RMS


def rms_of_errors(
    layers: Sequence[LayerEstimate], error: Callable[[LayerEstimate], float] = lambda e: e.error
) -> Estimate:
    """Root mean square of an error over layers, with an interval from resampled schemes.

    Layers of one scheme share their runs, so whole schemes are drawn again, with replacement.
    """
    schemes: dict[object, list[float]] = {}
    for layer in layers:
        schemes.setdefault((layer.scale_exponents, layer.speed_exponents), []).append(error(layer))
    if not schemes:
        return Estimate(None, basis="no layer")
    basis = f"{len(layers)} layers of {len(schemes)} schemes; interval from resampled schemes"
    rms = float(np.sqrt(np.mean([error(layer) ** 2 for layer in layers])))
    if len(schemes) < 2:
        return Estimate(
            rms, basis=f"{len(layers)} layers of one scheme, which says nothing of others"
        )
    squares = np.array([[len(e), np.sum(np.square(e))] for e in schemes.values()])
    total = resampled_means(squares)
    low, high = middle_of(np.sqrt(total[:, 1] / total[:, 0]))
    return Estimate(rms, low, high, basis=basis)


def _verdict(
    known: Sequence[LayerEstimate],
    away: Sequence[LayerEstimate],
    tie: float,
    limit: float,
    *,
    missing: Sequence[LayerEstimate] = (),
) -> dict[str, Any]:
    """The law is held against layers away from a tie, where its exponents can be seen."""
    rms, numbers = rms_of_errors(away), _numbers(away)
    if rms.value is None:
        return stated(
            "undecided", f"No layer is farther than {tie:g} from a tie of the law's terms."
        )
    num_schemes, answer = _num_schemes(away), answer_on(away, tie, limit)
    ends = "" if rms.low is None or rms.high is None else f" [{rms.low:.2g}, {rms.high:.2g}]"
    remarks = [
        f"All {len(known)} layers, near ties too, lie {_numbers(known)['rms']:.2g} from the law."
    ]
    if missing:
        schemes = {(e.scale_exponents, e.speed_exponents) for e in missing}
        remarks.append(
            f"{len(missing)} layers (schemes: {len(schemes)}) have no estimate and count nowhere: too few "
            f"of their runs converged."
        )
    if num_schemes < LEAST_SCHEMES:
        remarks.append(
            f"{num_schemes} schemes away from ties say nothing about schemes; {LEAST_SCHEMES} are the least."
        )
    return stated(
        answer,
        f"In {num_schemes} random schemes the measured exponents of {len(away)} layers differ from the "
        f"law's by {rms.value:.2g}{ends} (root mean square), where at most {limit:g} confirms it. Layers "
        f"within {tie:g} of a tie, where two terms of the law are nearly equal at every width, are not among "
        f"them. "
        f"{numbers['coverage']:.0%} of the 95 % intervals, of median half-width "
        f"{numbers['median_half_width']:.2g}, contain the law's exponent. No constant is fitted.",
        remarks,
    )


def answer_on(layers: Sequence[LayerEstimate], tie: float, limit: float) -> Answer:
    """The answer of the layers farther than `tie` from a tie, of `LEAST_SCHEMES` schemes at least."""
    away = [e for e in layers if e.correction > tie]
    if _num_schemes(away) < LEAST_SCHEMES:
        return "undecided"
    if rms_of_errors(away).at_most(limit) == "agrees":
        return "supported"
    return "contradicted" if np.sqrt(max(_beyond_own_errors(away), 0.0)) > limit else "undecided"


def _num_schemes(layers: Sequence[LayerEstimate]) -> int:
    return len({(e.scale_exponents, e.speed_exponents) for e in layers})


def _beyond_own_errors(layers: Sequence[LayerEstimate]) -> float:
    """Lower end of the mean squared error, without the part that the exponents' own errors make."""
    own = [(e.high - e.low) / (2 * STANDARD_ERRORS) for e in layers]
    return middle_of(resampled_means(np.square([e.error for e in layers]) - np.square(own)))[0]


def _numbers(layers: Sequence[LayerEstimate]) -> dict[str, Any]:
    if not layers:
        return {"num_layers": 0, "rms": None, "coverage": None, "median_half_width": None}
    return {
        "num_layers": len(layers),
        "rms": float(np.sqrt(np.mean([e.error**2 for e in layers]))),
        "coverage": float(np.mean([e.contained for e in layers])),
        "median_half_width": float(np.median([e.high - e.low for e in layers]) / 2),
    }


def _told(layer: LayerEstimate) -> dict[str, Any]:
    names = ("scale_exponents", "speed_exponents", "layer", "predicted", "exponent", "low", "high")
    return {**{name: getattr(layer, name) for name in names}, "error": layer.error}
