"""Does a design list every run exactly once, whatever the order in which it was written?"""

import hashlib
import itertools
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyscope._checks import InputError
from lazyscope.sweep import SweepDesign

AXES = st.fixed_dictionaries(
    {"width": st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True)},
    optional={
        "depth": st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
        "seed": st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
        "activation": st.lists(st.sampled_from(["relu", "tanh", "erf"]), min_size=1, unique=True),
        "rho": st.lists(
            st.integers(-20, 20).map(lambda k: k / 10), min_size=1, max_size=3, unique=True
        ),
        "output_scale": st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=1, unique=True),
    },
)


def design(axes, **fixed):
    return SweepDesign(axes=axes, fixed={"scheme": "lecun", **fixed})


@settings(max_examples=60, deadline=None)
@given(axes=AXES)
def test_every_combination_is_one_cell(axes):
    written = design(axes)
    cells = list(written.cells())
    combinations = sorted(itertools.product(*axes.values()), key=repr)
    found = sorted((tuple(cell.settings[name] for name in axes) for cell in cells), key=repr)
    assert found == combinations
    assert len({cell.hash for cell in cells}) == len(cells) == written.num_cells


@settings(max_examples=40, deadline=None)
@given(axes=AXES, data=st.data())
def test_the_order_of_axes_and_values_changes_no_cell(axes, data):
    names = data.draw(st.permutations(list(axes)))
    shuffled = {name: data.draw(st.permutations(axes[name])) for name in names}
    written, turned = design(axes), design(shuffled)
    assert {c.hash for c in written.cells()} == {c.hash for c in turned.cells()}
    assert list(written.dims) == list(turned.dims)


@settings(max_examples=60, deadline=None)
@given(axes=AXES)
def test_places_index_the_axes(axes):
    sweep = design(axes)
    for cell in sweep.cells():
        assert all(sweep.axes[name][i] == cell.settings[name] for name, i in cell.place.items())


@settings(max_examples=60, deadline=None)
@given(axes=AXES)
def test_a_design_survives_json(axes):
    sweep = design(axes)
    again = SweepDesign(**json.loads(json.dumps(sweep.to_table())))
    assert again == sweep
    assert [c.hash for c in again.cells()] == [c.hash for c in sweep.cells()]


@settings(max_examples=40, deadline=None)
@given(axes=AXES, more=st.integers(10**6 + 1, 10**7))
def test_a_new_value_only_adds_cells(axes, more):
    grown = {**axes, "width": [more, *axes["width"]]}
    assert {c.hash for c in design(axes).cells()} < {c.hash for c in design(grown).cells()}


def test_stating_a_default_changes_no_cell():
    silent = design({"width": [8]})
    stated = design({"width": [8]}, depth=1, activation="relu", seed=0, method="flow")
    assert next(silent.cells()).hash == next(stated.cells()).hash


def test_an_axis_of_one_value_and_a_fixed_setting_are_the_same_runs():
    assert next(design({"width": [8]}).cells()).hash == next(design({}, width=8).cells()).hash


def test_the_hash_is_sha256_of_the_sorted_settings():
    cell = next(design({"width": [8], "step": [0.5]}, method="descent").cells())
    unread = {"data_seed", "tolerance"}  # by four points, by descent
    unread |= {"model", "num_records", "loss"}  # younger, and as all runs were before
    read = {k: v for k, v in sorted(cell.settings.items()) if k not in unread}
    text = json.dumps(read, separators=(",", ":"))
    assert cell.hash == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_a_refined_range_keeps_the_points_it_had():
    coarse = SweepDesign(
        axes={"gamma": {"from": 0.25, "to": 1.75, "num": 11}, "width": [8]},
        fixed={"gamma_prime": 0.1},
    )
    fine = SweepDesign(
        axes={"gamma": {"from": 0.25, "to": 1.75, "num": 21}, "width": [8]},
        fixed={"gamma_prime": 0.1},
    )
    assert {c.hash for c in coarse.cells()} < {c.hash for c in fine.cells()}


def test_ranges_are_even_in_value_or_in_logarithm():
    sweep = design(
        {
            "width": {"from": 10, "to": 10000, "num": 4, "spacing": "log"},
            "rho": {"from": -1, "to": 1, "num": 5},
        }
    )
    assert sweep.axes["width"] == (10, 100, 1000, 10000)
    assert sweep.axes["rho"] == (-1.0, -0.5, 0.0, 0.5, 1.0)


