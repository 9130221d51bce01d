"""Rows about the kernel's change: what they conclude from changes that are right, wrong or missing."""

import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.law._kernel_change import (
    CASES,
    KERNEL_CHANGE,
    case_finding,
    control_finding,
    measured_changes,
)
from lazyscope.scaling import relative_speed_exponents

BY_NAME = {case.name: case for case in CASES}


def planted(case, exponent, error=0.05):
    noise = np.exp(error * np.random.default_rng(0).standard_normal((len(case.widths), case.seeds)))
    return np.array(case.widths, float)[:, None] ** exponent * noise


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_derived_power_agrees_and_one_half_a_step_away_does_not(case):
    law = case.predicted
    assert case_finding(case, planted(case, law), 1).verdict == "agrees"
    assert case_finding(case, planted(case, law + 0.25), 1).verdict == "disagrees"


def test_kinks_that_change_nothing_unmask_the_control():
    case = BY_NAME["relu-0.5"]
    assert control_finding(planted(case, -0.75), 1).as_expected
    assert not control_finding(planted(case, -1.0), 1).as_expected


def test_a_width_without_any_run_decides_nothing():
    case = BY_NAME["tanh-0.75"]
    values = planted(case, case.predicted)
    values[2] = np.nan
    assert case_finding(case, values, 1).verdict == "undecided"


def test_cases_have_layers_of_one_speed_and_the_exponents_that_were_derived():
    for case in CASES:
        first, last = relative_speed_exponents(*case.exponents)
        assert first == pytest.approx(last)
        assert case.settings["output_scale"] * case.widths[0] ** case.rho == pytest.approx(
            case.kappa
        )
    found = {case.name: round(case.predicted, 3) for case in CASES}
    assert (found["relu-0.2"], found["relu-0.5"], found["relu-0.75"]) == (-0.4, -0.75, -0.875)
    assert (found["tanh-0.4"], found["tanh-0.5"], found["tanh-0.75"]) == (-0.8, -1.0, -1.25)


def test_the_claim_is_in_the_table_and_has_a_row_for_every_case():
    assert KERNEL_CHANGE in CLAIMS
    assert [row.name for row in KERNEL_CHANGE.rows][:-1] == list(BY_NAME)


@pytest.mark.slow
def test_relu_at_a_half_is_measured_and_is_not_what_smooth_activations_do():
    case = BY_NAME["relu-0.5"]
    values = measured_changes(case, 9001)
    assert case_finding(case, values, 9001).verdict != "disagrees"
    assert control_finding(values, 9001).verdict == "disagrees"
