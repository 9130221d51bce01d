"""Do the studies of phase diagrams run from the shell, go on, and refuse what makes no map?"""

import json

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app

TWO = [
    *("study", "two-layer", "--gamma", "0.5,1.75", "--gamma-prime=-0.25,0.25"),
    *("--widths", "8,16,32", "--seeds", "2", "--stop", "0.1"),
]


def test_a_map_is_written_and_the_same_command_goes_on(tmp_path):
    where = ["--store", str(tmp_path / "store"), "-o", str(tmp_path / "map.html")]
    first = CliRunner().invoke(app, [*TWO, *where])
    assert first.exit_code == 0, (first.output, first.exception)
    lines = first.stdout.splitlines()
    assert lines[-1] == f"Page: {tmp_path.resolve() / 'map.html'}"
    assert lines[-2] == f"Store: {tmp_path.resolve() / 'store'}"
    again = CliRunner().invoke(app, [*TWO, *where, "--json"])
    told = json.loads(again.stdout)
    assert (told["num_cells"], told["num_before"], told["num_done"]) == (24, 24, 0)
    assert told["complete"] is True
    assert f"Verdict: {told['sign_check']['sentence']}" in lines
    assert (tmp_path / "map.html").stat().st_size > 1_000_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["two-layer", "--gamma", "1,0.5"], "Gamma must be at least 2 increasing numbers"),
        (["two-layer", "--widths", "8,wide,32"], "Width must be a whole number"),
        (["three-layer", "--scale-exponent-2", "0.5"], "at least 2 increasing numbers"),
        (["three-layer", "--scale-exponent-3", "big"], "Scale_exponent_3 must be a finite number"),
    ],
)
def test_a_study_that_makes_no_map_is_refused_before_anything_is_made(tmp_path, options, words):
    where = ["--store", str(tmp_path / "store"), "-o", str(tmp_path / "map.html")]
    result = CliRunner().invoke(app, ["study", *options, *where])
    assert result.exit_code == 2, (result.output, result.exception)
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_run(tmp_path):
    where = ["--store", str(tmp_path / "store"), "-o", str(tmp_path / "no" / "map.html")]
    result = CliRunner().invoke(app, [*TWO, *where])
    assert result.exit_code == 2
    assert "Results need a path that can be written" in result.stderr
    assert list(tmp_path.iterdir()) == []
