"""Does the flow go on where parameters move by less than their rounding, and end where all do?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import Dense, Outcome, dense_problem, function_problem, solve_flow


def tanh_problem(speeds):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    with jax.enable_x64(True):
        model = Dense(3, 1, 8, 2, "tanh")
        params = model.init_from_std(jax.random.key(1), np.full(3, 0.25), dtype=np.dtype("float64"))
    return dense_problem(model, params, x, rng.standard_normal((6, 1)), speeds=speeds)


@pytest.mark.parametrize("slow", [pytest.param(1e-14, marks=pytest.mark.slow), 1e-20])
def test_a_layer_that_moves_by_less_than_rounding_takes_the_steps_of_one_that_moves_little(slow):
    """Its displacement is known, and under error control, however far below its parameters it is."""
    held = solve_flow(tanh_problem([0.0, 1.0, 1.0]), stop=0.2)
    little = solve_flow(tanh_problem([1e-6, 1.0, 1.0]), stop=0.2)
    nearly = solve_flow(tanh_problem([slow, 1.0, 1.0]), stop=0.2)
    assert nearly.outcome is little.outcome is held.outcome is Outcome.CONVERGED
    assert abs(int(nearly.num_tried) - int(little.num_tried)) <= 1
    assert float(nearly.time) == pytest.approx(float(held.time), rel=0.05)


@pytest.mark.parametrize("factor", [1e-20, 1e30])
def test_one_factor_on_all_speeds_is_a_unit_of_time(factor):
    one = solve_flow(tanh_problem([1.0, 1.0, 1.0]), stop=0.05)
    other = solve_flow(tanh_problem([factor] * 3), stop=0.05)
    assert int(one.num_tried) == int(other.num_tried)
    assert float(other.time) * factor == pytest.approx(float(one.time), rel=1e-9)


@pytest.mark.slow
def test_parameters_too_large_for_any_change_end_the_run_soon():
    network = lambda p, x: x @ (p["w"] - 1e17)  # noqa: E731
    problem = function_problem(network, {"w": np.full((2, 1), 1e17)}, np.eye(2), np.ones((2, 1)))
    result = solve_flow(problem, max_steps=1000)
    assert result.outcome is Outcome.STALLED
    assert int(result.num_tried) < 30


def test_a_flow_runs_under_the_alarms_of_the_users_process():
    problem = tanh_problem([1.0, 1.0, 1.0])
    plain = solve_flow(problem, stop=0.1)
    with (
        jax.debug_nans(True),
        jax.numpy_rank_promotion("raise"),
        jax.transfer_guard("disallow"),
        jax.checking_leaks(),
    ):
        guarded = solve_flow(problem, stop=0.1)
    assert float(guarded.time) == float(plain.time)
    assert jnp.isfinite(guarded.loss)
