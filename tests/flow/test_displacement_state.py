"""Is the state of a run its displacement, known to full relative precision however small it is?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import Dense, Outcome, dense_problem, function_problem, solve_flow
from lazyscope.experiment._experiment import Points, drawn_experiment
from lazyscope.flow import ExponentialFlow, GradientDescent
from lazyscope.measure import relative_change
from lazyscope.model import Centred, architecture, group_norms
from lazyscope.scaling import Scheme


def points(n=5, d=3):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True), rng.standard_normal((n, 1))


def problem_of_size(size, activation="relu", width=24, **more):
    """A centred network of two hidden layers whose first and last scales are `size` and its inverse."""
    x, y = points()
    model = Dense(3, 1, width, 2, activation)
    with jax.enable_x64(True):
        stds = np.array([size, 1.0, 1.0]) / np.sqrt(width)
        params = model.init_from_std(jax.random.key(0), stds, dtype=np.dtype("float64"))
    return dense_problem(Centred(model, params), params, x, y, **more)


def moved(result):
    with jax.enable_x64(True):
        return np.asarray(group_norms(result.displacement))


def test_parameters_at_the_end_are_those_at_the_start_and_the_displacement():
    problem = problem_of_size(1.0, "tanh")
    result = solve_flow(problem, stop=0.1)
    with jax.enable_x64(True):
        ends = problem.at(result.displacement)
        for at, end in zip(jax.tree.leaves(ends), jax.tree.leaves(result.params), strict=True):
            np.testing.assert_array_equal(at, end)


@pytest.mark.parametrize("slow", [1e-14, 1e-30])
def test_a_slow_layer_moves_in_proportion_to_its_speed_however_slow(slow):
    ends = [
        solve_flow(problem_of_size(4.0, "tanh", speeds=[s, 1.0, 1.0]), stop=0.1)
        for s in (1e-8, slow)
    ]
    assert [end.outcome for end in ends] == [Outcome.CONVERGED] * 2
    assert moved(ends[1])[0] / moved(ends[0])[0] == pytest.approx(slow / 1e-8, rel=1e-5)


def test_a_flow_at_kappa_1e20_finishes_and_moves_by_one_over_kappa():
    large, huge = (
        solve_flow(problem_of_size(size), ExponentialFlow(), stop=1e-4) for size in (1e6, 1e20)
    )
    assert huge.outcome is large.outcome is Outcome.CONVERGED
    assert int(huge.num_steps) == int(large.num_steps)
    # The first layer has the share alpha_1^-2 of the motion, relative to itself; the others take it.
    assert moved(huge)[1:] / moved(large)[1:] == pytest.approx(1e-14, rel=1e-4)
    assert float(huge.loss / huge.initial_loss) == pytest.approx(
        float(large.loss / large.initial_loss), rel=1e-3
    )


def test_descent_at_kappa_1e18_falls_as_at_kappa_1e6():
    method = GradientDescent(stability_fraction=0.5)
    ends = [
        solve_flow(problem_of_size(size), method, stop=0.3, max_steps=2000) for size in (1e6, 1e18)
    ]
    assert [end.outcome for end in ends] == [Outcome.CONVERGED] * 2
    assert int(ends[0].num_steps) == int(ends[1].num_steps)


def test_another_network_of_huge_outputs_is_trained_by_its_derivative_along_the_way():
    x, y = points()
    start = {
        "a": np.full((3, 4), 0.3) + 0.1 * np.arange(12).reshape(3, 4),
        "b": np.full((4, 1), 1e18),
    }
    network = lambda p, x: jnp.tanh(x @ p["a"]) @ p["b"]  # noqa: E731
    problem = function_problem(network, start, x, y, centred=True)
    result = solve_flow(problem, stop=0.5)
    assert result.outcome is Outcome.CONVERGED
    assert 0 < moved(result).max() < 1e-15


@pytest.mark.parametrize("name", ["residual", pytest.param("convolution", marks=pytest.mark.slow)])
def test_what_is_trained_of_large_networks_of_blocks_is_their_exact_difference(double, name):
    """Outputs are large at the start, and a few units change sides: nothing may jump there."""
    network = architecture(name).build(36, 1, 16, 2, "relu")
    alpha = [40.0] * len(network.shapes)
    params = network.init_from_std(jax.random.key(3), network.weight_std(alpha))
    rng = np.random.default_rng(3)
    x = np.abs(rng.standard_normal((5, 36)))
    given = Points(*map(jnp.asarray, (x, rng.standard_normal((5, 1)), x, np.zeros((5, 1)))))
    speeds = np.ones(len(network.group_names))
    problem = drawn_experiment(network, params, given, speeds, 0.0).problem.started()
    step = jax.tree.map(
        lambda p: jnp.asarray(3e-3 * float(jnp.std(p)) * rng.standard_normal(p.shape)),
        problem.params,
    )
    start = problem.model.apply(problem.params, problem.x)
    expected = problem.model.apply(problem.at(step), problem.x) - start
    assert np.abs(start).max() > 10 * np.abs(problem.y).max()
    np.testing.assert_allclose(
        problem.outputs_after(step), expected, atol=1e-9 * np.abs(expected).max()
    )


def test_relative_changes_of_1e_minus_30_are_measured(double):
    start = (jnp.eye(3), jnp.ones((2, 3)))
    change = (1e-30 * jnp.diag(jnp.array([1.0, 2.0, 3.0])), jnp.zeros((2, 3)))
    seen = relative_change(start, change)
    np.testing.assert_allclose(seen.operator, [3e-30, 0.0], rtol=1e-12)
    np.testing.assert_allclose(seen.frobenius[0], 1e-30 * np.sqrt(14 / 3), rtol=1e-12)


def test_where_nothing_cancels_shifted_outputs_are_the_networks_less_their_start(double):
    problem = problem_of_size(1.0, "gelu").started()
    step = jax.tree.map(lambda p: 0.3 * jnp.cos(p), problem.params)
    after = problem.model.apply(problem.at(step), problem.x)
    expected = after - problem.model.apply(problem.params, problem.x)
    np.testing.assert_allclose(problem.outputs_after(step), expected, rtol=1e-12)
    np.testing.assert_allclose(problem.residual(problem.at(step)), expected - problem.y, rtol=1e-10)


def test_schemes_far_in_the_lazy_regime_follow_the_law():
    x, y = points()
    scheme, moves = Scheme.from_exponents((0.5, 0.5)), []
    for width in (10**12, 10**14):
        model = Dense(3, 1, 32, 1, "relu")
        with jax.enable_x64(True):
            stds = scheme.alpha(width) / np.sqrt(32)
            params = model.init_from_std(jax.random.key(1), stds, dtype=np.dtype("float64"))
        problem = dense_problem(Centred(model, params), params, x, y)
        result = solve_flow(problem)
        with jax.enable_x64(True):
            moves.append(relative_change(problem.params, result.displacement).operator)
    assert np.log10(moves[1] / moves[0]) / 2 == pytest.approx(-1.0, abs=1e-4)
