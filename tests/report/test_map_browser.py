"""Can one look into the map in a real browser? A click shows the cell that was clicked."""

import numpy as np
import pytest

from lazyscope.study import write_map_page
from report.synthetic_map import synthetic_map

MAP = "document.querySelector('[data-panel=map]')"
NAME = "document.querySelector('.cell-name').textContent"


@pytest.fixture(scope="module")
def datasets():
    return synthetic_map(num_cells=7, num_neurons=64)


@pytest.fixture(scope="module")
def page(browser, datasets, tmp_path_factory):
    path = write_map_page(*datasets, tmp_path_factory.mktemp("map") / "map.html")
    browser.open(path)
    return path


@pytest.fixture
def desk(browser, page):
    """The open page on a desk, with the measured exponent of the first layer."""
    browser.resize(1200, 1000)
    choose(browser, "quantity", "exponent")
    choose(browser, "layer", "0")
    browser.evaluate("document.querySelector('section[data-map]').scrollIntoView()")
    return browser


MISFITS = (
    "[...document.querySelectorAll('.panel')].filter(p => {"
    "const b = p.querySelector('.main-svg').getBoundingClientRect();"
    "return Math.abs(b.width - p.clientWidth) > 1 || Math.abs(b.height - p.clientHeight) > 1;"
    "}).length"
)


def choose(browser, key, value):
    browser.evaluate(
        f"(() => {{ const s = document.querySelector('select[data-key={key}]');"
        f"s.value = '{value}'; s.dispatchEvent(new Event('change')); }})()"
    )


def place_of(browser, x, y):
    """Where the centre of a cell lies on the screen, by the map's own axes."""
    return browser.evaluate(
        f"(() => {{ const p = {MAP}, b = p.getBoundingClientRect(), l = p._fullLayout;"
        f"return [b.x + l.xaxis._offset + l.xaxis.d2p({x}), b.y + l.yaxis._offset"
        f" + l.yaxis.d2p({y})]; }})()"
    )


def click_cell(browser, datasets, i, j):
    gamma = float(datasets[1]["gamma"].values[i])
    gamma_prime = float(datasets[1]["gamma_prime"].values[j])
    browser.click(*place_of(browser, gamma, gamma_prime))
    written = f"γ = {gamma:.4g}, γ′ = {gamma_prime:.4g}".replace("-", "−")
    browser.wait_for(f"{NAME} === '{written}'")


@pytest.mark.slow
def test_map_and_panels_draw_without_complaint_or_network(desk, page):
    assert desk.evaluate(f"{MAP}.querySelectorAll('.heatmaplayer image').length") == 2
    for panel in ("displacement", "loss", "weights"):
        lines = f"document.querySelectorAll('[data-panel={panel}] .scatterlayer .trace').length"
        assert desk.evaluate(lines) > 0
    assert desk.problems == []
    assert desk.addresses == [page.resolve().as_uri()]


def test_click_on_a_cell_shows_its_exponents_and_its_curves(desk, datasets):
    runs, estimates = datasets
    click_cell(desk, datasets, 1, 5)
    first = desk.evaluate("document.querySelector('.cell-table tbody tr').textContent")
    exponent = float(estimates["exponent"].values[1, 5, 0])
    assert f"{exponent:.2f}".replace("-", "−") in first
    loss = desk.evaluate("[...document.querySelector('[data-panel=loss]').data[0].y]")
    stored = runs["curve_loss"].values[1, 5, 0, 0]
    np.testing.assert_allclose(loss, stored[np.isfinite(stored)], rtol=1 / 8192)
    points = desk.evaluate("document.querySelector('[data-panel=displacement]').data[0].y")
    expected = runs["displacement_operator"].values[1, 5, :, :, 0].ravel()
    np.testing.assert_allclose(points, expected[np.isfinite(expected)], rtol=1e-6)
    fit = desk.evaluate("document.querySelector('[data-panel=displacement]').data[1].y")
    np.testing.assert_allclose(fit, estimates["fit"].values[1, 5, 0], rtol=1e-6)
    assert desk.problems == []


def test_click_on_another_cell_shows_other_curves(desk, datasets):
    click_cell(desk, datasets, 2, 2)
    before = desk.evaluate("[...document.querySelector('[data-panel=loss]').data[0].x]")
    click_cell(desk, datasets, 4, 3)
    assert desk.evaluate("[...document.querySelector('[data-panel=loss]').data[0].x]") != before


def test_click_on_a_cell_without_estimate_shows_how_its_runs_failed(desk, datasets):
    click_cell(desk, datasets, 6, 0)
    text = desk.evaluate("document.querySelector('.cell-runs').textContent")
    assert text == "Runs: 12 out-of-steps."
    assert "–" in desk.evaluate("document.querySelector('.cell-table tbody tr').textContent")
    assert desk.problems == []


