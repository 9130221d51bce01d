import functools
import math
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import unit_points
from lazyscope import InputError
from lazyscope._trace._patterns import find_rectifiers
from lazyscope._trace._question import pose
from lazyscope.model import parameter_groups
from lazyscope.observe import Cadence, Observer, as_function
from naive.jacobian_kernel import kernel as jacobian_kernel

WIDTH, POINTS = 12, 7
X = unit_points(POINTS, 3)
Y = np.random.default_rng(1).normal(size=(POINTS, 2))


def apply(params, x):
    hidden = jax.nn.relu(x @ params["first"]["w"] + params["first"]["b"])
    return hidden @ params["last"]["w"]


def draw(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    w, v = rng.normal(size=(3, WIDTH)), rng.normal(size=(WIDTH, 2)) / np.sqrt(WIDTH)
    params = {"first": {"w": w, "b": np.zeros(WIDTH)}, "last": {"w": v}}
    return jax.tree.map(lambda a: scale * a, params)


START, END = draw(0), jax.tree.map(lambda a, b: a + 0.3 * b, draw(0), draw(5))


@functools.cache
def double_observer():
    """Double precision NumPy parameters are observed in double precision."""
    return Observer(apply, START, X, Y)


@functools.cache
def seen():
    return double_observer().observe(END, step=1).measurement


def outputs(params):
    hidden = np.maximum(X @ params["first"]["w"] + params["first"]["b"], 0)
    return hidden @ params["last"]["w"]


def mean_kernel(params):
    with jax.enable_x64(True):
        kernel = jacobian_kernel(apply, params, X)
    return np.asarray(kernel).trace(axis1=2, axis2=3) / 2


@pytest.mark.slow
def test_displacements_are_ratios_of_norms_in_each_leaf_and_group():
    leaves = [("first", "b"), ("first", "w"), ("last", "w")]
    moved = {k: END[k[0]][k[1]] - START[k[0]][k[1]] for k in leaves}
    norms = {k: np.linalg.norm(START[k[0]][k[1]]) for k in leaves}
    found = seen()
    frobenius = [np.linalg.norm(moved[k]) / norms[k] for k in leaves[1:]]
    np.testing.assert_allclose(found.parameter_frobenius[1:], frobenius, rtol=1e-12)
    assert np.isnan(found.parameter_operator[0])
    operator = np.linalg.norm(moved["last", "w"], 2) / np.linalg.norm(START["last"]["w"], 2)
    np.testing.assert_allclose(found.parameter_operator[2], operator, rtol=1e-10)
    np.testing.assert_allclose(found.group_operator[1], operator, rtol=1e-10)
    both = np.hypot(np.linalg.norm(moved["first", "w"]), np.linalg.norm(moved["first", "b"]))
    np.testing.assert_allclose(found.group_frobenius[0], both / norms["first", "w"], rtol=1e-12)


def test_a_bias_that_starts_at_zero_and_moves_is_infinitely_displaced():
    moved = jax.tree.map(np.copy, START)
    moved["first"]["b"] += 1.0
    look = Observer(apply, START, X).observe(moved, step=1)
    assert look.measurement.parameter_frobenius[0] == np.inf
    assert np.isfinite(look.measurement.group_frobenius).all()


def test_kernel_quantities_are_those_of_the_dense_jacobian():
    before, after, found = mean_kernel(START), mean_kernel(END), seen()
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    np.testing.assert_allclose(found.kernel_change, change, rtol=1e-10)
    cosine = np.sum(after * before) / np.linalg.norm(after) / np.linalg.norm(before)
    np.testing.assert_allclose(found.kernel_alignment, cosine, rtol=1e-10)
    target = Y @ Y.T
    aligned = np.sum(after * target) / np.linalg.norm(after) / np.linalg.norm(target)
    np.testing.assert_allclose(found.target_alignment, aligned, rtol=1e-10)


def linearised(move):
    with jax.enable_x64(True):
        base = jax.tree.map(jnp.asarray, START)
        tangent = jax.tree.map(jnp.asarray, move)
        return np.asarray(sum(jax.jvp(lambda p: apply(p, jnp.asarray(X)), (base,), (tangent,))))


def test_the_distance_from_the_linearised_network_is_that_of_one_taylor_step():
    linear = linearised(jax.tree.map(np.subtract, END, START))
    gap = np.sqrt(np.mean((outputs(END) - linear) ** 2) / np.mean(Y**2))
    np.testing.assert_allclose(seen().linearisation_gap, gap, rtol=1e-10)
    share = np.linalg.norm(outputs(END) - linear) / np.linalg.norm(outputs(END) - outputs(START))
    np.testing.assert_allclose(seen().linearisation_share, share, rtol=1e-10)
    loss = np.sum((outputs(END) - Y) ** 2) / (2 * POINTS)
    np.testing.assert_allclose(seen().probe_loss, loss, rtol=1e-10)


@pytest.mark.slow
def test_a_network_with_a_reverse_rule_only_has_the_same_linearisation():
    @jax.custom_vjp
    def square(z):
        return z**2

    square.defvjp(lambda z: (z**2, z), lambda z, g: (2 * z * g,))
    plain, custom = (
        Observer(lambda w, x, f=f: f(x @ w), np.ones((3, 1)), X, Y[:, :1]).observe(
            np.full((3, 1), 1.5), step=1
        )
        for f in (lambda z: z**2, square)
    )
    # f_0 = z^2, f_lin = 2 z^2, f = 2.25 z^2
    np.testing.assert_allclose(plain.measurement.linearisation_share, 0.25 / 1.25, rtol=1e-10)
    np.testing.assert_allclose(custom.measurement.linearisation_share, 0.25 / 1.25, rtol=1e-10)


def test_flipped_units_are_counted_over_units_and_points():
    before = X @ START["first"]["w"] > 0
    after = X @ END["first"]["w"] + END["first"]["b"] > 0
    np.testing.assert_allclose(seen().flipped, np.mean(before != after), rtol=1e-6)


RECTIFIERS = {
    "maximum": lambda z: jnp.maximum(z, 0.0),
    "relu": jax.nn.relu,
    "where": lambda z: jnp.where(z > 0, z, 0.0),
    "leaky": jax.nn.leaky_relu,
    "inner jit": jax.jit(lambda z: jnp.where(jnp.less(0.0, z), z, 0.0)),
    "checkpoint": jax.checkpoint(jax.nn.relu),
    "scan": lambda z: jax.lax.scan(lambda c, a: (c, jax.nn.relu(a)), 0.0, z.T)[1].T,
}


def units(network):
    """How many rectified units a network of a weight (3, 5) has on one example."""
    w, x = np.ones((3, 5), np.float32), X[:2].astype(np.float32)
    found = find_rectifiers(pose(network, w, x, None).example)
    return sum(math.prod((*junction.loops, *junction.shape)) for junction in found.values())


@pytest.mark.parametrize("name", RECTIFIERS)
def test_rectifiers_are_found_however_they_are_written(name):
    assert units(lambda w, x: RECTIFIERS[name](x @ w)) == 5


SMOOTH = (jnp.tanh, jax.nn.gelu, jax.nn.elu, jax.nn.softplus, jnp.abs, jax.nn.softmax)


@pytest.mark.parametrize("smooth", SMOOTH, ids=lambda f: f.__name__)
def test_what_is_no_rectifier_is_not_taken_for_one(smooth):
    assert units(lambda w, x: smooth(x @ w)) == 0


def test_rectified_data_are_no_units():
    assert units(lambda w, x: jax.nn.relu(x) @ w) == 0


@pytest.mark.slow
def test_flips_inside_a_loop_are_counted():
    w = np.random.default_rng(2).normal(size=(3, 5)).astype(np.float32)
    network = lambda w, x: RECTIFIERS["scan"](x @ w)  # noqa: E731
    observer = Observer(network, w, X.astype(np.float32))
    assert observer.record.subject.notes == ()
    assert observer.observe(-w, step=1).measurement.flipped == 1.0


def test_a_model_linear_in_its_parameters_does_not_leave_its_linearisation():
    observer = Observer(lambda w, x: jnp.sin(x) @ w, np.ones((3, 2)), X, Y)
    found = observer.observe(np.full((3, 2), 7.0), step=1).measurement
    assert found.kernel_change == 0
    assert found.linearisation_gap < 1e-14
    assert found.kernel_alignment == pytest.approx(1)


def test_many_outputs_are_averaged_over_random_directions():
    w = np.random.default_rng(0).normal(size=(3, 40))
    observer = Observer(lambda w, x: jnp.tanh(x @ w), w, X)
    rectifiers, directions = observer.record.subject.notes
    assert "No rectifiers" in rectifiers
    assert observer.record.summary()["flipped"] is None
    assert "16 random directions" in directions
    found = observer.observe(w * 1.5, step=1).measurement

    def mean(w):
        slope = 1 / np.cosh(X @ w) ** 2
        return np.einsum("ic,jc->ij", slope, slope) * (X @ X.T) / 40

    exact = np.linalg.norm(mean(1.5 * w) - mean(w)) / np.linalg.norm(mean(w))
    assert found.kernel_change == pytest.approx(exact, rel=0.15)


def test_parameters_that_are_not_finite_give_no_verdict():
    observer = Observer(apply, START, X, Y)
    observer.observe(jax.tree.map(lambda a: a * np.nan, START), step=1)
    summary = observer.record.summary()
    assert summary["verdict"] is None
    assert summary["flipped"] is None


def test_groups_come_in_the_order_of_use_and_can_be_named():
    params = {"z_first": np.ones((3, 4)), "a_last": np.ones((4, 2))}
    network = lambda p, x: jnp.tanh(x @ p["z_first"]) @ p["a_last"]  # noqa: E731
    assert Observer(network, params, X).record.subject.groups == ("z_first", "a_last")
    named = Observer(network, params, X, groups=lambda name: "all")
    assert named.record.subject.groups == ("all",)


@pytest.mark.slow
def test_an_equinox_module_becomes_a_function_of_its_parameters():
    network = eqx.nn.MLP(3, 2, 8, 1, key=jax.random.key(0))
    function, params = as_function(network)
    shapes = jax.tree.map(jnp.shape, eqx.filter(network, eqx.is_inexact_array))
    assert jax.tree.map(jnp.shape, params) == shapes
    x = jnp.asarray(X, jnp.float32)
    np.testing.assert_allclose(function(params, x)[2], network(x[2]), rtol=1e-6)


def test_a_flax_module_is_observed_in_training_and_refused_in_training_mode():
    nnx = pytest.importorskip("flax.nnx")

    class Network(nnx.Module):
        def __init__(self, rngs):
            self.readout = nnx.Linear(3, 2, rngs=rngs)
            self.drop = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x):
            return self.readout(self.drop(x))

    network = Network(nnx.Rngs(0))
    with pytest.raises(InputError, match="must be in evaluation mode"):
        Observer(*as_function(network), X.astype(np.float32))
    network.eval()
    observer = Observer(*as_function(network), X.astype(np.float32))
    assert observer.record.subject.parameters == ("readout.bias", "readout.kernel")
    assert observer.record.subject.groups == ("readout",)
    look = observer.observe(nnx.state(network, nnx.Param), step=1)
    assert look.measurement.total == 0