def drawn(num, seed=3):
    return SweepDesign(
        axes={"width": [16, 64]},
        points={
            "draw": num,
            "draw_seed": seed,
            "columns": {
                "gamma": {"from": 0.25, "to": 1.75},
                "gamma_prime": {"from": -0.5, "to": 1.0},
            },
        },
    )


def test_drawn_points_are_one_axis_and_stay_within_their_ends():
    sweep = drawn(50)
    assert sweep.dims == {"point": 50, "width": 2}
    assert sweep.num_cells == len({c.hash for c in sweep.cells()}) == 100
    gamma = np.array(sweep.points["gamma"])
    assert 0.25 <= gamma.min() < 0.6
    assert 1.4 < gamma.max() <= 1.75
    assert abs(np.corrcoef(gamma, sweep.points["gamma_prime"])[0, 1]) < 0.5


def test_drawn_points_follow_their_seed_and_more_points_keep_the_first():
    assert drawn(10) == drawn(10)
    assert drawn(10) != drawn(10, seed=4)
    assert drawn(30).points["gamma"][:10] == drawn(10).points["gamma"]


def test_listed_points_vary_together():
    sweep = SweepDesign(
        points={"columns": {"gamma": [0.5, 1.5], "gamma_prime": [0.0, 1.0]}}, fixed={"width": 8}
    )
    assert [(c.settings["gamma"], c.settings["gamma_prime"]) for c in sweep.cells()] == [
        (0.5, 0.0),
        (1.5, 1.0),
    ]


def test_a_sweep_file_gives_the_design_that_it_writes(tmp_path):
    file = tmp_path / "plane.toml"
    file.write_text(
        'record = ["loss_curve"]\n[axes]\nwidth = [8, 16]\nseed = { from = 0, to = 2, num = 3 }\n'
        '[fixed]\nscheme = "ntk"\n'
    )
    sweep = SweepDesign.from_file(file)
    assert sweep.name == "plane"
    assert sweep.record == ("loss_curve",)
    assert sweep.dims == {"width": 2, "seed": 3}


