"""Are commands of studies made from their settings, and do they refuse, answer and end as one table says?"""

import json
import shlex
from dataclasses import fields

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app
from lazyscope.cli.study._command import command_line
from lazyscope.cli.study._group import full_command
from lazyscope.cli.study._options import option_parameters, read_options
from lazyscope.study import TwoLayerSettings, find_study, study_names
from lazyscope.study._protocol import stated

TWO = [
    *("study", "two-layer", "--gamma", "0.5,1.75", "--gamma-prime=-0.25,0.25"),
    *("--widths", "8,16,32", "--seeds", "2", "--stop", "0.1"),
]


def test_the_list_of_studies_is_that_of_the_registry():
    shown = CliRunner().invoke(app, ["study", "--help"]).stdout
    assert [name for name in study_names() if f" {name} " not in shown] == []
    assert "Exit code: 0 supported" in shown


def test_a_study_that_does_not_exist_is_refused_with_the_nearest_name():
    result = CliRunner().invoke(app, ["study", "two-leyer"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "Study must be one of" in result.stderr
    assert "use 'two-layer'" in result.stderr


@pytest.mark.parametrize("name", study_names())
def test_every_field_is_an_option_that_the_help_describes(name):
    settings = find_study(name).settings
    command = full_command(name)
    options = {option.name: option for option in command.params}
    for field in fields(settings):
        assert len(options[field.name].help) > 8, field.name
    shown = CliRunner().invoke(app, ["study", name, "--help"], terminal_width=200).stdout
    flags = ["--" + field.name.replace("_", "-") for field in fields(settings)]
    arguments = {one.name for one in command.params if one.param_type_name == "argument"}
    assert [f for f in flags if f not in shown and f[2:] not in arguments] == []
    assert "Exit code: 0 supported" in " ".join(shown.split())
    assert "Example: lazyscope study" in " ".join(shown.split())


def test_defaults_in_the_help_are_those_of_the_settings():
    told = {
        one.name: one.annotation.__metadata__[0].help for one in option_parameters(TwoLayerSettings)
    }
    assert told["shown_widths"].endswith("Default: 64, 256, 1024, 4096.")
    assert told["widths"].endswith("virtual ones, at least three.")
    assert told["stop"].endswith("unless given 1e-4 for the flow and 1e-2 for other methods.")
    assert told["seeds"] == "Seeds of every run. Default: 3."


def test_texts_become_values_of_the_type_of_their_field():
    settings = find_study("random-schemes").settings
    read = read_options(
        settings,
        {"counts": "2,1", "widths": "4,8,16;8,16,32", "stop": "1e-2", "data": None, "x": "y"},
    )
    assert read == {"counts": (2, 1), "widths": ((4, 8, 16), (8, 16, 32)), "stop": 0.01}


def test_the_stored_command_runs_the_same_study_again():
    study = find_study("two-layer")
    given = {"gamma_prime": "-1,0", "seeds": "2", "output": "a folder", "json": True, "gamma": None}
    line = shlex.split(command_line(study, given))
    assert line == [
        *("lazyscope", "study", "two-layer", "--output", "a folder"),
        *("--gamma-prime", "-1,0", "--seeds", "2"),
    ]
    renamed = {"spreads": "balanced,random", "shapes": None, "output": "out"}
    assert command_line(find_study("kappa"), renamed).endswith("--spreads balanced,random")
    build = {"build": "m:b", "raw_inputs": True, "output": "out"}
    assert command_line(find_study("coordinates"), build) == (
        "lazyscope study coordinates m:b --output out --raw-inputs"
    )


@pytest.mark.parametrize("option", ["--store", "-o"])
@pytest.mark.parametrize("name", ["two-layer", "three-layer"])
def test_the_options_of_an_earlier_version_are_refused_with_the_one_that_is(tmp_path, name, option):
    line = ["study", name, option, str(tmp_path / "x"), "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"lazyscope study {name} --output DIR" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_name_of_an_option_is_read_and_told(tmp_path):
    line = ["study", "kappa", "--shapes", "balanced,flat", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 2
    assert "lazyscope: --shapes is --spreads now" in result.stderr
    assert "Spread must be one of" in result.stderr
    both = CliRunner().invoke(app, [*line, "--spreads", "balanced"])
    assert (both.exit_code, both.stderr.count("\n")) == (2, 1)
    assert "--shapes" not in CliRunner().invoke(app, ["study", "kappa", "--help"]).stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["output-scale", "--output-scale", "1,0.5"], "at least 2 increasing numbers"),
        (["output-scale", "--scheme", "ntkk"], "Scheme must be one of"),
        (["condensation", "--early-stop", "1e-6"], "initial stage must end before training does"),
        (["two-layer", "--gamma", "1,0.5"], "Gamma must be at least 2 increasing numbers"),
        (["two-layer", "--widths", "8,wide,32"], "Widths must be a whole number"),
        (["three-layer", "--scale-exponent-2", "0.5"], "at least 2 increasing numbers"),
        (["three-layer", "--scale-exponent-3", "big"], "Scale_exponent_3 must be a finite number"),
        (["two-layer", "--workers", "2", "--scheduler", "tcp://x"], "Workers are threads"),
        (["random-schemes", "--schemes", "0"], "Num_schemes must be a whole number"),
        (["coordinates", "no_such_module:build"], "The module of the network must be importable"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused_and_leaves_no_folder(tmp_path, options, words):
    result = CliRunner().invoke(app, ["study", *options, "--output", str(tmp_path / "out")])
    assert result.exit_code == 2, (result.output, result.exception)
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_run(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = CliRunner().invoke(app, [*TWO, "--output", str(tmp_path / "file" / "out")])
    assert result.exit_code == 2
    assert "Results need a path that can be written" in result.stderr


def fake(answer, summaries):
    """A way of running a study that gives this answer."""
    from lazyscope.study import StudyRun
    from lazyscope.sweep import SweepSummary

    def run(study, settings, folder, **how):
        found = {"verdict": stated(answer, "It is so.", ["A remark."])}
        done = {
            name: SweepSummary(folder, 4, 0, {"converged": count}, {}, 1.0)
            for name, count in summaries.items()
        }
        return StudyRun(found, {}, done, folder)

    return run


@pytest.mark.parametrize(
    ("answer", "done", "code"),
    [("supported", 4, 0), ("contradicted", 4, 1), ("undecided", 4, 3), ("supported", 3, 1)],
)
def test_the_exit_code_is_that_of_the_answer_or_of_missing_runs(
    tmp_path, monkeypatch, answer, done, code
):
    monkeypatch.setattr("lazyscope.study.run_study", fake(answer, {"a": 4, "b": done}))
    result = CliRunner().invoke(app, [*TWO, "--output", str(tmp_path)])
    assert result.exit_code == code, (result.output, result.exception)
    lines = result.stdout.splitlines()
    assert f"Verdict: {answer}. It is so." in lines
    assert "A remark." in lines
    told = json.loads(CliRunner().invoke(app, [*TWO, "--output", str(tmp_path), "--json"]).stdout)
    assert told["summary"]["num_done"] == 4 + done
    assert told["summary"]["complete"] is (done == 4)


def test_runs_without_which_nothing_can_be_judged_end_with_code_one_and_a_sentence(
    tmp_path, monkeypatch
):
    from lazyscope.study import MissingRunsError

    def run(*_, **__):
        raise MissingRunsError("too few runs to judge (4 runs: MemoryError)")

    monkeypatch.setattr("lazyscope.study.run_study", run)
    result = CliRunner().invoke(app, [*TWO, "--output", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "lazyscope: too few runs to judge (4 runs: MemoryError)\n"
