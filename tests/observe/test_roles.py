"""Do arrays have the roles that their places in the network give them?"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError, roles_of

RNG = np.random.default_rng(0)
X, TOKENS, IMAGES = (
    RNG.normal(size=(4, 3)),
    RNG.integers(0, 5, (4, 6)),
    RNG.normal(size=(4, 2, 6, 6)),
)
M, H = "m", "m/2"


def dense(p, x):
    h = jnp.tanh(x @ p["a"] + p["a_bias"])
    return jnp.tanh(h @ p["b"] + p["b_bias"]) @ p["c"] + p["c_bias"]


def conv(x, w, groups=1):
    return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", feature_group_count=groups)


def convolutional(p, x):
    h = jnp.tanh(conv(x, p["a"]))
    h = jnp.tanh(conv(h, p["depthwise"], groups=h.shape[1]))
    h = jnp.tanh(conv(h, p["b"])).mean((2, 3))
    return h @ p["c"]


def residual(p, x):
    h = x @ p["a"]
    for name in ("b", "c"):
        h = h + jnp.tanh(h @ p[name])
    return h @ p["out"] + x @ p["skip"]


def normalised(p, x):
    h = jnp.tanh(x @ p["a"])
    h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 0.1)
    return (h * p["gain"] + p["shift"]) @ p["out"]


def attention(p, x):
    h = p["e"][x]
    q, k, v = (jnp.einsum("ntd,dhk->nthk", h, p[name]) for name in "qkv")
    weights = jax.nn.softmax(jnp.einsum("nthk,nshk->nhts", q, k) / 4, axis=-1)
    h = h + jnp.einsum("nhts,nshk,hkd->ntd", weights, v, p["o"])
    return h.mean(1) @ p["out"]


def tied(p, x):
    return jnp.tanh(p["e"][x] @ p["m"]).mean(1) @ p["e"].T


def twice(p, x):
    h = jnp.tanh(x @ p["a"])
    return jnp.tanh(jnp.tanh(h @ p["m"]) @ p["m"]) @ p["out"]


def scanned(p, x):
    h = jnp.tanh(x @ p["a"])
    h, _ = jax.lax.scan(lambda h, w: (h + jnp.tanh(h @ w), None), h, p["stack"])
    return h @ p["out"]


def weight_norm(p, x):
    w = p["w"] / jnp.linalg.norm(p["w"])
    return jnp.tanh(jnp.tanh(x @ p["a"]) @ w) @ p["out"]


def fixed_in_the_middle(p, x):
    h = jnp.tanh(x @ p["a"]) @ p["down"]
    return jnp.tanh(jnp.tanh(h @ p["core"]) @ p["up"]) @ p["out"]


def low_rank(p, x):
    h = jnp.tanh(x @ p["in"])
    h = jnp.tanh(h @ (p["a"] @ p["b"] / 2))
    h = jnp.tanh(h @ (p["c"] @ p["d"].T).T)
    return h @ (p["e"] @ (p["core"] @ p["f"]))


def summed_readout(p, x):
    return jnp.sum(jnp.tanh(x @ p["a"]) * p["v"], axis=-1, keepdims=True)


def unused(p, x):
    return jnp.tanh(x @ p["a"]) @ p["out"]


def gated_heads(p, x):
    h = jnp.tanh(x @ p["a"])
    return (h @ p["one"]) * (h @ p["two"])


def stacked(p, x):
    return x @ sum(p)


CASES = {
    "dense": (dense, X, {
        "a": ((3, M), "input"), "a_bias": ((M,), "input"), "b": ((M, M), "hidden"),
        "b_bias": ((M,), "input"), "c": ((M, 2), "output"), "c_bias": ((2,), "fixed")}, "c"),
    "convolutional": (convolutional, IMAGES, {
        "a": ((M, 2, 3, 3), "input"), "depthwise": ((M, 1, 3, 3), "input"),
        "b": ((M, M, 3, 3), "hidden"), "c": ((M, 2), "output")}, "c"),
    "residual": (residual, X, {
        "a": ((3, M), "input"), "b": ((M, M), "hidden"), "c": ((M, M), "hidden"),
        "out": ((M, 2), "output"), "skip": ((3, 2), "fixed")}, "out"),
    "normalised": (normalised, X, {
        "a": ((3, M), "input"), "gain": ((M,), "input"), "shift": ((M,), "input"),
        "out": ((M, 2), "output")}, "out"),
    "attention": (attention, TOKENS, {
        "e": ((5, M), "input"), "q": ((M, 2, H), "hidden"), "k": ((M, 2, H), "hidden"),
        "v": ((M, 2, H), "hidden"), "o": ((2, H, M), "hidden"), "out": ((M, 2), "output")}, "out"),
    "tied embedding": (tied, TOKENS, {"e": ((5, M), "tied"), "m": ((M, M), "hidden")}, ""),
    "used twice": (twice, X, {
        "a": ((3, M), "input"), "m": ((M, M), "hidden"), "out": ((M, 2), "output")}, "out"),
    "a stack run through by a loop": (scanned, X, {
        "a": ((3, M), "input"), "stack": ((4, M, M), "hidden"), "out": ((M, 2), "output")}, "out"),
    "weight norm": (weight_norm, X, {
        "a": ((3, M), "input"), "w": ((M, M), "hidden"), "out": ((M, 2), "output")}, "out"),
    "a bottleneck": (fixed_in_the_middle, X, {
        "a": ((3, M), "input"), "down": ((M, 4), "output"), "core": ((4, 4), "fixed"),
        "up": ((4, M), "input"), "out": ((M, 2), "output")}, "out"),
    "products of parameters": (low_rank, X, {
        "in": ((3, M), "input"), "a": ((M, 4), "output"), "b": ((4, M), "input"),
        "c": ((M, 5), "input"), "d": ((M, 5), "output"), "e": ((M, 4), "output"),
        "core": ((4, 4), "fixed"), "f": ((4, 2), "fixed")}, "e"),
    "a readout that is a vector": (summed_readout, X, {
        "a": ((3, M), "input"), "v": ((M,), "output")}, "v"),
    "an array that is not used": (unused, X, {
        "a": ((3, M), "input"), "out": ((M, 2), "output"), "spare": ((M, M), "unused")}, "out"),
    "heads that gate each other": (gated_heads, X, {
        "a": ((3, M), "input"), "one": ((M, 2), "output"), "two": ((M, 2), "output")}, ""),
}  # fmt: skip


def build_of(apply, arrays):
    def build(width, seed):
        rng = np.random.default_rng(seed)
        sizes = {M: width, H: width // 2}
        params = {
            name: jnp.asarray(rng.normal(size=[sizes.get(s, s) for s in shape]), jnp.float32)
            for name, (shape, _) in arrays.items()
        }
        return apply, params

    return build


@pytest.mark.parametrize("name", CASES)
def test_arrays_have_the_roles_of_their_places(name):
    apply, x, arrays, readout = CASES[name]
    roles = roles_of(build_of(apply, arrays), np.asarray(x), (14, 22))
    assert {each.name: each.role for each in roles} == {n: role for n, (_, role) in arrays.items()}
    assert [roles.arrays[k].name for k in roles.readouts] == ([readout] if readout else [])
    growing = {
        n: tuple(a for a, s in enumerate(shape) if s in (M, H)) for n, (shape, _) in arrays.items()
    }
    assert {each.name: each.growing for each in roles} == growing


def roles(name):
    apply, x, arrays, _ = CASES[name]
    return roles_of(build_of(apply, arrays), np.asarray(x), (14, 22))


def test_a_tied_array_says_each_of_its_roles():
    e = roles("tied embedding")["e"]
    assert e.uses == ("input", "output")
    assert e.kinds == ("embedding", "dense")
    assert e.tied
    assert e.writes_output
    assert e.read_before
    assert not e.readout


def test_an_array_used_twice_in_one_role_is_not_tied():
    m = roles("used twice")["m"]
    assert (m.places, m.tied, m.role) == (2, False, "hidden")


def test_heads_that_gate_each_other_are_entangled_and_no_readout():
    found = roles("heads that gate each other")
    assert found.entangled
    assert {found.arrays[k].name for k in found.last} == {"one", "two"}


def test_depth_counts_matrices_from_the_data():
    found = roles("dense")
    assert [found[name].depth for name in ("a", "b", "c")] == [0, 1, 2]


def test_a_module_of_equinox_has_roles_by_the_names_of_its_arrays():
    def build(width, seed):
        return eqx.nn.MLP(3, 2, width, 2, key=jax.random.key(seed))

    found = {each.name: each.role for each in roles_of(build, X)}
    assert [found[f"layers.{k}.weight"] for k in range(3)] == ["input", "hidden", "output"]
    assert [found[f"layers.{k}.bias"] for k in range(3)] == ["input", "input", "fixed"]


def test_the_table_marks_sides_that_grow():
    lines = str(roles("tied embedding")).splitlines()
    assert lines[0].split() == [
        "e", "[5,", "14*]", "tied", "(input,", "output)", "embedding,", "dense", "at", "2", "places"
    ]  # fmt: skip


def test_the_order_of_widths_does_not_matter():
    apply, x, arrays, _ = CASES["dense"]
    assert roles_of(build_of(apply, arrays), x, (22, 14)) == roles("dense")


@pytest.mark.parametrize(
    ("build", "widths", "words"),
    [
        (
            lambda m, s: (unused, {"a": jnp.ones((3, 8)), "out": jnp.ones((8, 1))}),
            (4, 8),
            "ignores",
        ),
        (build_of(dense, CASES["dense"][2]), (4, 8, 16), "two widths"),
        (build_of(dense, CASES["dense"][2]), (8, 8), "two widths"),
        (lambda m, s: (stacked, [jnp.ones((3, 1))] * m), (4, 8), "same arrays"),
        (dense, (4, 8), "raised TypeError"),
    ],
)
def test_what_has_no_roles_is_refused_with_its_cause(build, widths, words):
    with pytest.raises(InputError, match=words):
        roles_of(build, X, widths)