REFUSALS = {
    "key": ({"axs": {}}, "use 'axes'"),
    "setting": ({"axes": {"widht": [1]}}, "use 'width'"),
    "range key": ({"axes": {"width": {"from": 1, "to": 2, "nun": 3}}}, "use 'num'"),
    "no end": ({"axes": {"width": {"from": 1, "num": 3}}}, "a forgotten to"),
    "empty axis": ({"axes": {"width": []}}, "at least one value"),
    "single value": ({"axes": {"width": 5}}, "move it to .fixed"),
    "repeated": ({"axes": {"width": [5, 5]}}, "5 more than once"),
    "range of names": (
        {"axes": {"scheme": {"from": 1, "to": 2, "num": 2}}},
        "axis scheme must be a list",
    ),
    "one end": ({"axes": {"rho": {"from": 1, "to": 1, "num": 2}}}, "two different ends"),
    "negative log": (
        {"axes": {"rho": {"from": -1, "to": 1, "num": 2, "spacing": "log"}}},
        "above zero",
    ),
    "count": ({"axes": {"width": [2.5]}}, "whole number"),
    "not a number": ({"axes": {"gamma": ["a"]}}, "finite number"),
    "flag as number": ({"fixed": {"gamma": True}}, "finite number"),
    "number as name": ({"fixed": {"scheme": 3}}, "scheme must be a name"),
    "number as flag": ({"fixed": {"use_bias": 1}}, "true or false"),
    "list of numbers": ({"fixed": {"scale_exponents": 1.0}}, "one per layer"),
    "two places": ({"axes": {"width": [1]}, "fixed": {"width": 2}}, "varied or fixed in one place"),
    "no width": ({"fixed": {"scheme": "ntk"}}, "must say the width"),
    "no scheme": ({"fixed": {"width": 3}}, "exactly one parametrisation"),
    "two schemes": (
        {"fixed": {"width": 3, "scheme": "ntk", "gamma": 1, "gamma_prime": 1}},
        "Received: scheme, gamma, gamma_prime",
    ),
    "half a plane": ({"fixed": {"width": 3, "gamma": 1}}, "add gamma_prime"),
    "deep plane": (
        {"fixed": {"width": 3, "gamma": 1, "gamma_prime": 0, "depth": 2}},
        "one hidden layer",
    ),
    "length": (
        {"axes": {"depth": [1, 2], "width": [3]}, "fixed": {"scale_exponents": [0.5, 0]}},
        "3 for depth 2",
    ),
    "layer": ({"fixed": {"width": 3, "scheme": "ntk", "scale_exponent_3": 0.0}}, "layers 1 to 2"),
    "two scales": (
        {"fixed": {"width": 3, "scheme": "ntk", "rho": 0, "kappa": 1}},
        "set in one way",
    ),
    "plane and rho": (
        {"fixed": {"width": 3, "gamma": 1, "gamma_prime": 0, "rho": 0}},
        "set in one way",
    ),
    "no power": ({"fixed": {"width": 3, "scheme": "xavier", "rho": 0}}, "powers of the width"),
    "scheme": ({"fixed": {"width": 3, "scheme": "nkt"}}, "use 'ntk'"),
    "activation": ({"fixed": {"width": 3, "scheme": "ntk", "activation": "rely"}}, "use 'relu'"),
    "method": ({"fixed": {"width": 3, "scheme": "ntk", "method": "flaw"}}, "use 'flow'"),
    "overflow": ({"fixed": {"width": 10**6, "scheme": "ntk", "rho": 900}}, "double precision"),
    "unread axis": (
        {"axes": {"step": [0.1, 0.2]}, "fixed": {"width": 3, "scheme": "ntk"}},
        "differ only in step",
    ),
    "record": (
        {"fixed": {"width": 3, "scheme": "ntk"}, "record": ["displacment"]},
        "use 'displacement'",
    ),
    "record list": (
        {"fixed": {"width": 3, "scheme": "ntk"}, "record": "loss_curve"},
        "list of names",
    ),
    "table": ({"axes": [1]}, "must be a table"),
    "points key": ({"points": {"gamma": [1]}}, "must stand below .points.columns."),
    "no columns": ({"points": {"draw": 3}}, "must have columns"),
    "uneven": ({"points": {"columns": {"gamma": [1, 2], "rho": [1]}}}, "gamma: 2, rho: 1"),
    "repeated point": (
        {"points": {"columns": {"gamma": [1, 1], "gamma_prime": [2, 2]}}},
        "more than once",
    ),
    "drawn list": ({"points": {"draw": 3, "columns": {"gamma": [1, 2]}}}, "must be a range"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_wrong_design_is_refused_before_anything_runs(case):
    table, message = REFUSALS[case]
    with pytest.raises(InputError, match=f"(?is){message}"):
        SweepDesign(**table)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"must be readable.*No such file"):
        SweepDesign.from_file(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("axes = [")
    with pytest.raises(InputError, match="valid TOML"):
        SweepDesign.from_file(tmp_path / "bad.toml")


def test_axes_of_layers_come_in_the_order_of_the_layers():
    axes = {f"scale_exponent_{layer}": [0.0, 0.5] for layer in (10, 2, 1)}
    sweep = design({**axes, "width": [4], "seed": [0, 1]}, depth=9)
    layers = [f"scale_exponent_{layer}" for layer in (1, 2, 10)]
    assert [name for name in sweep.dims if name in axes] == layers


@pytest.mark.parametrize(
    "table",
    [
        {"axes": {"width": {"from": 1, "to": 10, "num": 10**12}}},
        {"axes": {"width": [3], "seed": range(10**12)}},
        {"axes": {"width": [3], "seed": range(10**30)}},
        {"axes": {"width": [3], "seed": np.broadcast_to(3, 10**12)}},
        {
            "axes": {"width": [3]},
            "points": {"draw": 10**12, "columns": {"seed": {"from": 1, "to": 9}}},
        },
        {
            "axes": {
                "width": [3],
                "seed": {"from": 1, "to": 1e9, "num": 999_999},
                "data_seed": {"from": 1, "to": 1e9, "num": 999_999},
            }
        },
    ],
)
def test_more_runs_than_a_sweep_can_have_are_refused_without_making_them(table):
    began = time.process_time()
    with pytest.raises(InputError, match="must be at most"):
        SweepDesign(**table)
    assert time.process_time() - began < 0.5


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(InputError, match="Name must be text"):
        SweepDesign(name=None, axes={"width": [3]}, fixed={"scheme": "ntk"})
