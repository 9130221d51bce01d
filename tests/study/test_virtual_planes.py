"""Are planes measured at virtual widths, with boundaries that hold and real widths beside them?"""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from lazyscope._checks import InputError
from lazyscope.scaling import displacement_exponents
from lazyscope.study import (
    ThreeLayerSettings,
    TwoLayerSettings,
    draw_scaling,
    find_study,
    judge_study,
    redraw_study,
    run_study,
    stored_estimates,
)
from lazyscope.study.phase_diagram._boundaries import boundaries, crossings
from lazyscope.study.phase_diagram._law import PlaneLaw
from lazyscope.study.phase_diagram._plane_runs import runs_on_plane
from lazyscope.study.phase_diagram._verdict import verdict

TINY = TwoLayerSettings(
    gamma=(0.5, 1.0, 1.75),
    gamma_prime=(-0.25, 0.25),
    width=32,
    seeds=2,
    stop=1e-2,
    shown_cells=2,
    shown_widths=(16, 64),
)


def law_plane(settings):
    """The law over the plane of some settings, and its exponents as estimates of half-width 0.002."""
    axes = [(axis, np.array(getattr(settings, axis))) for axis in settings.axes]
    law = PlaneLaw(settings.described(), *axes)
    dims = (*settings.axes, "layer")
    layers = np.arange(1, law.exponents.shape[-1] + 1)
    held = {
        name: (dims, law.exponents + off)
        for name, off in (("exponent", 0.0), ("low", -0.002), ("high", 0.002))
    }
    return law, xr.Dataset(held, dict(axes) | {"layer": layers})


@pytest.mark.parametrize(
    "settings",
    [
        TwoLayerSettings(gamma=(0.31, 0.62, 0.9, 1.13, 1.42, 1.7), gamma_prime=(-0.4, 0.1, 0.5)),
        ThreeLayerSettings(scale_exponent_2=(-0.5, -0.2, 0.1)),
    ],
)
def test_intervals_of_boundaries_hold_where_exponents_are_those_of_the_law(settings):
    found = boundaries(*reversed(law_plane(settings)))
    assert {one["layer"] for one in found} >= {1, 2}
    assert [one for one in found if not one["contained"]] == []
    first = np.array(getattr(settings, settings.axes[0]))
    step = float(np.diff(first).max())
    assert max(one["high"] - one["low"] for one in found) < step


@pytest.mark.parametrize("method", ["sign", "adam", "muon", "momentum"])
def test_a_plane_of_an_optimiser_has_its_law_and_small_steps_of_it(method):
    settings = ThreeLayerSettings(scale_exponent_2=(-0.5, -0.2, 0.1), method=method)
    law = law_plane(settings)[0]
    for i, a_1 in enumerate(settings.scale_exponent_1):
        for j, a_2 in enumerate(settings.scale_exponent_2):
            told = displacement_exponents((a_1, a_2, 0.25), optimiser=method)
            assert law.exponents[i, j] == pytest.approx(told)
    for design in find_study("three-layer").designs(settings).values():
        assert design.fixed["method"] == method
        assert design.fixed["share"] == 0.02
        assert design.fixed["data"] == "sphere-teacher"
        assert "tolerance" not in design.fixed
        assert ("epsilon" in design.fixed) == (method in ("adam", "muon"))


def test_the_flow_has_the_designs_that_it_had():
    (design, *_) = find_study("two-layer").designs(TwoLayerSettings()).values()
    assert set(design.fixed) == {
        *("depth", "activation", "width", "data", "stop", "tolerance", "max_steps"),
    }
    assert (design.fixed["data"], design.fixed["stop"]) == ("four-points", 1e-4)


def test_a_cell_without_an_interval_is_undecided():
    law, estimates = law_plane(TINY)
    estimates["low"][0, 0, 0] = estimates["high"][0, 0, 0] = np.nan
    told = verdict(estimates.assign(predicted=(estimates["low"].dims, law.exponents)))
    assert told[0, 0, 0] == "undecided"
    assert (told != "undecided").sum() == told.size - 1


