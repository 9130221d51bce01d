"""Do the pages of the studies of output scale and condensation say what is stored, and draw?"""

import json
import re
from html import unescape

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.study import (
    draw_crossover,
    draw_order_parameter,
    write_condensation_page,
    write_map_page,
    write_output_scale_page,
)
from report.pages import figure_data
from report.synthetic_studies import synthetic_condensation, synthetic_output_scale

QUANTITY = "document.querySelector('select[data-key=quantity]')"


@pytest.fixture(scope="module")
def record():
    return synthetic_output_scale()


@pytest.fixture(scope="module")
def scale_page(record, tmp_path_factory):
    return write_output_scale_page(record, tmp_path_factory.mktemp("scale") / "index.html")


@pytest.fixture(scope="module")
def condensation():
    return synthetic_condensation()


@pytest.fixture(scope="module")
def condensation_page(condensation, tmp_path_factory):
    return write_condensation_page(*condensation, tmp_path_factory.mktemp("cond") / "index.html")


def panels(text, anchor):
    """The plots of one figure, as they are stored in the page."""
    return figure_data(text, anchor)["panels"]


def test_the_stored_verdict_and_numbers_are_on_the_page_of_the_output_scale(record, scale_page):
    text = unescape(scale_page.read_text(encoding="utf-8"))
    assert record["verdict"]["sentence"] in text
    assert "[0.41, 0.55]" in text
    assert "−0.998" in text
    assert "Do scaled outputs <leave> the lazy regime?" in text
    assert record["settings"]["command"] in text
    assert "diverged" in text


def test_curves_stand_at_alpha_on_the_left_and_at_kappa_on_the_right(record, scale_page):
    left, right = panels(scale_page.read_text(encoding="utf-8"), "crossover")
    for panel, rows in ((left, [record["output_scale"]] * 3), (right, record["kappa"])):
        drawn = [t for t in panel["data"] if t["meta"]["quantity"] == "kernel_change"]
        assert [t["x"] for t in drawn] == rows
    means = [t["y"] for t in left["data"] if t["meta"]["quantity"] == "displacement"]
    values = np.array(record["quantities"]["displacement"]["values"], float)
    assert means[1] == pytest.approx(np.exp(np.log(values[1]).mean(-1)).tolist())
    assert means[0][0] == pytest.approx(values[0, 0, 1])  # the other seed diverged


def test_another_record_is_refused(record, tmp_path):
    for change in ({"study": "kappa"}, {"format": 2}):
        with pytest.raises(InputError, match=r"result of an output-scale study|must have format 1"):
            write_output_scale_page({**record, **change}, tmp_path / "page.html")


def test_the_page_of_the_output_scale_draws_and_changes_its_quantity(browser, scale_page):
    browser.open(scale_page)
    assert browser.problems == []
    assert browser.addresses == [scale_page.resolve().as_uri()]
    title = "document.querySelector('.panel')._fullLayout.yaxis.title.text"
    assert browser.evaluate(title) == "largest displacement"
    browser.evaluate(
        f"(() => {{ {QUANTITY}.value = 'test_error'; {QUANTITY}.dispatchEvent(new Event('change')); }})()"
    )
    browser.wait_for(f"{title} === 'test error'")
    assert browser.problems == []


def test_the_map_of_condensation_opens_on_the_order_parameter(condensation, condensation_page):
    text = condensation_page.read_text(encoding="utf-8")
    assert "Condensed cells stand out." in text
    first = re.search(r'<select data-key="quantity">\s*<option value="(\w+)"', text)
    assert first[1] == "order_final"
    drawn = panels(text, "sharpening")[0]["data"]
    wide = next(t for t in drawn if t["meta"] == {"stage": "final", "width": 1000})
    order = condensation[1]["order"].sel(stage="final", width=1000).mean("seed").values.ravel()
    assert sorted(wide["y"]) == pytest.approx(sorted(order.tolist()))
    predicted = condensation[1]["predicted"].sel(layer=1).values.ravel()
    assert sorted(wide["x"]) == pytest.approx(sorted(predicted.tolist()))


@pytest.mark.slow
def test_a_cell_of_the_map_shows_its_weights_at_three_times(browser, condensation_page):
    browser.open(condensation_page)
    assert browser.problems == []
    names = "document.querySelector('[data-panel=weights]').data.map((t) => t.name).join('|')"
    assert browser.evaluate(names) == "before|when the loss begins to fall|after"
    marks = "document.querySelector('[data-panel=map]').data.map((t) => t.name)"
    assert "sign undecided" not in browser.evaluate(marks)
    browser.evaluate(
        f"(() => {{ {QUANTITY}.value = 'exponent'; {QUANTITY}.dispatchEvent(new Event('change')); }})()"
    )
    browser.wait_for(f"{marks}.includes('sign undecided')")


def test_estimates_without_stages_are_refused_by_the_page_of_condensation(condensation, tmp_path):
    runs, estimates = condensation
    with pytest.raises(InputError, match="order parameters by stage"):
        write_condensation_page(runs, estimates.drop_vars("order"), tmp_path / "page.html")


@pytest.mark.slow
def test_names_of_regions_that_would_overlap_become_letters(browser, condensation, tmp_path):
    runs, estimates = condensation
    crowded = [
        {"name": name, "x": 1.0 + 0.01 * k, "y": 0.25}
        for k, name in enumerate(("only layer 3 lazy", "only layers 1 and 3 lazy"))
    ]
    roomy = [
        {"name": "only layer 3 lazy", "x": 0.75, "y": 0.25},
        {"name": "condensed", "x": 1.4, "y": 0.25},
    ]
    words = (
        "document.querySelector('[data-panel=map]').layout.annotations.map((a) => a.text).join('|')"
    )
    for regions, expected in ((crowded, "<b>A</b>|<b>B</b>"), (roomy, "only 3<br>lazy|condensed")):
        told = estimates.assign_attrs(regions=json.dumps(regions))
        page = write_map_page(runs, told.drop_vars(["order", "directions"]), tmp_path / "map.html")
        browser.open(page)
        assert browser.evaluate(words) == expected
        shown = "!document.querySelector('.region-key').hidden"
        assert browser.evaluate(shown) == (regions is crowded)
    assert browser.problems == []


@pytest.mark.parametrize("against", ["alpha", "kappa"])
def test_the_figure_of_the_crossover_has_a_line_per_width_at_its_scales(record, against, tmp_path):
    axes = draw_crossover(record, "kernel_change", against=against)
    rows = record["kappa"] if against == "kappa" else [record["output_scale"]] * 3
    assert [line.get_xdata().tolist() for line in axes.lines] == rows
    values = np.array(record["quantities"]["kernel_change"]["values"])
    for line, expected in zip(axes.lines, np.exp(np.log(values).mean(-1)), strict=True):
        assert line.get_ydata() == pytest.approx(expected)
    axes.figure.savefig(tmp_path / "crossover.pdf")
    with pytest.raises(InputError, match="Quantity must be one of"):
        draw_crossover(record, "loss")


def test_the_figure_of_condensation_shows_the_order_parameter_with_gamma_to_the_right(condensation):
    axes = draw_order_parameter(condensation[1])
    drawn = axes.collections[0].get_array()
    np.testing.assert_array_equal(drawn, condensation[1]["order_final"].values.T)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("γ", "γ′")
    with pytest.raises(InputError, match="Stage must be one of"):
        draw_order_parameter(condensation[1], "late")
