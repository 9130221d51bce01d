"""Do networks of random schemes that sign descent, Muon or Adam trains move as their law says?"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._seed import new_seed
from lazyscope.claims._verdict_map import SHARE, share_finding
from lazyscope.claims.law._law import rms_finding
from lazyscope.scaling import displacement_exponents
from lazyscope.study import (
    VIRTUAL_TIE,
    LayerEstimate,
    RandomSchemesSettings,
    find_study,
    judge_study,
)

AWAY = {"sign": 0.01, "muon": 0.01, "adam": 0.02}
"""Largest rms of (measured - predicted) exponents away from ties, by optimiser."""
ALL = 0.03
"""The same over all layers, those of ties included."""
COVER = 0.95
"""Least share of the 95 % intervals of all optimisers that contain the law's exponent."""
COUNTS = {"quick": (2,), "full": (16, 14, 10)}
"""Schemes with one, two and three hidden layers, of every optimiser."""
UNITS = 64

Layers = Mapping[str, Sequence[LayerEstimate]]
"""Every layer of every scheme, by optimiser."""


def check_optimiser_law(effort: Effort, seed: int | None = None) -> tuple[Finding, ...]:
    """Train random schemes at virtual widths in small steps, and hold every layer against its law.

    Args:
        effort: ``quick`` takes sign descent alone.
        seed: from which schemes and points are drawn; a new one unless given.
    """
    seed = new_seed() if seed is None else seed
    names = ("sign",) if effort == "quick" else tuple(AWAY)
    found = {}
    for place, name in enumerate(names):
        settings = settings_of(name, effort, seed + place)
        with tempfile.TemporaryDirectory() as folder:
            told = judge_study(find_study("random-schemes"), settings, folder).result["layers"]
        found[name] = [LayerEstimate.from_json(layer) for layer in told]
    rows = tuple(optimiser_findings(found, seed))
    return rows[:1] if effort == "quick" else rows


def settings_of(method: str, effort: Effort, seed: int) -> RandomSchemesSettings:
    """What is run of an optimiser."""
    return RandomSchemesSettings(counts=COUNTS[effort], width=UNITS, method=method, draw_seed=seed)


def optimiser_findings(found: Layers, seed: int) -> Iterator[Finding]:
    """Rows of every optimiser, of the intervals of all, and a control.

    Args:
        found: layers whose runs did not give an exponent count as intervals that miss the law.
        seed: from which schemes were drawn, one more for every optimiser.
    """
    basis = _basis(seed)
    for name, layers in found.items():
        known = [e for e in layers if np.isfinite([e.exponent, e.low, e.high]).all()]
        away = [e for e in known if e.correction > VIRTUAL_TIE]
        lost = len(layers) - len(known)
        words = f"{name}: rms of (exponent − law) ≤ "
        without = f", no constant fitted; {lost} of {len(layers)} layers gave no exponent"
        far = f"{words}{AWAY[name]:g} farther than {VIRTUAL_TIE:g} from a tie{without}"
        near = f"{words}{ALL:g} for all layers, near ties too"
        yield rms_finding(f"{name}-exponents", far, away, AWAY[name], basis=basis)
        yield rms_finding(f"{name}-exponents-all", near, known, ALL, basis=basis)
    every = [e for layers in found.values() for e in layers]
    yield share_finding(
        "optimiser-intervals",
        f"at least {COVER:.0%} of the 95 % intervals of all optimisers contain the law's exponent",
        np.array([e.contained for e in every], bool),
        basis=basis,
        note="Layers of one scheme count as independent.",
        share=COVER,
    )
    descent = [
        displacement_exponents(e.scale_exponents, e.speed_exponents)[e.layer - 1] for e in every
    ]
    control = share_finding(
        "optimiser-control-descent",
        f"control, false: the law of gradient descent; at least {SHARE:.0%} of the intervals contain its "
        "exponent",
        np.array([e.low <= p <= e.high for e, p in zip(every, descent, strict=True)], bool),
        basis=basis,
        note="Negative control.",
    )
    yield Finding(**{**vars(control), "expected": "disagrees"})


def _basis(seed: int) -> str:
    settings = settings_of("sign", "full", seed)
    parts = [f"{count} schemes of depth {depth}" for depth, count in enumerate(COUNTS["full"], 1)]
    return (
        f"{', '.join(parts)} of every optimiser, exponents and points drawn with seeds {seed} to "
        f"{seed + len(AWAY) - 1}; {settings.num_widths} virtual widths each, to 1e30, on networks of {UNITS} "
        f"units, {settings.num_seeds} seeds, four points of the unit sphere in 4 dimensions, ReLU, steps of "
        f"0.02 of the gap, to {settings.stop:g} of the initial loss"
    )


def _registered() -> Iterator[Row]:
    settings = settings_of("sign", "full", 0)
    names = ("counts", "width", "num_widths", "replicates", "data", "num_points", "stop")
    design: dict[str, Any] = {name: getattr(settings, name) for name in names}
    design |= {"share": 0.02, "estimator": "extrapolated", "tie": VIRTUAL_TIE}
    design |= {"draw_seed": "drawn at the first run, one more for every optimiser"}
    layers = sum(count * (depth + 1) for depth, count in enumerate(COUNTS["full"], 1))
    source = "draw 9001, in a pilot: "
    for name, limit in AWAY.items():
        sd, words = _PILOT[name]
        noise = {"model": "size", "exact": 0.0, "sd": sd, "source": source + words}
        own = design | {"method": name}
        far = noise | {"cells": layers // 2, "away": 2 * limit}
        near = noise | {"cells": layers, "away": 2 * ALL}
        yield Row(f"{name}-exponents", 0.0, Rule.at_most(limit), own, noise=far)
        yield Row(f"{name}-exponents-all", 0.0, Rule.at_most(ALL), own, noise=near)
    held = {"model": "share", "cells": layers * len(AWAY), "exact": 0.99, "away": 0.85}
    held |= {"source": source + _COVERED}
    yield Row("optimiser-intervals", 1.0, Rule.at_least(COVER), design, noise=held)
    control = held | {"away": 0.7}
    rule = Rule.at_least(SHARE)
    yield Row("optimiser-control-descent", 1.0, rule, design, "disagrees", noise=control)


_PILOT = {
    "sign": (0.004, "rms of 0.001 to 0.004 over 18 layers"),
    "muon": (0.004, "rms of 0.001 to 0.004 over 18 layers"),
    "adam": (0.006, "rms of 0.0042 to 0.0045 over 24 layers of one and two hidden layers"),
}
_COVERED = (
    "36 of 36 intervals of sign descent and Muon; 8 of 12 of Adam with one hidden layer, whose error was "
    "then widened by what its average of squares lags behind"
)

OPTIMISER_LAW = Claim(
    name="optimiser-law",
    source="derived in docs/theory.md, Other optimisers",
    statement=(
        "Small steps of sign descent, Adam and Muon have the law of gradient descent with their own relative "
        "speeds, s_l D_l / alpha_l, and with growth power one. Schemes and points are drawn when the claim "
        "is first checked; exponents are measured at virtual widths."
    ),
    check=check_optimiser_law,
    check_drawn=check_optimiser_law,
    rows=tuple(_registered()),
    by_name=True,
)
