"""Does a narrow function take over the wide one's multipliers, and keep what divides its own sums?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._trace import pose
from lazyscope.proxy.library._constants import constants_of, run_with

NARROW, WIDE = 16, 256


def example(apply, width):
    """The equations of a network of two layers at a width."""
    rng = np.random.default_rng(width)
    params = {
        "first": jnp.asarray(rng.normal(size=(3, width)), jnp.float32),
        "gain": jnp.ones(width, jnp.float32),
        "last": jnp.asarray(rng.normal(size=(width, 2)), jnp.float32),
    }
    x = jnp.asarray(rng.normal(size=(2, 3)), jnp.float32)
    return pose(lambda p, x: apply(p, x, width), params, x, None)


def found(apply):
    one, two = (example(apply, width).example for width in (NARROW, WIDE))
    return constants_of(one, two, WIDE / NARROW)


def replaced(apply):
    """Values that were put in."""
    return sorted(float(v) for each in found(apply).replacements.values() for v in each.values())


def hidden(p, x):
    return jnp.tanh(x @ p["first"])


BY_ARRAY = {
    "after a product": (lambda p, x, m: hidden(p, x) @ p["last"] / m**0.5, [16.0]),
    "before a product": (lambda p, x, m: hidden(p, x) @ (p["last"] * m**-0.5), [1 / 16]),
    "mean field": (lambda p, x, m: hidden(p, x) @ p["last"] / m, [256.0]),
    "from an array of the width": (
        lambda p, x, m: hidden(p, x) / jnp.sqrt(jnp.asarray(m, jnp.float32)) @ p["last"],
        [16.0],
    ),
    "inside a compiled function": (
        lambda p, x, m: jax.jit(lambda h: h @ p["last"] / m**0.5)(hidden(p, x)),
        [16.0],
    ),
    "one by one": (lambda p, x, m: (hidden(p, x)[:, :, None] * p["last"]).sum(1) / m, [256.0]),
}


@pytest.mark.parametrize("case", BY_ARRAY)
def test_a_multiplier_of_an_array_is_the_wide_networks(case):
    apply, expected = BY_ARRAY[case]
    assert replaced(apply) == pytest.approx(expected)


def normalised(p, x, m):
    h = x @ p["first"]
    h = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)
    return (h * p["gain"]) @ p["last"]


def rescaled(p, x, m):
    h = x @ p["first"]
    h = h / jnp.linalg.norm(h, axis=-1, keepdims=True) * m**0.5
    return h @ p["last"]


@pytest.mark.parametrize("apply", [normalised, rescaled])
def test_what_divides_a_sum_over_units_stays_its_own(apply):
    kept = found(apply)
    assert kept.replacements == {}
    assert kept.notes == ()


def test_a_normalisation_and_a_multiplier_are_told_apart():
    assert replaced(lambda p, x, m: normalised(p, x, m) / m**0.5) == [16.0]


def test_a_sum_that_is_divided_by_less_than_its_number_is_said_to_be_approximate():
    def apply(p, x, m):
        h = x @ p["first"]
        score = jnp.einsum("nm,km->nk", h, h) / m**0.5
        return jax.nn.softmax(score) @ hidden(p, x) @ p["last"]

    kept = found(apply)
    assert kept.replacements == {}
    assert any("approximate" in note for note in kept.notes)


def test_arrays_of_a_loop_are_weights_in_it_too():
    def apply(p, x, m):
        stack = jnp.broadcast_to(p["gain"], (2, m, m)) * p["last"].sum(1)
        h, _ = jax.lax.scan(lambda c, w: (jnp.tanh(c @ w), None), hidden(p, x), stack)
        return h @ p["last"]

    assert found(apply).notes == ()


def test_other_equations_at_another_width_are_said():
    def apply(p, x, m):
        h = hidden(p, x)
        return (h if m == NARROW else jnp.sin(h)) @ p["last"]

    assert "differ" in " ".join(found(apply).notes)


def test_replaced_constants_are_what_is_computed_with():
    apply = BY_ARRAY["inside a compiled function"][0]
    narrow = example(apply, NARROW)
    kept = constants_of(narrow.example, example(apply, WIDE).example, WIDE / NARROW)
    closed, x = narrow.example.closed, narrow.x1[0]
    inputs = [*narrow.context, *narrow.leaves, x]
    plain = run_with(closed.jaxpr, closed.consts, inputs, {})[0]
    other = run_with(closed.jaxpr, closed.consts, inputs, kept.replacements)[0]
    np.testing.assert_allclose(other * 16, plain * 4, rtol=1e-5)
