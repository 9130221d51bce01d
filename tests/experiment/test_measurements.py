"""What a sweep keeps under a name is what a single run reports under it."""

import jax
import numpy as np
import pytest

from lazyscope.experiment import Experiment
from lazyscope.experiment._measurements import run_quantities
from lazyscope.flow import ExponentialFlow, dense_problem, in_double, solve_flow
from lazyscope.measure import kernel_change
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme


@pytest.mark.parametrize("num_outputs", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_the_change_of_the_kernel_is_that_of_its_average_over_outputs(num_outputs, double):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(4, 3)), draw.normal(size=(4, num_outputs))
    model = Dense(3, num_outputs, 16, 1, "tanh")
    params = model.init(jax.random.key(0), named_scheme("ntk", depth=1, input_dim=3))
    problem = in_double(dense_problem(model, params, x, y))
    result = solve_flow(problem, ExponentialFlow(), stop=0.1)
    found = run_quantities(("kernel",), Experiment.of(problem), 0.1, result)["kernel_change"]
    whole = [
        np.asarray(problem.kernel.expand(p, problem.x).kernel(problem.speeds))
        for p in (problem.params, result.params)
    ]
    averaged = [np.einsum("ijcc->ij", k) / num_outputs for k in whole]
    assert float(found) == pytest.approx(float(kernel_change(*averaged)), rel=1e-6)
    if num_outputs > 1:
        assert float(found) != pytest.approx(float(kernel_change(*whole)), rel=1e-3)
