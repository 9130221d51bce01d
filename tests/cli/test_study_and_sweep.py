"""Do the commands that write leave whole results, or nothing?"""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app

pytestmark = pytest.mark.slow

QUICK = [
    *("study", "kappa", "--widths", "8", "--kappas", "4,8,16,32", "--seeds", "3"),
    *("--num-points", "4", "--num-test", "4", "--depth", "1", "--spreads", "balanced,ntk-like"),
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
    stored = json.loads((folder / "kappa.json").read_text())
    codes = {"supported": 0, "contradicted": 1, "undecided": 3}
    assert result.exit_code == codes[stored["verdict"]["answer"]], (result.output, result.exception)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "kappa.json", "runs"]
    assert len(stored["runs"]) == 24
    assert stored["settings"]["command"].startswith("lazyscope study kappa --output")
    lines = result.stdout.splitlines()
    assert lines[-1] == f"Page: {folder.resolve() / 'index.html'}"
    assert lines[-3] == f"Verdict: {stored['verdict']['answer']}. {stored['verdict']['sentence']}"
    assert result.stderr.splitlines()[-1] == "lazyscope: 24 of 24 runs done"
    again = CliRunner().invoke(app, ["report", str(folder), "-o", str(tmp_path / "again.html")])
    assert again.stdout.splitlines()[-1] == f"Page: {tmp_path.resolve() / 'again.html'}"
    assert (tmp_path / "again.html").stat().st_size > 1_000_000


def test_a_stored_study_that_was_cut_off_is_refused(tmp_path):
    (tmp_path / "kappa.json").write_text('{"study": "kap')
    result = CliRunner().invoke(app, ["report", str(tmp_path), "-o", str(tmp_path / "a.html")])
    assert result.exit_code == 2
    assert "must hold the JSON object of a study" in result.stderr
    assert not (tmp_path / "a.html").exists()


def test_a_study_with_json_prints_what_it_stored_and_nothing_else(tmp_path):
    result = CliRunner().invoke(app, [*QUICK, "--output", str(tmp_path), "--json"])
    told = json.loads(result.stdout)
    assert told.pop("summary")["num_done"] == 24
    assert {told.pop("page"), told.pop("numbers")} == {
        str((tmp_path / name).resolve()) for name in ("index.html", "kappa.json")
    }
    assert told == json.loads((tmp_path / "kappa.json").read_text())


def test_an_unwritable_folder_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    def computed(*_, **__):
        raise AssertionError("computed before the path was checked")

    monkeypatch.setattr("lazyscope.study.run_study", computed)
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
    assert told["power"] == []  # too few widths for an exponent
    assert "4 runs in 2 shapes" in CliRunner().invoke(app, [*sweep, "--dry-run"]).stdout


def test_a_dry_run_says_which_exponents_could_be_told(tmp_path):
    def told(widths, seeds):
        axes = f"[axes]\nwidth = {widths}\nseed = {list(range(seeds))}\n"
        (tmp_path / "s.toml").write_text(f"{axes}[fixed]\nscheme = 'ntk'\ndata = 'four-points'\n")
        command = ["sweep", str(tmp_path / "s.toml"), "--store", str(tmp_path / "s"), "--dry-run"]
        assert "how often one would be confirmed to 1/8" in " ".join(
            CliRunner().invoke(app, command).stdout.split()
        )
        return json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)["power"]

    wide, narrow = told([64, 512, 4096], 4), told([64, 96, 128], 2)
    assert wide[0]["agrees"] > 0.8
    assert all(one["agrees"] < 0.2 for one in narrow)
    assert [one["half_width"] for one in wide] == sorted(one["half_width"] for one in wide)


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


PLANE = """
[axes]
width = [8, 16, 32]
seed = [0, 1, 2]
gamma = [0.5, 1.5]
gamma_prime = [0.0, 0.5]
[fixed]
stop = 0.5
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """The store of a small plane."""
    folder = tmp_path_factory.mktemp("plane")
    (folder / "s.toml").write_text(PLANE)
    store = str(folder / "store")
    ended = CliRunner().invoke(app, ["sweep", str(folder / "s.toml"), "--store", store])
    assert ended.exit_code == 0, ended.output
    return store


def test_exponents_of_a_store_come_as_json_and_as_a_table(plane):
    told = json.loads(CliRunner().invoke(app, ["exponents", plane, "--json"]).stdout)
    first = [r for r in told["exponents"] if (r["gamma"], r["gamma_prime"]) == (0.5, 0.0)]
    assert [record["layer"] for record in first] == [1, 2]
    assert [record["predicted"] for record in first] == [-0.5, -0.5]
    assert all(r["low"] < r["exponent"] < r["high"] for r in told["exponents"])
    assert (told["num_finished"], told["num_cells"], len(told["exponents"])) == (36, 36, 8)
    shown = CliRunner().invoke(app, ["exponents", plane]).stdout
    assert "95% interval" in shown
    assert "Against the displacement law:" in shown


def test_the_page_of_a_store_is_written_where_it_says(plane, tmp_path):
    page = tmp_path / "plane.html"
    result = CliRunner().invoke(app, ["report", plane, "-o", str(page), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    told = json.loads(result.stdout)
    assert told["page"] == str(page.resolve())
    assert told["verdict"].split()[0] in page.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["plane.html"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "nowhere/page.html"], "Results need a path that can be written"),
        (["-o", "."], "is a folder"),
        (["-o", "page.html", "--select", "gama=1"], "use 'gamma'"),
        (["-o", "page.html", "--select", "gamma=1"], "one of its values, 0.5, 1.5"),
        (["-o", "page.html", "--select", "gamma=0.5"], "exactly two axes"),
    ],
)
def test_a_page_that_cannot_be_is_refused_and_leaves_nothing(
    plane, tmp_path, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["report", plane, *options])
    assert result.exit_code == 2, (result.output, result.exception)
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_exponents_of_no_store_are_refused(tmp_path):
    result = CliRunner().invoke(app, ["exponents", str(tmp_path)])
    assert result.exit_code == 2
    assert "A store is a folder that a sweep has written" in result.stderr
