"""Does the study of the (gamma, gamma') plane run, go on where it stopped, and find the law's signs?"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lazyscope._checks import InputError
from lazyscope.study import TwoLayerSettings, run_two_layer_study
from lazyscope.sweep import SweepDesign

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweeps" / "two-layer.toml"
CORNERS = TwoLayerSettings(
    gamma=(0.5, 1.75), gamma_prime=(-0.25, 0.25), widths=(40, 160, 640), seeds=2
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    store = tmp_path_factory.mktemp("plane") / "store"
    return store, run_two_layer_study(CORNERS, store)


def test_example_file_and_study_are_the_same_runs():
    ours = {cell.hash for cell in TwoLayerSettings().design().cells()}
    theirs = {cell.hash for cell in SweepDesign.from_file(EXAMPLE).cells()}
    assert ours == theirs
    assert len(ours) == 1452


def test_default_plane_is_as_fine_and_as_wide_as_published():
    settings = TwoLayerSettings()
    assert len(settings.gamma) >= 11
    assert len(settings.gamma_prime) >= 11
    assert max(settings.widths) == 10000


def test_signs_far_from_the_boundary_are_those_of_the_law(small):
    estimates = small[1].estimates
    assert estimates["distance"].values[0].min() > 0.1
    assert np.all(estimates["slope"].values[0] < -0.1)
    assert np.all(estimates["slope"].values[1] > 0.1)
    assert json.loads(estimates.attrs["sign_check"])["slope_opposite"] == 0


def test_called_again_it_does_nothing_and_says_the_same(small):
    store, first = small
    again = run_two_layer_study(CORNERS, store)
    assert (again.summary.num_before, again.summary.num_done) == (24, 0)
    xr.testing.assert_equal(again.estimates, first.estimates)
    xr.testing.assert_equal(again.runs, first.runs)


def test_another_seed_adds_only_its_runs(small):
    added = run_two_layer_study(replace(CORNERS, seeds=3), small[0])
    assert (added.summary.num_before, added.summary.num_done) == (24, 12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gamma": (1.0, 0.5)}, "gamma must be at least 2 increasing numbers"),
        ({"gamma_prime": (0.5,)}, "gamma_prime must be at least 2 increasing numbers"),
        ({"gamma": (0.5, float("nan"))}, "gamma must be a finite number"),
        ({"widths": (100, 1000)}, "widths must be at least 3 increasing numbers"),
        ({"seeds": 0}, "seeds"),
        ({"stop": 2.0}, "stop fraction"),
    ],
)
def test_settings_that_make_no_map_are_refused(change, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        TwoLayerSettings(**change)
