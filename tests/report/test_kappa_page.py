"""Does the page say what the stored result says, all of it, and nothing that was not stored?"""

import base64
import copy
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest

from lazyscope._checks import InputError
from lazyscope.study import write_kappa_page
from report.pages import figure_data
from report.synthetic_kappa import SHAPES, synthetic_result

HOSTILE = '<img src="http://example.org/x.png" onerror="alert(1)"></script><b>%{x}'


def page_of(result, folder):
    return write_kappa_page(result, folder / "page.html").read_text(encoding="utf-8")


def without_scripts(text):
    """The page without styles, plotly.js and page scripts; the data of figures stay."""
    return re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)


def figure_specs(text):
    return {name: figure_data(text, name) for name in re.findall(r'data-figure="(\w+)"', text)}


class Addresses(HTMLParser):
    """Every address that a browser would load or link to, and every handler in markup."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [
            (tag, name, value)
            for name, value in attrs
            if name in ("src", "href", "srcset", "action", "data") or name.startswith("on")
        ]


@pytest.fixture(scope="module")
def result():
    return synthetic_result()


@pytest.fixture(scope="module")
def page(result, tmp_path_factory):
    return page_of(result, tmp_path_factory.mktemp("page"))


def test_page_asks_for_nothing_but_itself(page):
    addresses = Addresses()
    addresses.feed(page)
    links = [value for tag, _, value in addresses.found if tag == "a"]
    assert [found for found in addresses.found if found[0] != "a"] == [("link", "href", "data:,")]
    assert all(link.startswith(("#", "https://arxiv.org/abs/")) for link in links)
    assert "@import" not in page.split("<body>")[0]
    assert "url(" not in page.split("<body>")[0]


def test_page_carries_plotly_exactly_once_and_stays_below_two_and_a_half_megabytes(page):
    assert page.count("* plotly.js (cartesian - minified) v") == 1
    assert len(page.encode()) < 2.5e6


def test_every_panel_is_valid_plotly(page):
    for spec in figure_specs(page).values():
        for panel in spec["panels"]:
            go.Figure(data=panel["data"], layout=panel["layout"])


def test_page_has_the_six_figures_in_order(page):
    names = list(figure_specs(page))
    assert names == ["displacement", "loss", "forecast", "prediction", "gap", "rate"]


def test_every_figure_has_a_caption_that_says_what_to_look_for(page):
    sections = re.findall(r'<section id="\w+" class="figure".*?</section>', page, flags=re.DOTALL)
    assert len(sections) == 6
    for section in sections:
        assert '<p class="caption">Look for ' in section


def test_verdict_stands_on_the_page_word_by_word(page, result):
    told = re.sub(
        "<sup>(.*?)</sup>", lambda found: f"^{found[1].replace('−', '-')}", unescape(page)
    )
    assert result["verdict"]["sentence"] in told
    assert '<span class="badge">Supported</span>' in page


def test_negative_verdict_is_shown_as_negative(tmp_path):
    result = synthetic_result(seeds=(0,))
    result["verdict"] = {"sentence": "The slope is -0.3 against -1.", "supported": False}
    text = page_of(result, tmp_path)
    assert 'class="verdict bad"' in text
    assert '<span class="badge">Contradicted</span>' in text


def test_undecided_verdict_is_neither_good_nor_bad(tmp_path):
    result = synthetic_result(seeds=(0,))
    result["verdict"] = {"sentence": "Too few runs.", "supported": None}
    text = page_of(result, tmp_path)
    assert '<span class="badge">Undecided</span>' in text
    assert 'class="verdict good"' not in text
    assert 'class="verdict bad"' not in text


@pytest.mark.parametrize(
    ("word", "tone"), [("Supported", " good"), ("Contradicted", " bad"), ("Undecided", " ")]
)
def test_the_stored_answer_is_the_badge_of_the_verdict(tmp_path, word, tone):
    result = synthetic_result(seeds=(0,), widths=(64,), kappas=(1, 2))
    result["verdict"] = {"answer": word.lower(), "sentence": "Slopes: of -1.", "supported": False}
    text = page_of(result, tmp_path)
    assert f'class="verdict{tone}"><span class="badge">{word}</span>' in text
    assert '<p class="found">Slopes: of -1.</p>' in text


def test_lines_are_solid_exactly_in_the_range_of_the_fit(page):
    traces = figure_specs(page)["displacement"]["panels"][0]["data"]
    lines = [t for t in traces if t["mode"] == "lines"]
    assert len(lines) == 2 * len(SHAPES)
    for trace in lines:
        kappas = [4, 8, 16, 32] if trace["line"]["dash"] == "solid" else [1, 2, 4]
        assert trace["x"] == kappas


def test_note_of_a_fit_and_its_range_are_in_the_table(tmp_path):
    result = synthetic_result(seeds=(0,))
    result["fits"][1] |= {"kappa_range": None, "note": "only 2 values of kappa"}
    text = page_of(result, tmp_path)
    section = text[text.index('<section id="fits">') : text.index('<section id="collapse">')]
    assert "ntk-like: only 2 values of kappa" in section
    assert section.count("<td>4 to 32</td>") == 4


def test_run_without_a_bound_has_no_bound_on_the_page(tmp_path):
    result = synthetic_result(seeds=(0,), num_failed=0)
    for run, curve in zip(result["runs"], result["curves"], strict=True):
        run["decay_rate"]["bound"], curve["bound"] = None, None
    specs = figure_specs(page_of(result, tmp_path))
    assert {t["meta"]["curve"] for t in specs["loss"]["panels"][0]["data"]} == {
        "loss",
        "linearised",
    }
    assert [panel["title"] for panel in specs["rate"]["panels"]] == ["Measured rate / kernel rate"]


def test_fitted_slopes_and_intervals_are_the_stored_ones(page, result):
    spec = figure_specs(page)["displacement"]["panels"][1]
    for trace, fit in zip(spec["data"], result["fits"], strict=True):
        assert trace["x"] == [fit["slope"]]
        low, high = fit["interval"]
        assert trace["error_x"]["array"] == [pytest.approx(high - fit["slope"])]
        assert trace["error_x"]["arrayminus"] == [pytest.approx(fit["slope"] - low)]
    assert [shape["x0"] for shape in spec["layout"]["shapes"]] == [-1.0]


def test_every_converged_run_is_one_point_at_its_stored_displacement(page, result):
    traces = figure_specs(page)["displacement"]["panels"][0]["data"]
    small = [t for t in traces if t["mode"] == "markers" and t["marker"]["size"] == 4]
    drawn = sorted(y for trace in small for y in trace["y"])
    stored = sorted(
        run["largest_displacement"] for run in result["runs"] if run["largest_displacement"]
    )
    assert drawn == stored


def test_points_are_dodged_by_width_by_less_than_half_the_way_to_the_next_kappa(page, result):
    traces = figure_specs(page)["displacement"]["panels"][0]["data"]
    kappas = np.array(result["settings"]["kappas"])
    for trace in traces:
        if trace["mode"] == "markers":
            ratio = np.array(trace["x"])[:, None] / kappas
            assert np.abs(np.log2(ratio)).min(axis=1).max() < 0.25


def test_forecast_panels_hold_each_layer_against_its_own_forecast(page, result):
    panels = figure_specs(page)["forecast"]["panels"]
    assert len(panels) == 3
    for layer, panel in enumerate(panels):
        drawn = {(x, y) for t in panel["data"] for x, y in zip(t["x"], t["y"], strict=True)}
        stored = {
            (run["forecast"]["frobenius"][layer], run["displacement"]["frobenius"][layer])
            for run in result["runs"]
            if run["displacement"]["frobenius"][layer] is not None
        }
        assert drawn == stored


def test_loss_curves_reach_the_page_in_single_precision(page, result):
    traces = figure_specs(page)["loss"]["panels"][0]["data"]
    lines = [trace for trace in traces if trace["meta"]["curve"] == "loss"]
    assert len(lines) == len(result["curves"])
    for trace, curve in zip(lines, result["curves"], strict=True):
        drawn = np.frombuffer(base64.b64decode(trace["y"]["bdata"]), dtype=trace["y"]["dtype"])
        stored = np.array([np.nan if v is None else v for v in curve["loss"]])
        np.testing.assert_allclose(drawn, stored, rtol=1e-7)


def test_failed_runs_are_listed_with_what_became_of_them(page, result):
    failed = [run for run in result["runs"] if run["outcome"] != "converged"]
    assert len(failed) == 3
    section = page[page.index('<section id="failed">') : page.index('<section id="runs">')]
    assert section.count("<tr>") == 1 + len(failed)
    assert "3 of 270 runs did not reach the asked loss" in section
    for outcome in {run["outcome"] for run in failed}:
        assert outcome in section


def test_page_says_so_when_no_run_failed(tmp_path):
    text = page_of(synthetic_result(seeds=(0,), num_failed=0), tmp_path)
    assert "All 90 runs reached the asked loss." in text


def test_failed_run_that_left_a_number_is_drawn_as_a_cross(tmp_path):
    result = synthetic_result(seeds=(0,), num_failed=0)
    result["runs"][4]["outcome"] = "stalled"
    spec = figure_specs(page_of(result, tmp_path))["displacement"]["panels"][0]
    symbols = [s for t in spec["data"] for s in np.atleast_1d(t.get("marker", {}).get("symbol"))]
    assert symbols.count("x-open") == 1


def test_one_seed_one_width_and_one_kappa_still_make_a_page(tmp_path):
    result = synthetic_result(seeds=(7,), widths=(64,), kappas=(4,), num_failed=0)
    text = page_of(result, tmp_path)
    assert "All 5 runs" in text


def test_result_in_which_every_run_failed_still_makes_a_page(tmp_path):
    result = synthetic_result(seeds=(0,), widths=(64,), kappas=(1, 2), num_failed=0)
    for run in result["runs"]:
        run |= {"outcome": "diverged", "largest_displacement": None, "kernel_change": None}
        run["displacement"] = {"operator": [None] * 3, "frobenius": [None] * 3}
        run["forecast"] = {"frobenius": [None] * 3}
        run["linearisation_gap"] = {"train": None, "test": None}
        run["decay_rate"] = {"measured": None, "bound": None, "kernel": None}
    for fit in result["fits"]:
        fit |= {"slope": None, "interval": [None, None], "verdict": "undecided", "num_runs": 0}
    for curve in result["curves"]:
        curve["loss"] = [None] * len(curve["loss"])
    result["test_outputs"] = []
    text = page_of(result, tmp_path)
    assert "10 of 10 runs did not reach the asked loss" in text
    assert list(figure_specs(text)) == ["displacement", "loss", "forecast", "gap", "rate"]


def test_names_cannot_smuggle_markup_into_the_page(tmp_path):
    result = synthetic_result(
        shapes={HOSTILE: (HOSTILE, 1.0, (1.0, 1.0, 1.0))}, seeds=(0,), num_failed=1
    )
    result["verdict"]["sentence"] = HOSTILE
    result["settings"]["description"] = [HOSTILE]
    text = without_scripts(page_of(result, tmp_path))
    assert "<img" not in text
    assert "&lt;img src=" in text
    specs = figure_specs(text)
    assert len(specs) == 6
    for trace in specs["displacement"]["panels"][0]["data"]:
        assert "<img" not in trace["name"]
        assert not any("<img" in hover for hover in trace.get("hovertext", []))


def test_page_does_not_change_the_result(result, tmp_path):
    before = copy.deepcopy(result)
    page_of(result, tmp_path)
    assert result == before


def test_every_output_of_networks_with_several_outputs_is_a_point(tmp_path):
    result = synthetic_result(seeds=(0,), num_test=64)
    for item in result["test_outputs"]:
        for name in ("network", "kernel", "target"):
            item[name] = [item[name][k : k + 4] for k in range(0, 64, 4)]
    panels = figure_specs(page_of(result, tmp_path))["prediction"]["panels"]
    points = [len(base64.b64decode(t["x"]["bdata"])) // 4 for p in panels for t in p["data"]]
    assert sum(points) == 64 * len(result["test_outputs"])


def test_settings_versions_and_the_command_to_redo_are_on_the_page(page):
    text = unescape(page)
    for words in ("jax 0.10.2", "lazyscope study kappa", "exponential flow", "at 0.0001 of the"):
        assert words in text


def test_all_shapes_appear_in_the_table_of_schemes(page):
    section = page[page.index('<section id="schemes">') : page.index('<section id="failed">')]
    for shape in SHAPES:
        assert shape in section


def test_result_of_another_study_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"stored result of a kappa study.*'two-layer'"):
        page_of({"study": "two-layer", "format": 1}, tmp_path)


def test_result_of_another_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must have format 1 or 2.*format 3.*another version"):
        page_of({"study": "kappa", "format": 3}, tmp_path)


def test_result_without_its_parts_is_refused(result, tmp_path):
    cut = {name: part for name, part in result.items() if name not in ("curves", "fits")}
    with pytest.raises(InputError, match=r"must have the parts.*no curves, fits"):
        page_of(cut, tmp_path)
