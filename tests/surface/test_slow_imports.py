"""Do SciPy, scikit-learn, pandas and xarray wait until somebody needs them?"""

import json
import subprocess
import sys

import pytest

SLOW = ("scipy", "sklearn", "pandas", "xarray", "matplotlib", "torch")
ROOMS = (
    "data",
    "flow",
    "forecast",
    "kernel",
    "limit",
    "measure",
    "model",
    "observe",
    "operator",
    "scaling",
)


def loaded_by(statements):
    """Those of the slow libraries that a fresh process holds afterwards."""
    ask = f"import json, sys; {statements}; print(json.dumps([m for m in {SLOW!r} if m in sys.modules]))"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return json.loads(told.stdout.splitlines()[-1])


def test_rooms_that_training_needs_load_no_slow_library():
    assert loaded_by("; ".join(f"import lazyscope.{room}" for room in ROOMS)) == []


def test_digits_are_read_without_loading_their_package():
    assert (
        loaded_by("from lazyscope.data import load_dataset; load_dataset('digits', num_points=16)")
        == []
    )


def test_digits_are_those_of_their_package():
    datasets = pytest.importorskip("sklearn.datasets")
    from lazyscope.data._bundled import read_bundled

    expected, found = datasets.load_digits(), read_bundled("digits")
    assert (found.x_train == expected.data).all()
    assert (found.y_train == expected.target).all()
    assert found.y_train.dtype == expected.target.dtype


@pytest.mark.parametrize("arguments", ["--help", "regime --scheme ntk --depth 2 --width 64"])
def test_help_and_regimes_need_neither_arrays_nor_a_slow_library(arguments):
    command = [sys.executable, "-X", "importtime", "-m", "lazyscope", *arguments.split()]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in told.splitlines() if "|" in line}
    assert "lazyscope.cli" in loaded
    assert not loaded & {"jax", "jaxtyping", "numpy", "pydantic", "lazyscope.study.kappa", *SLOW}
