import json

import pytest
from typer.testing import CliRunner

from lazyscope import InputError
from lazyscope.cli._app import app
from lazyscope.study.coordinates._find import find_build

MODULE = """
import jax.numpy as jnp
import numpy as np

def build(width, seed):
    rng = np.random.default_rng([seed, width])
    w, v = rng.normal(size=(64, width)) / 4, rng.normal(size=(width, 1)) / width**0.5
    return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, v)

def without_seed(width):
    return None

constant = 3
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "network.py"
    path.write_text(MODULE)
    return path


def run(*words):
    return CliRunner().invoke(app, ["check", *map(str, words)])


QUICK = ("--widths", "16,32,64", "--seeds", "2", "--n", "6", "--steps", "2", "--target", "parity")


@pytest.mark.slow
def test_a_check_answers_in_json_and_draws_a_figure(module, tmp_path):
    figure = tmp_path / "check.svg"
    done = run(f"{module}:build", "--data", "digits", *QUICK, "--json", "-o", figure)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["study"] == "coordinates"
    assert told["settings"]["build"] == f"{module}:build"
    assert told["settings"]["versions"]["lazyscope"]
    assert told["widths"] == [16, 32, 64]
    assert [layer["kind"] for layer in told["layers"]] == ["input", "readout"]
    assert {"kappa_exponent", "regime", "schemes", "to_become_mup", "sentence"} <= set(told)
    assert figure.read_text().lstrip().startswith("<?xml")
    # The program is compiled: the same check once more, for reading.
    words = run(f"{module}:build", "--data", "digits", *QUICK)
    assert told["sentence"][:30] in words.stdout
    assert "To become muP" in words.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("network", "must be given as MODULE:BUILD"),
        ("no_such_module:build", "must be importable.*ModuleNotFoundError"),
        ("/no/such/file.py:build", "must be importable.*no file"),
    ],
)
def test_modules_that_are_not_there_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        find_build(name)


def test_names_that_are_not_in_the_module_are_refused(module):
    with pytest.raises(InputError, match=r"must have the function gone.*build, without_seed"):
        find_build(f"{module}:gone")


def test_a_module_that_fails_says_how(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(InputError, match=r"must be importable.*ZeroDivisionError"):
        find_build(f"{tmp_path / 'broken.py'}:build")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--widths", "16,wide"), "widths must be a whole number"),
        (("--widths", "16,32"), "at least 3 increasing widths"),
        (("--seeds", "1"), "seeds must be a whole number"),
        (("-o", "figure.xyz"), "picture file"),
    ],
)
def test_options_that_make_no_sense_are_refused(module, words, message):
    done = run(f"{module}:build", "--data", "digits", *words)
    assert done.exit_code == 2
    assert message in done.stderr.lower()


def test_a_build_of_another_kind_is_refused(module):
    for name, message in (("constant", "must be a function"), ("without_seed", "width and a seed")):
        assert message in run(f"{module}:{name}", "--data", "digits").stderr


SEQUENCES = """
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.last = nn.Linear(8, width), nn.Linear(width, 10)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)).mean(1))


def build(width, seed):
    torch.manual_seed(seed)
    return Network(width)
"""
SHORT = ("--widths", "8,16,32", "--seeds", "2", "--n", "6", "--steps", "1", "--optimizer", "adam")


def test_inputs_of_sequences_have_the_shape_that_is_given(tmp_path):
    path = tmp_path / "sequences.py"
    path.write_text(SEQUENCES)
    rows = run(f"{path}:build", *SHORT)
    assert rows.exit_code == 2
    assert "give --input-shape, such as 8,8" in rows.stderr
    shaped = run(f"{path}:build", *SHORT, "--input-shape", "8,8", "--json")
    assert shaped.exit_code in (0, 3), shaped.stderr
    told = json.loads(shaped.stdout)
    assert [each["name"] for each in told["arrays"]][:2] == ["first.weight", "first.bias"]
    assert told["rate_transfer"]["answer"] in ("supported", "contradicted", "undecided")
    wrong = run(f"{path}:build", *SHORT, "--input-shape", "8,9")
    assert wrong.exit_code == 2
    assert "as many numbers as one, 64" in wrong.stderr


TRAINED = """
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.last = nn.Linear(64, width), nn.Linear(width, 10)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


def build(width, seed):
    torch.manual_seed(seed)
    return Network(width)


def adam(module):
    return torch.optim.Adam(module.parameters(), lr=1e-3)
"""


@pytest.mark.slow
def test_a_training_by_name_and_by_a_function_answers_with_exit_codes(tmp_path):
    path = tmp_path / "trained_network.py"
    path.write_text(TRAINED)
    quick = (
        "--data",
        "digits",
        "--widths",
        "32,128,512",
        "--seeds",
        "2",
        "--n",
        "6",
        "--steps",
        "1",
    )
    found = run(
        f"{path}:build",
        *quick,
        "--optimizer",
        "adam",
        "--loss",
        "cross-entropy",
        "--expect",
        "mup",
        "--json",
    )
    assert found.exit_code == 1, found.output
    told = json.loads(found.stdout)
    assert told["format"] == "lazyscope-training-check-1"
    assert told["training"] == "adam, learning rate 0.001"
    again = run(
        f"{path}:build",
        *quick,
        "--train",
        f"{path}:adam",
        "--loss",
        "cross-entropy",
        "--expect",
        "mup",
    )
    assert again.exit_code == 1, again.output
    assert "It is not muP" in again.stdout
    assert "learning rate does not transfer across width" in " ".join(again.stdout.split())
    both = run(f"{path}:build", *quick, "--train", f"{path}:adam", "--optimizer", "adam")
    assert both.exit_code == 2
    assert "A training must be said once" in both.stderr
