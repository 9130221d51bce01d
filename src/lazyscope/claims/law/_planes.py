"""Have all cells of the planes of two and three layers the law's exponents, at virtual widths?"""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row, design_of
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict_map import SHARE, far_cells, share_finding
from lazyscope.measure import RESOLUTION, Estimate, middle_of, resampled_means
from lazyscope.study import (
    ThreeLayerSettings,
    TwoLayerSettings,
    find_study,
    judge_study,
    stored_estimates,
)

DRAW, SHOWN = 20, 12
"""Seed of the cells that are trained at real widths too, and their number."""
SETTINGS: dict[str, TwoLayerSettings | ThreeLayerSettings] = {
    "two-layer": TwoLayerSettings(shown_cells=SHOWN, draw_seed=DRAW),
    "three-layer": ThreeLayerSettings(shown_cells=SHOWN, draw_seed=DRAW),
}
_QUICK: dict[str, TwoLayerSettings | ThreeLayerSettings] = {
    "two-layer": TwoLayerSettings(
        gamma=(0.25, 0.625, 1.0, 1.375, 1.75),
        gamma_prime=(-0.5, 0.25, 1.0),
        shown_cells=2,
        shown_widths=(64, 256),
        draw_seed=DRAW,
    )
}
RMS = 0.02
"""Largest rms of (exponent - law) over all cells and layers, those on boundaries included."""
BOUNDARIES = 0.75
"""Share of the boundaries of a plane, of which there are too few to show a larger one."""
_RULES = {
    "exponents": Rule.at_most(RMS),
    "signs": Rule.at_least(SHARE),
    "intervals": Rule.at_least(SHARE),
    "boundaries": Rule.at_least(BOUNDARIES),
    "real": Rule.at_most(RESOLUTION),
}


def check_planes(effort: Effort) -> tuple[Finding, ...]:
    """Run the studies of both planes; quick effort takes a few cells of that of two layers."""
    found: list[Finding] = []
    for name, settings in (SETTINGS if effort == "full" else _QUICK).items():
        with tempfile.TemporaryDirectory() as folder:
            result = judge_study(find_study(name), settings, folder).result
        found += plane_findings(name, settings, result)
    # two cells at two widths say nothing about the equivalence
    return tuple(row for row in found if effort == "full" or not row.name.endswith("-real"))


def plane_findings(
    name: str, settings: TwoLayerSettings | ThreeLayerSettings, result: Mapping[str, Any]
) -> Iterator[Finding]:
    """Rows of one plane from the result of its study.

    Args:
        name: of the study.
        settings: what was run.
        result: of `judge_study`.
    """
    estimates = stored_estimates(result["estimates"])
    basis = (
        f"`lazyscope study {name}`, {estimates['exponent'][..., 0].size} cells, four virtual widths of each "
        f"up to 1e30 on networks of {settings.width} units, {settings.seeds} seeds, {settings.data}"
    )
    yield _sizes(name, estimates, basis)
    predicted, sign = estimates["predicted"].values, estimates["sign"].values.astype(str)
    law = np.where(predicted < 0, "negative", "positive")
    held = (estimates["low"].values <= predicted) & (predicted <= estimates["high"].values)
    yield share_finding(
        f"{name}-signs",
        f"intervals show the law's sign in ≥ {SHARE:.0%} of cells and layers away from its boundary",
        (sign == law)[far_cells(estimates)],
        basis=basis,
        note="An interval that contains zero, or an exponent that is missing, counts as wrong.",
    )
    yield share_finding(
        f"{name}-intervals",
        f"≥ {SHARE:.0%} of all intervals contain the law's exponent",
        held.ravel(),
        basis=basis,
    )
    if name == "two-layer":
        yield share_finding(
            f"{name}-boundaries",
            f"the intervals of ≥ {BOUNDARIES:.0%} of the boundaries along gamma contain the law's",
            np.array([line["contained"] for line in result["boundaries"]], bool),
            basis=basis,
            share=BOUNDARIES,
        )
    yield _real(name, settings, result["real"])


