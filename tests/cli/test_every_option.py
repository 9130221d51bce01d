"""Is every bad value of every option one message with exit code 2, whatever the command?

Options and their kinds are read from the commands, so that a new one cannot be forgotten. A seeded sample
runs by default; all of it with the environment variable LAZYSCOPE_INPUTS=all.
"""

import os
import random

import pytest
import typer
from typer.testing import CliRunner

from lazyscope.cli import app
from lazyscope.cli.study._group import full_command
from lazyscope.study import study_names

EVERYTHING = os.environ.get("LAZYSCOPE_INPUTS") == "all"
PER_COMMAND = 12
"""Bad values tried of every command in the sample."""

RUN = ["--data", "digits", "--n", "4", "--num-test", "2", "--target", "parity"]
NET = ["--scheme", "balanced", "--depth", "1", "--width", "4"]
SMALL = ["--widths", "4,8,16", "--seeds", "2", "--stop", "0.5"]
PLANE = ["--gamma", "0.5,1", "--gamma-prime", "0,0.5"]
VALID = {
    "regime": ["--scheme", "balanced", "--depth", "1", "--width", "4"],
    "forecast": [*RUN, *NET],
    "train": [*RUN, *NET, "--stop", "0.5"],
    "study kappa": ["--data", "digits", "--num-points", "4", "--kappas", "8,16,32,64", *SMALL],
    "study two-layer": [*PLANE, *SMALL],
    "study three-layer": [
        *("--scale-exponent-1", "0,0.5", "--scale-exponent-2", "0,0.5"),
        *SMALL,
    ],
    "study output-scale": ["--output-scale", "0.5,1", "--num-points", "4", *SMALL],
    "study condensation": [*PLANE, *SMALL],
    "study random-schemes": ["--counts", "1", "--widths", "4,8,16", "--replicates", "2"],
    "study coordinates": ["no_such_module:build", "--data", "digits"],
    "study theorem": ["--num-points", "4", "--kappas", "1,2,4,8", "--kernel-seeds", "6", *SMALL],
    "study narrow-proxy": ["no_such_module:build", "--data", "digits"],
    "proxy": ["no_such_module:build", "--data", "digits"],
    "check": ["no_such_module:build", "--data", "digits"],
    "exponents": ["no-such-store"],
    "explore": ["-o", "page.html"],
    "report": ["no-such-store", "-o", "page.html"],
    "validate": ["--quick"],
    **{name: [] for name in ("schemes", "networks", "activations", "studies")},
    "sweep": ["no-such-file.toml", "--store", "runs"],
}

COUNT = ("0", "-1", "1.5", "three", "nan", "", "1e400", "9" * 30)
BAD = {
    "N": COUNT, "M": COUNT, "L": COUNT, "D": COUNT, "C": ("0", "-1", "three", "nan", "", "1e400"), "T": COUNT,
    "K": COUNT, "SEED": ("-1", "1.5", "three", "nan", "", "9" * 30),
    "FRACTION": ("0", "1", "-1", "nan", "x", "", "2", "1e400"),
    "SHARE": ("0", "-1", "nan", "x", "", "1e400"), "P": ("0", "1", "nan", "x", ""),
    "TOL": ("0", "-1", "nan", "x", "", "1e400"), "ETA": ("0", "-1", "nan", "x", "", "1e400"),
    "A": ("nan", "x", "", "1e400"),
    "METHOD": ("no such word", "", "Flow"), "LOSS": ("no such word", "", "Squared"),
    "EPS": ("1e-8", "-1", "nan", "x", ""), "LAMBDA": ("0.1", "-1", "nan", "x", ""),
    "NAME": ("no such word", ""), "KIND": ("no such word", ""),
    "NAME|PATH": ("no such file", ""), "NAME,..": ("no such word", ",", ""),
    "A,..": ("nan,1", "x,1", "", ",", "1,1", "2,1", "1", "1e400,1"),
    "A1,..": ("nan,1", "x,1", "", ",", "1", "1e400,1"), "S1,..": ("nan,1", "x,1", "", ",", "1"),
    "B,..": ("nan", "x", "", ",", "64", "0,0,0,0", "1e400"),
    "M,..": ("0,4,8", "4,4,8", "x,4,8", "", ",", "nan,4,8", "4,1.5,8", "-4,8,16"),
    "K,..": ("0,1,2,4", "1,1,2,4", "x,1,2,4", "", ",", "nan,1,2,4", "-1,1,2,4"),
    "M,..;M,..": ("0,4,8", "4,4,8", "x,4,8", "", ";", "4,8,16;4,8,16"),
    "N,..": ("0", "x", "", ",", "nan", "1,1"),
    "KAPPA": ("0", "-1", "nan", "x", "", "1e400"),
    "KEY=VALUE": ("gamma", "=1", "no_such=1", "kappa_constant=x", "kappa_constant=-1", ""),
    "AXIS=VALUE": ("no such axis",), "ADDRESS": ("",),
}  # fmt: skip
IN_TRUTH_VALID = {
    ("num-test", "0"), ("gamma", "1e400,1"), ("data-seed", "1.5"), ("kappas", "1,1,2,4"),
    ("output-dim", "1.5"), ("tolerance", "1.5"),
}  # fmt: skip
COMPILING = "lazyscope: compiling one program per width first"
PATHS = ("DIR", "PAGE.html", "FIGURE", "DIR|RECORD", "TEXT", "FILE.toml", "MODULE:BUILD")


def commands():
    """Every command by the words that call it."""
    root = typer.main.get_command(app)
    found = {}
    for name, command in root.commands.items():
        if name == "study":
            found |= {f"study {word}": full_command(word) for word in study_names()}
        else:
            found[name] = command
    return found


COMMANDS = commands()


def cases_of(command):
    """(option, bad value) of every option that takes one."""
    found = []
    for option in COMMANDS[command].params:
        flag = getattr(option, "is_flag", False) or option.param_type_name == "argument"
        flag = flag or getattr(option, "hidden", False)
        if flag or option.metavar in PATHS:
            continue
        found += [
            (option.opts[-1] if len(option.opts[0]) == 2 else option.opts[0], value)
            for value in BAD[option.metavar]
        ]
    return [(o, v) for o, v in found if (o.lstrip("-"), v) not in IN_TRUTH_VALID]


def test_every_command_has_a_valid_line():
    assert set(COMMANDS) == set(VALID)


def with_option(arguments, option, value):
    """The line with one option replaced, or added."""
    kept, skip = [], False
    for word in arguments:
        if skip or word == option:
            skip = not skip
            continue
        kept.append(word)
    return [*kept, option, value]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_bad_value_is_one_message_with_exit_code_two(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = cases_of(command)
    if not EVERYTHING:
        cases = random.Random(command).sample(cases, min(PER_COMMAND, len(cases)))
    wrong = {}
    for option, value in cases:
        line = [*command.split(), *with_option(VALID[command], option, value)]
        result = CliRunner().invoke(app, line)
        lines = [line for line in result.stderr.splitlines() if line != COMPILING]
        said = len(lines) == 1 and ". Received: " in lines[0] and ". Fix: " in lines[0]
        if result.exit_code != 2 or result.stdout or not said:
            wrong[option, value] = (result.exit_code, result.output[-200:], repr(result.exception))
    assert wrong == {}
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize("command", ["", "regime", "study", "study kappa"])
def test_a_switch_takes_no_value_and_shows_none(command):
    told = CliRunner().invoke(app, [*command.split(), "--help"])
    assert told.exit_code == 0
    assert "--help" in told.stdout
    assert "bool" not in told.stdout.lower()
