"""Are exponents of a stored sweep those that were planted in it?"""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lazyscope._checks import InputError
from lazyscope.cli._sweep_summary import outcome_hint
from lazyscope.study._sweep_exponents import accuracy_of_steps, sweep_exponents
from lazyscope.sweep import SweepSummary

WIDTHS = np.array([64, 256, 1024, 4096])


def planted(exponents, *, axes, settings, failed=()):
    """A store's dataset in which layer l of cell c follows width^exponents[c, l]."""
    exponents = np.asarray(exponents, float)
    cells = exponents.shape[:-1]
    noise = np.exp(0.01 * np.random.default_rng(5).normal(size=(*cells, 4, 3, exponents.shape[-1])))
    values = WIDTHS[:, None, None] ** exponents[..., None, None, :] * noise
    outcome = np.full((*cells, 4, 3), "converged", dtype="<U12")
    for place in failed:
        outcome[place] = "diverged"
    dims = (*axes, "width", "seed")
    coords = {name: ((name,), np.asarray(axis)) for name, axis in axes.items()}
    coords |= {"width": WIDTHS, "seed": [0, 1, 2], "layer": np.arange(exponents.shape[-1]) + 1}
    return xr.Dataset(
        {"outcome": (dims, outcome), "displacement_operator": ((*dims, "layer"), values)},
        coords,
        {"settings": json.dumps({"depth": 1, "method": "flow", **settings})},
    )


def test_planted_exponents_are_found_beside_the_law():
    law = [[-0.5, -0.5], [0.25, 0.25]]
    runs = planted(law, axes={"gamma": [0.5, 1.5]}, settings={"gamma_prime": 0.0})
    records = sweep_exponents(runs)
    assert [(r["gamma"], r["layer"]) for r in records] == [(0.5, 1), (0.5, 2), (1.5, 1), (1.5, 2)]
    for record, true in zip(records, np.ravel(law), strict=True):
        assert record["exponent"] == pytest.approx(true, abs=0.05)
        assert record["predicted"] == true
        assert record["verdict"] == "agrees"
        assert (record["runs"], record["failed"]) == (12, 0)


def test_a_wrong_exponent_disagrees_with_the_law():
    runs = planted([[0.3, -0.5]], axes={"gamma": [0.5]}, settings={"gamma_prime": 0.0})
    assert [r["verdict"] for r in sweep_exponents(runs)] == ["disagrees", "agrees"]


def test_failed_runs_are_counted_and_do_not_enter_as_values():
    runs = planted(
        [[-0.5, -0.5]],
        axes={"gamma": [0.5]},
        settings={"gamma_prime": 0.0},
        failed=[(0, 3, 1)],
    )
    runs["displacement_operator"][0, 3, 1, :] = 1e6
    records = sweep_exponents(runs)
    assert [r["failed"] for r in records] == [1, 1]
    assert records[0]["exponent"] == pytest.approx(-0.5, abs=0.1)
    assert "1 of 12 runs failed" in records[0]["note"]


def test_runs_that_were_not_made_yet_are_not_called_failed():
    runs = planted([[-0.5, -0.5]], axes={"gamma": [0.5]}, settings={"gamma_prime": 0.0})
    runs["outcome"][0, 3, 1] = "missing"
    runs["displacement_operator"][0, 3, 1, :] = np.nan
    assert [r["failed"] for r in sweep_exponents(runs)] == [0, 0]


def test_a_sweep_without_further_axes_is_one_cell():
    runs = planted([-0.5, -0.5], axes={}, settings={"scheme": "lecun"})
    records = sweep_exponents(runs)
    assert [r["layer"] for r in records] == [1, 2]
    assert [r["predicted"] for r in records] == [-1.5, -0.5]


def test_an_axis_of_listed_exponents_is_read_back():
    runs = planted(
        [[-0.5, -0.5], [0.25, -1.0]],
        axes={"scale_exponents": ["[0.25, 0.25]", "[-0.5, 0.25]"]},
        settings={},
    )
    assert [r["predicted"] for r in sweep_exponents(runs)] == [-0.5, -0.5, 0.25, -1.0]


def test_other_quantities_have_no_prediction():
    runs = planted([[-0.5, -0.5]], axes={"gamma": [0.5]}, settings={"gamma_prime": 0.0})
    runs["displacement_frobenius"] = runs["displacement_operator"]
    record = sweep_exponents(runs, quantity="displacement_frobenius")[0]
    assert record["predicted"] is None
    assert record["verdict"] is None
    assert record["sign"] == "negative"


def test_what_cannot_be_estimated_is_refused():
    runs = planted([[-0.5, -0.5]], axes={"gamma": [0.5]}, settings={"gamma_prime": 0.0})
    with pytest.raises(InputError, match="'steps' in a store with displacement_operator"):
        sweep_exponents(runs, quantity="steps")
    with pytest.raises(InputError, match="needs runs at several widths"):
        sweep_exponents(runs.isel(width=0))
    with pytest.raises(InputError, match="at least 3 widths"):
        sweep_exponents(runs.isel(width=[0, 1]))


def test_a_sweep_whose_runs_did_not_end_says_how_they_ended_and_what_to_do():
    lost = [(0, width, seed) for width in range(4) for seed in range(3) if (width, seed) != (0, 0)]
    few = {"axes": {"gamma": [0.5]}, "settings": {"gamma_prime": 0.0}, "failed": lost}
    with pytest.raises(InputError, match=r"of 12 runs 11 diverged.*a larger stop"):
        sweep_exponents(planted([[-0.5, -0.5]], **few))


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({"out-of-steps": 22, "converged": 2}, True),
        ({"converged": 9, "out-of-steps": 1}, False),
        ({}, False),
    ],
)
def test_a_sweep_that_mostly_ran_out_of_steps_is_told_what_helps(outcomes, told):
    hint = outcome_hint(SweepSummary(Path("s"), 24, 0, outcomes, {}, 1.0))
    assert ("a larger stop or more max_steps" in hint) == told


def test_steps_in_a_share_are_as_inexact_as_that_and_steps_of_a_rate_are_not():
    assert accuracy_of_steps({"method": "adam"}) == 0.02
    assert accuracy_of_steps({"method": "adam", "share": 0.1}) == 0.1
    by_rate = {"method": "adam", "step_size": 1e-3}
    assert accuracy_of_steps(by_rate) == accuracy_of_steps({"method": "descent"}) == 1e-3
