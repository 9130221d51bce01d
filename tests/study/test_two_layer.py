"""Does the study of the (gamma, gamma') plane run, go on where it stopped, and find the law's signs?"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import lazyscope.study
from lazyscope._checks import InputError
from lazyscope.study import (
    TwoLayerSettings,
    find_study,
    judge_study,
    map_estimates,
    stored_estimates,
)
from lazyscope.sweep import SweepDesign

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweeps" / "two-layer.toml"
WIDTHS = (300, 965, 3107, 10000)
CORNERS = TwoLayerSettings(
    gamma=(0.5, 1.75), gamma_prime=(-0.25, 0.25), widths=(40, 160, 640), seeds=2
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    return folder, judged(CORNERS, folder)


def judged(settings, folder):
    return judge_study(find_study("two-layer"), settings, folder)


def test_example_file_and_study_are_the_same_runs():
    ours = {cell.hash for cell in TwoLayerSettings(widths=WIDTHS).design().cells()}
    theirs = {cell.hash for cell in SweepDesign.from_file(EXAMPLE).cells()}
    assert ours == theirs
    assert len(ours) == 1452


def test_default_plane_is_as_fine_and_as_wide_as_published():
    settings = TwoLayerSettings()
    assert len(settings.gamma) >= 11
    assert len(settings.gamma_prime) >= 11
    assert settings.is_virtual
    assert max(settings.shown_widths) == 4096


def test_signs_far_from_the_boundary_are_those_of_the_law(small):
    estimates = stored_estimates(small[1].result["estimates"])
    assert estimates["distance"].values[0].min() > 0.1
    assert np.all(estimates["slope"].values[0] < -0.1)
    assert np.all(estimates["slope"].values[1] > 0.1)
    assert json.loads(estimates.attrs["sign_check"])["slope_opposite"] == 0


def test_called_again_it_does_nothing_and_says_the_same(small):
    folder, first = small
    again = judged(CORNERS, folder)
    assert (again.summary.num_before, again.summary.num_done) == (24, 0)
    assert again.result["estimates"] == first.result["estimates"]
    xr.testing.assert_equal(again.runs["runs"], first.runs["runs"])


def test_another_seed_adds_only_its_runs(small):
    added = judged(replace(CORNERS, seeds=3), small[0])
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


def test_stored_estimates_are_those_that_were_estimated_however_they_travelled(small):
    made = map_estimates(small[1].runs["runs"], title=small[1].result["title"])
    read = stored_estimates(json.loads(json.dumps(small[1].result["estimates"], allow_nan=False)))
    xr.testing.assert_equal(read, made)
    assert read.attrs == made.attrs


def test_the_name_of_an_earlier_version_says_what_is_in_its_place_and_gives_the_same(small):
    more = replace(CORNERS, seeds=3)
    now = judged(more, small[0])
    with pytest.warns(DeprecationWarning, match=r"judge_study\(find_study"):
        earlier = lazyscope.study.run_two_layer_study(more, small[0] / "runs")
    assert earlier.summary.num_done == 0
    xr.testing.assert_equal(earlier.estimates, stored_estimates(now.result["estimates"]))
