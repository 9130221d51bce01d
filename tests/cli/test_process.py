"""Does the command behave as a process: streams, signals, surroundings, exit codes?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from lazyscope.cli import main; main()"]
REGIME = ["regime", "--scheme", "ntk", "--depth", "2", "--width", "64"]


def run(redirection, *arguments, before="", python=(), env=None, cwd=None):
    """A command behind a real shell, with redirections of its streams."""
    words = [sys.executable, *python, *COMMAND[1:], *arguments]
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    return subprocess.run(
        ["bash", "-c", f"{before} {quoted} {redirection}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
        env=os.environ | (env or {}),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirection", "reason"), [(">&-", "it is closed"), (">/dev/full", "No space left on device")]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_answer_that_cannot_be_written_is_one_sentence_and_exit_code_1(
    redirection, reason, form
):
    ended = run(redirection, *REGIME, *form)
    assert ended.returncode == 1
    assert ended.stderr.startswith("lazyscope: The answer cannot be written to standard output")
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_reader_that_ended_is_silent():
    ended = run("| (exec <&-; sleep 1)", *REGIME, "--json", before="set -o pipefail;")
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_standard_error_changes_no_answer_and_no_exit_code(redirection):
    assert json.loads(run(redirection, *REGIME, "--json").stdout)["regime"] == "theta-lazy"
    assert run(redirection, "regime", "--scheme", "none").returncode == 2


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path):
    code = (
        "import os; from lazyscope.cli.process._streams import ready_streams; ready_streams();"
        "file = open('a', 'w'); assert file.fileno() > 2; os.write(1, b'lost'); os.write(2, b'lost')"
    )
    command = f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False)
    assert ended.returncode == 0
    assert (tmp_path / "a").read_bytes() == b""


@pytest.mark.slow
def test_help_and_descriptions_survive_without_docstrings():
    ended = run("", *REGIME, "--json", python=["-OO"])
    assert (
        json.loads(ended.stdout)["source"]
        == json.loads(run("", *REGIME, "--json").stdout)["source"]
    )
    shown = run("", "regime", "--help", python=["-OO"]).stdout
    assert "Kappa, regimes and displacement exponents" in shown
    assert "Example: lazyscope regime" in shown
    of_a_study = run("", "study", "two-layer", "--help", python=["-OO"]).stdout
    assert "Seeds of every run." in of_a_study
    assert "Example: lazyscope study two-layer" in of_a_study


def test_the_package_can_be_run_as_a_module():
    command = [sys.executable, "-OO", "-m", "lazyscope", *REGIME, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.stdout == run("", *REGIME, "--json").stdout


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["0", "20", "-3", "wide"])
def test_a_narrow_terminal_loses_no_entry(columns):
    shown = run("", *REGIME, env={"COLUMNS": columns}).stdout
    assert "layer 3" in shown
    assert "displacement" in shown
    assert shown.split().count("lazy") == 3


def test_any_locale_and_any_surroundings_give_the_same_answer(tmp_path):
    expected = json.loads(run("", *REGIME, "--json").stdout)
    gone = 'mkdir gone; cd gone; rmdir "$PWD"; unset HOME;'
    strange = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "TERM": "dumb", "TMPDIR": "/nonexistent"}
    ended = run("", *REGIME, "--json", before=gone, env=strange, cwd=tmp_path)
    assert json.loads(ended.stdout) == expected
    refused = run(
        "", "regime", "--scheme", "né", "--depth", "1", before=gone, env=strange, cwd=tmp_path
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("lazyscope: Scheme must be one of")
    assert refused.stderr.isascii()


HEARD = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where whoever runs the tests ignores them
signal.signal(signal.SIGHUP, signal.SIG_DFL)
"""
BLOCKED = """
import sys, pathlib, time, hashlib, threading
import lazyscope.scaling
from concurrent.futures import ThreadPoolExecutor
from lazyscope._file import UNFINISHED
here = pathlib.Path.cwd()

def in_a_compiler(*_):
    (here / "ready").touch()
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 10**9)  # holds the main thread, not the interpreter

def in_a_thread(*_):
    with ThreadPoolExecutor(2) as pool:
        pool.submit(in_a_compiler)
        part = here / "a.part"
        part.touch()
        UNFINISHED.add(part)
        time.sleep(60)

def in_python(*_):
    (here / "ready").touch()
    time.sleep(60)

def raised_meanwhile(*_):
    try:
        in_python()
    except KeyboardInterrupt:
        raise RuntimeError("what a compiler makes of it") from None

lazyscope.scaling.regime_report = globals()[sys.argv.pop(1)]
from lazyscope.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("where", "number", "code"),
    [
        ("in_python", signal.SIGINT, 130),
        ("in_python", signal.SIGTERM, 143),
        ("in_python", signal.SIGHUP, 129),
        ("in_a_compiler", signal.SIGINT, 130),
        ("in_a_thread", signal.SIGINT, 130),
        ("in_a_thread", signal.SIGTERM, 143),
        ("raised_meanwhile", signal.SIGINT, 130),
    ],
)
def test_a_signal_ends_any_command_at_once_with_one_line(tmp_path, where, number, code):
    process = subprocess.Popen(
        [sys.executable, "-c", HEARD + BLOCKED, where, *REGIME, "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 100
        while not (tmp_path / "ready").exists() and time.monotonic() < until:
            time.sleep(0.02)
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (code, "", "lazyscope: Stopped.\n")
    assert time.monotonic() - began < 3
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    quick = BLOCKED.replace("time.sleep(60)", "time.sleep(1); sys.exit(0)")
    arguments = [sys.executable, "-c", quick, "in_python", *REGIME]
    process = subprocess.Popen(
        ["bash", "-c", 'trap "" HUP; exec "$@"', "-", *arguments], cwd=tmp_path
    )
    while not (tmp_path / "ready").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 0


def test_a_full_machine_is_one_sentence(tmp_path):
    broken = BLOCKED.replace('(here / "ready").touch()', "raise MemoryError")
    ended = subprocess.run(
        [sys.executable, "-c", broken, "in_python", *REGIME],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("lazyscope: The memory of this machine is exhausted")
    assert ended.stderr.count("\n") == 1


def test_an_unexpected_error_keeps_its_traceback(tmp_path):
    broken = BLOCKED.replace('(here / "ready").touch()', "1 / 0")
    ended = subprocess.run(
        [sys.executable, "-c", broken, "in_python", *REGIME],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def test_the_shell_does_not_wait_for_the_commands_to_load():
    code = "import sys, lazyscope.cli; print({'numpy', 'typer', 'rich', 'jax'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_the_process_is_that_of_this_checkout():
    ended = subprocess.run(
        [sys.executable, "-c", "import lazyscope.cli; print(lazyscope.cli.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    import lazyscope.cli

    assert Path(ended.stdout.strip()) == Path(lazyscope.cli.__file__)
