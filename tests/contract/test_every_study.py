"""Does every study run, resume, and draw itself again, whichever it is?

Studies are found in the registry; `TINY` has the smallest settings of each that make sense.
"""

import json
import signal
import subprocess
import sys
import time
from html import unescape

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app
from lazyscope.study import find_study, study_names
from lazyscope.sweep import finished_cells

BUILD = """
import jax.numpy as jnp
import numpy as np

def build(width, seed):
    rng = np.random.default_rng([seed, width])
    w, v = rng.normal(size=(64, width)) / 4, rng.normal(size=(width, 1)) / width**0.5
    return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, v)
"""
SMALL = ("--widths", "8,16,32", "--seeds", "2", "--stop", "0.2")
PLANE = ("--gamma", "0.5,1.75", "--gamma-prime=-0.25,0.25")
FEW = ("--num-points", "4", "--depth", "1")
TINY = {
    "condensation": (*PLANE, *SMALL),
    "coordinates": (
        "network.py:build",
        *("--target", "parity"),
        "--widths",
        "16,32,64",
        "--seeds",
        "2",
        "--n",
        "6",
        "--steps",
        "2",
    ),
    "kappa": (
        *FEW,
        "--widths",
        "8",
        "--kappas",
        "4,8,16,32",
        "--seeds",
        "3",
        "--spreads",
        "balanced",
    ),
    "narrow-proxy": (
        "network.py:build",
        *("--width", "64", "--proxy-widths", "8,16", "--seeds", "3", "--steps", "2", "--n", "6"),
        *("--target", "parity", "--stability", "--optimizer", "sgd", "--lr", "0.05"),
    ),
    "output-scale": ("--output-scale", "0.5,4", "--num-points", "4", "--num-test", "4", *SMALL),
    "random-schemes": ("--counts", "2,1", "--widths", "8,16,32;8,16,32", "--replicates", "2"),
    "theorem": (
        *(*FEW, "--widths", "8,16,32", "--threshold-widths", "8,16,32", "--kappas", "1,4,16,64"),
        *("--schemes", "ntk", "--spreads", "balanced", "--seeds", "2", "--kernel-seeds", "6"),
    ),
    "three-layer": ("--scale-exponent-1", "0,0.5", "--scale-exponent-2", "0,0.5", *SMALL),
    "two-layer": (*PLANE, *SMALL),
}
OF_USERS = {"coordinates", "narrow-proxy"}
KEPT = sorted(set(TINY) - OF_USERS)
"""Studies whose runs are kept in stores; those of a user's function are not."""
FAST = "two-layer"


def with_marks(names):
    """The names as parameters, all but one of them slow."""
    return [name if name == FAST else pytest.param(name, marks=pytest.mark.slow) for name in names]


def options(name, folder):
    (folder / "network.py").write_text(BUILD)
    words = [str(folder / w) if w.startswith("network.py") else w for w in TINY[name]]
    return ["study", name, *words, "--output", str(folder / "out"), "--json"]


def test_every_study_has_tiny_settings():
    assert set(TINY) == set(study_names())


@pytest.mark.parametrize("name", with_marks(sorted(TINY)))
def test_a_study_leaves_its_three_things_repeats_nothing_and_is_drawn_again(tmp_path, name):
    first = CliRunner().invoke(app, options(name, tmp_path))
    assert first.exit_code in (0, 1, 3), (first.output, first.exception)
    folder = tmp_path / "out"
    stored = json.loads((folder / f"{name}.json").read_text())
    stores = {path.parent.name for path in folder.glob("*/store.json")}
    own = {"trainings"} if name == "narrow-proxy" else set()
    expected = {"index.html", f"{name}.json", *stores, *own}
    assert {path.name for path in folder.iterdir()} == expected
    assert bool(stores) == (name in KEPT)
    assert stored["verdict"].keys() >= {"answer", "sentence", "remarks", "supported"}
    assert (
        first.exit_code
        == {"supported": 0, "contradicted": 1, "undecided": 3}[stored["verdict"]["answer"]]
    )
    assert json.loads(first.stdout).items() >= stored.items()
    page = (folder / "index.html").read_bytes()
    assert stored["settings"]["command"] in unescape(page.decode())
    (folder / "index.html").unlink()
    drawn = CliRunner().invoke(app, ["report", str(folder)])
    assert drawn.exit_code == 0, (drawn.output, drawn.exception)
    assert (folder / "index.html").read_bytes() == page or name in OF_USERS
    if name in KEPT:
        again = CliRunner().invoke(app, options(name, tmp_path))
        told = json.loads(again.stdout)
        assert again.exit_code == first.exit_code
        assert told["summary"]["num_done"] == 0
        assert told["summary"]["num_before"] == told["summary"]["num_cells"] > 0
        assert told["verdict"] == stored["verdict"]


@pytest.mark.parametrize("name", KEPT)
def test_a_study_takes_other_data_than_its_own(name):
    study = find_study(name)
    fixed = {"kappas": (4.0, 8.0, 16.0, 32.0)} if name in ("kappa", "theorem") else {}
    designs = study.designs(study.given(data="digits", num_points=6, **fixed))
    assert designs
    for design in designs.values():
        assert (design.fixed["data"], design.fixed["num_points"]) == ("digits", 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT)
def test_a_killed_study_goes_on_without_losing_or_repeating_a_run(tmp_path, name):
    line = options(name, tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "lazyscope", *line, "--workers", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 240
        while not kept(tmp_path / "out") and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    before = kept(tmp_path / "out")
    assert before > 0
    told = json.loads(CliRunner().invoke(app, line).stdout)["summary"]
    assert (told["num_before"], told["num_done"]) == (before, told["num_cells"] - before)


def kept(folder):
    """How many runs the stores of a study hold."""
    return sum(len(finished_cells(path.parent)) for path in folder.glob("*/store.json"))


@pytest.mark.parametrize("name", study_names())
def test_a_study_names_itself_alike_everywhere(name):
    study = find_study(name)
    assert study.name == name
    assert f"lazyscope study {name}" in (type(study).__doc__ or "")