def test_observing_never_looks_more_than_its_share(clock, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)  # reading it takes no time
    measure = Observer._measure

    def slowly(observer, params):
        clock.now += 1e-3
        return measure(observer, params)

    monkeypatch.setattr(Observer, "_measure", slowly)
    observer = Observer(apply, START, X, cadence=Cadence(per_decade=50, share=0.3, at_least=1))
    for step in range(1, 400):
        clock.now += 2e-3
        if observer.due(step):
            observer.observe(END, step=step)
        assert observer.share <= 0.3
    assert len(observer.record.looks) > 40


BAD: dict[str, tuple[Any, ...]] = {
    "rank": (lambda p, x: jnp.sum(x @ p["w"], 1), r"must return outputs of shape \(n, C\)"),
    "ignores": (lambda p, x: x[:, :2] * 1.0, "must depend on its parameters"),
    "mixes": (lambda p, x: x @ p["w"] - jnp.mean(x @ p["w"], 0), "each example on its own"),
    "shape": (lambda p, x: x[:, :2] @ p["w"], "must accept a batch with one example"),
}


@pytest.mark.parametrize("case", BAD)
def test_ill_posed_networks_are_refused_at_construction(case):
    network, message = BAD[case]
    with pytest.raises(InputError, match=message):
        Observer(network, {"w": np.ones((3, 2))}, X)


