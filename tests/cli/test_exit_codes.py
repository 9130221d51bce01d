"""Do the code, the help, the documents and the commands agree on what an exit code says?"""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from lazyscope._outcome import INTERRUPTED
from lazyscope.cli import _exit_codes as codes
from lazyscope.cli import app
from lazyscope.cli._sweep_summary import end_with_exit_code
from lazyscope.cli.study._command import _tell
from lazyscope.study import StudyRun

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "command-line.md").read_text().split("## Exit codes")[1].split("\n## ")[0]
ROWS = dict(re.findall(r"^\| ([\d, ]+) \| (.*) \|$", TABLE, re.MULTILINE))
ANSWERS = {
    "supported": codes.SUPPORTED,
    "contradicted": codes.CONTRADICTED,
    "undecided": codes.UNDECIDED,
    "outside": codes.UNDECIDED,
}


def test_the_table_has_every_code_and_no_other():
    assert list(ROWS) == ["0", "1", "2", "3", f"{INTERRUPTED}, 143, 129", "141"]
    assert [codes.SUPPORTED, codes.CONTRADICTED, codes.BAD_INPUT, codes.UNDECIDED] == [0, 1, 2, 3]


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_table_has_every_answer_of_a_study_under_its_code(answer):
    assert codes.exit_code(answer) == ANSWERS[answer]
    assert f"**{answer}" in ROWS[str(ANSWERS[answer])]
    for code, row in ROWS.items():
        if code != str(ANSWERS[answer]):
            assert f"**{answer}" not in row


@pytest.mark.parametrize("path", ["README.md", "docs/decisions.md", "docs/faq.md"])
def test_what_lists_the_codes_says_that_three_is_also_outside(path):
    text = " ".join((ROOT / path).read_text().split())
    lists = re.findall(r"2 \(?bad input\)?,? (?:or )?3 \(?.{0,80}", text)
    assert lists
    assert all("undecided" in one and "outside" in one for one in lists), lists


def test_help_says_it_in_the_words_of_the_code():
    for command in (["study", "kappa"], ["check"]):
        shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "400"}).stdout
        assert " ".join(codes.WORDS.split())[:60] in " ".join(shown.split()), command


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("complete", [True, False])
def test_a_study_ends_with_the_code_of_its_answer(answer, complete, tmp_path, capsys):
    done = StudyRun(
        {"verdict": {"answer": answer}},
        {},
        {"runs": SimpleNamespace(complete=complete)},
        tmp_path,
    )
    study = SimpleNamespace(name="some", tables=lambda _: (), words=lambda _: ())
    asked = ANSWERS[answer] if complete else codes.CONTRADICTED
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lazyscope.cli.study._command.summary_record", lambda _: {})
            patch.setattr(StudyRun, "summary", None)
            _tell(study, done, as_json=True)
        code = 0
    except typer.Exit as end:
        code = end.exit_code
    assert code == asked
    assert f'"answer": "{answer}"' in capsys.readouterr().out


def test_any_other_answer_is_zero_and_an_open_sweep_one():
    assert CliRunner().invoke(app, ["regime", "--scheme", "mup", "--depth", "2"]).exit_code == 0
    with pytest.raises(typer.Exit) as end:
        end_with_exit_code(SimpleNamespace(complete=False))
    assert end.value.exit_code == 1
    end_with_exit_code(SimpleNamespace(complete=True))
