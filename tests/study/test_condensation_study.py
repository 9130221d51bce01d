"""Does the study of condensation tell condensed cells from lazy ones, before and after training?"""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lazyscope._checks import InputError
from lazyscope.study import CondensationSettings, find_study, judge_study, stored_estimates
from lazyscope.study.condensation._estimates import side_check
from lazyscope.study.condensation._stages import staged_runs
from lazyscope.sweep import SweepDesign, open_store

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweeps" / "condensation.toml"
CORNERS = CondensationSettings(
    gamma=(0.5, 2.0), gamma_prime=(-0.25, 0.25), widths=(40, 160, 640), seeds=2
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    return folder, judged(folder)


def judged(folder):
    return judge_study(find_study("condensation"), CORNERS, folder)


def test_example_file_and_study_are_the_same_runs():
    ours = {cell.hash for cell in CondensationSettings().design().cells()}
    theirs = {cell.hash for cell in SweepDesign.from_file(EXAMPLE).cells()}
    assert ours == theirs
    assert len(ours) == 882


def test_condensed_cells_stand_out_and_lazy_ones_stay_at_chance(small):
    estimates = stored_estimates(small[1].result["estimates"])
    lazy, condensed = estimates.isel(gamma=0), estimates.isel(gamma=1)
    assert lazy["order_final"].max() < 0.15
    assert lazy["order_early"].max() < 0.05
    assert condensed["order_final"].min() > 0.85
    assert condensed["order_early"].min() > 0.6
    assert estimates["order_initial"].max() < 0.05
    assert condensed["directions_final"].max() < 5 < lazy["directions_final"].min()
    assert estimates["directions_null"].min() > 12


def test_the_verdict_is_about_the_boundary_of_the_first_layer(small):
    estimates = stored_estimates(small[1].result["estimates"])
    check = json.loads(estimates.attrs["side_check"])
    assert (check["condensed"], check["lazy"]) == (2, 2)
    assert (check["above"], check["below"]) == (2, 2)
    assert check["supported"] is True
    assert json.loads(estimates.attrs["verdict"])["sentence"] == check["sentence"]
    lines = {line["name"] for line in json.loads(estimates.attrs["boundaries"])}
    assert "law, layer 1" in lines
    assert "order parameter 1/2 after training" in lines
    assert "law, layer 2" not in lines


def test_weights_of_three_stages_stand_side_by_side(small):
    runs = staged_runs(small[1].runs["runs"])
    assert set(runs["outcome"].dims) == {"gamma", "gamma_prime", "width", "seed"}
    start, early, end = (
        runs[f"input_weights_{when}"].isel(gamma=1, width=-1).values
        for when in ("initial", "early", "final")
    )
    moved = [np.nanmax(np.abs(after - start)) for after in (early, end)]
    assert 0 < moved[0] < moved[1]


def test_called_again_it_does_nothing_and_says_the_same(small):
    folder, first = small
    again = judged(folder)
    assert (again.summary.num_before, again.summary.num_done) == (48, 0)
    assert again.result["estimates"] == first.result["estimates"]


def made_up_estimates(early):
    plane = ("gamma", "gamma_prime")
    predicted = np.array([[-0.5, -0.5], [0.5, 0.5]])[..., None]
    return xr.Dataset(
        {
            "predicted": ((*plane, "layer"), predicted),
            "distance": ((*plane, "layer"), np.full((2, 2, 1), 0.5)),
            "order_final": (plane, np.array([[0.1, 0.2], [0.9, 0.8]])),
            "order_early": (plane, np.array(early)),
            "trend": (plane, np.array([[-0.1, -0.1], [0.1, 0.1]])),
        },
        {"layer": [1]},
    )


def test_one_lazy_cell_above_a_condensed_one_refutes_the_boundary():
    apart = side_check(made_up_estimates([[0.0, 0.3], [0.4, 0.9]]), margin=0.1)
    mixed = side_check(made_up_estimates([[0.0, 0.5], [0.4, 0.9]]), margin=0.1)
    assert (apart["supported"], mixed["supported"]) == (True, False)
    near = side_check(made_up_estimates([[0.0, 0.3], [0.4, 0.9]]), margin=0.9)
    assert near["supported"] is None


def test_a_store_without_two_stages_is_refused(tmp_path):
    from lazyscope.sweep import writing_store

    other = SweepDesign(axes={"width": [4], "seed": [0]}, fixed={"scheme": "ntk"})
    with writing_store(tmp_path, other):
        pass
    with pytest.raises(InputError, match="two values of stop"):
        staged_runs(open_store(tmp_path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gamma": (1.0, 0.5)}, "gamma must be at least 2 increasing numbers"),
        ({"early_stop": 1e-5}, "initial stage must end before training does"),
        ({"num_directions": 0}, "num_directions"),
    ],
)
def test_settings_that_make_no_study_are_refused(change, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        CondensationSettings(**change)
