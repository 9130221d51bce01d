"""Does an interrupted sweep end within seconds, and keep every run that had ended?"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lazyscope.sweep import finished_cells, open_store
from lazyscope.sweep.run._run import run_sweep_with
from lazyscope.sweep.run._workers import ThreadWorkers
from sweep.store_cases import made_up, small_design

SCRIPT = Path(__file__).with_name("interrupted_sweep.py")
LIMIT = 12.0
"""Seconds: about one on a quiet machine, and what is waited for would take much longer."""


def interrupted(path, kind, wait):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", SCRIPT, path, kind],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    patience = time.monotonic() + 60
    while not (path / "store.json").exists() and time.monotonic() < patience:
        time.sleep(0.05)
    time.sleep(wait)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.wait(timeout=60)
    process.stdout.close()
    return process.returncode, time.monotonic() - began


@pytest.mark.slow
def test_during_a_compilation(tmp_path):
    code, seconds = interrupted(tmp_path, "compile", wait=1.0)
    assert code == 130
    assert seconds < LIMIT
    assert open_store(tmp_path).attrs["num_finished"] == 0


@pytest.mark.slow
def test_a_batch_that_is_being_written_is_written(tmp_path):
    code, seconds = interrupted(tmp_path, "write", wait=0.1)
    assert code == 130
    assert seconds < LIMIT
    assert len(finished_cells(tmp_path)) >= 4
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
def test_runs_of_a_unit_that_ended_before_are_kept(tmp_path):
    code, seconds = interrupted(tmp_path, "run", wait=0.2)
    assert code == 130
    assert seconds < LIMIT
    assert len(finished_cells(tmp_path)) == 2


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_no_run_that_ended_is_lost_wherever_the_interruption_comes(tmp_path, seed):
    def work(unit, record):
        if unit[0].settings["seed"] == seed:
            signal.raise_signal(signal.SIGINT)  # reaches the main thread when it next wakes up
            time.sleep(0.1)
        return [made_up(cell) for cell in unit]

    with pytest.raises(KeyboardInterrupt):
        run_sweep_with(ThreadWorkers(1), work, small_design(num_widths=1), tmp_path)
    assert len(finished_cells(tmp_path)) >= seed + 1


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [("command", 2), ("python", 7)])
def test_a_refusal_while_runs_are_under_way_has_the_exit_code_of_a_refusal(tmp_path, how, code):
    (tmp_path / "store.toml").write_text(
        'axes = { width = [1, 2] }\nfixed = { scheme = "ntk" }\nrecord = ["displacement"]'
    )
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            SCRIPT.with_name("refused_sweep.py"),
            tmp_path / "store",
            how,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
