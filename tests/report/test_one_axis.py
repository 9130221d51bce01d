"""Have sweeps over one axis, and lists of points, a page and a figure with everything that was estimated?"""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from lazyscope._checks import InputError
from lazyscope.cli import app
from lazyscope.study import draw_exponents, save_figures, sweep_exponents, write_exponents_page
from lazyscope.sweep import SweepDesign, run_sweep
from report.driven import faults
from report.pages import figure_data

FIXED = {"data": "four-points", "stop": 0.3}
AXES = {"width": [8, 16, 32], "seed": [0, 1]}
DESIGNS = {
    "axis": SweepDesign(
        name="axis", axes={**AXES, "gamma": [0.5, 1.5]}, fixed={**FIXED, "gamma_prime": 0.0}
    ),
    "points": SweepDesign(
        name="points", axes=AXES, points={"columns": {"gamma": [0.5, 1.5], "gamma_prime": [0.0, 0.2]}},
        fixed=FIXED,
    ),
    "none": SweepDesign(name="none", axes=AXES, fixed={**FIXED, "scheme": "ntk"}),
}  # fmt: skip


def planted(kind="axis"):
    """Runs whose layer l of cell k follows m^(-k/4 - l/8), without training anything."""
    widths, cells, layers = np.array([64, 256, 1024, 4096]), 3, 2
    draws = np.random.default_rng(0)
    power = -np.arange(cells)[:, None] / 4 - np.arange(layers) / 8
    values = widths[None, :, None, None] ** power[:, None, None, :]
    values = values * np.exp(0.02 * draws.normal(size=(cells, 4, 3, layers)))
    name = "gamma" if kind == "axis" else "point"
    dims = (name, "width", "seed")
    coords = {"width": widths, "seed": [0, 1, 2], "layer": [1, 2]}
    if kind == "axis":
        coords[name] = [0.0, 0.25, 0.5]
    else:
        coords |= {name: [0, 1, 2], "gamma": (name, [0.0, 0.25, 0.5])}
    data = {
        "outcome": (dims, np.full((cells, 4, 3), "converged")),
        "displacement_operator": ((*dims, "layer"), values),
    }
    settings = json.dumps({"gamma_prime": 0.0, "depth": 1, "stop": 1e-3})
    return xr.Dataset(data, coords, {"settings": settings}), power


@pytest.mark.parametrize("kind", ["axis", "points"])
def test_every_exponent_is_on_the_page_and_in_the_figure(kind, tmp_path):
    runs, power = planted(kind)
    records = sweep_exponents(runs)
    text = write_exponents_page(runs, records, tmp_path / "page.html").read_text(encoding="utf-8")
    drawn = figure_data(text, "exponents")["panels"][0]["data"]
    for layer in (1, 2):
        found = next(t for t in drawn if t["name"] == f"layer {layer}")
        assert found["y"] == pytest.approx(power[:, layer - 1].tolist(), abs=0.05)
    assert "γ = 0.25" in text
    axes = draw_exponents(runs, records)
    assert len(axes.containers) == 2
    assert axes.get_xlabel() == ("γ" if kind == "axis" else "point")


def test_a_cell_without_an_estimate_stays_in_the_table(tmp_path):
    runs, _ = planted()
    runs["displacement_operator"][1] = np.nan
    records = sweep_exponents(runs)
    text = write_exponents_page(runs, records, tmp_path / "page.html").read_text(encoding="utf-8")
    rows = text[text.index('id="table"') :].split("<tr>")
    kept = [row for row in rows if "γ = 0.25" in row]
    assert len(kept) == 2
    assert all("–" in row for row in kept)


def test_two_axes_are_refused():
    runs, _ = planted()
    with pytest.raises(InputError, match="at most one axis besides width and seed"):
        draw_exponents(runs.expand_dims("gamma_prime"), sweep_exponents(runs))


def test_no_exponents_are_refused():
    with pytest.raises(InputError, match="needs exponents"):
        draw_exponents(planted()[0], [])


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_a_sweep_becomes_a_page_that_passes_and_a_figure(browser, axe, name, tmp_path):
    run_sweep(DESIGNS[name], tmp_path / name, show_progress=False)
    page = tmp_path / f"{name}.html"
    line = ["report", str(tmp_path / name), "-o", str(page), "--figures", str(tmp_path / "figures")]
    ended = CliRunner().invoke(app, [*line, "--json"])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    figures = json.loads(ended.stdout)["figures"]
    assert [path.rpartition("/")[2] for path in figures] == ["exponents.pdf"]
    assert faults(browser, page, axe=axe) == []


def test_a_folder_without_a_result_has_no_figures(tmp_path):
    with pytest.raises(InputError):
        save_figures(tmp_path, tmp_path / "figures")
