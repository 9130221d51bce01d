"""Do narrow networks say what a wide one does, and is what they cannot say refused?"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lazyscope import InputError
from lazyscope.proxy import narrow_proxy
from lazyscope.proxy._answer import network_regime_of
from lazyscope.proxy._narrow_proxy import proxies_of
from lazyscope.proxy._training import start_loss
from lazyscope.proxy.library import _function
from proxy.builds import altered, dense, points

SHORT = {"width": 256, "proxy_widths": (16, 32), "seeds": 3, "steps": 3, "rate": 0.01}


def short(build, **changed):
    return narrow_proxy(build, points(), **(SHORT | {"optimizer": "sgd"} | changed))


def check_prediction(kind, rate, **more):
    """A training is predicted to what so few seeds and points leave open."""
    found = narrow_proxy(
        dense(bias=0.2, readout=0.3),
        points(),
        width=512,
        proxy_widths=(64, 128),
        seeds=8,
        optimizer=kind,
        rate=rate,
        steps=25,
        verify=True,
        **more,
    )
    assert found.loss[-1].value < 0.6 * found.loss[0].value
    checked = found.verification
    assert checked.loss_error < max(0.1, 2 * checked.loss_standard_error) < 0.5
    assert checked.covered >= 0.75
    assert max(abs(checked.displacement_errors[k]) for k in "acd") < 0.15
    return found


def test_steps_taken_one_by_one_are_those_of_the_loop(monkeypatch):
    """As networks with convolutions are trained on processors; with a state, and a batch for every step."""
    more = {"optimizer": "adamw", "decay": 0.1, "batches": np.arange(12).reshape(3, 4)}
    inside = short(dense(), **more)
    monkeypatch.setattr(_function, "_SLOW_IN_LOOPS", "dot_general")
    outside = short(dense(), **more)
    for one, two in zip(inside.loss, outside.loss, strict=True):
        assert one.value == pytest.approx(two.value, rel=1e-5)
    for name in "acd":
        moved = (each[name].displacement.value for each in (inside, outside))
        assert next(moved) == pytest.approx(next(moved), rel=1e-4)


@pytest.mark.slow
def test_a_wide_network_is_predicted():
    found = check_prediction("adamw", 5e-3, decay=0.1)
    assert found["c"].relative
    assert not found["e"].relative  # it starts at zero


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        ("sgd", 0.03),
        ("momentum", 8e-3),
        ("adam", 5e-3),
        ("sign", 3e-3),
        ("lion", 3e-3),
        ("muon", 0.02),
    ],
)
def test_a_wide_network_is_predicted_for_other_optimisers_too(kind, rate):
    check_prediction(kind, rate)


def test_multipliers_of_the_width_make_no_difference_to_what_is_predicted():
    """The same network, written with multipliers and rates that undo them."""
    plain = short(dense(), rate=0.05)

    def with_rates(width, seed):
        apply, params = dense(multiplier=True)(width, seed)
        return (
            apply,
            params,
            None,
            {"a": 1.0, "b": 1.0, "c": float(width), "d": float(width), "e": 1.0},
        )

    other = short(with_rates, rate=0.05)
    for one, two in zip(plain.loss, other.loss, strict=True):
        assert one.value == pytest.approx(two.value, rel=1e-4)
    for name in "acd":
        assert plain[name].displacement.value == pytest.approx(
            other[name].displacement.value, rel=1e-3
        )


@pytest.mark.slow
def test_a_proxy_of_its_own_width_is_the_network():
    found = narrow_proxy(
        dense(), points(), width=32, proxy_widths=(16, 32), seeds=3, steps=4, optimizer="adam",
        verify=True,
    )  # fmt: skip
    assert found.verification.seeds == 2
    assert found.wide_seconds > 0
    assert found.loss[0].value == pytest.approx(found.proxy_loss[1][0])
    x, y = points()
    curves = []
    for seed in range(3):
        apply, params = dense()(32, seed)

        def loss(p, apply=apply):
            return jnp.sum((apply(p, x) - y) ** 2) / (2 * len(x))

        rule = optax.adam(1e-3)
        state, curve = rule.init(params), []
        for _ in range(4):
            value, slope = jax.value_and_grad(loss)(params)
            with jax.numpy_dtype_promotion("standard"):
                update, state = rule.update(slope, state, params)
            params = optax.apply_updates(params, update)
            curve.append(float(value))
        curves.append([*curve, float(loss(params))])
    wanted = np.exp(np.log(curves).mean(0))
    np.testing.assert_allclose(found.proxy_loss[1], wanted, rtol=1e-5)


def test_a_few_draws_that_scatter_do_not_refuse_a_network_that_carries_over():
    def build(width, seed):
        rng = np.random.default_rng([seed, width])
        shapes = {"a": (6, width), "h": (width, width), "o": (2, width)}
        params = {k: jnp.asarray(rng.normal(size=s), jnp.float32) for k, s in shapes.items()}
        scales = {"a": 0.4, "h": width**-0.5, "o": width**-0.5}
        return by_einsum, {k: scales[k] * v for k, v in params.items()}

    def by_einsum(p, x):
        h = jnp.tanh(jnp.einsum("nm,km->nk", jnp.tanh(x @ p["a"]), p["h"]))
        return jnp.einsum("cm,nm->nc", p["o"], h)

    rng = np.random.default_rng(3)
    data = rng.normal(size=(10, 6)).astype(np.float32), rng.normal(size=(10, 2))
    family = proxies_of(build, data, 48, (8, 16), 3, {"optimizer": "sgd", "rate": 0.01}).family
    family.check(8, 3)
    assert [each.role for each in family.library.roles] == ["input", "hidden", "output"]


def test_everything_can_be_stored():
    found = short(dense(), verify=True)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["width"] == 256
    assert [each["name"] for each in told["arrays"]] == list("abcde")
    assert told["arrays"][0]["displacement"]["interval"][0] > 0
    assert told["verification"]["verdict"]["answer"] in ("supported", "contradicted")
    assert "displacement" in str(found)
    for name, words in (
        ("kernel_change", "fluctuations"),
        ("kernel-change", "fluctuations"),
        ("f", "a, b"),
    ):
        with pytest.raises(InputError, match=words):
            found[name]
    needed = [int(note.split(";")[1].split()[0]) for note in found.notes if "Seeds alone" in note]
    assert needed
    assert needed[0] > found.seeds
    starts = [start_loss("squared", np.asarray(run(points()[0])), points()[1]) for run in drawn()]
    assert found.loss[0].value == pytest.approx(np.exp(np.log(starts).mean()), rel=1e-5)


def drawn():
    """The wide networks of three seeds."""
    for seed in range(3):
        apply, params = dense()(256, seed)
        yield lambda x, apply=apply, params=params: apply(params, x)


def test_finished_trainings_are_kept_and_not_done_again(tmp_path, monkeypatch):
    first = short(dense(), folder=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 6
    from lazyscope.proxy.library._function import FunctionNetwork

    def trained(*given):
        raise AssertionError("trained again")

    monkeypatch.setattr(FunctionNetwork, "train", trained)
    again = short(dense(), folder=tmp_path)
    assert again.loss == first.loss
    with pytest.raises(AssertionError, match="again"):
        short(dense(), folder=tmp_path, rate=0.02)
    with pytest.raises(AssertionError, match="again"):
        short(dense(readout=2.0), folder=tmp_path)


def with_frozen_inputs(size):
    """A network behind an array that it holds and does not train."""
    frozen = np.full(6, size, np.float32)

    def build(width, seed):
        apply, params = dense()(width, seed)
        return lambda p, x: apply(p, x * frozen), params

    return build


def test_trainings_are_kept_by_the_arrays_that_a_network_does_not_train_too(tmp_path):
    first = short(with_frozen_inputs(1.0), folder=tmp_path)
    other = short(with_frozen_inputs(2.0), folder=tmp_path)
    assert other.loss != first.loss
    assert len(list(tmp_path.glob("*.json"))) == 12


@pytest.mark.slow
def test_a_schedule_and_an_order_of_batches_are_kept():
    order = np.random.default_rng(0).integers(0, 24, size=(3, 8))
    warm = short(dense(), rate=lambda t: 0.01 * (t + 1), batches=order)
    flat = short(dense(), rate=0.01, batches=order)
    assert warm.loss[1].value != flat.loss[1].value or warm.loss[2].value != flat.loss[2].value
    whole = short(dense(), rate=0.01)
    assert flat.loss[0].value != whole.loss[0].value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 16}, "narrower"),
        ({"proxy_widths": (32,)}, "at least two"),
        ({"proxy_widths": (32, 16)}, "at least two"),
        ({"seeds": 2}, "(?i)seeds"),
        ({"clip": 1.0}, "clipped"),
        ({"optimizer": "adam", "decay": 0.1}, "AdamW"),
        ({"optimizer": "adafactor"}, "(?i)optimizer"),
        ({"rates": 0.1}, "fields of its training"),
        ({"batches": [[0, 1]]}, "every step"),
        ({"loss": "cross-entropy"}, "classes"),
        ({"batches": [[0, 1], [2, 3], [23, 24]]}, "from 0 to 23.*Received: numbers from 0 to 24"),
        ({"batches": [[0, 1], [2, 3], [-1, 4]]}, "from 0 to 23.*Received: numbers from -1 to 4"),
        ({"batches": np.zeros((3, 0), int)}, "every step"),
    ],
)
def test_settings_that_do_not_carry_over_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        short(dense(), **change)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((24,), "a row of targets for every point"),
        ((23, 2), "a row of targets for every point"),
        ((24, 1), "targets of shape \\(24, 2\\)"),
        ((24, 3), "targets of shape \\(24, 2\\)"),
    ],
)
def test_targets_of_another_shape_than_the_outputs_are_not_spread_over_them(shape, words):
    with pytest.raises(InputError, match=words):
        narrow_proxy(dense(), (points()[0], np.ones(shape)), **SHORT)


def constant_hidden(params, width):
    return {**params, "c": jnp.full((width, width), 1 / width, jnp.float32)}


def zero_when_narrow(params, width):
    return {**params, "d": params["d"] * float(width > 64)}


def signs_when_wide(params, width):
    return {**params, "a": jnp.sign(params["a"]) if width > 64 else params["a"]}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (constant_hidden, "c with a mean"),
        (zero_when_narrow, "d that starts"),
        (signs_when_wide, "a whose"),
    ],
)
def test_starts_that_do_not_carry_over_are_refused_by_name(change, name):
    with pytest.raises(InputError, match=name):
        short(altered(dense(), change))


def in_steps(width, seed):
    return dense()(max(16, 2 ** int(np.log2(width))) if width < 200 else width - 6, seed)


def bottleneck(width, seed):
    rng = np.random.default_rng([seed, width])

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape) / shape[0] ** 0.5, jnp.float32)

    params = {
        "a": normal(6, width),
        "down": normal(width, 4),
        "up": normal(4, width),
        "d": normal(width, 2),
    }
    return lambda p, x: jnp.tanh(jnp.tanh(x @ p["a"]) @ p["down"] @ p["up"]) @ p["d"], params


def tied(width, seed):
    rng = np.random.default_rng([seed, width])
    w = jnp.asarray(rng.normal(size=(6, width)) / 3, jnp.float32)
    v = jnp.asarray(rng.normal(size=(width, 2)) / width**0.5, jnp.float32)
    return lambda p, x: jnp.tanh(jnp.tanh(x @ p["w"]) @ p["w"].T @ p["w"]) @ p["v"], {
        "w": w,
        "v": v,
    }


def summed(width, seed):
    rng = np.random.default_rng([seed, width])
    w = jnp.asarray(rng.normal(size=(6, 2 * width)), jnp.float32)
    return lambda p, x: jnp.tanh(x @ p["w"]).reshape(len(x), width, 2).sum(1), {"w": w}


def one_over_root_in_a_norm(width, seed):
    """Units of length one: a factor of the width that is no constant."""
    params = dense()(width, seed)[1]

    def short_units(p, x):
        h = jnp.tanh(x @ p["a"])
        h = h / jnp.linalg.norm(h, axis=-1, keepdims=True)
        return jnp.tanh(h @ p["c"]) @ p["d"] + p["e"] + 0 * p["b"].sum()

    return short_units, params


def of_the_batch(width, seed):
    apply, params = dense()(width, seed)
    return lambda p, x: apply(p, x - x.mean(0)), params


def logarithm(width, seed):
    apply, params = dense()(width, seed)
    return lambda p, x: jnp.log(apply(p, x)), params


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (of_the_batch, "treat each example on its own"),
        (logarithm, "must be finite at its start"),
        (bottleneck, "down that sums over units inside"),
        pytest.param(in_steps, "carry over", marks=pytest.mark.slow),
        pytest.param(tied, "w with the roles", marks=pytest.mark.slow),
        pytest.param(summed, "(?i)gradients at the start.*w by a factor", marks=pytest.mark.slow),
        (lambda width, seed: dense()(width, 0), "for every seed"),
        (one_over_root_in_a_norm, "(?i)gradients at the start.*c by a factor"),
    ],
)
def test_networks_that_do_not_carry_over_are_refused(build, words):
    with pytest.raises(InputError, match=words):
        short(build)


def test_arrays_that_are_not_trained_move_by_nothing_and_decide_no_regime():
    """They have a rate of zero, or no gradient."""

    def still(width, seed):
        return *dense()(width, seed), None, {"c": 0.0}

    def stopped(width, seed):
        apply, params = dense()(width, seed)
        return lambda p, x: apply(p | {"c": jax.lax.stop_gradient(p["c"])}, x), params

    for build in (still, stopped):
        found = short(build)
        assert found["c"].displacement.interval == (0.0, 0.0)
        assert found["a"].displacement.value > 0
        others = [each for each in found.arrays if each.name != "c"]
        assert found.regime == network_regime_of(others)


def test_predictions_that_are_not_there_decide_nothing_against_the_wide_network():
    found = short(dense(), rate=1e3, steps=8, verify=True)
    assert found.loss[-1].value is None
    assert found.verification.verdict.answer == "undecided"
    assert "Proxies diverged" in found.verification.verdict.sentence


def test_proxies_need_as_many_units_as_outputs():
    x, y = points(outputs=20)
    with pytest.raises(InputError, match="outputs"):
        narrow_proxy(dense(outputs=20), (x, y), **(SHORT | {"optimizer": "sgd"}))
