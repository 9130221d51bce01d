"""Do the commands that write leave whole results, or nothing?"""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app

QUICK = [
    *("study", "kappa", "--widths", "8", "--kappas", "4,8,16", "--seeds", "1"),
    *("--num-points", "4", "--num-test", "4", "--depth", "1", "--shapes", "balanced,ntk-like"),
]
SWEEP = """
[axes]
width = [4, 8]
seed = [0, 1]
[fixed]
gamma = 0.5
gamma_prime = 0.0
stop = 0.5
"""


def test_a_study_writes_a_page_and_its_numbers_and_says_where(tmp_path):
    folder = tmp_path / "new" / "kappa"
    result = CliRunner().invoke(app, [*QUICK, "--output", str(folder)])
    assert result.exit_code == 0, (result.output, result.exception)
    stored = json.loads((folder / "kappa.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "kappa.json"]
    assert len(stored["runs"]) == 6
    assert stored["settings"]["command"].startswith("lazyscope study kappa --output")
    lines = result.stdout.splitlines()
    assert lines[-1] == f"Page: {folder.resolve() / 'index.html'}"
    assert lines[-3] == f"Verdict: {stored['verdict']['sentence']}"
    assert result.stderr == ""


def test_a_study_with_json_prints_what_it_stored_and_nothing_else(tmp_path):
    result = CliRunner().invoke(app, [*QUICK, "--output", str(tmp_path), "--json"])
    assert json.loads(result.stdout) == json.loads((tmp_path / "kappa.json").read_text())


def test_an_unwritable_folder_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    def computed(*_, **__):
        raise AssertionError("computed before the path was checked")

    monkeypatch.setattr("lazyscope.study.run_kappa_study", computed)
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        result = CliRunner().invoke(app, [*QUICK, "--output", str(path)])
        assert result.exit_code == 2
        assert "Results need a path that can be written" in result.stderr
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--num-points", "5000"], "as many points as are asked for"),
        (["--data", "nowhere.npz"], "no such file"),
        (["--target", "clases"], "use 'classes'"),
    ],
)
def test_a_study_that_is_refused_leaves_no_folder(tmp_path, options, words):
    folder = tmp_path / "a" / "b"
    result = CliRunner().invoke(app, ["study", "kappa", *options, "--output", str(folder)])
    assert result.exit_code == 2, (result.output, result.exception)
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_result_whole(tmp_path, monkeypatch):
    from lazyscope._checks import InputError
    from lazyscope.cli._output import write_whole

    target = write_whole("old", tmp_path / "kappa.json")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_whole("new", target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["kappa.json"]


@pytest.fixture
def sweep(tmp_path):
    (tmp_path / "s.toml").write_text(SWEEP)
    return ["sweep", str(tmp_path / "s.toml"), "--store", str(tmp_path / "store")]


def test_a_dry_run_counts_and_writes_nothing(sweep, tmp_path):
    result = CliRunner().invoke(app, [*sweep, "--dry-run", "--json"])
    told = json.loads(result.stdout)
    assert (told["num_cells"], told["num_shapes"]) == (4, 2)
    assert not (tmp_path / "store").exists()
    assert "4 runs in 2 shapes" in CliRunner().invoke(app, [*sweep, "--dry-run"]).stdout


def test_a_sweep_runs_once_and_then_has_nothing_left_to_do(sweep):
    first = CliRunner().invoke(app, [*sweep, "--json"])
    assert first.exit_code == 0, (first.output, first.exception)
    told = json.loads(first.stdout)
    assert (told["num_done"], told["num_before"], told["complete"]) == (4, 0, True)
    assert sum(told["outcomes"].values()) == 4
    again = CliRunner().invoke(app, sweep)
    assert again.exit_code == 0
    assert "0 runs done" in again.stdout
    assert "4 were there before, of 4: complete" in " ".join(again.stdout.split())


def test_exponents_of_a_store_come_as_json_and_as_a_table(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text(SWEEP.replace("[4, 8]", "[8, 16, 32]").replace("[0, 1]", "[0, 1, 2]"))
    store = str(tmp_path / "store")
    assert CliRunner().invoke(app, ["sweep", str(file), "--store", store]).exit_code == 0
    told = json.loads(CliRunner().invoke(app, ["exponents", store, "--json"]).stdout)
    assert [record["layer"] for record in told["exponents"]] == [1, 2]
    assert [record["predicted"] for record in told["exponents"]] == [-0.5, -0.5]
    assert all(r["low"] < r["exponent"] < r["high"] for r in told["exponents"])
    shown = CliRunner().invoke(app, ["exponents", store]).stdout
    assert "95% interval" in shown
    assert "Against the displacement law:" in shown


def test_exponents_of_no_store_are_refused(tmp_path):
    result = CliRunner().invoke(app, ["exponents", str(tmp_path)])
    assert result.exit_code == 2
    assert "A store is a folder that a sweep has written" in result.stderr