def _sizes(name: str, estimates: xr.Dataset, basis: str) -> Finding:
    error = (estimates["exponent"] - estimates["predicted"]).values.ravel()
    claim = f"{name} plane: rms of (exponent − law) ≤ {RMS:g} over all cells and layers, no constant fitted"
    if not np.isfinite(error).all():
        note = f"{int((~np.isfinite(error)).sum())} exponents are missing."
        return Finding(f"{name}-exponents", claim, 0.0, None, "undecided", basis, note=note)
    found = _rms(error)
    return Finding(
        f"{name}-exponents",
        claim,
        0.0,
        found,
        found.at_most(RMS),
        basis,
        note=f"Largest error {np.abs(error).max():.3f}. Interval from resampled cells.",
    )


def _real(
    name: str, settings: TwoLayerSettings | ThreeLayerSettings, real: Mapping[str, Any]
) -> Finding:
    """Slopes at real widths beside those of narrow networks that stand for them: the equivalence."""
    layers = [layer for cell in real["cells"] for layer in cell["layers"]]
    apart = np.array([one["slope"] - one["narrow_slope"] for one in layers], float)
    claim = (
        f"{name} plane: slopes at real widths are those of {settings.width} units that stand for them: rms "
        f"of the difference ≤ {RESOLUTION:g}"
    )
    basis = (
        f"{len(real['cells'])} cells drawn with seed {settings.draw_seed}, real widths "
        f"{', '.join(map(str, settings.shown_widths))}, {settings.seeds} seeds, {settings.data}"
    )
    if not np.isfinite(apart).all():
        return Finding(f"{name}-real", claim, 0.0, None, "undecided", basis, note="A run failed.")
    found = _rms(apart)
    return Finding(
        f"{name}-real",
        claim,
        0.0,
        found,
        found.at_most(RESOLUTION),
        basis,
        note=f"Test of the equivalence. From the exponents of the limit these slopes are "
        f"{real['rms_of_limit']:.2f} (rms) away, from the law at each width {real['rms_of_law']:.2f}.",
    )


def _rms(error: Float[np.ndarray, " cells"]) -> Estimate:
    low, high = middle_of(np.sqrt(resampled_means(error**2)))
    return Estimate(float(np.sqrt(np.mean(error**2))), low, high, basis="resampled cells")


def _registered() -> Iterator[Row]:
    source = "the study's default draw, seen before (docs/sweeps.md): "
    sizes = {"model": "size", "exact": 0.0}
    for name, settings in SETTINGS.items():
        axes = {axis: getattr(settings, axis) for axis in settings.axes}
        names = ("width", "num_widths", "seeds", "data", "stop", "tolerance", "shown_cells")
        design = {**axes, **design_of(settings, *names, "shown_widths", "draw_seed")}
        cells, sd, apart = _MET[name]
        layers = settings.depth + 1
        noises: dict[str, dict[str, Any]] = {
            "exponents": {**sizes, "cells": cells, "sd": sd, "away": 2 * RMS},
            "signs": {"model": "share", "cells": cells // 2, "exact": 0.99, "away": 0.7},
            "intervals": {"model": "share", "cells": cells, "exact": 0.99, "away": 0.7},
            "boundaries": {"model": "share", "cells": 20, "exact": 0.99, "away": 0.4},
            "real": {**sizes, "cells": SHOWN * layers, "sd": apart, "away": 2 * RESOLUTION},
        }
        for kind, rule in _RULES.items():
            if kind == "boundaries" and name != "two-layer":
                continue
            noise = {**noises[kind], "source": source + _SAID[name]}
            exact = 0.0 if kind in ("exponents", "real") else 1.0
            yield Row(f"{name}-{kind}", exact, rule, design, noise=noise)


_MET = {"two-layer": (242, 0.0094, 0.08), "three-layer": (108, 0.002, 0.08)}
"""Cells with layers, rms of errors there, and of slopes at real widths against narrow networks'."""
_SAID = {
    "two-layer": "rms 0.0094, 242 of 242 intervals, 20 of 20 boundaries, 0.08 at real widths",
    "three-layer": "rms 0.001, 108 of 108 intervals; 0.08 at real widths is that of two layers",
}

PLANES = Claim(
    name="planes",
    source="derived in docs/theory.md; regimes Luo et al. 2021 (arXiv 2007.07497), Zhou et al. 2022 "
    "(arXiv 2205.12101)",
    statement=(
        "Over the (gamma, gamma') plane of two-layer ReLU networks and a plane of three-layer ones every "
        "layer has the exponent of the displacement law. It is measured at virtual widths; real widths test "
        "that narrow networks stand for them."
    ),
    check=check_planes,
    rows=tuple(_registered()),
)
