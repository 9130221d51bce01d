"""Do the scripts of examples/ run as they stand, quietly and to the end?"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
NEEDS = {
    "flax_digits": ("flax", "optax"),
    "transformer": ("optax",),
    "pytorch_mlp": ("torch",),
    "pytorch_cnn": ("torch",),
    "characters": ("torch",),
    "mup_transformer": ("torch",),
    "gamma_dial": ("torch",),
    "characters_flax": ("flax", "optax"),
}
SAYS = {
    "flax_digits": ("Forecast", "Verdict: not-lazy", "lazyscope report"),
    "equinox_cnn": ("Output scale 100", "Verdict: lazy"),
    "characters": (
        "AdamW, width 64",
        "Muon and AdamW, width 64",
        "sharpness",
        "verdict: not-lazy",
        "Exponents of the width after 120 steps",
    ),
    "mup_transformer": (
        "done right: muP is supported",
        "readout multiplier forgotten: muP is contradicted",
        "change: multiplier of readout.weight times m^-1",
        "rate of hidden layers not scaled: muP is contradicted",
        "change: learning rate of blocks.1.down.weight times m^-1",
        "initial readout too large: muP is contradicted",
        "change: initial weights of readout.weight times m^-0.5",
        "embedding scaled: muP is contradicted",
        "change: what the blocks are added to (embedding, residual stream) times m^-0.5",
        "attention 1/sqrt(d) for 1/d: muP is contradicted",
        "change: scale of attention times m^-0.5",
        "decay coupled to the rate: muP is contradicted",
        "change: weight decay of blocks.1.down.weight times m^1",
    ),
    "gamma_dial": (
        "rho +0.5, theta-lazy",
        "rho -1.3, partially-lazy",
        "measured rho",
        "dimensions of rows: embedding",
    ),
    "characters_flax": (
        "AdamW, width 64",
        "Muon and AdamW, width 64",
        "verdict: not-lazy",
        "Exponents of the width after 120 steps",
    ),
    "transformer": ("attention", "Share of every array in the kernel"),
}


def test_there_are_examples_for_every_library():
    assert {script.stem for script in SCRIPTS} >= set(SAYS)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_example_runs_and_says_what_it_should(script, tmp_path):
    for library in NEEDS.get(script.stem, ()):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{script.name} needs {library}, which is not installed")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=570,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    assert "Warning" not in done.stderr
    for words in SAYS.get(script.stem, ()):
        assert words in done.stdout