def test_random_networks_are_refused():
    keys = iter(range(100))

    def noisy(w, x):
        return x @ w + jax.random.normal(jax.random.key(next(keys)), (1, 2), x.dtype)

    with pytest.raises(InputError, match="same outputs whenever"):
        Observer(noisy, np.ones((3, 2)), X)


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (np.ones((3, 2), int), "real floating-point array"),
        (np.ones((3, 2), complex), "real floating-point array"),
        (jax.random.key(0), "real floating-point array"),
    ],
)
def test_parameters_without_derivative_are_refused(leaf, message):
    with pytest.raises(InputError, match=message):
        Observer(lambda p, x: x @ p["w"], {"w": leaf}, X)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.float16, jnp.bfloat16], ids=["half", "bfloat"])
def test_half_and_mixed_precision_are_observed_to_their_own_rounding(kind):
    params = {"w": jnp.asarray(START["first"]["w"], kind), "b": np.full(WIDTH, 0.5, np.float32)}
    moved = {"w": 1.5 * params["w"], "b": params["b"]}

    def half(p, x):
        return jnp.tanh((x.astype(kind) @ p["w"]).astype(np.float32) + p["b"])

    observer = Observer(half, params, X.astype(np.float32))
    found = observer.observe(moved, step=1).measurement
    first, second = (np.asarray(p["w"], float) for p in (params, moved))
    rounding = float(jnp.finfo(kind).eps)
    expected = np.linalg.norm(second - first) / np.linalg.norm(first)
    assert found.parameter_frobenius[1] == pytest.approx(expected, rel=1e-5)
    before, after = (_tanh_kernel(w) for w in (first, second))
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert found.kernel_change == pytest.approx(change, rel=10 * rounding)
    assert any(f"compute in {np.dtype(kind)}" in note for note in observer.record.subject.notes)


