"""Does the page work in a real browser? Without a network, in light and dark, on desk and phone."""

import pytest

from lazyscope.study import write_kappa_page
from report.synthetic_kappa import synthetic_result

NUM_PANELS = 2 + 1 + 3 + 6 + 3 + 2
PAPER = "getComputedStyle(document.querySelector('.panel .main-svg')).backgroundColor"
EMPTY = "[...document.querySelectorAll('.panel')].filter(p => !p.querySelector('.point, .js-line'))"


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The page, opened once for all tests of this file that do not open another."""
    result = synthetic_result(widths=(128, 256), seeds=(0, 1))
    path = write_kappa_page(result, tmp_path_factory.mktemp("page") / "page.html")
    browser.open(path)
    return path


@pytest.fixture
def desk(browser, page):
    """The open page on a desk, in light."""
    browser.resize(1200, 900)
    browser.prefer("light")
    browser.wait_for(f"{PAPER} === 'rgb(255, 255, 255)'")
    return browser


MISFITS = (
    "[...document.querySelectorAll('.panel')].filter(p => {"
    "const b = p.querySelector('.main-svg').getBoundingClientRect();"
    "return Math.abs(b.width - p.clientWidth) > 1 || Math.abs(b.height - p.clientHeight) > 1;"
    "}).length"
)


def choose(browser, figure, key, value):
    browser.evaluate(
        f"(() => {{ const s = document.querySelector('#{figure} select[data-key={key}]');"
        f"s.value = '{value}'; s.dispatchEvent(new Event('change')); }})()"
    )


@pytest.mark.slow
def test_all_figures_draw_without_complaint_or_network(desk, page):
    assert desk.evaluate("document.querySelectorAll('.panel svg.main-svg .xy').length") >= (
        NUM_PANELS
    )
    assert desk.evaluate(f"{EMPTY}.length") == 0
    assert desk.evaluate(MISFITS) == 0
    assert desk.problems == []
    assert desk.addresses == [page.resolve().as_uri()]
    assert desk.evaluate("document.getElementById('page-error').hidden") is True


@pytest.mark.slow
def test_figures_follow_the_theme_when_it_changes(desk):
    desk.prefer("dark")
    desk.wait_for(f"{PAPER} === 'rgb(20, 23, 27)'")
    assert desk.evaluate(f"{EMPTY}.length") == 0
    assert desk.problems == []


@pytest.mark.slow
def test_page_never_scrolls_sideways_on_a_phone_and_figures_become_as_narrow(desk):
    desk.resize(390, 800)
    desk.wait_for("document.querySelector('#loss .panel')._fullLayout.width < 380")
    desk.wait_for(f"{MISFITS} === 0")
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390
    assert desk.problems == []


@pytest.mark.slow
def test_page_never_scrolls_sideways_on_a_desk(desk):
    assert desk.evaluate("document.documentElement.scrollWidth") <= 1200


def test_choosing_one_kappa_leaves_its_curves_on_a_linear_axis(desk):
    lines = "document.querySelectorAll('#loss .scatterlayer .trace').length"
    before = desk.evaluate(lines)
    choose(desk, "loss", "kappa", "8")
    desk.wait_for("document.querySelector('#loss .panel')._fullLayout.xaxis.type === 'linear'")
    assert before == 6 * desk.evaluate(lines) > 0
    assert desk.evaluate(MISFITS) == 0
    choose(desk, "loss", "kappa", "*")
    desk.wait_for("document.querySelector('#loss .panel')._fullLayout.xaxis.type === 'log'")


def test_choosing_another_shape_draws_other_curves(desk):
    first = "document.querySelector('#loss .panel').data[0].meta.shape"
    assert desk.evaluate(first) == "balanced"
    choose(desk, "loss", "shape", "random")
    desk.wait_for(f"{first} === 'random'")


def test_reader_in_a_hurry_does_not_freeze_the_page(desk):
    for kappa in ("1", "2", "4", "8", "*"):
        choose(desk, "loss", "kappa", kappa)
    desk.evaluate(
        "for (const b of document.querySelectorAll('#displacement .legend button')) "
        "{ b.click(); b.click(); }"
    )
    desk.wait_for("document.querySelector('#loss .panel')._fullLayout.xaxis.type === 'log'")
    desk.wait_for(
        "document.querySelector('#displacement .panel').data.length === 1 + 2 * 5 + 2 * 2 * 5"
    )
    assert desk.problems == []


def test_click_on_a_legend_entry_hides_the_shape_and_a_second_click_shows_it(desk):
    desk.evaluate("document.querySelector('#displacement').scrollIntoView()")
    box = desk.evaluate(
        "(() => { const b = document.querySelector("
        "'#displacement button[data-value=balanced]').getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    shapes = (
        "new Set(document.querySelector('#displacement .panel').data"
        ".map(t => (t.meta || {}).shape)).has('balanced')"
    )
    assert desk.evaluate(shapes) is True
    desk.click(*box)
    desk.wait_for(f"!{shapes}")
    desk.click(*box)
    desk.wait_for(shapes)


def test_hover_shows_the_numbers_of_a_run(desk):
    desk.evaluate(
        "(() => { const p = document.querySelector('#displacement .panel');"
        "const k = p.data.findIndex(t => t.mode === 'markers' && t.marker.size > 5);"
        "Plotly.Fx.hover(p, [{curveNumber: k, pointNumber: 0}]); })()"
    )
    desk.wait_for("document.querySelector('#displacement .hoverlayer text')")
    text = desk.evaluate("document.querySelector('#displacement .hoverlayer').textContent")
    assert "balanced" in text
    assert "over 2 seeds" in text


@pytest.mark.slow
def test_saved_picture_brings_its_legend_and_is_light_on_a_dark_page(desk):
    desk.prefer("dark")
    desk.wait_for(f"{PAPER} === 'rgb(20, 23, 27)'")
    picture = desk.evaluate(
        "Plotly.toImage(lazyscope.picture(lazyscope.figures[0], 0), {format: 'svg'})"
        ".then(decodeURIComponent)"
    )
    assert picture.startswith("data:image/svg+xml,<svg")
    assert "balanced, width 128" in picture
    assert "rgb(255, 255, 255)" in picture
    assert "rgb(20, 23, 27)" not in picture


@pytest.mark.slow
def test_hostile_names_and_failures_run_nothing_and_draw_without_complaint(browser, tmp_path):
    name = '<img src="http://example.org/x.png" onerror="window.stolen = 1"></script>'
    shapes = {name: (name, 1.0, (1.0, 1.0, 1.0)), "b": ("", 1.0, (1.0, 1.0, 1.0))}
    result = synthetic_result(shapes=shapes, seeds=(0,), widths=(64,), num_failed=8)
    page = write_kappa_page(result, tmp_path / "page.html")
    browser.open(page)
    assert browser.evaluate("document.documentElement.dataset.drawn") == "6"
    assert browser.evaluate("window.stolen === undefined") is True
    assert browser.evaluate("document.querySelector('#loss .panel').data.length") > 0
    assert browser.problems == []
    assert browser.addresses == [page.resolve().as_uri()]
