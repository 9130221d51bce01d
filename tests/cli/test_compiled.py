"""Commands keep compiled programs for each other, unless told not to, and only where they may."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lazyscope._jax import _executables
from lazyscope.cli.process import _compiled

pytestmark = pytest.mark.slow

FORECAST = ["forecast", "--data", "digits", "--n", "4", "--target", "parity", "--scheme", "lecun"]
FORECAST += ["--width", "8", "--depth", "1", "--json"]


def shell(*arguments):
    command = [sys.executable, "-m", "lazyscope", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def kept(folder):
    return sorted(path.name for path in Path(folder).rglob("*-cache"))


def executables(folder):
    return [path for path in Path(folder).rglob("executables/*/*") if path.is_file()]


@pytest.fixture
def alone(monkeypatch, tmp_path):
    monkeypatch.delenv(_compiled.FOLDER, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_second_command_compiles_nothing_and_answers_the_same(alone):
    first = json.loads(shell(*FORECAST).stdout)
    programs = kept(alone)
    assert programs
    second = json.loads(shell(*FORECAST).stdout)
    assert kept(alone) == programs
    assert second == first


@pytest.mark.parametrize("command", [FORECAST, ["train", *FORECAST[1:], "--stop", "0.5"]])
def test_a_second_command_does_not_trace_its_run(alone, monkeypatch, command):
    monkeypatch.setenv("JAX_LOG_COMPILES", "1")
    first, second = shell(*command), shell(*command)
    assert len(executables(alone)) == 1
    assert "tracing left_" in first.stderr
    assert "tracing left_" not in second.stderr
    assert "tracing run " not in second.stderr
    answers = [json.loads(run.stdout) for run in (first, second)]
    for answer in answers:
        answer.pop("wall_seconds", None)
    assert answers[0] == answers[1]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_executables_are_for_the_eyes_and_hands_of_the_user_alone(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    before = os.umask(0)
    try:
        _compiled.keep_compiled(environment)
    finally:
        os.umask(before)
    assert Path(environment[_compiled.EXECUTABLES]).stat().st_mode & 0o777 == 0o700


def test_both_sides_of_the_variable_have_one_name():
    assert _compiled.EXECUTABLES == _executables.FOLDER


def test_nothing_is_kept_when_told_to_compile_anew(alone):
    assert "lambda_min" in json.loads(shell("--compile-anew", *FORECAST).stdout)
    assert kept(alone) == []
    assert executables(alone) == []


def test_a_folder_of_ones_own_stands():
    environment = {_compiled.FOLDER: "/mine"}
    _compiled.keep_compiled(environment)
    assert environment == {_compiled.FOLDER: "/mine"}


@pytest.mark.skipif(os.name != "posix", reason="paths of POSIX")
def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / "file").touch()
    environment = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    _compiled.keep_compiled(environment)
    assert list(environment) == ["XDG_CACHE_HOME"]


def test_too_many_programs_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(_compiled, "_MOST_BYTES", 100)
    for k in range(11):
        path = tmp_path / f"{k}-cache"
        path.write_bytes(b"x" * 10)
        os.utime(path, (k, k))
    _compiled._shed(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{k}-cache" for k in range(6, 11)}
