"""Does a stored plane of runs become the right exponents, boundaries and verdicts?"""

import functools
import json

import numpy as np
import pytest
import xarray as xr

from lazyscope._checks import InputError
from lazyscope.study import map_estimates, write_map_page

WIDTHS = np.array([300, 965, 3107, 10000])
GAMMA = np.linspace(0.25, 1.75, 7)
GAMMA_PRIME = np.linspace(-0.5, 1.0, 7)


def law(gamma, gamma_prime):
    """Exponents of both layers of a two-layer network, transcribed for every region of the plane."""
    rho, h = 1 - gamma, gamma_prime
    if rho >= 0:
        fast = -min(rho, 0.5)
        return fast - 2 * max(h, 0), fast + 2 * min(h, 0)
    if abs(h) <= -rho:
        return (-rho - h) / 2, (-rho + h) / 2
    slow = 2 * (-rho - abs(h))
    return (slow, -rho) if h > 0 else (-rho, slow)


def planted(noise=0.003, seeds=3):
    """Runs whose displacements are powers of the width with the exponents of the law."""
    draw = np.random.default_rng(5)
    exponents = np.array([[law(g, h) for h in GAMMA_PRIME] for g in GAMMA])
    shape = (len(GAMMA), len(GAMMA_PRIME), len(WIDTHS), seeds)
    values = 0.7 * WIDTHS[:, None, None] ** exponents[:, :, None, None, :]
    values = values * np.exp(noise * draw.standard_normal((*shape, 2)))
    dims = ("gamma", "gamma_prime", "width", "seed")
    data = {
        "outcome": (dims, np.full(shape, "converged", dtype="<U12")),
        "displacement_operator": ((*dims, "layer"), values),
    }
    coords = {
        "gamma": GAMMA,
        "gamma_prime": GAMMA_PRIME,
        "width": WIDTHS,
        "seed": np.arange(seeds),
        "layer": [1, 2],
    }
    settings = {"depth": 1, "activation": "relu", "method": "flow", "tolerance": 0.01}
    return xr.Dataset(data, coords, {"settings": json.dumps(settings)}), exponents


@functools.cache
def estimates_of_planted():
    """Those of the runs as they are planted, which no test changes."""
    return map_estimates(planted()[0])


def luo_boundary(x, y):
    """Distance of a point from the boundary of Luo et al.: gamma = 1 below, gamma' = gamma - 1 above."""
    down = np.hypot(x - 1, max(y, 0))
    along = max(0.0, ((x - 1) + y) / 2)
    return min(down, np.hypot(x - 1 - along, y - along))


def test_planted_exponents_come_back_with_the_law_beside_them():
    exponents, found = planted()[1], estimates_of_planted()
    assert found["exponent"].dims == ("gamma", "gamma_prime", "layer")
    np.testing.assert_allclose(found["predicted"].values, exponents, atol=1e-12)
    np.testing.assert_allclose(found["exponent"].values, exponents, atol=0.05)
    np.testing.assert_allclose(found["slope"].values, exponents, atol=0.02)
    assert np.mean(found["verdict"].values == "disagrees") <= 0.05  # intervals have 95 %
    check = json.loads(found.attrs["sign_check"])
    assert check["far"] == check["agree"] > 60
    assert json.loads(found.attrs["verdict"])["supported"] is True


def test_one_cell_of_the_wrong_sign_is_named_and_takes_the_support_away():
    runs, _ = planted()
    values = runs["displacement_operator"].values
    values[0, 3, :, :, 0] = 0.7 * WIDTHS[:, None] ** 0.3
    found = map_estimates(runs)
    check = json.loads(found.attrs["sign_check"])
    assert check["opposite"] == check["slope_opposite"] == 1
    assert [(c["gamma"], c["gamma_prime"], c["layer"]) for c in check["cells"]] == [(0.25, 0.25, 1)]
    assert json.loads(found.attrs["verdict"])["supported"] is False
    assert found["verdict"].values[0, 3, 0] == "disagrees"
    assert any(line["kind"] == "measured" for line in json.loads(found.attrs["boundaries"]))


def test_boundary_of_the_first_layer_is_that_of_luo():
    found = estimates_of_planted()
    expected = [[luo_boundary(x, y) for y in GAMMA_PRIME] for x in GAMMA]
    np.testing.assert_allclose(found["distance"].values[..., 0], expected, atol=0.02)
    lines = [
        line for line in json.loads(found.attrs["boundaries"]) if line["name"] == "law, layer 1"
    ]
    points = [p for line in lines for p in zip(line["x"], line["y"], strict=True)]
    assert max(luo_boundary(x, y) for x, y in points) < 0.02


