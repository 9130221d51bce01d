"""Rows about planes at virtual widths: what they conclude from estimates that are known."""

import numpy as np
import pytest

from lazyscope.claims.law._planes import RMS, SETTINGS, plane_findings
from lazyscope.study import TwoLayerSettings

X, Y = np.linspace(0.25, 1.75, 11), np.linspace(-0.5, 1.0, 11)


def result(shift=0.0, half=0.01, contained=20, apart=0.0):
    """The result of a two-layer study whose exponents are `shift` away from a law that is away from zero."""
    law = np.where(np.arange(242) % 2, 0.5, -0.5).reshape(11, 11, 2)
    law += np.linspace(0, 0.1, 242).reshape(law.shape)
    exponent = law + shift
    variables = {
        "predicted": law,
        "exponent": exponent,
        "low": exponent - half,
        "high": exponent + half,
        "sign": np.where(exponent < 0, "negative", "positive"),
        "distance": np.full(law.shape, 1.0),
    }
    dims = ["gamma", "gamma_prime", "layer"]
    coords = {"gamma": X, "gamma_prime": Y, "layer": [1, 2]}
    layers = [{"slope": -0.5 + apart, "narrow_slope": -0.5} for _ in range(2)]
    return {
        "estimates": {
            "attrs": {},
            "coords": {n: {"dims": [n], "values": v, "attrs": {}} for n, v in coords.items()},
            "variables": {
                n: {"dims": dims, "values": v, "attrs": {}} for n, v in variables.items()
            },
        },
        "boundaries": [{"contained": k < contained} for k in range(20)],
        "real": {
            "cells": [{"layers": layers}] * 12,
            "widths": [64, 256],
            "rms_of_limit": 0.3,
            "rms_of_law": 0.2,
        },
    }


def verdicts(**changed):
    rows = plane_findings("two-layer", TwoLayerSettings(), result(**changed))
    return {row.name.removeprefix("two-layer-"): row.verdict for row in rows}


def test_a_plane_that_follows_the_law_agrees_in_every_row():
    assert set(verdicts().values()) == {"agrees"}


@pytest.mark.parametrize(
    ("changed", "rows"),
    [
        ({"shift": 2 * RMS}, {"exponents", "intervals"}),
        ({"contained": 8}, {"boundaries"}),
        ({"apart": 0.3}, {"real"}),
        ({"shift": 1.5, "half": 2.0}, {"exponents", "signs"}),
    ],
)
def test_each_row_can_fail_alone(changed, rows):
    found = verdicts(**changed)
    assert {name for name, verdict in found.items() if verdict == "disagrees"} == rows


def test_a_missing_exponent_leaves_the_size_undecided():
    broken = result()
    broken["estimates"]["variables"]["exponent"]["values"][0, 0, 0] = np.nan
    rows = {r.name: r for r in plane_findings("two-layer", TwoLayerSettings(), broken)}
    assert rows["two-layer-exponents"].verdict == "undecided"


def test_cells_at_real_widths_are_another_draw_than_that_of_the_study():
    for settings in SETTINGS.values():
        assert settings.is_virtual
        assert settings.drawn_cells() != type(settings)(shown_cells=12).drawn_cells()