def test_a_boundary_that_is_elsewhere_is_not_contained():
    law, estimates = law_plane(TwoLayerSettings(gamma_prime=(-0.35, 0.4)))
    moved = estimates.assign_coords(gamma=estimates["gamma"] + 0.3)
    found = boundaries(moved, law)
    assert found
    assert not any(one["contained"] for one in found)


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("zero", [0.03, 0.4, 0.5, 0.97])
def test_a_zero_lies_in_its_interval_whatever_its_kink(ratio, sign, zero):
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    exponent = sign * np.where(x < zero, x - zero, ratio * (x - zero))
    (found,) = crossings(x, exponent, exponent - 0.01, exponent + 0.01)
    assert found.low <= zero <= found.high
    assert found.below < found.low <= found.value <= found.high < found.above


def test_signs_that_intervals_do_not_show_make_no_boundary():
    x, exponent = np.arange(3.0), np.array([-0.1, 0.0, 0.1])
    assert crossings(x, exponent, exponent - 0.2, exponent + 0.2) == []
    nothing = np.array([-0.1, np.nan, 0.1])
    (found,) = crossings(x, nothing, nothing - 0.01, nothing + 0.01)
    assert (found.below, found.above, found.value) == (0.0, 2.0, 1.0)


def test_runs_of_a_list_of_points_find_their_cells():
    settings = TINY
    cells = settings.cells()
    number = len(cells) * settings.num_widths * settings.seeds
    widths = [w for c in cells for w in settings.virtual_widths(settings.exponents(*c))]
    points = xr.Dataset(
        {
            "displacement_operator": (("layer", "point"), np.arange(2.0 * number).reshape(2, -1)),
            "outcome": ("point", np.full(number, "converged")),
        },
        {
            "virtual_width": ("point", np.repeat(widths, settings.seeds)),
            "seed": ("point", np.tile([0, 1], number // 2)),
            "layer": [1, 2],
        },
    )
    axes = [(axis, np.array(getattr(settings, axis))) for axis in settings.axes]
    plane = runs_on_plane(points, axes, num_widths=settings.num_widths, seeds=settings.seeds)
    last = plane.isel(gamma=-1, gamma_prime=-1, width=-1, seed=-1)
    assert last["displacement_operator"].values.tolist() == [number - 1, 2 * number - 1]
    assert last["virtual_width"] == widths[-1]
    assert plane["displacement_operator"].sizes == {
        "gamma": 3,
        "gamma_prime": 2,
        "width": 4,
        "seed": 2,
        "layer": 2,
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "adamw"}, "does not contain"),
        ({"num_widths": 3}, "at least 4 virtual widths"),
        ({"seeds": 1}, "3 runs beyond one per width"),
        ({"shown_widths": (64, 32)}, "shown_widths must be at least 2 increasing numbers"),
        ({"shown_cells": 0}, "shown_cells must be a whole number"),
        ({"widths": (64, 256, 1024), "width": 64}, "no settings of virtual ones"),
    ],
)
def test_settings_that_make_no_virtual_plane_are_refused(change, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        TwoLayerSettings(**change)


def test_default_planes_are_virtual_and_real_widths_are_the_sweep_of_before():
    assert set(find_study("two-layer").designs(TwoLayerSettings())) == {"runs", "real", "narrow"}
    real = TwoLayerSettings(widths=(300, 965, 3107, 10000))
    (design,) = find_study("two-layer").designs(real).values()
    assert design.num_cells == 1452


def test_drawn_cells_are_those_of_the_plane_and_more_of_them_keep_the_first():
    settings = TwoLayerSettings()
    few, many = settings.drawn_cells(), replace(settings, shown_cells=9).drawn_cells()
    assert set(few) < set(many) < set(settings.cells())
    assert replace(settings, draw_seed=2).drawn_cells() != few
    assert len(replace(TINY, shown_cells=50).drawn_cells()) == len(TINY.cells())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("virtual")
    return folder, run_study(find_study("two-layer"), TINY, folder)


@pytest.mark.slow
def test_a_tiny_plane_finds_signs_and_slopes_of_the_law(tiny):
    estimates = stored_estimates(tiny[1].result["estimates"])
    assert tiny[1].result["verdict"]["answer"] == "supported"
    away = estimates["correction"].values >= 0.25
    error = np.abs(estimates["slope"] - estimates["predicted"]).values[away]
    assert len(error) >= 4
    assert error.max() < 0.03
    told = estimates["assumption"].values.astype(str)
    assert all(one.startswith("The interval rests on the corrections") for one in told.ravel())
    seen, low, high = (estimates[f"largest_{end}"].values for end in ("measured", "low", "high"))
    assert np.mean((low <= seen) & (seen <= high)) > 0.8
    lines = tiny[1].result["boundaries"]
    assert {one["layer"] for one in lines} == {1, 2}
    assert all(one["contained"] for one in lines)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sign", "adam", "muon"])
def test_a_tiny_plane_of_an_optimiser_has_the_exponents_of_its_law(method, tmp_path):
    settings = replace(TINY, method=method, data=None, stop=None)
    done = run_study(find_study("two-layer"), settings, tmp_path)
    estimates = stored_estimates(done.result["estimates"])
    assert done.result["verdict"]["answer"] == "supported"
    assert done.result["title"].endswith(f"the lazy regime under {method}?")
    error = np.abs(estimates["exponent"] - estimates["predicted"]).values
    assert error.max() < 0.01
    descent = law_plane(replace(settings, method="flow", data=None, stop=None))[0].exponents
    assert np.abs(estimates["exponent"].values - descent).max() > 0.2


@pytest.mark.slow
def test_narrow_networks_have_the_crossover_of_real_widths(tiny):
    real = tiny[1].result["real"]
    assert len(real["cells"]) == 2
    ratios = [
        np.log(np.array(layer["measured"]) / layer["narrow"])
        for cell in real["cells"]
        for layer in cell["layers"]
    ]
    assert np.abs(ratios).max() < 0.6
    assert real["rms_of_narrow"] < real["rms_of_limit"]


@pytest.mark.slow
def test_a_virtual_plane_goes_on_is_drawn_again_and_shows_its_widths(tiny):
    folder, done = tiny
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "virtual widths to" in page
    assert "Largest width as expected" in page
    assert "The interval rests on the corrections" in page
    assert "Boundaries of the phases" in page
    assert "The same at real widths" in page
    redraw_study(folder)
    assert (folder / "index.html").read_text(encoding="utf-8") == page
    again = judge_study(find_study("two-layer"), replace(TINY, seeds=3), folder)
    assert (again.summary.num_before, again.summary.num_done) == (48 + 8 + 8, 24 + 4 + 4)
    assert json.loads(json.dumps(done.result["estimates"], allow_nan=False))


@pytest.mark.slow
def test_displacement_is_drawn_against_the_virtual_widths_of_the_cell(tiny):
    estimates = stored_estimates(tiny[1].result["estimates"])
    axes = [(axis, np.array(getattr(TINY, axis))) for axis in TINY.axes]
    plane = runs_on_plane(tiny[1].runs["runs"], axes, num_widths=4, seeds=2)
    drawn = draw_scaling(plane, estimates, (0.5, 0.25))
    widths = TINY.virtual_widths(TINY.exponents(0.5, 0.25))
    shown = np.concatenate([np.atleast_1d(line.get_xdata()) for line in drawn.lines])
    assert set(widths) <= set(shown.tolist())
    assert drawn.get_xlabel() == "virtual width"
