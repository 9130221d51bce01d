"""Which laws must training obey, whatever the network?"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from cases import as_layers, dense_case, draw_weights, weights_of
from lazyscope.flow import ExponentialFlow, Problem, solve_flow, solve_linearised, trace_flow
from naive.dense import forward, kernels


def with_fields(problem, **fields):
    names = ("model", "kernel", "params", "x", "y", "speeds")
    return Problem(**({name: getattr(problem, name) for name in names} | fields))


@pytest.fixture(scope="module")
def relu():
    with jax.enable_x64(True):
        return dense_case("relu", depth=2, width=12, speeds=[1.0, 0.5, 2.0], gain=1.4)


@pytest.fixture(scope="module")
def readout():
    """A network of which only the readout learns: linear in what is trained, with three outputs."""
    with jax.enable_x64(True):
        return dense_case("tanh", output_dim=3, speeds=[0.0, 1.5])


def linear_solution(case, time):
    """Outputs of the readout-only network at `time`, by the matrix exponential."""
    layers = [(w, None) for w in case.weights]
    start, _, _ = forward(layers, case.x, case.activation)
    share = kernels(layers, case.x, case.x, case.activation)[1][:, :, 0, 0]
    return case.y + expm(-1.5 * time / len(case.x) * share) @ (start - case.y)


@pytest.mark.slow
@pytest.mark.parametrize("time", [0.3, 40.0, 1e5])
def test_a_model_linear_in_its_parameters_takes_one_exact_step(readout, time):
    with jax.enable_x64(True):
        method = ExponentialFlow(fixed_step=jnp.asarray(time))
    result = solve_flow(readout.problem, method, stop=None, stop_time=time)
    assert int(result.num_steps) == int(result.num_tried) == 1
    found, _, _ = forward([(w, None) for w in weights_of(result.params)], readout.x, "tanh")
    np.testing.assert_allclose(found, linear_solution(readout, time), rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(result.params[0].weight, readout.weights[0])


@pytest.mark.slow
def test_a_linear_model_ends_at_the_asked_loss_without_a_rejected_error(readout):
    result = solve_flow(readout.problem, stop=1e-3)
    assert 0.999e-3 <= float(result.loss / result.initial_loss) <= 1e-3
    # one step of the kernel's own time, growth by 20 at a time, one overshoot
    assert int(result.num_tried) <= 5


@pytest.mark.parametrize("time", [0.0, 0.3, 40.0])
def test_the_closed_form_of_a_linear_model_is_its_flow(readout, time):
    lin = solve_linearised(readout.problem, readout.x[:2])
    with jax.enable_x64(True):
        expected = linear_solution(readout, time)
        np.testing.assert_allclose(lin.outputs(time), expected, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(lin.outputs_other(time), expected[:2], rtol=1e-7, atol=1e-9)
        loss = np.sum((expected - readout.y) ** 2) / 12
        assert float(lin.loss(jnp.asarray(time))) == pytest.approx(loss, rel=1e-8)


@pytest.mark.slow
def test_a_nonlinear_network_leaves_its_closed_form(relu):
    result = solve_flow(relu.problem, stop=1e-3)
    with jax.enable_x64(True):
        predicted = solve_linearised(relu.problem).outputs(result.time)
        found = relu.problem.model.apply(result.params, relu.problem.x)
        assert float(jnp.max(jnp.abs(predicted - found))) > 1e-3


def test_multiplying_all_speeds_divides_the_time_and_changes_nothing_else(relu):
    slow = solve_flow(relu.problem)
    with jax.enable_x64(True):
        fast = solve_flow(with_fields(relu.problem, speeds=jnp.asarray(relu.problem.speeds) * 7.0))
    assert float(fast.time) == pytest.approx(float(slow.time) / 7, rel=1e-9)
    assert int(fast.num_tried) == int(slow.num_tried)
    for one, other in zip(weights_of(slow.params), weights_of(fast.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def test_the_order_of_the_points_does_not_matter(relu):
    order = np.random.default_rng(4).permutation(len(relu.x))
    with jax.enable_x64(True):
        x, y = jnp.asarray(relu.x[order]), jnp.asarray(relu.y[order])
    one = solve_flow(relu.problem)
    other = solve_flow(with_fields(relu.problem, x=x, y=y))
    for left, right in zip(weights_of(one.params), weights_of(other.params), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-10)


def conserved(weights, speeds):
    """|W_l|^2 / s_l of every layer minus that of the first."""
    sizes = np.array([np.sum(w**2) / s for w, s in zip(weights, speeds, strict=True)])
    return sizes[1:] - sizes[0]


def growth(weights, start, speeds):
    pairs = zip(weights, start, speeds, strict=True)
    return max(abs(np.sum(w**2) - np.sum(v**2)) / s for w, v, s in pairs)


@pytest.mark.slow
def test_homogeneous_layers_grow_together(relu):
    speeds = np.asarray(relu.problem.speeds)
    result = solve_flow(relu.problem, ExponentialFlow(tolerance=1e-3))
    end = weights_of(result.params)
    drift = np.abs(conserved(end, speeds) - conserved(relu.weights, speeds))
    grown = growth(end, relu.weights, speeds)
    assert grown > 0.1
    assert np.max(drift) < 1e-3 * grown
    # with other speeds the same difference is not conserved
    other = np.abs(conserved(end, np.ones(3)) - conserved(relu.weights, np.ones(3)))
    assert np.max(other) > 0.1 * grown


@pytest.mark.slow
def test_runs_batched_over_seeds_and_speeds_equal_single_runs(relu):
    method = ExponentialFlow()
    run = partial(trace_flow, max_steps=500, num_records=8)
    with jax.enable_x64(True):
        draws = [draw_weights(relu.problem.model, [1.4, 0.4, 0.4], seed) for seed in range(3)]
        params = as_layers([np.stack(layer) for layer in zip(*draws, strict=True)])
        speeds = jnp.asarray([[1.0, 1.0, 1.0], [0.1, 2.0, 1.0], [3.0, 0.5, 0.0]])

        def train(params, speeds):
            problem = with_fields(relu.problem, params=params, speeds=speeds)
            return run(problem, method, 1e-3, jnp.inf)

        together = jax.jit(jax.vmap(train))(params, speeds)
        one = jax.jit(train)
        for seed in range(3):
            alone = one(as_layers(draws[seed]), speeds[seed])
            assert together.outcome_code[seed] == alone.outcome_code
            assert together.num_tried[seed] == alone.num_tried
            batch = jax.tree.map(lambda leaf, k=seed: leaf[k], together)
            for left, right in zip(jax.tree.leaves(batch), jax.tree.leaves(alone), strict=True):
                np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)
