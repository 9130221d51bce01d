"""Rows about kappa alone: what they conclude from slopes that are right, wrong or missing."""

import numpy as np

from lazyscope.claims import CLAIMS
from lazyscope.claims.papers._kappa_alone import (
    KAPPA_ALONE,
    KAPPAS,
    SPREADS,
    WIDTHS,
    kappa_findings,
)
from lazyscope.experiment import spread


def rows(centred=-1.0, uncentred=0.0, floor=-0.5, error=1e-4):
    noise = error * np.random.default_rng(0).standard_normal((3, len(SPREADS), 4))
    return {
        row.name: row
        for row in kappa_findings(noise[0] + centred, noise[1] + uncentred, noise[2] + floor)
    }


def test_slopes_of_the_law_confirm_every_row_and_refute_the_control():
    found = rows()
    assert [row.name for row in KAPPA_ALONE.rows] == list(found)
    assert all(row.as_expected for row in found.values())
    assert found["control-uncentred"].verdict == "disagrees"


def test_a_slope_off_by_a_hundredth_refutes_its_spread_alone():
    off = np.full((len(SPREADS), 1), -1.0)
    off[1] = -0.99
    found = rows(off)
    assert found["kappa-ntk-like"].verdict == "disagrees"
    assert found["kappa-balanced"].verdict == "agrees"


def test_one_spread_without_the_floor_refutes_it():
    off = np.full((len(SPREADS), 1), -0.5)
    off[3] = -0.49
    found = rows(floor=off)["uncentred-floor"]
    assert found.verdict == "disagrees"
    assert "small-input" in found.note


def test_seeds_that_scatter_and_runs_that_failed_decide_nothing():
    assert rows(error=0.02)["kappa-balanced"].verdict == "undecided"
    lost = np.full((len(SPREADS), 4), -1.0)
    lost[0, 2] = np.nan
    found = rows(lost)
    assert found["kappa-balanced"].verdict == "undecided"
    assert found["kappa-random"].verdict == "agrees"


def test_ten_decades_are_ten_and_spreads_exist():
    assert np.log10(KAPPAS[-1] / KAPPAS[0]) == 10
    assert np.log10(WIDTHS[-1] / WIDTHS[0]) == 10
    assert all(spread(name).name == name for name in SPREADS)
    assert KAPPA_ALONE in CLAIMS
