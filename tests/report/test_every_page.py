"""Does the page of every study pass in a real browser, on desk, phone and paper, light and dark?

Studies run with the smallest settings that make sense; pages of sweeps over one axis and of lists of points
are driven in `test_one_axis`, the explorer in `test_explorer`.
"""

import pytest
from typer.testing import CliRunner

from contract.test_every_study import BUILD, TINY
from lazyscope.cli import app
from lazyscope.study import write_kappa_page, write_map_page
from report.driven import faults, first_lines
from report.synthetic_kappa import synthetic_result
from report.synthetic_map import synthetic_map

FOUND_FIRST = ["eyebrow", "H1", "verdict", "facts"]


def passes(browser, axe, page):
    assert faults(browser, page, axe=axe) == []
    assert [kind.split()[0] for kind in first_lines(browser)][:4] == FOUND_FIRST


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_the_page_of_a_study_passes(browser, axe, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.py").write_text(BUILD)
    ended = CliRunner().invoke(app, ["study", name, *TINY[name], "--output", str(tmp_path / "out")])
    page = tmp_path / "out" / "index.html"
    assert page.exists(), (ended.output, ended.exception)
    passes(browser, axe, page)


@pytest.mark.slow
def test_large_pages_of_kappa_and_of_a_map_pass(browser, axe, tmp_path):
    passes(browser, axe, write_kappa_page(synthetic_result(), tmp_path / "kappa.html"))
    passes(browser, axe, write_map_page(*synthetic_map(), tmp_path / "map.html"))