def test_undecided_and_failed_cells_look_different_from_all_others(desk, datasets):
    runs, estimates = datasets
    traces = desk.evaluate(
        f"{MAP}.data.filter(t => t.mode === 'markers').map(t => [t.name, t.marker.symbol, t.x.length])"
    )
    count = {name: (symbol, number) for name, symbol, number in traces}
    undecided = int((estimates["sign"].values[..., 0] == "undecided").sum())
    blank = int(np.isnan(estimates["exponent"].values[..., 0]).sum())
    assert count["sign undecided"] == ("circle-open", undecided - blank)
    assert count["no estimate"] == ("x-thin", blank)
    known = np.isfinite(estimates["exponent"].values[..., 0])
    failed = (runs["outcome"].values != "converged").any(axis=(2, 3))
    assert count["runs failed"] == ("x-thin", (known & failed).sum())
    grey = desk.evaluate(f"{MAP}.data[1].z.flat().filter(v => v === 1).length")
    assert grey == blank


def test_lines_of_theory_lie_on_the_map(desk):
    names = desk.evaluate(f"{MAP}.data.filter(t => t.mode === 'lines').map(t => t.name)")
    assert {"theory", "theory, corner", "measured"} <= set(names)


def test_choosing_a_layer_shows_its_numbers(desk, datasets):
    choose(desk, "layer", "1")
    exponent = datasets[1]["exponent"].values[..., 1]
    desk.wait_for(f"Math.abs({MAP}.data[0].z[0][0] - {exponent[0, 0]}) < 1e-6")
    drawn = np.array(desk.evaluate(f"{MAP}.data[0].z"), dtype=float)
    np.testing.assert_allclose(drawn, exponent.T, rtol=1e-5)


@pytest.mark.slow
def test_every_quantity_draws_without_complaint(desk):
    keys = desk.evaluate(
        "[...document.querySelector('select[data-key=quantity]')].map(o => o.value)"
    )
    assert len(keys) >= 9
    for key in keys:
        choose(desk, "quantity", key)
        label = f"document.querySelector('option[value={key}]').textContent"
        desk.wait_for(f"{MAP}.data[0].name === {label}")
        assert desk.evaluate(f"{MAP}.data[0].z.flat().some(v => v !== null)")
    desk.wait_for(f"{MISFITS} === 0")
    assert desk.problems == []


def test_arrow_keys_move_the_chosen_cell(desk, datasets):
    click_cell(desk, datasets, 3, 3)
    desk.evaluate(f"{MAP}.dispatchEvent(new KeyboardEvent('keydown', {{key: 'ArrowRight'}}))")
    gamma = f"{float(datasets[1]['gamma'].values[4]):.4g}"
    desk.wait_for(f"{NAME}.startsWith('γ = {gamma},')")


@pytest.mark.slow
def test_reader_in_a_hurry_neither_freezes_the_page_nor_sees_another_cell(desk, datasets):
    click_cell(desk, datasets, 1, 1)
    keys = ["ArrowRight", "ArrowUp"] * 4 + ["ArrowLeft"]
    desk.evaluate(
        f"{keys}.forEach(key => {MAP}.dispatchEvent(new KeyboardEvent('keydown', {{key}})))"
    )
    choose(desk, "layer", "1")
    choose(desk, "layer", "0")
    gamma, gamma_prime = (datasets[1][axis].values for axis in ("gamma", "gamma_prime"))
    written = f"γ = {gamma[4]:.4g}, γ′ = {gamma_prime[5]:.4g}".replace("-", "−")
    desk.wait_for(f"{NAME} === '{written}'")
    fit = "document.querySelector('[data-panel=displacement]').data[1].y[0]"
    desk.wait_for(f"Math.abs({fit} / {datasets[1]['fit'].values[4, 5, 0, 0]} - 1) < 1e-5")
    assert desk.problems == []


def test_hover_shows_intervals_of_every_layer(desk):
    desk.evaluate(f"Plotly.Fx.hover({MAP}, [{{curveNumber: 0, pointNumber: [2, 1]}}])")
    text = desk.evaluate(f"{MAP}.data[0].text[2][1]")
    assert text.count("[") == 2
    assert text.count("predicted") == 2


def test_saved_map_is_light_on_a_dark_page_and_names_its_lines(desk):
    desk.prefer("dark")
    desk.wait_for(
        f"getComputedStyle({MAP}.querySelector('.main-svg')).backgroundColor === 'rgb(20, 23, 27)'"
    )
    picture = desk.evaluate(
        "Plotly.toImage(lazyscope.picture(lazyscope.figures[0], 0), {format: 'svg'})"
        ".then(decodeURIComponent)"
    )
    desk.prefer("light")
    assert "rgb(20, 23, 27)" not in picture
    assert "theory, corner" in picture


@pytest.mark.slow
def test_map_never_scrolls_sideways_on_a_phone(desk):
    desk.resize(390, 800)
    desk.wait_for(f"{MAP}._fullLayout.width < 380")
    desk.wait_for(f"{MISFITS} === 0")
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390
    assert desk.problems == []