def _tanh_kernel(w):
    slope = 1 - np.tanh(X @ w + 0.5) ** 2
    return slope @ slope.T / WIDTH * (X @ X.T + 1)


def test_arrays_without_entries_change_nothing():
    def with_empty(p, x):
        return apply(p, x) + jnp.sum(p["none"])

    observer = Observer(with_empty, {**START, "none": np.zeros((0, 3))}, X, Y)
    found = observer.observe({**END, "none": np.zeros((0, 3))}, step=1).measurement
    assert found.kernel_change == pytest.approx(seen().kernel_change, rel=1e-10)
    assert found.total == pytest.approx(seen().total, rel=1e-10)


def test_probe_data_must_fit():
    network, w = (lambda w, x: x @ w), np.ones((3, 2))
    with pytest.raises(InputError, match="one row for each point and one column for each output"):
        Observer(network, w, X, np.ones(POINTS))
    with pytest.raises(InputError, match="must fit the memory"):
        Observer(network, w, np.ones((6000, 3)))
    with pytest.raises(InputError, match="at least one example"):
        Observer(network, w, np.ones((0, 3)))


def test_other_parameters_than_described_are_refused():
    observer = double_observer()
    with pytest.raises(InputError, match="of the network that the observer was told about"):
        observer.observe(START["first"], step=5)
    wider = jax.tree.map(lambda a: np.concatenate([a, a]), START)
    with pytest.raises(InputError, match=r"first.b of shape \(24,\) for \(12,\)"):
        observer.observe(wider, step=5)


def test_steps_cannot_go_back_and_the_same_step_is_replaced():
    observer = Observer(apply, START, X)
    observer.observe(END, step=3, loss=2.0)
    observer.observe(END, step=3, loss=jnp.float32(1.0))
    assert observer.record.steps.tolist() == [0, 3]
    assert observer.record.loss[-1] == 1.0
    with pytest.raises(InputError, match="Steps must not go back"):
        observer.observe(END, step=2)


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="must be a prefix of the parameter tree"):
        Observer(apply, START, X, groups={"hidden": "first"})


@pytest.mark.parametrize("groups", [int, {}.__getitem__], ids=["int", "dictionary"])
def test_functions_of_groups_that_raise_are_refused(groups):
    with pytest.raises(
        InputError, match=r"must name the group of every parameter array.*Error for"
    ):
        Observer(apply, START, X, groups=groups)
    with pytest.raises(InputError, match="must name the group of every parameter array"):
        parameter_groups(START, groups)


@pytest.mark.parametrize("targets", [None, np.zeros((len(X), 0))], ids=["alone", "targets"])
def test_a_network_without_outputs_is_observed(targets):
    observer = Observer(lambda params, x: apply(params, x)[:, :0], START, X, targets)
    found = observer.observe(END, step=1).measurement
    assert found.total == Observer(apply, START, X).observe(END, step=1).measurement.total
    assert np.isnan([found.linearisation_share, found.probe_loss]).all()


def test_something_that_is_no_module_is_refused():
    with pytest.raises(InputError, match="Equinox or a Flax NNX module"):
        as_function(lambda x: x)
