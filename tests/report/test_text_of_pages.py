"""Can a page be read without seeing it, and does it say what its words mean?"""

import re
from html import unescape

import pytest

from lazyscope.report.parts import PLOTLY_VERSION, TERMS, panel_summary, terms_in
from lazyscope.study import write_kappa_page, write_map_page
from report.synthetic_kappa import synthetic_result
from report.synthetic_map import synthetic_map


@pytest.fixture(scope="module")
def kappa(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    return write_kappa_page(synthetic_result(), path).read_text(encoding="utf-8")


def header_of(text):
    return text[text.index("<header>") : text.index("</header>")]


def test_what_was_found_stands_before_numbers_and_these_before_what_is_shown(kappa):
    header = header_of(kappa)
    places = [header.index(part) for part in ('class="found"', 'class="facts"', "What is shown")]
    assert places == sorted(places)


def test_the_words_of_a_page_are_defined_with_a_paper_and_others_are_not(kappa):
    names = re.findall(r"<dt>([^<]*)</dt><dd>[^<]* ?<a href=\"https://arxiv", header_of(kappa))
    assert "κ, the initial scale" in map(unescape, names)
    assert "order parameter" not in names


def test_every_word_is_found_by_its_own_cue():
    assert all(term in terms_in(f"{term.name} {term.meaning}") for term in TERMS)
    assert terms_in("nothing of this") == ()


def test_every_section_is_in_the_list_of_contents(kappa):
    nav = kappa[kappa.index('<nav class="contents"') : kappa.index("</nav>")]
    listed = re.findall(r'href="#([\w-]+)"', nav)
    assert listed == re.findall(r'<section id="([\w-]+)"', kappa)


def test_every_panel_is_described_by_words_with_its_numbers(kappa):
    described = re.findall(r'aria-describedby="([\w-]+)"', kappa)
    assert len(described) == kappa.count('role="figure"') > 6
    for name in described:
        words = re.search(rf'id="{name}">(.*?)</p>', kappa, re.DOTALL)[1]
        assert re.search(r"\d points?[,.]", words)


def test_a_summary_counts_points_and_leaves_out_what_is_no_number():
    line = {"name": "<b>a</b>", "x": [1.0, 2.0, 4.0], "y": [8.0, None, 2.0]}
    assert panel_summary([line], {}) == "a: 2 points, from 8 at 1 to 2 at 4."
    many = [{**line, "name": str(k)} for k in range(15)]
    assert panel_summary(many, {}).endswith("And 3 more series.")


def test_the_version_of_plotly_is_that_of_the_file_inside(kappa):
    assert f"* plotly.js (cartesian - minified) v{PLOTLY_VERSION}" in kappa
    assert f"plotly.js {PLOTLY_VERSION}" in kappa[: kappa.index("<title>")]


def test_the_page_of_a_map_tells_its_counts_in_words(tmp_path):
    runs, estimates = synthetic_map(num_cells=4, num_neurons=8, num_records=8, num_failed=2)
    text = write_map_page(runs, estimates, tmp_path / "map.html").read_text(encoding="utf-8")
    words = unescape(re.search(r'id="map-words">(.*?)</p>', text, re.DOTALL)[1])
    values = estimates["exponent"].values[..., 0]
    lazy = int((estimates["high"].values[..., 0] < 0).sum())
    assert f"Layer 1: {lazy} of {values.size} cells lazy" in words
