"""Examples that depend on each other are found wherever among all examples they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import explain_tangent_kernel, tangent_kernel
from naive.jacobian_kernel import kernel


def draw(*shape):
    return np.random.default_rng([7, *shape]).normal(size=shape).astype(np.float32)


PARAMS = {"w": draw(3, 2), "gate": draw(3, 3), "experts": draw(3, 3, 2)}
X = draw(12, 3)


def routed(p, x, capacity):
    gate = jax.nn.softmax(x @ p["gate"])
    chosen = gate.argmax(1)
    hot = jax.nn.one_hot(chosen, 3, dtype=x.dtype)
    kept = (jnp.cumsum(hot, 0) * hot).sum(1) <= capacity
    outputs = jnp.einsum("ni,nio->no", x, p["experts"][chosen])
    return outputs * (gate.max(1) * kept.astype(x.dtype))[:, None]


def only_beyond(size):
    def apply(p, x):
        f = x @ p["w"]
        return f if len(x) <= size else f - f.mean(0)

    return apply


def last_example_only(p, x):
    f = x @ p["w"]
    return f if len(x) < 12 else f.at[-1].add(0.01 * f[0])


def one_bit_of_a_large_output(p, x):
    large = jnp.where(x[:, :1] == X[0, 0], 1e6, 1.0).astype(x.dtype)
    f = x @ p["w"]
    return large * f + 0.1 * (f.mean(0) - f)


def batch_deviation(p, x):
    f = x @ p["w"]
    return f / f.std(0)


MIXING = {
    "capacity of experts": lambda p, x: routed(p, x, 3.0),
    "capacity that grows with the batch": lambda p, x: routed(p, x, len(x) / 4),
    "beyond four": only_beyond(4),
    "beyond eleven": only_beyond(11),
    "last example": last_example_only,
    "beside a large output": one_bit_of_a_large_output,
    "undefined for one example": batch_deviation,
    "sorted": lambda p, x: (x @ p["w"])[jnp.argsort(x[:, 0])],
}


@pytest.mark.parametrize("name", MIXING)
def test_mixing_anywhere_among_the_examples_is_refused(name):
    with pytest.raises(InputError, match="each example on its own"):
        tangent_kernel(MIXING[name], PARAMS, X)


def test_the_refusal_counts_examples_and_names_what_the_equations_make_likely():
    with pytest.raises(InputError, match=r"for \d+ of 12 examples.*capacity per expert"):
        tangent_kernel(MIXING["capacity of experts"], PARAMS, X)


def sorted_and_back(p, x):
    order = jnp.argsort(x[:, 0])
    return jnp.tanh(x[order] @ p["w"])[jnp.argsort(order)]


def ragged(p, x):
    chosen = (x @ p["gate"]).argmax(1)
    order = jnp.argsort(chosen)
    sizes = jnp.bincount(chosen, length=3).astype(jnp.int32)
    return jax.lax.ragged_dot(x[order], p["experts"], sizes)[jnp.argsort(order)]


SEPARATE = {
    "routed without capacity": lambda p, x: routed(p, x, 1e9),
    "sorted and back": sorted_and_back,
    "ragged product": ragged,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SEPARATE)
def test_what_is_routed_row_by_row_has_the_kernel_of_single_rows(name):
    found = tangent_kernel(SEPARATE[name], PARAMS, X)
    expected = kernel(SEPARATE[name], PARAMS, X)
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max())


def test_a_difference_of_networks_that_is_zero_up_to_rounding_is_no_mixing():
    deep = {"w": draw(3, 3) * 3, "out": draw(3, 2)}

    def network(p, x):
        return jax.lax.fori_loop(0, 20, lambda i, h: jnp.tanh(h @ p["w"]), x) @ p["out"]

    tangent_kernel(lambda p, x: network(p, x) - network(deep, x), deep, X)


def overflowing(p, x):
    return routed(p, x, 6.0)


def test_new_parameters_and_new_examples_are_compared_again():
    even = PARAMS | {"gate": np.eye(3, dtype=np.float32) * 5}
    spread = np.tile(np.eye(3, dtype=np.float32), (4, 1))
    tangent_kernel(overflowing, even, spread)
    one_sided = even | {"gate": np.tile(np.float32([[9, 0, 0]]), (3, 1))}
    with pytest.raises(InputError, match="each example on its own"):
        tangent_kernel(overflowing, one_sided, spread)
    with pytest.raises(InputError, match="each example on its own"):
        tangent_kernel(overflowing, even, np.ones_like(spread))


def test_examples_of_the_second_set_are_compared_as_well():
    with pytest.raises(InputError, match="each example on its own"):
        tangent_kernel(only_beyond(11), PARAMS, X[:6], X[6:])


def test_explaining_compares_as_well():
    with pytest.raises(InputError, match="each example on its own"):
        explain_tangent_kernel(only_beyond(11), PARAMS, X)


def room_for_three(p, x):
    f = x @ p["w"]
    place = jnp.argsort(jnp.argsort(-f[:, 0]))
    return f * jnp.where(place < 3, 1.5, 1.0).astype(x.dtype)[:, None]


def test_little_memory_hides_no_mixing():
    for apply in (MIXING["sorted"], room_for_three):
        with pytest.raises(InputError, match=f"of {len(X)} examples"):
            tangent_kernel(apply, PARAMS, X, memory=300)
