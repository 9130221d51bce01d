"""What does a real shell see?"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

COMMAND = [sys.executable, "-c", "from lazyscope.cli import main; main()"]


def shell(*arguments, cwd=None):
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, cwd=cwd, timeout=300, check=False
    )


def test_regime_answers_without_loading_jax():
    code = (
        "import sys\nfrom lazyscope.cli import app\n"
        "try:\n    app(['regime', '--scheme', 'ntk', '--depth', '2', '--width', '64', '--json'])\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "heavy = {'jax', 'scipy', 'sklearn', 'xarray', 'plotly'} & set(sys.modules)\n"
        "sys.stderr.write(','.join(heavy))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert json.loads(ended.stdout)["regime"] == "theta-lazy"


def test_bad_input_exits_with_two_and_one_line():
    ended = shell("regime", "--scheme", "ntk", "--depth", "0")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("lazyscope: Depth must be a whole number")
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_run_through_the_shell_prints_one_json_object(tmp_path):
    ended = shell(
        *("train", "--data", "digits", "--n", "4", "--num-test", "2", "--target", "parity"),
        *("--scheme", "ntk", "--depth", "1", "--width", "8", "--stop", "0.1", "--json"),
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["outcome"] == "converged"
    assert ended.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert shell("--version").stdout == f"lazyscope {version('lazyscope')}\n"


def helps():
    """Every command and group by its words, from the registry."""
    from lazyscope.cli import app
    from lazyscope.study import study_names

    names = [name for name in typer.main.get_command(app).commands if name != "study"]
    return ["", "study", *names, *(f"study {name}" for name in study_names())]


@pytest.mark.parametrize("command", helps())
def test_help_fits_a_terminal_and_its_examples_are_lines_that_the_command_takes(command):
    from lazyscope.cli import app
    from lazyscope.cli.study._group import full_command

    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert max(map(len, lines)) <= 80
    assert "…" not in shown.stdout
    text = "\n".join(line.strip() for line in lines)
    examples = re.findall(r"^Example: ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example.replace("\\\n", ""))
        assert words[0] == "lazyscope"
        if words[1] == "study":
            asked, rest = full_command(words[2]), words[3:]
        else:
            asked, rest = typer.main.get_command(app).commands[words[1]], words[2:]
        asked.make_context(words[1], rest)  # reads every option, and refuses what it does not know
    own = command.split() or ["regime"]
    assert any(example.startswith(" ".join(["lazyscope", *own])) for example in examples)
    assert command in ("", "study") or "--json" in shown.stdout


@pytest.mark.slow
def test_the_readme_example_runs_as_it_stands():
    readme = Path(__file__).parents[2] / "README.md"
    example = readme.read_text().split("```python\n")[1].split("```")[0]
    assert len(example.strip().splitlines()) == 5
    ended = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    forecast, measured = map(json.loads, ended.stdout.strip().splitlines())
    assert forecast == pytest.approx(measured, rel=0.15)
