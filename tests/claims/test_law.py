"""Rows about the displacement law: what they conclude from estimates that are right, or wrong."""

from dataclasses import replace

import numpy as np
import pytest

from lazyscope.claims.law._law import SETTINGS, TIE, law_findings
from lazyscope.scaling import displacement_exponents, slowest_correction
from lazyscope.study import LayerEstimate


def estimates(error, *, excess=0.0, half_width=0.1, seed=0):
    """Layers of the full settings' schemes with normal errors of this size."""
    settings, found = SETTINGS["full"], []
    rng = np.random.default_rng(seed)
    for depth in settings.depths:
        for scales, speeds in settings.schemes(depth):
            predicted = displacement_exponents(scales, speeds)
            for layer, exponent in enumerate(predicted, 1):
                off, beside = error * rng.standard_normal(), excess * rng.standard_normal()
                found.append(
                    LayerEstimate(
                        scales,
                        speeds,
                        layer,
                        exponent,
                        slowest_correction(scales, speeds),
                        exponent + off,
                        exponent + off - half_width,
                        exponent + off + half_width,
                        exponent + off,
                        exponent + off,
                        beside,
                        beside - half_width,
                        beside + half_width,
                        (1.0, 1.0, 1.0),
                        0,
                    )
                )
    return found


def rows(cells):
    return {row.name: row for row in law_findings(cells, basis="made up")}


def test_small_errors_with_honest_intervals_confirm_every_row_and_refute_the_control():
    found = rows(estimates(0.03, excess=0.03))
    assert all(row.as_expected for row in found.values())
    assert found["control-without-speeds"].verdict == "disagrees"


def test_large_errors_refute_the_exponents_and_small_intervals_the_coverage():
    found = rows(estimates(0.3))
    assert found["exponents"].verdict == "disagrees"
    assert found["intervals"].verdict == "disagrees"
    assert found["law-at-width"].verdict == "agrees"


def test_a_formula_that_leaves_a_power_of_the_width_is_refuted():
    assert rows(estimates(0.03, excess=0.3))["law-at-width"].verdict == "disagrees"


def test_errors_near_ties_do_not_count_away_from_them():
    cells = estimates(0.03)
    spoilt = [replace(c, exponent=c.exponent + 1) if c.correction <= TIE else c for c in cells]
    found = rows(spoilt)
    assert found["exponents"].verdict == "agrees"
    assert found["exponents-near-ties"].verdict == "disagrees"


def test_the_measured_rms_is_the_one_of_the_layers_away_from_ties():
    cells = estimates(0.05)
    away = [c.error for c in cells if c.correction > TIE]
    found = rows(cells)["exponents"]
    assert found.measured.value == pytest.approx(np.sqrt(np.mean(np.square(away))))
    assert found.measured.low < found.measured.value < found.measured.high


def test_without_schemes_away_from_ties_nothing_is_decided():
    cells = [c for c in estimates(0.03) if c.correction <= TIE]
    found = rows(cells)
    assert found["exponents"].verdict == found["intervals"].verdict == "undecided"


def test_ties_are_about_half_of_the_schemes():
    """So that neither kind of row rests on a handful of schemes."""
    settings = SETTINGS["full"]
    away = [
        slowest_correction(*scheme) > TIE
        for depth in settings.depths
        for scheme in settings.schemes(depth)
    ]
    assert len(away) >= 60
    assert 0.3 < np.mean(away) < 0.7
