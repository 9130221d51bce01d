"""Which programs are made quickly, and do they say the same?"""

import jax
import numpy as np
import pytest

from lazyscope._jax import own_settings
from lazyscope.experiment import default_settings, run_data, run_inputs, run_settings
from lazyscope.experiment.run import _program
from lazyscope.experiment.run._program import QUICKLY_MADE, _compiler_options

SMALL = {
    **default_settings(),
    "data": "four-points",
    "spread": "balanced",
    "kappa": 4.0,
    "width": 8,
    "depth": 1,
    "stop": 0.1,
}


def options(width, use):
    settings = {**SMALL, "width": width}
    with own_settings():
        return _compiler_options(settings, run_inputs(settings, run_data(settings)), use)


def test_only_what_runs_once_and_briefly_is_made_quickly(monkeypatch):
    others = {"xla_cpu_multi_thread_eigen": False}
    monkeypatch.setattr(_program, "COMPILER_OPTIONS", others)  # whatever lane this is
    assert jax.default_backend() == "cpu"
    assert options(8, "many") == others
    assert options(8, "one") == others | QUICKLY_MADE
    assert options(20_000, "one") == others
    assert options(20_000, "start") == others | QUICKLY_MADE


@pytest.mark.slow
def test_a_program_that_was_made_quickly_takes_the_same_steps_to_the_same_numbers():
    with own_settings():
        many, one = (
            run_settings(SMALL, ("displacement", "kernel"), use=use) for use in ("many", "one")
        )
    assert many.num_steps == one.num_steps
    for name, value in many.measurements.items():
        np.testing.assert_allclose(one.measurements[name], value, rtol=1e-11, err_msg=name)
