"""Networks that talk, and sessions with settings of their own, change nothing of what is measured."""

import functools
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback

from lazyscope import InputError, coordinate_check, tangent_kernel
from lazyscope.observe import Observer

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)).astype(np.float32), RNG.normal(size=(5, 2))
PARAMS = {
    "w": RNG.normal(size=(3, 8)).astype(np.float32),
    "v": RNG.normal(size=(8, 2)).astype(np.float32),
}
MOVED = {name: 1.5 * array for name, array in PARAMS.items()}


def network(params, x):
    return jnp.tanh(x @ params["w"]) @ params["v"]


def seen(apply):
    found = Observer(apply, PARAMS, X, Y).observe(MOVED, step=1).measurement
    return found.total, found.kernel_change, found.probe_loss


@functools.cache
def expected():
    outputs = np.tanh(X.astype(float) @ MOVED["w"]) @ MOVED["v"]
    before, after = (_kernel(params) for params in (PARAMS, MOVED))
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    return 0.5, change, np.sum((outputs - Y) ** 2) / (2 * len(X))


def _kernel(params):
    x, w, v = (a.astype(float) for a in (X, params["w"], params["v"]))
    hidden = np.tanh(x @ w)
    slopes = (1 - hidden**2)[:, :, None] * v  # (n, m, C)
    first = np.einsum("imc,jmc->ij", slopes, slopes) / 2 * (x @ x.T)
    return first + hidden @ hidden.T


def _prints(params, x):
    jax.debug.print("{}", x.sum(), ordered=True)
    return network(params, x)


def _tells(params, x):
    jax.debug.callback(lambda x: None, params["w"])
    return jax.lax.cond(
        x.sum() > 0, lambda h: (jax.debug.print("on"), h)[1], lambda h: h, network(params, x)
    )


def _asks(params, x):
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return network(params, jax.pure_callback(lambda x: np.asarray(x), shape, x))


def _writes(params, x):
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return network(params, io_callback(lambda x: np.asarray(x), shape, x))


def _logs(params, x):
    io_callback(lambda x: None, None, x)
    return network(params, x)


@pytest.mark.slow
@pytest.mark.parametrize(
    "apply", [_prints, _tells, _asks, _writes, _logs], ids=lambda f: f.__name__
)
def test_networks_with_prints_and_callbacks_are_seen_as_without_them(apply, capfd):
    np.testing.assert_allclose(seen(apply), expected(), rtol=2e-5)


def test_callbacks_in_order_are_refused_in_our_words():
    def apply(params, x):
        io_callback(lambda x: None, None, x, ordered=True)
        return network(params, x)

    with pytest.raises(InputError, match=r"many examples at once.*leave ordered=True out"):
        Observer(apply, PARAMS, X)


def test_rules_of_derivatives_that_close_over_parameters_are_refused_in_our_words():
    def apply(params, x):
        weights = jax.tree.leaves(params)

        @jax.custom_vjp
        def rule(x):
            return x * sum(jnp.sum(w) for w in weights)

        rule.defvjp(lambda x: (rule(x), None), lambda _, g: (g,))
        return rule(network(params, x))

    for ask in (tangent_kernel, Observer):
        with pytest.raises(InputError, match=r"closes over parameters.*args=params"):
            ask(apply, PARAMS, X)


@pytest.mark.slow
def test_a_solve_of_a_differential_equation_is_observed():
    diffrax = pytest.importorskip("diffrax")
    term = diffrax.ODETerm(lambda t, h, w: jnp.tanh(h @ w))

    def apply(w, x):
        def single(h):
            return diffrax.diffeqsolve(term, diffrax.Euler(), 0.0, 1.0, 0.5, h, w, max_steps=4).ys[
                -1
            ]

        return jax.vmap(single)(x)

    w = np.diag([0.5, -0.5, 0.0])
    with jax.numpy_dtype_promotion("standard"):
        found = Observer(apply, w, X.astype(float), X).observe(0 * w, step=1).measurement
    assert found.total == 1.0
    assert found.probe_loss < 1e-12  # nothing moves, so the state is the data


