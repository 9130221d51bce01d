"""Does each layer of a three-layer network get a map of its own, with its own boundary?"""

import json

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.study import ThreeLayerSettings, find_study, judge_study, stored_estimates

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    settings = ThreeLayerSettings(
        scale_exponent_1=(-0.5, 0.5),
        scale_exponent_2=(-0.5, 0.5),
        scale_exponent_3=0.25,
        widths=(16, 32, 64),
        seeds=2,
        stop=1e-2,
    )
    folder = tmp_path_factory.mktemp("three")
    done = judge_study(find_study("three-layer"), settings, folder)
    return stored_estimates(done.result["estimates"])


def test_every_layer_has_a_map_with_the_exponents_of_the_law(result):
    predicted = result["predicted"]
    assert predicted.sizes == {"scale_exponent_1": 2, "scale_exponent_2": 2, "layer": 3}
    # rho = 1.25, relative speeds -1, -1, -0.5: the last layer moves by m^-1/2
    np.testing.assert_allclose(predicted.values[1, 1], [-1.0, -1.0, -0.5], atol=1e-12)
    # rho = -0.75, relative speeds 1, 1, -0.5: two layers share the volume 1.5, the third is 1.5 lower
    np.testing.assert_allclose(predicted.values[0, 0], [0.375, 0.375, -0.75], atol=1e-12)


def test_signs_far_from_every_boundary_are_measured(result):
    slope = result["slope"].values
    assert np.all(slope[1, 1] < -0.1)
    assert np.all(slope[0, 0, :2] > 0.1)


def test_layers_have_boundaries_of_their_own(result):
    lines = json.loads(result.attrs["boundaries"])
    law = {line["name"]: (line["x"], line["y"]) for line in lines if line["kind"] == "predicted"}
    assert {"law, layer 1", "law, layer 2"} <= set(law)
    assert law["law, layer 1"] != law["law, layer 2"]


def test_an_output_exponent_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="Scale_exponent_3 must be a finite number"):
        ThreeLayerSettings(scale_exponent_3=float("nan"))
