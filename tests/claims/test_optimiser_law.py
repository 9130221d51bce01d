"""Rows about the law of other optimisers: what they conclude from estimates that are right, or wrong."""

from math import nan

import numpy as np

from lazyscope.claims.law.optimisers._optimiser_law import (
    AWAY,
    OPTIMISER_LAW,
    optimiser_findings,
    settings_of,
)
from lazyscope.scaling import displacement_exponents, slowest_correction
from lazyscope.study import LayerEstimate


def estimates(method, error, half_width=0.02):
    """Layers of the schemes of a full run of an optimiser, with normal errors of this size."""
    settings, found = settings_of(method, "full", 0), []
    rng = np.random.default_rng(0)
    for depth in settings.all_depths:
        for scheme in settings.schemes(depth):
            law = displacement_exponents(*scheme, optimiser=method)
            correction = slowest_correction(*scheme, optimiser=method)
            for layer, exponent in enumerate(law, 1):
                seen = exponent + error * rng.standard_normal()
                ends = seen - half_width, seen + half_width
                numbers = (layer, exponent, correction, seen, *ends, seen, seen, nan, nan, nan)
                found.append(LayerEstimate(*scheme, *numbers, ratio=(), failed=0))
    return found


def rows(error, **wrong):
    found = {name: estimates(name, wrong.get(name, error)) for name in AWAY}
    return {row.name: row for row in optimiser_findings(found, 7)}


def test_small_errors_confirm_every_row_and_the_law_of_descent_is_refuted():
    found = rows(0.002)
    assert [row.name for row in OPTIMISER_LAW.rows] == list(found)
    assert all(row.as_expected for row in found.values())
    assert found["optimiser-control-descent"].verdict == "disagrees"


def test_one_optimiser_with_large_errors_is_named_by_its_rows():
    found = rows(0.002, muon=0.05)
    disagreeing = {name for name, row in found.items() if row.verdict == "disagrees"}
    assert disagreeing >= {"muon-exponents", "muon-exponents-all", "optimiser-control-descent"}
    assert not {"sign-exponents", "adam-exponents"} & disagreeing


def test_a_layer_without_an_exponent_counts_against_the_intervals():
    found = {name: estimates(name, 0.002) for name in AWAY}
    lost = [
        LayerEstimate(**{**vars(e), "exponent": nan, "low": nan, "high": nan})
        for e in found["sign"][:30]
    ]
    row = {r.name: r for r in optimiser_findings({**found, "sign": lost + found["sign"][30:]}, 7)}
    assert row["optimiser-intervals"].verdict != "agrees"
    assert "30 of" in row["sign-exponents"].claim
