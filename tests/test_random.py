"""Does a seed mean the same numbers in every process, and those it meant before?"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import lazyscope
from lazyscope._checks import InputError
from lazyscope._jax._random import LARGEST_SEED, check_seed, random_key
from lazyscope.experiment._data import run_data
from lazyscope.experiment.run._program import compiled_program, run_inputs
from lazyscope.measure import operator_norm
from lazyscope.model import Dense
from lazyscope.sweep import SweepDesign

SOURCE, HERE = Path(lazyscope.__file__).parent, Path(__file__).parent


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 - 1, 2**32, 2**45 + 3, LARGEST_SEED])
def test_a_key_is_the_one_that_jax_makes_under_its_defaults(double, seed):
    ours = jax.random.key_data(random_key(seed))
    traced = jax.jit(lambda number: jax.random.key_data(random_key(number)))(np.int64(seed))
    expected = jax.random.key_data(jax.random.key(seed, impl="threefry2x32"))
    assert ours.tolist() == traced.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "seed", [-1, 2**63, pytest.param(10**400, id="huge"), 0.5, "1", None, True]
)
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(InputError, match="Seed must be"):
        random_key(seed)
    with pytest.raises(InputError, match="Start must be"):
        check_seed("start", seed)


def starts():
    """Sums of the initial weights of a single run, of a sweep's run and of a scored matrix."""
    data = lazyscope.load_dataset("digits", num_points=8, target="parity")
    run = lazyscope.SingleRun(data, lazyscope.Scheme.from_exponents((0.5, 0.5)), width=16)
    cell = next(SweepDesign(axes={"seed": [3]}, fixed={"scheme": "ntk", "width": 8}).cells())
    with jax.enable_x64(True):
        inputs = run_inputs(cell.settings, run_data(cell.settings))
        values = compiled_program(cell.settings, ("neurons",), inputs)(inputs)
        drawn = [run.experiment().problem.params[0].weight, values["input_weights_initial"]]
        drawn.append(operator_norm(jax.numpy.outer(*[jax.numpy.arange(70.0) ** 2] * 2)))
        return [float(abs(weights).sum()).hex() for weights in drawn]


@pytest.mark.slow
def test_the_settings_of_the_process_change_no_run():
    others = {
        "JAX_DEFAULT_PRNG_IMPL": "rbg",
        "JAX_THREEFRY_PARTITIONABLE": "false",
        "JAX_RANDOM_SEED_OFFSET": "5",
        "JAX_ENABLE_CUSTOM_PRNG": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from test_random import starts; print(*starts())"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), **others},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == starts()


@pytest.mark.parametrize("partitionable", [False, True])
def test_initial_weights_follow_the_key_and_not_the_way_arrays_are_filled(double, partitionable):
    model = Dense(3, 2, width=5, depth=1)
    expected = model.init_from_std(random_key(4), [1.0, 1.0])
    with jax.threefry_partitionable(partitionable):
        found = model.init_from_std(random_key(4), [1.0, 1.0])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)


def test_no_file_makes_a_key_in_another_way():
    found = [
        path.name
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("random.key", "PRNGKey"))
    ]
    assert found == []
