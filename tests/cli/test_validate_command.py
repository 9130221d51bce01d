"""Does the shell get the table: whole, resumed, with the right exit code?"""

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from lazyscope.claims import CLAIMS, Claim, Finding
from lazyscope.cli import app
from lazyscope.measure import Estimate

COMMAND = [sys.executable, "-c", "from lazyscope.cli import main; main()"]


def claim(name, verdict="agrees", expected="agrees", error=None):
    def check(effort):
        if error:
            raise error
        basis = f"one run at {effort} effort"
        return (
            Finding("row", "x | y ≤ 2", 2.0, Estimate(1.5, 1.0, 2.0), verdict, basis, expected),
        )

    return Claim(name, "Author 2020", "It holds.", check)


@pytest.fixture
def table(monkeypatch):
    """Replace the claims of the table."""

    def use(*claims):
        monkeypatch.setattr("lazyscope.claims.CLAIMS", claims)

    return use


def validate(folder, *arguments):
    return CliRunner().invoke(app, ["validate", "--output", str(folder), *arguments])


def test_page_numbers_and_rows_are_written(tmp_path, table):
    table(claim("first"), claim("second", "disagrees", "disagrees"))
    result = validate(tmp_path / "out", "--quick")
    assert result.exit_code == 0, (result.output, result.exception)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("first-quick.json", "second-quick.json", "validation.json", "validation.md"),
    ]
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "Of 2 rows 1 agree, 1 fail as they must, 0 are undecided and none came out against "
        "expectation."
    )
    assert lines[-1] == f"Numbers: {(tmp_path / 'out' / 'validation.json').resolve()}"
    page = (tmp_path / "out" / "validation.md").read_text()
    assert "| `row` | x \\| y ≤ 2 | 2 | 1.5 | [1, 2] | – | agrees |" in page
    assert "lazyscope validate --quick --only second" in page
    assert "one run at quick effort." in page


def test_json_is_one_object_and_what_was_written(tmp_path, table):
    table(claim("first"))
    result = validate(tmp_path, "--json")
    told = json.loads(result.stdout)
    assert told == json.loads((tmp_path / "validation.json").read_text())
    assert told["summary"]["agree"] == 1
    assert "first: done" in result.stderr


@pytest.mark.parametrize(
    ("verdict", "expected", "code"),
    [
        ("agrees", "agrees", 0),
        ("undecided", "agrees", 3),
        ("undecided", "undecided", 0),
        ("outside", "outside", 0),
        ("disagrees", "agrees", 1),
        ("agrees", "disagrees", 1),
    ],
)
def test_exit_code_says_whether_a_row_came_out_against_expectation(
    tmp_path, table, verdict, expected, code
):
    table(claim("first", verdict, expected))
    result = validate(tmp_path)
    assert result.exit_code == code
    assert (f"first, row: {verdict}, expected {expected}" in result.stdout) == (code == 1)


def test_rows_that_stay_undecided_beside_decided_ones_are_no_failure(tmp_path, table):
    table(claim("first"), claim("second", "undecided"))
    assert validate(tmp_path).exit_code == 0


def test_a_check_that_fails_leaves_a_page_and_exit_code_one(tmp_path, table):
    table(claim("broken", error=RuntimeError("no luck")), claim("good"))
    result = validate(tmp_path)
    assert result.exit_code == 1
    assert "broken: RuntimeError: no luck" in result.stdout
    page = (tmp_path / "validation.md").read_text()
    assert "**The check ended with an error**: RuntimeError: no luck" in page
    assert "1 check ended with an error" in page


def test_an_interrupted_run_has_its_page_and_goes_on(tmp_path, table):
    table(claim("good"), claim("stopped", error=KeyboardInterrupt()))
    assert validate(tmp_path).exit_code != 0
    assert "Not checked: `stopped`." in (tmp_path / "validation.md").read_text()
    table(claim("good"), claim("stopped"))
    again = validate(tmp_path)
    assert again.exit_code == 0
    assert "good: kept" in again.stderr
    assert "stopped: done" in again.stderr


