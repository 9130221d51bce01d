"""Any JAX model trains, linearises and is forecast as the library's own networks are."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from cases import dense_case
from lazyscope._checks import InputError
from lazyscope._outcome import Outcome
from lazyscope.flow import (
    ExponentialFlow,
    GradientDescent,
    function_problem,
    solve_flow,
    solve_linearised,
    trace_flow,
)
from lazyscope.forecast import forecast_problem
from naive.jacobian_kernel import kernels_by_leaf

SPEEDS = (0.5, 2.0)
DESCENT = GradientDescent(step_size=0.1)


def dense(weights, x):
    for w in weights[:-1]:
        x = jnp.tanh(x @ w.T)
    return x @ weights[-1].T


@cache
def both_roads():
    """One network with two outputs, as a dense problem and as a function."""
    with jax.enable_x64(True):
        case = dense_case("tanh", output_dim=2, width=12, speeds=SPEEDS)
        return case.problem, function_problem(dense, case.weights, case.x, case.y, speeds=SPEEDS)


def weights(params):
    return [np.asarray(jax.tree.leaves(group)[0]) for group in params]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10 * np.abs(other).max())


@pytest.mark.slow
@pytest.mark.parametrize("frozen", ["mean", "full"])
def test_flow_equals_that_of_the_dense_road(frozen):
    dense_road, function_road = both_roads()
    ours, theirs = (
        solve_flow(problem, ExponentialFlow(frozen=frozen), stop=1e-3)
        for problem in (function_road, dense_road)
    )
    assert ours.outcome is Outcome.CONVERGED
    assert int(ours.num_tried) == int(theirs.num_tried)
    assert_same(weights(ours.params), weights(theirs.params))


@pytest.mark.slow
def test_descent_equals_that_of_the_dense_road():
    ends = [
        solve_flow(problem, GradientDescent(stability_fraction=0.5), max_steps=50)
        for problem in both_roads()
    ]
    assert_same(weights(ends[1].params), weights(ends[0].params))


@pytest.mark.parametrize("fraction", [0.0, 1e-2])
def test_forecast_equals_that_of_the_dense_road(fraction):
    ours, theirs = (forecast_problem(problem, stop=fraction) for problem in reversed(both_roads()))
    np.testing.assert_allclose(ours.eigenvalues, theirs.eigenvalues, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.displacement, theirs.displacement, rtol=1e-8)
    assert_same(weights(ours.change), weights(theirs.change))


@pytest.mark.slow
def test_linearised_flow_equals_that_of_the_dense_road():
    points = np.random.default_rng(3).normal(size=(4, 3))
    ours, theirs = (solve_linearised(problem, points) for problem in reversed(both_roads()))
    with jax.enable_x64(True):
        assert_same([ours.outputs(0.7)], [theirs.outputs(0.7)])
        assert_same([ours.outputs_other(0.7)], [theirs.outputs_other(0.7)])
        assert solve_linearised(both_roads()[1]).outputs_other(0.7).shape == (0, 2)


def test_a_centred_function_starts_from_zero_outputs():
    case = dense_case("tanh")
    problem = function_problem(dense, case.weights, case.x, case.y, centred=True)
    with jax.enable_x64(True):
        start = problem.residual(problem.params)
    np.testing.assert_allclose(start, -case.y, rtol=1e-12)


def convolutional(params, x):
    h = jax.lax.conv_general_dilated(
        x, params["conv"]["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    h = jax.nn.relu(h + params["conv"]["b"])
    return h.reshape(len(x), -1) @ params["out"]


def attention(params, tokens):
    h = params["table"][tokens] + params["places"]
    q, k, v = jnp.split(h @ params["qkv"], 3, axis=-1)
    weights = jax.nn.softmax(jnp.einsum("nsi,nti->nst", q, k), axis=-1)
    return jnp.einsum("nst,nti->nsi", weights, v).mean(1) @ params["out"]


def drawn(seed, *shape):
    return np.random.default_rng([seed, *shape]).normal(size=shape) / np.sqrt(shape[-1])


@cache
def conv_problem():
    params = {
        "conv": {"w": drawn(0, 3, 3, 1, 6), "b": np.zeros(6)},
        "out": drawn(1, 96, 2),
    }
    x, y = drawn(2, 5, 4, 4, 1), drawn(3, 5, 2)
    return function_problem(
        convolutional, params, x, y, groups={"conv": "conv", "out": "out"}, speeds={"out": 0.5}
    )


@cache
def token_problem():
    params = {
        "table": drawn(0, 7, 6),
        "places": drawn(1, 5, 6),
        "qkv": drawn(2, 6, 18),
        "out": drawn(6, 6, 2),
    }
    tokens = np.random.default_rng(4).integers(0, 7, (4, 5))
    return function_problem(attention, params, tokens, drawn(5, 4, 2))


@pytest.mark.slow
@pytest.mark.parametrize("build", [conv_problem, token_problem])
def test_networks_of_other_kinds_train_and_their_forecast_is_that_of_their_jacobian(build):
    problem = build()
    end = solve_flow(problem, stop=1e-2, on_failure="raise")
    with jax.enable_x64(True):
        apply, tree = problem.model.fixed.static, problem.model.tree_of(problem.params)
        shares = kernels_by_leaf(apply, tree, problem.model.points(problem.x))
        speeds = dict(zip(problem.model.group_names, problem.speeds, strict=True))
        names = ("conv", "conv", "out") if "conv" in speeds else tuple(speeds)
        full = sum(speeds[name] * share for name, share in zip(names, shares, strict=True))
        matrix = np.asarray(full).transpose(0, 2, 1, 3).reshape(problem.y.size, -1)
        loss = problem.loss(problem.residual(end.params))
    np.testing.assert_allclose(
        forecast_problem(problem).eigenvalues, np.linalg.eigvalsh(matrix), atol=1e-10
    )
    assert float(loss) == pytest.approx(float(end.loss), rel=1e-10)
    assert jax.tree.structure(problem.model.tree_of(end.params)) == jax.tree.structure(tree)


def test_a_group_of_speed_zero_stays_where_it_is():
    case = dense_case("tanh")
    problem = function_problem(dense, case.weights, case.x, case.y, speeds={"[1]": 0.0})
    assert problem.model.group_names == ("[0]", "[1]")
    end = weights(solve_flow(problem, DESCENT, max_steps=5).params)
    assert np.array_equal(end[1], case.weights[1])
    assert not np.array_equal(end[0], case.weights[0])


def test_problems_of_one_shape_train_together():
    case = dense_case("tanh")
    with jax.enable_x64(True):
        problems = [
            function_problem(dense, [g * w for w in case.weights], case.x, case.y) for g in (1, 2)
        ]
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)

        def train(problem):
            return trace_flow(problem, DESCENT, 1e-2, jnp.inf, max_steps=5).params

        together = jax.jit(jax.vmap(train))(stacked)
        alone = [jax.jit(train)(problem) for problem in problems]
    for number in (0, 1):
        assert_same([w[number] for w in weights(together)], weights(alone[number]))


@pytest.mark.slow
def test_an_equinox_model_trains_by_its_own_arrays():
    model = eqx.nn.MLP(3, "scalar", 8, 1, key=jax.random.key(0))
    params, rest = eqx.partition(model, eqx.is_inexact_array)
    x, y = drawn(0, 6, 3), drawn(1, 6)

    def apply(params, x):
        return jax.vmap(eqx.combine(params, rest))(x)[:, None]

    problem = function_problem(apply, params, x, y, groups=lambda name: name.split(".")[1])
    assert problem.model.group_names == ("layers[0]", "layers[1]")
    end = solve_flow(problem, DESCENT, max_steps=5)
    trained = eqx.combine(problem.model.tree_of(end.params), rest)
    with jax.enable_x64(True):
        residual = jax.vmap(trained)(jnp.asarray(x)) - y
        assert float(jnp.sum(residual**2) / 12) == pytest.approx(float(end.loss), rel=1e-9)


@pytest.mark.slow
def test_a_flax_model_trains_by_its_own_state():
    class Network(nnx.Module):
        def __init__(self, rngs):
            self.into = nnx.Linear(3, 8, rngs=rngs)
            self.out = nnx.Linear(8, 2, rngs=rngs)

        def __call__(self, x):
            return self.out(jnp.tanh(self.into(x)))

    graph, state = nnx.split(Network(nnx.Rngs(0)))
    x, y = drawn(0, 6, 3), drawn(1, 6, 2)
    problem = function_problem(lambda state, x: nnx.merge(graph, state)(x), state, x, y)
    assert len(problem.model.group_names) == 4
    end = solve_flow(problem, DESCENT, max_steps=5)
    with jax.enable_x64(True):
        trained = nnx.merge(graph, problem.model.tree_of(end.params))
        loss = jnp.sum((trained(jnp.asarray(x)) - y) ** 2) / 12
    assert float(loss) == pytest.approx(float(end.loss), rel=1e-9)


def test_arrays_that_a_function_closes_over_are_those_of_its_own_problem():
    case = dense_case("tanh")
    held = {"scale": np.ones(1)}

    def apply(weights, x):
        return dense(weights, x) * held["scale"]

    first = forecast_problem(function_problem(apply, case.weights, case.x, case.y))
    held["scale"] = np.full(1, 3.0)
    second = forecast_problem(function_problem(apply, case.weights, case.x, case.y))
    assert second.lambda_max == pytest.approx(9 * first.lambda_max)


W = np.linspace(-1.0, 1.0, 6).reshape(3, 2)
X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
Y = np.ones((4, 2))


def linear(w, x):
    return x @ w


@pytest.mark.parametrize(
    ("match", "changes"),
    [
        (r"outputs of shape \(n, C\)", {"apply": lambda w, x: (x @ w).sum()}),
        ("each example on its own", {"apply": lambda w, x: x @ w - (x @ w).mean(0)}),
        ("must depend on its parameters", {"apply": lambda w, x: x[:, :2]}),
        ("real floating-point array", {"params": W.astype(int)}),
        ("at least one output", {"apply": lambda w, x: (x @ w)[:, :0], "y": np.ones((4, 0))}),
        ("accept a batch with one example", {"x": X[:, :2]}),
        ("one row for each point", {"y": Y[:3]}),
        ("one row for each point", {"y": np.ones(4)}),
        ("one speed for every layer or group", {"speeds": [1.0, 2.0]}),
        ("groups that exist.*'head'", {"speeds": {"head": 1.0}}),
        ("must be text", {"groups": lambda name: 3}),
        ("prefix of the parameter tree", {"params": {"a": W}, "groups": {"b": "b"}}),
    ],
)
def test_bad_input_is_refused_when_the_problem_is_made(match, changes):
    given = {"apply": linear, "params": W, "x": X, "y": Y} | changes
    if isinstance(given["params"], dict):
        given["apply"] = lambda p, x: x @ p["a"]
    with pytest.raises(InputError, match=match):
        function_problem(**given)


def rms_norm_in_single(p, x):
    h = (x @ p["a"]).astype(jnp.float32)
    h = h * jax.lax.rsqrt((h * h).mean(1, keepdims=True) + jnp.float32(1e-6))
    return h.astype(x.dtype) @ p["b"]


SINGLE_TABLE = jnp.linspace(0.5, 1.5, 4, dtype=jnp.float32)


def holding_a_single_array(p, x):
    return jnp.tanh(x @ p["a"] * SINGLE_TABLE) @ p["b"]


def starting_a_loop_in_single(p, x):
    start = jnp.zeros((len(x), 4), jnp.float32)
    turn = lambda h, _: (jnp.tanh(h + x @ p["a"]), None)  # noqa: E731
    return jax.lax.scan(turn, start, None, length=2)[0] @ p["b"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "apply", [rms_norm_in_single, holding_a_single_array, starting_a_loop_in_single]
)
def test_parts_in_single_precision_are_kept_and_said(apply):
    params = {"a": drawn(0, 3, 4).astype("f4"), "b": drawn(1, 4, 2).astype("f4")}
    x, y = drawn(2, 5, 3).astype("f4"), drawn(3, 5, 2)
    problem = function_problem(apply, params, x, y)
    assert problem.kernel.precision == np.float32
    share = [np.asarray(s) for s in kernels_by_leaf(apply, params, x)]
    matrix = sum(share).transpose(0, 2, 1, 3).reshape(10, 10)
    seen = forecast_problem(problem)
    np.testing.assert_allclose(
        seen.eigenvalues, np.linalg.eigvalsh(matrix), atol=2e-6 * seen.lambda_max
    )
    end = solve_flow(problem, stop=0.5, on_failure="raise")
    start = np.sum((np.asarray(apply(params, jnp.asarray(x))) - y) ** 2) / 10
    assert end.loss == pytest.approx(0.5 * start, rel=1e-2)


@pytest.mark.slow
def test_half_precision_parameters_train_in_double():
    params = jax.tree.map(
        lambda a: jnp.asarray(a, jnp.bfloat16), {"a": drawn(0, 3, 4), "b": drawn(1, 4, 2)}
    )

    def network(p, x):
        return jnp.tanh(x @ p["a"]) @ p["b"]

    problem = function_problem(network, params, drawn(2, 5, 3), drawn(3, 5, 2))
    assert problem.kernel.precision == np.float64
    solve_flow(problem, stop=0.5, on_failure="raise")


def test_callbacks_run_in_the_precision_of_the_session():
    @jax.custom_jvp
    def sine(h):
        like = jax.ShapeDtypeStruct(h.shape, h.dtype)
        return jax.pure_callback(np.sin, like, h, vmap_method="expand_dims")

    sine.defjvps(lambda t, out, h: jnp.cos(h) * t)
    params = {"a": drawn(0, 3, 4).astype("f4"), "b": drawn(1, 4, 2).astype("f4")}
    problem = function_problem(
        lambda p, x: sine(x @ p["a"]) @ p["b"], params, drawn(2, 4, 3), drawn(3, 4, 2)
    )
    assert problem.kernel.precision == np.float32
    solve_flow(problem, DESCENT, max_steps=3)