@pytest.mark.slow
def test_typed_random_keys_may_be_closed_over_and_lie_among_the_parameters():
    key = jax.random.key(3)
    shift = np.asarray(jax.random.normal(key, (2,), jnp.float32))

    def closed(params, x):
        return network(params, x) + jax.random.normal(key, (2,), x.dtype)

    def carried(params, x):
        return network(params, x) + jax.random.normal(params["key"], (2,), x.dtype)

    outputs = np.tanh(X.astype(float) @ PARAMS["w"]) @ PARAMS["v"] + shift
    loss = np.sum((outputs - Y) ** 2) / (2 * len(X))
    for apply, params in ((closed, PARAMS), (carried, {**PARAMS, "key": key})):
        look = Observer(apply, params, X, Y).observe(params, step=1)
        assert look.measurement.probe_loss == pytest.approx(loss, rel=1e-5)


SETTINGS = {
    "debug_nans": lambda: jax.debug_nans(True),
    "debug_infs": lambda: jax.debug_infs(True),
    "rank_promotion": lambda: jax.numpy_rank_promotion("raise"),
    "leaks": lambda: jax.checking_leaks(),
    "transfers": lambda: jax.transfer_guard("disallow_explicit"),
    "disable_jit": lambda: jax.disable_jit(),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_session_change_nothing(name):
    with SETTINGS[name]():
        observer = Observer(network, PARAMS, X, Y)
        found = observer.observe(MOVED, step=1).measurement
        diverged = observer.observe({**PARAMS, "w": PARAMS["w"] * np.nan}, step=2)
    assert np.isnan(diverged.measurement.total)
    np.testing.assert_allclose(
        (found.total, found.kernel_change, found.probe_loss), expected(), rtol=2e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["none", *SETTINGS])
def test_a_coordinate_check_is_the_same_under_every_setting(name):
    def build(width, seed):
        rng = np.random.default_rng(seed)
        params = rng.normal(size=(3, width)), rng.normal(size=(width, 2)) / width**0.5
        return lambda p, x: jax.nn.relu(x @ p[0]) @ p[1], params

    with SETTINGS.get(name, nullcontext)():
        check = coordinate_check(build, (X, Y), (4, 6, 8), 2, steps=1)
    np.testing.assert_allclose(check.measured.kappa, _kappas(build), rtol=1e-6)


def _kappas(build):
    """sqrt(m) rms(v) times the rms of what the readout reads."""
    kappas = np.empty((3, 2))
    for row, width in enumerate((4, 6, 8)):
        for seed in range(2):
            w, v = build(width, seed)[1]
            hidden = np.maximum(X.astype(float) @ w, 0)
            share = np.mean(np.sum(hidden**2, axis=1))
            kappas[row, seed] = np.sqrt(width * np.mean(v**2) * share)
    return kappas


@pytest.mark.slow
def test_a_network_with_a_backward_rule_only_is_checked_like_the_plain_one():
    @jax.custom_vjp
    def square(z):
        return z**2

    square.defvjp(lambda z: (z**2, z), lambda z, g: (2 * z * g,))

    def check(activation):
        def build(width, seed):
            rng = np.random.default_rng(seed)
            params = rng.normal(size=(3, width)), rng.normal(size=(width, 2)) / width
            return lambda p, x: activation(x @ p[0]) @ p[1], params

        return coordinate_check(build, (X, Y), (4, 6, 8), 2, steps=2).measured

    ruled, plain = check(square), check(lambda z: z**2)
    np.testing.assert_allclose(ruled.displacement, plain.displacement, rtol=1e-8)
    np.testing.assert_allclose(ruled.loss_fraction, plain.loss_fraction, rtol=1e-8)
