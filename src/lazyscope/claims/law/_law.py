"""Do networks of random schemes move as the displacement law says?"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._seed import new_seed
from lazyscope.claims._verdict_map import SHARE, joined, share_finding
from lazyscope.scaling import displacement_exponents
from lazyscope.study import (
    VIRTUAL_RMS,
    VIRTUAL_TIE,
    LayerEstimate,
    RandomSchemesSettings,
    find_study,
    judge_study,
    rms_of_errors,
)

COUNTS = {"quick": (2, 2), "full": (8, 8, 8)}
"""Schemes with one, two and three hidden layers."""
RMS_OF_ALL = 0.02
"""Largest rms of (measured - predicted) exponents over all layers, those of ties included."""


def check_law(effort: Effort, seed: int | None = None) -> tuple[Finding, ...]:
    """Train random schemes at virtual widths and hold every layer against the law.

    Args:
        effort: number of schemes, see `COUNTS`.
        seed: from which schemes and points are drawn; a new one unless given.
    """
    settings = settings_of(effort, new_seed() if seed is None else seed)
    with tempfile.TemporaryDirectory() as folder:
        layers = judge_study(find_study("random-schemes"), settings, folder).result["layers"]
    estimates = [LayerEstimate.from_json(layer) for layer in layers]
    return tuple(law_findings(estimates, basis=_basis(settings)))


def settings_of(effort: Effort, seed: int) -> RandomSchemesSettings:
    """What is run with this seed."""
    return RandomSchemesSettings(counts=COUNTS[effort], draw_seed=seed)


def law_findings(estimates: Sequence[LayerEstimate], *, basis: str) -> Iterator[Finding]:
    """Rows about the law, and a control.

    Args:
        estimates: of every layer, as the study of random schemes stores them; layers whose runs did not
            give an exponent count as intervals that miss the law.
        basis: what was run.
    """
    known = [e for e in estimates if np.isfinite([e.exponent, e.low, e.high]).all()]
    away = [e for e in known if e.correction > VIRTUAL_TIE]
    yield rms_finding(
        "virtual-exponents",
        f"rms of (exponent − law) ≤ {VIRTUAL_RMS:g} farther than {VIRTUAL_TIE:g} from a tie, no constant "
        "fitted",
        away,
        VIRTUAL_RMS,
        basis=basis,
    )
    yield rms_finding(
        "virtual-exponents-all",
        f"the same for all layers, near ties too: rms ≤ {RMS_OF_ALL:g}",
        known,
        RMS_OF_ALL,
        basis=basis,
    )
    yield share_finding(
        "virtual-intervals",
        f"at least {SHARE:.0%} of the 95 % intervals contain the law's exponent, near ties too",
        np.array([e.contained for e in estimates], bool),
        basis=basis,
        note=f"Median half-width {_half_width(known):.4f}. Layers of one scheme count as independent.",
    )
    yield _control(estimates, basis=basis)


def _control(estimates: Sequence[LayerEstimate], *, basis: str) -> Finding:
    """The law with all speeds taken as equal, which has to fail."""
    wrong = [displacement_exponents(e.scale_exponents)[e.layer - 1] for e in estimates]
    holds = [e.low <= p <= e.high for e, p in zip(estimates, wrong, strict=True)]
    found = share_finding(
        "virtual-control-without-speeds",
        f"a law that takes no account of speeds: at least {SHARE:.0%} of the intervals contain its exponent",
        np.array(holds, bool),
        basis=basis,
        note="Negative control.",
    )
    return Finding(**{**vars(found), "expected": "disagrees"})


def rms_finding(
    name: str, claim: str, cells: Sequence[LayerEstimate], ceiling: float, *, basis: str
) -> Finding:
    """A row about the rms of errors, with an interval from resampled schemes."""
    if not cells:
        return Finding(name, claim, 0.0, None, "undecided", basis, note="No such scheme.")
    found = rms_of_errors(cells)
    return Finding(
        name=name,
        claim=claim,
        prediction=0.0,
        measured=found,
        verdict=found.at_most(ceiling),
        basis=basis,
        note=f"{found.basis}. {_worst(cells)}",
        details={"layers": [{**vars(cell), "error": cell.error} for cell in cells]},
    )


def _half_width(cells: Sequence[LayerEstimate]) -> float:
    return float(np.median([cell.high - cell.low for cell in cells]) / 2) if cells else float("nan")


def _worst(cells: Sequence[LayerEstimate]) -> str:
    worst = max(cells, key=lambda cell: abs(cell.error))
    return (
        f"Worst: {worst.error:+.4f} in layer {worst.layer} of {len(worst.scale_exponents)}, scale "
        f"exponents {joined(worst.scale_exponents)}, speeds {joined(worst.speed_exponents)}."
    )


def _basis(settings: RandomSchemesSettings) -> str:
    parts = [
        f"{count} schemes of depth {depth}"
        for depth, count in zip(settings.all_depths, settings.all_counts, strict=True)
    ]
    return (
        f"{', '.join(parts)}, exponents and points drawn with seed {settings.draw_seed}; "
        f"{settings.num_widths} virtual widths each, to 1e30, on networks of {settings.width} units, "
        f"{settings.num_seeds} seeds, four points of the unit sphere in 4 dimensions, ReLU, flow to "
        f"{settings.stop:g} of the initial loss"
    )


def _registered() -> Iterator[Row]:
    settings = settings_of("full", 0)
    names = ("counts", "width", "num_widths", "replicates", "data", "num_points", "stop")
    design = {name: getattr(settings, name) for name in (*names, "tolerance")}
    design |= {
        "estimator": "extrapolated",
        "tie": VIRTUAL_TIE,
        "draw_seed": "drawn at the first run",
    }
    size, all_of_them = Rule.at_most(VIRTUAL_RMS), Rule.at_most(RMS_OF_ALL)
    share = Rule.at_least(SHARE)
    source = "draws 41 to 44 and 71 (docs/where-the-law-is-off.md; 71 on these points in a pilot): "
    layers = sum(count * (depth + 1) for depth, count in enumerate(COUNTS["full"], 1))
    errors = {
        "model": "size",
        "exact": 0.0,
        "source": source + "rms of 0.0001 to 0.0006 away from ties",
    }
    held: Mapping[str, Any] = {
        "model": "share",
        "cells": layers,
        "exact": 0.99,
        "away": 0.7,
        "source": source + "139 of 140 intervals",
    }
    far = {**errors, "cells": layers // 2, "sd": 0.0006, "away": 2 * VIRTUAL_RMS}
    near = "rms of 0.0004 to 0.0039 of all"
    every = {
        **errors,
        "cells": layers,
        "sd": 0.0039,
        "away": 2 * RMS_OF_ALL,
        "source": source + near,
    }
    yield Row("virtual-exponents", 0.0, size, design, noise=far)
    yield Row("virtual-exponents-all", 0.0, all_of_them, design, noise=every)
    yield Row("virtual-intervals", 1.0, share, design, noise=held)
    yield Row("virtual-control-without-speeds", 1.0, share, design, "disagrees", noise=held)


LAW = Claim(
    name="law",
    source="derived in docs/theory.md; for two layers Luo et al. 2021 (arXiv 2007.07497)",
    statement=(
        "The relative displacement of every layer follows m^e_l, with e_l from rho and the relative "
        "speeds alone, for random scales and speeds of networks with one to three hidden layers, drawn "
        "when the claim is first checked. It is measured at virtual widths, where crossovers have decayed."
    ),
    check=check_law,
    check_drawn=check_law,
    rows=tuple(_registered()),
    section="results",
    by_name=True,
)
