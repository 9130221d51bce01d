"""Is the progress of a sweep shown where it can be, also in notebooks without widgets?"""

import importlib.util
import warnings

import pytest

from lazyscope.sweep.run import _progress
from lazyscope.sweep.run._progress import sweep_progress


@pytest.fixture(name="notebook")
def notebook_without_widgets(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        _progress, "find_spec", lambda name: None if name == "ipywidgets" else found(name)
    )


def shown(capsys, *, show=True):
    how = {"num_cells": 8, "num_before": 2, "work": 6.0}
    with sweep_progress("runs", show=show, **how) as progress:
        progress.advance(1, 0, 1.0, 2)
        progress.advance(5, 1, 5.0, 0)
    return capsys.readouterr()


def test_a_notebook_without_widgets_shows_one_line_that_is_written_over(notebook, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = shown(capsys)
    assert written.out == ""
    assert written.err.count("\n") == 1
    states = [line.rstrip() for line in written.err.strip("\n").split("\r")[1:]]
    assert states[0].startswith("runs [######..................]  25% starting")
    assert states[-1].startswith("runs [########################] 100% 8 done, 0 running, 1 failed")


def test_nothing_is_shown_unless_asked_for(notebook, capsys):
    assert shown(capsys, show=False).err.strip() == ""


def test_elsewhere_the_bar_is_that_of_rich(capsys):
    written = shown(capsys)
    assert "8 done, 0 running, 1 failed" in written.err
    assert "[####" not in written.err
