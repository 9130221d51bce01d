"""Does a page keep what is easily lost: rows without a fit, groups, what decided, the design?"""

import ast
import itertools
import tomllib

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lazyscope.report.parts import category_colors, toml_text
from lazyscope.study import find_study, write_kappa_page, write_map_page
from lazyscope.study._run import _call
from lazyscope.study.kappa.page._page import deciding_groups
from lazyscope.study.kappa.page._study import read_kappa_study
from lazyscope.study.phase_diagram.page._data import drawn_boundaries
from lazyscope.study.phase_diagram.page._study import read_map_study
from lazyscope.sweep import SweepDesign
from report.pages import figure_data
from report.synthetic_kappa import synthetic_result
from report.synthetic_map import synthetic_map


def test_a_spread_without_a_fit_keeps_its_row(tmp_path):
    result = synthetic_result(seeds=(0,))
    lost = result["fits"].pop(1)["shape"]
    text = write_kappa_page(result, tmp_path / "page.html").read_text(encoding="utf-8")
    layout = figure_data(text, "displacement")["panels"][1]["layout"]
    assert [(a["y"], a["text"]) for a in layout["annotations"]] == [(lost, "no fit")]
    assert layout["yaxis"]["range"] == [-0.6, len(layout["yaxis"]["categoryarray"]) - 0.4]


def test_forty_two_groups_have_colours_of_their_own_and_fourteen_are_far_apart():
    assert len(set(category_colors(range(42)).values())) == 42
    first = np.array([to_rgb(color) for color in category_colors(range(14)).values()])
    apart = min(np.linalg.norm(a - b) for a, b in itertools.combinations(first, 2))
    assert apart > 0.2


def test_the_group_that_decided_is_named():
    result = synthetic_result(seeds=(0,))
    for run in result["runs"]:
        run["displacement"]["operator"] = [0.1, 0.9, 0.2]
    words = deciding_groups(read_kappa_study(result))
    assert "moved most: Layer 2 (balanced" in words
    assert "Layer 1" not in words


def test_the_lines_of_a_map_are_told_apart():
    runs, estimates = synthetic_map(num_cells=4, num_neurons=8, num_records=8, num_failed=2)
    line = {"kind": "predicted", "x": [0.0, 1.0], "y": [0.0, 1.0]}
    study = read_map_study(runs, estimates)
    lines = [{**line, "name": f"law, layer {k}"} for k in (1, 2)]
    lines += [
        {**line, "name": "a"},
        {**line, "name": "b"},
        {**line, "name": "m", "kind": "measured"},
    ]
    object.__setattr__(study, "boundaries", lines)
    looks = [(one["color"], one["dash"]) for one in drawn_boundaries(study)]
    assert len(set(looks)) == len(lines)
    assert looks[0][0] != looks[1][0] != ""


@pytest.mark.parametrize(
    "design",
    [
        SweepDesign(axes={"width": [8, 16], "seed": [0, 1]}, fixed={"scheme": "ntk", "stop": 1e-4}),
        SweepDesign(
            name="drawn",
            axes={"width": [8]},
            fixed={"scheme": "ntk"},
            points={"columns": {"stop": [0.5, 0.25], "seed": [3, 4]}},
        ),
    ],
)
def test_the_design_on_a_page_is_read_by_a_sweep(design, tmp_path):
    text = toml_text(design.to_table())
    file = tmp_path / f"{design.name}.toml"
    file.write_text(text, encoding="utf-8")
    assert SweepDesign.from_file(str(file)) == design
    assert tomllib.loads(text)["name"] == design.name


def test_the_page_of_a_map_shows_its_design_as_toml_and_what_ran_it(tmp_path):
    runs, estimates = synthetic_map(num_cells=4, num_neurons=8, num_records=8, num_failed=2)
    text = write_map_page(runs, estimates, tmp_path / "map.html").read_text(encoding="utf-8")
    assert "[axes]" in text
    assert "lazyscope sweep" in text
    ran = estimates.assign_attrs(study="two-layer", command="lazyscope study two-layer --seeds 7")
    text = write_map_page(runs, ran, tmp_path / "map.html").read_text(encoding="utf-8")
    assert "<code>lazyscope study two-layer --seeds 7</code>" in text
    assert "lazyscope sweep" not in text


def test_a_study_that_is_run_from_python_tells_its_call(tmp_path):
    study = find_study("two-layer")
    settings = study.given(gamma=(0.5, 1.75), seeds=2)
    called = ast.parse(_call(study, settings, tmp_path), mode="eval").body
    assert isinstance(called, ast.Call)
    assert ast.unparse(called.func) == "lazyscope.run_two_layer_study"
    given, folder = map(ast.literal_eval, called.args)
    assert (study.given(**given), folder) == (settings, str(tmp_path))
    assert set(given) == {"gamma", "seeds"}
