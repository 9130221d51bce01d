"""Commands keep compiled programs for each other, unless told not to, and only where they may."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lazyscope.cli.process import _compiled

pytestmark = pytest.mark.slow

FORECAST = ["forecast", "--data", "digits", "--n", "4", "--target", "parity", "--scheme", "lecun"]
FORECAST += ["--width", "8", "--depth", "1", "--json"]


def shell(*arguments):
    command = [sys.executable, "-m", "lazyscope", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def kept(folder):
    return sorted(path.name for path in Path(folder).rglob("*-cache"))


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


def test_nothing_is_kept_when_told_to_compile_anew(alone):
    assert "lambda_min" in json.loads(shell("--compile-anew", *FORECAST).stdout)
    assert kept(alone) == []


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