def test_only_checks_what_is_named_and_keeps_the_rest_on_the_page(tmp_path, table):
    table(claim("first"), claim("second"), claim("third", "disagrees"))
    assert validate(tmp_path, "--only", "first", "--only", "second").exit_code == 0
    result = validate(tmp_path, "--only", "second", "--fresh")
    assert result.exit_code == 0
    assert "first" not in result.stderr
    page = (tmp_path / "validation.md").read_text()
    assert "### first" in page
    assert "### third" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "frst"], "use 'first'"),
        (["--data", "digits"], "Other data needs a claim that can be checked on any"),
        (["--output", "{file}"], "Results need a path that can be written"),
        (["--slow"], "The command line must follow `lazyscope validate --help`"),
    ],
)
def test_bad_input_is_one_message_and_nothing_is_checked(tmp_path, table, arguments, words):
    table(claim("first", error=AssertionError("checked")))
    file = tmp_path / "file"
    file.write_text("in the way")
    texts = [text.format(file=file) for text in arguments]
    result = validate(tmp_path / "out", *texts)
    assert result.exit_code == 2, (result.output, result.exception)
    assert words.lower() in result.stderr.lower()
    assert not (tmp_path / "out").exists()


def test_a_list_says_what_is_registered_and_runs_nothing(tmp_path):
    folder = tmp_path / "out"
    told = json.loads(validate(folder, "--list", "--json").stdout)
    assert not folder.exists()
    assert told["summary"]["rows"] == len(told["rows"])
    assert told["summary"]["retired"] == sum(row["retired"] is not None for row in told["rows"])
    listed = [(row["claim"], row["row"]) for row in told["rows"] if row["retired"] is None]
    assert sorted(listed) == sorted((one.name, row.name) for one in CLAIMS for row in one.rows)
    ten = next(row for row in told["rows"] if row["row"] == "ten-outputs")
    assert (ten["expected_first"], ten["expected_now"]) == ("agrees", "disagrees")
    assert ten["changes"][0]["date"] == "2026-11-24T15:04:43+00:00"
    assert {"prediction", "design", "threshold", "registered"} <= set(ten)
    lines = validate(folder, "--list", "--only", "off-law").stdout.splitlines()
    assert "agrees, now disagrees" in next(line for line in lines if "ten-outputs" in line)
    assert not any("lee-first" in line for line in lines)


def test_a_list_with_options_of_a_run_is_refused(tmp_path):
    result = validate(tmp_path, "--list", "--quick")
    assert result.exit_code == 2
    assert "a list of rows runs nothing" in result.stderr.lower()


def test_data_that_cannot_be_read_is_refused_before_anything_is_checked(tmp_path, table):
    free = Claim("free", "a", "b", claim("x").check, check_on=lambda effort, data: ())
    table(free)
    result = validate(tmp_path / "out", "--data", "nothing.npz")
    assert result.exit_code == 2
    assert "nothing.npz" in result.stderr


@pytest.mark.slow
def test_the_quick_table_is_sound(tmp_path):
    began = time.perf_counter()
    ended = subprocess.run(
        [*COMMAND, "validate", "--quick", "--output", str(tmp_path), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert [record["name"] for record in told["claims"]] == [one.name for one in CLAIMS]
    assert told["missing"] == []
    assert told["summary"]["unexpected"] == told["summary"]["errors"] == 0
    sections = {record["section"] for record in told["claims"]}
    assert {"results", "controls"} <= sections
    refuted = next(one for one in told["claims"] if one["name"] == "controls")["findings"]
    assert {"agrees", "disagrees", "outside"} <= {row["verdict"] for row in refuted}
    assert time.perf_counter() - began < 1200, "far beyond three minutes, on any machine"


def test_a_seed_is_for_claims_that_draw(tmp_path, table):
    seen = []

    def drawn(effort, seed):
        seen.append(seed)
        return claim("drawn").check(effort)

    fixed, free = claim("fixed"), replace(claim("drawn"), check_drawn=drawn)
    table(fixed, free)
    refused = validate(tmp_path / "a", "--only", "fixed", "--seed", "7")
    assert refused.exit_code == 2
    assert "a seed needs a claim that draws" in refused.stderr.lower()
    assert validate(tmp_path / "b", "--seed", "7").exit_code == 0
    assert seen == [7]
