"""Does every layer of a three-layer network have a regime of its own, as Zhou et al. 2022 claim?"""

import tempfile
from collections import Counter
from collections.abc import Iterator

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row, design_of
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import all_of
from lazyscope.claims._verdict_map import (
    MARGIN,
    SHARE,
    error_findings,
    far_cells,
    joined,
    map_rows,
    share_finding,
    sign_findings,
)
from lazyscope.measure import Estimate
from lazyscope.study import ThreeLayerSettings, find_study, judge_study, map_estimates

_FINE = (-0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7)
SETTINGS = {
    "quick": ThreeLayerSettings(
        scale_exponent_1=(-0.5, 0.125, 0.75),
        scale_exponent_2=(-0.5, 0.125, 0.75),
        widths=(48, 136, 384),
        seeds=3,
    ),
    "full": ThreeLayerSettings(
        scale_exponent_1=_FINE, scale_exponent_2=_FINE, widths=(64, 203, 645, 2048)
    ),
}
_CELLS_THAT_DIFFER = 6.0
"""Cells of the full plane where the law puts layers of one network into different regimes."""
_SIGNS = {-1: "lazy", 1: "condensed"}


def check_three_layer(effort: Effort) -> tuple[Finding, ...]:
    """Run the study of the plane and hold every layer's estimates against its own boundary."""
    settings = SETTINGS[effort]
    with tempfile.TemporaryDirectory() as folder:
        runs = judge_study(find_study("three-layer"), settings, folder).runs["runs"]
        return tuple(_rows(settings, runs))


def _rows(settings: ThreeLayerSettings, runs: xr.Dataset) -> Iterator[Finding]:
    first, second = settings.scale_exponent_1, settings.scale_exponent_2
    basis = (
        f"{runs['outcome'].size} runs, scale exponents a_1 {joined(first)} times a_2 "
        f"{joined(second)}, a_3 {settings.scale_exponent_3:g}, equal speeds, widths "
        f"{joined(settings.widths)}, {settings.seeds} seeds, {settings.data}, flow to "
        f"{settings.stop:g} of the initial loss"
    )
    estimates = map_estimates(runs)
    yield from own_regime_findings(estimates, basis=basis)
    yield from sign_findings(estimates, basis=basis)
    for layer in (1, 2, 3):
        yield from error_findings(runs, estimates, layer, basis=basis)


def own_regime_findings(estimates: xr.Dataset, *, basis: str) -> tuple[Finding, Finding]:
    """Whether layers of one network are in different regimes, and in which."""
    whole = far_cells(estimates).all(-1)
    law = np.sign(estimates["predicted"].values)[whole]
    slope = np.sign(estimates["slope"].values)[whole]
    low, high = estimates["low"].values[whole], estimates["high"].values[whole]
    counts = Counter(tuple(int(one) for one in row) for row in slope)
    patterns = "; ".join(
        f"{', '.join(_SIGNS.get(one, 'neither') for one in pattern)}: {count}"
        for pattern, count in sorted(counts.items())
    )
    return (
        _differ_finding(law, low, high, basis),
        share_finding(
            "regime-patterns",
            f"the regimes of all three layers together are the law's in ≥ {SHARE:.0%} of the cells",
            (slope == law).all(-1),
            basis=basis,
            note=f"By the signs of straight-line slopes; layers 1, 2, 3 of cells: {patterns}.",
        ),
    )


def _differ_finding(
    law: Float[np.ndarray, "cells layers"],
    low: Float[np.ndarray, "cells layers"],
    high: Float[np.ndarray, "cells layers"],
    basis: str,
) -> Finding:
    """Whether intervals show a layer that condenses beside a lazy one wherever the law says so."""
    differ = law.min(-1) < law.max(-1)
    law, low, high = law[differ], low[differ], high[differ]
    condensed, lazy = low > 0, high < 0
    wrong = np.any((condensed & (law < 0)) | (lazy & (law > 0)), axis=-1)
    shown = np.any(condensed, axis=-1) & np.any(lazy, axis=-1) & ~wrong
    verdict = all_of(
        "disagrees" if w else "agrees" if s else "undecided"
        for w, s in zip(wrong, shown, strict=True)
    )
    return Finding(
        name="regimes-differ",
        claim="wherever the law puts layers of one network into different regimes, intervals show one "
        "layer that condenses (exponent above 0) beside one that is lazy (below 0): number of cells",
        prediction=float(len(law)),
        measured=Estimate(float(shown.sum())),
        verdict=verdict,
        basis=basis,
        note=f"Of {len(law)} cells farther than {MARGIN:g} from every layer's boundary; in "
        f"{int(wrong.sum())} of them an interval excludes the law's sign. Agrees only if every cell does.",
    )


def _registered() -> Iterator[Row]:
    exponents = ("scale_exponent_1", "scale_exponent_2", "scale_exponent_3")
    design = design_of(SETTINGS["full"], *exponents, "widths", "seeds", "data", "stop", "tolerance")
    words = "every cell where the law puts layers into different regimes shows both; none shows a wrong one"
    yield Row("regimes-differ", _CELLS_THAT_DIFFER, Rule("other", words=words), design)
    yield Row("regime-patterns", 1.0, Rule.at_least(SHARE), design | {"margin": MARGIN})
    yield from map_rows(design, (1, 2, 3))


THREE_LAYER = Claim(
    name="three-layer",
    source="Zhou et al. 2022 (arXiv 2205.12101)",
    statement=(
        "Three-layer ReLU networks: each layer has its own regime, lazy or condensed, with a boundary of "
        "its own in the space of scale exponents. Exponents beside the displacement law."
    ),
    check=check_three_layer,
    rows=tuple(_registered()),
    by_name=True,
)
