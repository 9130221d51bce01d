"""Does a run hold no more than three copies of the parameters besides the activations?"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem, trace_flow
from lazyscope.model import Dense, Layer


@pytest.mark.slow
@pytest.mark.parametrize("method", [ExponentialFlow(), GradientDescent(step_size=0.1)])
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_a_run_holds_initial_current_and_candidate_parameters(double, method, num_outputs):
    num_points, width, depth = 16, 768, 2
    model = Dense(64, num_outputs, width, depth, "tanh")
    params = tuple(Layer(jnp.zeros(shape), None) for shape in model.shapes)
    points, targets = np.zeros((num_points, 64)), np.zeros((num_points, num_outputs))
    problem = dense_problem(model, params, points, targets)
    arrays, rest = eqx.partition(problem, eqx.is_array)

    def train(arrays):
        run = eqx.combine(arrays, rest)
        return trace_flow(run, method, 1e-4, jnp.inf, max_steps=100, num_records=4)

    memory = jax.jit(train).lower(arrays).compile().memory_analysis()
    held = (
        memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    ) / 8
    # inputs, slopes and signals of every output at the start; the same with one signal at the end
    activations = num_points * (width * depth * (2 + num_outputs + 3) + 2 * 64)
    assert held <= 3 * model.num_parameters + 1.1 * activations
    assert held >= 2.9 * model.num_parameters, "a figure well below three copies is misread"
