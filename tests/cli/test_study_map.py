"""Do the studies of phase diagrams run from the shell, go on, and refuse what makes no map?"""

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app
from lazyscope.study import OutputScaleResult
from lazyscope.sweep import SweepSummary
from report.synthetic_studies import synthetic_output_scale

pytestmark = pytest.mark.slow

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


CONDENSATION = [
    *("study", "condensation", "--gamma", "0.5,1.75", "--gamma-prime=-0.25,0.25"),
    *("--widths", "8,16,32", "--seeds", "2", "--stop", "0.2"),
]


def test_the_study_of_condensation_writes_its_folder_and_goes_on(tmp_path):
    where = ["--output", str(tmp_path / "out")]
    first = CliRunner().invoke(app, [*CONDENSATION, *where])
    assert first.exit_code == 0, (first.output, first.exception)
    folder = tmp_path.resolve() / "out"
    assert first.stdout.splitlines()[-1] == f"Page: {folder / 'index.html'}"
    assert {path.name for path in folder.iterdir()} == {"index.html", "condensation.json", "runs"}
    stored = json.loads((folder / "condensation.json").read_text())
    told = json.loads(CliRunner().invoke(app, [*CONDENSATION, *where, "--json"]).stdout)
    assert (told["summary"]["num_before"], told["summary"]["num_done"]) == (48, 0)
    assert told["order"] == stored["order"]
    assert f"Verdict: {told['side_check']['sentence']}" in first.stdout.splitlines()


def test_the_study_of_the_output_scale_reads_its_options_and_writes_its_folder(
    tmp_path, monkeypatch
):
    asked = []

    def study(settings, store, *, show_progress):
        asked.append((settings, Path(store), show_progress))
        summary = SweepSummary(Path(store), 42, 0, {"converged": 40}, {"MemoryError": 2}, 1.0)
        return OutputScaleResult(synthetic_output_scale(), summary)

    monkeypatch.setattr("lazyscope.study.run_output_scale_study", study)
    command = ["study", "output-scale", "--output-scale", "0.5,4", "--widths", "4,16,64"]
    command += ["--seeds", "2", "--data", "digits", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 1, (result.output, result.exception)  # two runs are missing
    (settings, store, shown), folder = asked[0], tmp_path / "out"
    assert (settings.output_scale, settings.widths, settings.seeds) == ((0.5, 4), (4, 16, 64), 2)
    assert (store, shown) == (folder / "runs", False)
    told = json.loads(result.stdout)
    assert told.pop("summary")["complete"] is False
    assert told == json.loads((folder / "output-scale.json").read_text())
    assert shlex.split(told["settings"]["command"]) == ["lazyscope", *_moved(command)]
    assert "p = 0.49" in (folder / "index.html").read_text(encoding="utf-8")


def _moved(command):
    """The same command with its folder in front of the other options, as pages write it."""
    return [*command[:2], *command[-2:], *command[2:-2]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["output-scale", "--output-scale", "1,0.5"], "at least 2 increasing numbers"),
        (["output-scale", "--scheme", "ntkk"], "Scheme must be one of"),
        (["condensation", "--early-stop", "1e-6"], "initial stage must end before training does"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused_and_leaves_no_folder(tmp_path, options, words):
    result = CliRunner().invoke(app, ["study", *options, "--output", str(tmp_path / "out")])
    assert result.exit_code == 2, (result.output, result.exception)
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["two-layer", "--gamma", "1,0.5"], "Gamma must be at least 2 increasing numbers"),
        (["two-layer", "--widths", "8,wide,32"], "Widths must be a whole number"),
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
