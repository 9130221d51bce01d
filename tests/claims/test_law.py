"""Rows about the displacement law: what they conclude from estimates that are right, or wrong."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from lazyscope.claims import check_claim, select_claims
from lazyscope.claims._catalogue import CLAIMS
from lazyscope.claims.law._law import check_law, law_findings, settings_of
from lazyscope.claims.run._record import RunSettings
from lazyscope.scaling import displacement_exponents, slowest_correction
from lazyscope.study import VIRTUAL_TIE, LayerEstimate


def estimates(error, *, half_width=0.004, seed=0):
    """Layers of the schemes of a full run with normal errors of this size."""
    settings, found = settings_of("full", 0), []
    rng = np.random.default_rng(seed)
    for depth in settings.depths:
        for scales, speeds in settings.schemes(depth):
            correction = slowest_correction(scales, speeds)
            for layer, exponent in enumerate(displacement_exponents(scales, speeds), 1):
                measured = exponent + error * rng.standard_normal()
                found.append(
                    LayerEstimate(
                        scales,
                        speeds,
                        layer,
                        predicted=exponent,
                        correction=correction,
                        exponent=measured,
                        low=measured - half_width,
                        high=measured + half_width,
                        unlevelled=measured,
                        slope=measured,
                        excess=nan,
                        excess_low=nan,
                        excess_high=nan,
                        ratio=(),
                        failed=0,
                    )
                )
    return found


def rows(cells):
    return {row.name: row for row in law_findings(cells, basis="made up")}


def test_small_errors_with_honest_intervals_confirm_every_row_and_refute_the_control():
    found = rows(estimates(0.001))
    assert all(row.as_expected for row in found.values())
    assert found["virtual-control-without-speeds"].verdict == "disagrees"


def test_errors_of_a_hundredth_refute_the_exponents_and_small_intervals_the_coverage():
    found = rows(estimates(0.015))
    assert found["virtual-exponents"].verdict == "disagrees"
    assert found["virtual-exponents-all"].verdict == "agrees"
    assert found["virtual-intervals"].verdict == "disagrees"


def test_errors_near_ties_count_among_all_alone():
    cells = estimates(0.001)
    spoilt = [
        replace(c, exponent=c.exponent + 0.1) if c.correction <= VIRTUAL_TIE else c for c in cells
    ]
    found = rows(spoilt)
    assert found["virtual-exponents"].verdict == "agrees"
    assert found["virtual-exponents-all"].verdict == "disagrees"


def test_a_layer_without_an_exponent_is_an_interval_that_misses():
    cells = estimates(0.0)
    lost = [
        replace(c, exponent=nan, low=nan, high=nan) if k % 4 == 0 else c
        for k, c in enumerate(cells)
    ]
    found = rows(lost)["virtual-intervals"]
    assert found.measured.value == pytest.approx(0.75)
    assert found.verdict == "disagrees"


def test_without_schemes_away_from_ties_nothing_is_decided():
    cells = [c for c in estimates(0.001) if c.correction <= VIRTUAL_TIE]
    assert rows(cells)["virtual-exponents"].verdict == "undecided"


def test_other_seeds_draw_other_schemes_and_other_points():
    one, other = settings_of("full", 3), settings_of("full", 4)
    assert one.schemes(2) == settings_of("full", 3).schemes(2)
    assert not set(map(str, one.schemes(2))) & set(map(str, other.schemes(2)))
    assert one.problem() != other.problem()


def test_a_seed_reaches_the_schemes_and_the_record(monkeypatch):
    seen = []

    def judged(study, settings, folder):
        seen.append(settings.draw_seed)
        raise RuntimeError("drawn")

    monkeypatch.setattr("lazyscope.claims.law._law.judge_study", judged)
    (law,) = select_claims(CLAIMS, ["law"])
    record = check_claim(law, RunSettings("full", None, "code", 77))
    assert record["error"] == "RuntimeError: drawn"
    assert record["seed"] == 77
    with pytest.raises(RuntimeError):
        check_law("quick")
    with pytest.raises(RuntimeError):
        check_law("quick")
    assert seen[0] == 77
    assert seen[1] != seen[2]
