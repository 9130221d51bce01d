"""Are steps of an optimiser those of its paper, and small ones its limit?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cases import as_layers, dense_case, unit_points
from lazyscope._checks import OPTIMISERS, InputError
from lazyscope._outcome import Outcome
from lazyscope.flow import (
    CrossEntropy,
    OptimiserSteps,
    dense_problem,
    function_problem,
    solve_flow,
    trace_flow,
)
from lazyscope.measure import displacement
from lazyscope.model import Dense
from naive import optimisers

NUM_STEPS, RATE, SPEEDS = 6, 0.05, (0.5, 2.0)
RULES = {
    "sgd": optimisers.sgd(),
    "momentum": optimisers.momentum(),
    "adam": optimisers.adam(),
    "adamw": optimisers.adam(decay=1e-4),
    "sign": optimisers.sign(),
    "lion": optimisers.lion(),
    "muon": optimisers.muon(),
}


def biased_problem():
    """A small tanh network with biases that are not zero, so that matrices and vectors move."""
    rng = np.random.default_rng(0)
    model = Dense(3, 2, 8, 1, "tanh", use_bias=True)
    weights = [rng.normal(size=shape) / np.sqrt(8) for shape in model.shapes]
    biases = [0.1 * rng.normal(size=shape[:1]) for shape in model.shapes]
    x, y = unit_points(5, 3), rng.normal(size=(5, 2))
    return dense_problem(model, as_layers(weights, biases), x, y, speeds=SPEEDS)


def by_hand(problem, update, rates, num_steps=NUM_STEPS):
    """Weights and biases after so many steps of a naive rule, gradients by automatic differentiation."""
    slope = jax.jit(jax.grad(problem.loss_at))
    params = problem.params
    for k in range(1, num_steps + 1):
        grads, shape = jax.tree.flatten(slope(params))
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(params)]
        changes = update(k, [np.asarray(g) for g in grads], leaves)
        speeds = np.repeat(SPEEDS, 2)
        leaves = [w + rates(k) * s * d for w, s, d in zip(leaves, speeds, changes, strict=True)]
        params = shape.unflatten([jnp.asarray(leaf) for leaf in leaves])
    return params


def assert_same(found, expected, rtol=1e-9):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def taken(problem, method, num_steps=NUM_STEPS):
    return solve_flow(problem, method, stop=1e-12, max_steps=num_steps)


def test_every_name_has_a_slow_twin():
    assert set(RULES) == set(OPTIMISERS)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_are_those_of_the_paper(double, name):
    problem = biased_problem()
    result = taken(problem, OptimiserSteps(name, step_size=RATE))
    assert_same(result.params, by_hand(problem, RULES[name], lambda k: RATE))
    assert float(result.time) == pytest.approx(NUM_STEPS * RATE)
    assert float(result.loss) == pytest.approx(float(problem.loss_at(result.params)), rel=1e-12)


def test_numbers_of_an_optimiser_are_taken_as_given(double):
    problem = biased_problem()
    given = OptimiserSteps(
        "adamw", step_size=RATE, betas=(0.5, 0.75), epsilon=0.1, weight_decay=0.3
    )
    twin = optimisers.adam(0.5, 0.75, 0.1, decay=0.3)
    assert_same(taken(problem, given).params, by_hand(problem, twin, lambda k: RATE))


def test_a_schedule_is_asked_at_every_step(double):
    problem = biased_problem()
    schedule = optax.linear_schedule(0.0, 0.1, transition_steps=3)  # its first rate is zero
    result = taken(problem, OptimiserSteps("sgd", step_size=schedule))
    rates = lambda k: 0.1 * min((k - 1) / 3, 1.0)  # noqa: E731
    assert_same(result.params, by_hand(problem, optimisers.sgd(), rates), rtol=1e-6)  # single there
    assert float(result.time) == pytest.approx(sum(rates(k) for k in range(1, NUM_STEPS + 1)))


def test_a_transformation_is_run_as_its_user_runs_it(double):
    problem = biased_problem()
    rule = optax.chain(optax.clip_by_global_norm(0.1), optax.adam(RATE))
    params, kept = problem.params, rule.init(problem.params)
    slope = jax.jit(jax.grad(problem.loss_at))
    with jax.numpy_dtype_promotion("standard"):
        for _ in range(NUM_STEPS):
            update, kept = rule.update(slope(params), kept, params)
            params = optax.apply_updates(params, problem.move(zeros(params), update))
    result = taken(problem, OptimiserSteps(rule))
    assert_same(result.params, params)
    assert float(result.time) == NUM_STEPS


def zeros(tree):
    return jax.tree.map(jnp.zeros_like, tree)


def test_groups_may_have_optimisers_of_their_own(double):
    problem = biased_problem()
    mixed = taken(problem, OptimiserSteps(("sign", "adam"), step_size=RATE), 1).params
    for group, name in enumerate(("sign", "adam")):
        alone = taken(problem, OptimiserSteps(name, step_size=RATE), 1).params
        assert_same(mixed[group], alone[group])
    with pytest.raises(InputError, match=r"one for each of the 2 groups. Received: sgd, sgd, sgd"):
        taken(problem, OptimiserSteps(["sgd"] * 3, share=0.1))


@pytest.mark.parametrize("name", ["sgd", pytest.param("muon", marks=pytest.mark.slow)])
def test_small_steps_move_outputs_and_groups_by_no_more_than_the_share(double, name):
    problem = dense_case("tanh", depth=2).problem
    before, share = problem.params, 0.05
    largest = []
    for _ in range(4):
        at = dense_problem(problem.model, before, problem.x, problem.y)
        after = taken(at, OptimiserSteps(name, share=share), 1).params
        gap = np.linalg.norm(at.residual(before))
        moved = np.linalg.norm(at.residual(after) - at.residual(before)) / gap
        sizes = displacement(before, after).frobenius
        largest.append(max(moved, float(jnp.max(sizes))))
        before = after
    # To first order at most the share, and one of the two is reached.
    assert np.all(np.abs(np.array(largest) / share - 1) < 0.1)


@pytest.mark.slow
def test_small_steps_of_descent_follow_the_flow(double):
    problem = dense_case("relu", depth=2).problem
    flow = solve_flow(problem, stop=1e-2)
    steps = solve_flow(problem, OptimiserSteps("sgd", share=0.01), stop=1e-2)
    assert steps.outcome is flow.outcome is Outcome.CONVERGED
    assert float(steps.time) == pytest.approx(float(flow.time), rel=0.01)
    moved = [displacement(problem.params, each.params).operator for each in (steps, flow)]
    np.testing.assert_allclose(moved[0], moved[1], rtol=0.01)


@pytest.mark.slow
def test_small_steps_of_sign_descent_end_where_smaller_ones_end(double):
    """The limit of steps of length zero, here Euler steps a tenth as long, on points few enough."""
    problem = dense_case("relu", num_points=4, input_dim=4, width=64).problem

    def end(share):
        run = solve_flow(problem, OptimiserSteps("sign", share=share), stop=1e-2)
        assert run.outcome is Outcome.CONVERGED
        return displacement(problem.params, run.params).operator

    np.testing.assert_allclose(end(0.02), end(0.002), rtol=0.02)


@pytest.mark.slow
def test_momentum_with_small_steps_is_descent_ten_times_as_fast(double):
    problem = dense_case("tanh").problem
    plain = solve_flow(problem, OptimiserSteps("sgd", share=0.005), stop=0.1)
    heavy = solve_flow(problem, OptimiserSteps("momentum", share=0.005), stop=0.1)
    assert float(plain.time / heavy.time) == pytest.approx(10, rel=0.05)


@pytest.mark.slow
def test_a_layer_that_starts_at_zero_is_held_by_outputs_alone(double):
    problem = function_problem(
        lambda p, x: (x @ p["a"]) * (1 + p["b"]),
        {"a": np.ones((2, 1)), "b": np.zeros(1)},
        np.eye(2),
        np.array([3.0, 2.0]),
    )
    run = solve_flow(problem, OptimiserSteps("adam", share=0.02), stop=1e-2)
    assert run.outcome is Outcome.CONVERGED
    assert int(run.num_steps) < 1000


@pytest.mark.parametrize("outputs", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_cross_entropy_falls_to_a_fraction_by_small_steps(double, outputs):
    case = dense_case("tanh", output_dim=outputs, width=32)
    y = np.sign(case.y) if outputs == 1 else np.eye(3)[np.arange(6) % 3]
    problem = dense_problem(case.problem.model, case.problem.params, case.x, y, loss=CrossEntropy())
    coarse, fine = (
        solve_flow(problem, OptimiserSteps("sgd", share=s), stop=0.1) for s in (0.04, 0.01)
    )
    assert coarse.outcome is fine.outcome is Outcome.CONVERGED
    assert float(coarse.time) == pytest.approx(float(fine.time), rel=0.05)


def test_runs_side_by_side_are_runs_by_themselves(double):
    problem = jax.tree.map(jnp.asarray, biased_problem())

    def train(share, decay):
        method = OptimiserSteps("adamw", share=share, weight_decay=decay)
        return trace_flow(problem, method, 0.1, jnp.inf, max_steps=2000, num_records=4)

    numbers = jnp.asarray([0.02, 0.05]), jnp.asarray([0.0, 0.01])
    together = jax.jit(jax.vmap(train))(*numbers)
    for k in range(2):
        alone = jax.jit(train)(numbers[0][k], numbers[1][k])
        assert int(alone.num_steps) == int(together.num_steps[k])
        assert float(alone.time) == pytest.approx(float(together.time[k]), rel=1e-9)
        assert_same(alone.params, jax.tree.map(lambda leaf, k=k: leaf[k], together.params))


def test_a_run_without_a_slope_stalls(double):
    problem = function_problem(
        lambda p, x: jax.nn.relu(x * p - 1.0), np.zeros(1), np.ones((1, 1)), np.ones(1)
    )
    for size in ({"share": 0.1}, {"step_size": 0.1}):
        run = solve_flow(problem, OptimiserSteps("adam", **size))
        assert run.outcome is Outcome.STALLED


def test_a_rate_too_large_diverges(double):
    run = solve_flow(dense_case("linear").problem, OptimiserSteps("momentum", step_size=1e3))
    assert run.outcome is Outcome.DIVERGED


def test_the_loss_on_record_may_rise(double):
    run = solve_flow(
        dense_case("tanh").problem, OptimiserSteps("sign", step_size=0.1), max_steps=60
    )
    assert np.any(np.diff(run.curve()[1]) > 0)


WRONG = {
    "no name": (lambda: OptimiserSteps("sgdd", share=0.1), "use 'sgd'"),
    "a number": (lambda: OptimiserSteps(3, share=0.1), "Optimiser must be a list"),
    "neither": (lambda: OptimiserSteps("sgd"), "either a step size or a share"),
    "both": (lambda: OptimiserSteps("sgd", step_size=1.0, share=0.1), "either a step size or"),
    "negative": (lambda: OptimiserSteps("sgd", step_size=-1.0), "Step_size must be above zero"),
    "share": (lambda: OptimiserSteps("sgd", share=1.5), "Share must lie strictly between"),
    "foreign": (
        lambda: OptimiserSteps("sign", share=0.1, epsilon=1e-8),
        "Epsilon must be a number of this optimiser. Received: epsilon for sign",
    ),
    "own": (
        lambda: OptimiserSteps(optax.adam(1e-3), weight_decay=0.1),
        "make the transformation with its weight_decay",
    ),
    "betas": (
        lambda: OptimiserSteps("adam", share=0.1, betas=(0.9,)),
        "Betas must be 2 numbers for adam. Received: 1 number",
    ),
    "beta": (
        lambda: OptimiserSteps("adam", share=0.1, betas=(0.9, 1.0)),
        "Every beta must be below one",
    ),
    "decay": (
        lambda: OptimiserSteps("adamw", share=0.1, weight_decay=-1.0),
        "Weight_decay must not be below zero",
    ),
    "nothing beside a gradient of zero": (
        lambda: OptimiserSteps("adam", share=0.1, epsilon=0.0),
        "Epsilon must be above zero",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_an_optimiser_cannot_be_told_is_refused(what):
    make, message = WRONG[what]
    with pytest.raises(InputError, match=message):
        make()