def test_regions_are_named_where_they_are():
    regions = json.loads(estimates_of_planted().attrs["regions"])
    where = {r["name"]: (r["x"], r["y"]) for r in regions}
    assert set(where) == {"theta-lazy", "condensed", "only layer 1 lazy", "only layer 2 lazy"}
    assert where["theta-lazy"][0] < 1
    for name, signs in (("condensed", (1, 1)), ("only layer 1 lazy", (-1, 1))):
        assert tuple(np.sign(law(*where[name]))) == signs
    assert tuple(np.sign(law(*where["only layer 2 lazy"]))) == (1, -1)


def test_a_failed_run_widens_its_cell_and_a_run_not_made_yet_does_not():
    runs, whole = planted()[0], estimates_of_planted()
    outcome = runs["outcome"].values
    outcome[0, 0, 3, 0], outcome[0, 1, 3, 0] = "diverged", "missing"
    runs["displacement_operator"].values[0, 1, 3, 0] = np.nan
    holed = map_estimates(runs)
    wider = (holed["high"] - holed["low"]) / (whole["high"] - whole["low"])
    assert np.all(wider.values[0, 0] > 1.5)
    assert np.all(wider.values[0, 1] < 1.5)
    assert holed["failed"].values[0, 0].tolist() == [1, 1]
    assert int(holed["failed"].sum()) == 2
    assert np.array_equal(holed["low"].values[1:], whole["low"].values[1:])


def test_a_cell_with_too_few_runs_is_undecided_and_stops_no_other():
    runs, exponents = planted()
    runs["outcome"].values[2, 2, 1:] = "missing"
    found = map_estimates(runs)
    assert np.isnan(found["exponent"].values[2, 2]).all()
    assert np.isinf(found["low"].values[2, 2]).all()
    assert set(found["verdict"].values[2, 2]) == {"undecided"}
    assert np.isfinite(found["exponent"].values).sum() == exponents.size - 2


def test_the_order_of_the_axes_of_the_runs_does_not_matter():
    runs, _ = planted()
    turned = runs.transpose("seed", "layer", "width", "gamma", "gamma_prime")
    xr.testing.assert_equal(map_estimates(turned), estimates_of_planted())


def test_without_a_law_there_is_no_prediction_and_no_verdict():
    runs, _ = planted()
    renamed = runs.rename(gamma_prime="num_points")
    found = map_estimates(renamed)
    assert "predicted" not in found
    assert set(found["verdict"].values.ravel()) == {"undecided"}


def test_a_selected_axis_takes_part_in_the_law():
    runs, _ = planted()
    settings = {"depth": 1, "method": "flow", "tolerance": 0.01}
    renamed = runs.rename(gamma="scale_exponent_1", gamma_prime="speed_exponent_1")
    renamed = renamed.assign_attrs(settings=json.dumps(settings))
    found = map_estimates(renamed.assign_coords(scale_exponent_2=0.25))
    shifted = map_estimates(renamed.assign_coords(scale_exponent_2=0.5))
    assert np.abs(found["predicted"] - shifted["predicted"]).max() > 0.1


def test_the_page_of_a_map_takes_these_estimates(tmp_path):
    runs, _ = planted()
    page = write_map_page(runs, map_estimates(runs, title="A plane"), tmp_path / "map.html")
    assert "A plane" in page.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda runs: runs.expand_dims(depth=[1]), "exactly two axes"),
        (lambda runs: runs.isel(seed=0), "exactly two axes"),
        (
            lambda runs: runs.drop_vars("displacement_operator"),
            "the variable displacement_operator",
        ),
        (lambda runs: runs.isel(layer=0), "displacement_operator with a layer"),
        (lambda runs: runs.isel(width=slice(2)), "at least 3 widths"),
    ],
)
def test_runs_that_are_no_map_are_refused(change, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        map_estimates(change(planted()[0]))


def test_a_map_says_what_every_estimate_rests_on_and_what_the_largest_width_was_to_be():
    runs, _ = planted()
    values = runs["displacement_operator"].values
    values[0, 0, -1, :, 0] *= 2.0  # a last width that no power of the others leads to
    found = map_estimates(runs)
    low, high, seen = (found[f"largest_{end}"].values for end in ("low", "high", "measured"))
    inside = (low <= seen) & (seen <= high)
    assert not inside[0, 0, 0]
    assert inside[0, 0, 1]
    assert inside.mean() > 0.9
    said = found["assumption"].values
    assert said[0, 0, 0].startswith("A bend shows")
    assert found["straight_p"].values[0, 0, 0] < 0.05
    assert sum(one.startswith("No bend shows") for one in said.ravel()) > 0.9 * said.size
