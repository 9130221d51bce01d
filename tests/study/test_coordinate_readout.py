"""Which array is named the readout of a JAX function: the right one, or none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError, coordinate_check
from lazyscope._trace import growing_axes
from lazyscope.observe import Described
from lazyscope.study.coordinates._network import network_of
from lazyscope.study.coordinates._readout import find_readout, named_readout

RNG = np.random.default_rng(0)
X, TOKENS = RNG.normal(size=(6, 4)), RNG.integers(0, 5, (6, 3))
relu = jax.nn.relu

# Shapes of arrays for a width of "m"; names are chosen so that their order says nothing.
IN, HIDDEN, OUT, VECTOR, TABLE = (4, "m"), ("m", "m"), ("m", 2), ("m",), (5, "m")


def skip(p, x):
    h = relu(x @ p["z"])
    return relu(h @ p["m"]) @ p["a"] + h @ p["c"]


def tied(p, x):
    return relu(p["e"][x].mean(1) @ p["m"]) @ p["e"].T


def untied(p, x):
    return relu(p["e"][x].mean(1) @ p["m"]) @ p["a"]


def refined(p, x):
    start = jnp.zeros((len(x), 2), x.dtype)
    return jax.lax.fori_loop(0, 2, lambda i, o: relu(x @ p["z"] + o @ p["f"]) @ p["a"], start)


def looped(p, x):
    last, _ = jax.lax.scan(lambda h, w: (relu(h @ w), None), x @ p["z"], p["m"])
    return last @ p["a"]


def h(p, x):
    return relu(x @ p["z"])


CASES = {
    "readout first in the tree": (
        lambda p, x: relu(h(p, x) @ p["m"]) @ p["a"], {"z": IN, "m": HIDDEN, "a": OUT}, "a",
    ),
    "bias and temperature after it": (
        lambda p, x: (h(p, x) @ p["a"] + p["b"]) * jnp.exp(p["t"]),
        {"z": IN, "a": OUT, "b": (2,), "t": ()}, "a",
    ),
    "a softmax after it": (
        lambda p, x: jax.nn.log_softmax(h(p, x) @ p["a"] / p["t"]), {"z": IN, "a": OUT, "t": ()}, "a",
    ),
    "sum of two heads": (
        lambda p, x: h(p, x) @ p["a"] + jnp.tanh(x @ p["z"]) @ p["c"], {"z": IN, "a": OUT, "c": OUT}, "ac",
    ),
    "two heads side by side": (
        lambda p, x: jnp.concatenate([h(p, x) @ p["a"], h(p, x) @ p["c"]], -1),
        {"z": IN, "a": OUT, "c": OUT}, "ac",
    ),
    "stacked vectors": (
        lambda p, x: jnp.stack([h(p, x) @ p["a"], h(p, x) @ p["c"]], -1),
        {"z": IN, "a": VECTOR, "c": VECTOR}, "ac",
    ),
    "a choice of heads": (
        lambda p, x: jax.lax.cond(x.sum() > 0, lambda h: h @ p["a"], lambda h: h @ p["c"], h(p, x)),
        {"z": IN, "a": OUT, "c": OUT}, "ac",
    ),
    "a skip from an early layer": (skip, {"z": IN, "m": HIDDEN, "a": OUT, "c": OUT}, "ac"),
    "a skip from the data": (
        lambda p, x: h(p, x) @ p["a"] + x @ p["k"], {"z": IN, "a": OUT, "k": (4, 2)}, "a",
    ),
    "a residual before it": (
        lambda p, x: (h(p, x) + relu(h(p, x) @ p["m"])) @ p["a"], {"z": IN, "m": HIDDEN, "a": OUT}, "a",
    ),
    "a vector": (
        lambda p, x: (h(p, x) * p["a"]).sum(-1, keepdims=True), {"z": IN, "a": VECTOR}, "a",
    ),
    "a gain before it": (
        lambda p, x: (h(p, x) * p["g"]) @ p["a"], {"z": IN, "g": VECTOR, "a": OUT}, "a",
    ),
    "a layer used twice before it": (
        lambda p, x: relu(relu(h(p, x) @ p["m"]) @ p["m"]) @ p["a"], {"z": IN, "m": HIDDEN, "a": OUT}, "a",
    ),
    "a loop over layers": (looped, {"z": IN, "m": (3, "m", "m"), "a": OUT}, "a"),
    "an embedding of its own": (untied, {"e": TABLE, "m": HIDDEN, "a": ("m", 5)}, "a"),
    "an embedding that is the output too": (tied, {"e": TABLE, "m": HIDDEN}, ""),
    "an autoencoder with one matrix": (lambda p, x: h(p, x) @ p["z"].T, {"z": IN, "m": VECTOR}, ""),
    "a head whose output is read again": (refined, {"z": IN, "f": (2, "m"), "a": OUT}, ""),
    "heads that gate each other": (
        lambda p, x: h(p, x) @ p["a"] * jax.nn.sigmoid(h(p, x) @ p["c"]), {"z": IN, "a": OUT, "c": OUT}, "",
    ),
    "a product of matrices": (lambda p, x: x @ (p["z"] @ p["a"]), {"z": IN, "a": OUT}, ""),
    "weights made by another layer": (
        lambda p, x: jnp.einsum("ni,nio->no", h(p, x), (x @ p["y"]).reshape(len(x), -1, 2)),
        {"z": IN, "y": (4, "2m")}, "",
    ),
    "both layers in one array": (
        lambda p, x: relu(x @ p["w"][:4]) @ p["w"][4:].T, {"w": (6, "m")}, "",
    ),
    "a mean over units": (
        lambda p, x: relu(h(p, x) @ p["m"]).mean(-1, keepdims=True), {"z": IN, "m": HIDDEN}, "",
    ),
    "frozen weights": (
        lambda p, x: relu(h(p, x) @ p["m"]) @ np.ones((len(p["m"]), 2)), {"z": IN, "m": HIDDEN}, "",
    ),
    "the first units": (lambda p, x: relu(h(p, x) @ p["m"])[:, :2], {"z": IN, "m": HIDDEN}, ""),
    "a sum of squares": (
        lambda p, x: (relu(h(p, x) @ p["m"]) ** 2).sum(-1, keepdims=True), {"z": IN, "m": HIDDEN}, "",
    ),
}  # fmt: skip


def build_of(apply, shapes):
    def build(width, seed):
        rng = np.random.default_rng(seed)
        sizes = {"m": width, "2m": 2 * width}

        def draw(shape):
            shape = [sizes.get(n, n) for n in shape]
            return rng.normal(size=shape) / np.sqrt(shape[0] if shape else 1)

        return apply, {name: draw(shape) for name, shape in shapes.items()}

    return build


def parts(name):
    apply, shapes, _ = CASES[name]
    build, x = build_of(apply, shapes), TOKENS if "e" in shapes else X
    networks = [network_of(Described(*build(width, 0)), x) for width in (7, 11)]
    outlines = [network.outline() for network in networks]
    growing = growing_axes(outlines[0].shapes, outlines[1].shapes)
    return outlines[0], networks[0].roles(growing)


@pytest.mark.parametrize("name", CASES)
def test_the_readout_is_what_alone_writes_the_output(name):
    outline, roles = parts(name)
    found = find_readout(outline, roles)
    assert "".join(outline.names[k] for k in found.leaves) == CASES[name][2]
    assert found.leaves or "Name the readout with readout=" in found.notes[0]


def test_what_stands_between_is_said_where_no_readout_is_named():
    for name, words in {
        "an embedding that is the output too": "written by e, which other layers read",
        "heads that gate each other": "written by a and c, multiplied with each other",
        "a mean over units": "Units of m are summed or picked without a trained weight",
    }.items():
        assert words in find_readout(*parts(name)).notes[0]


def test_a_named_readout_must_write_the_output():
    outline, roles = parts("a skip from an early layer")
    assert named_readout("c", outline, roles).leaves == (outline.names.index("c"),)
    assert len(named_readout(["a", "c"], outline, roles).leaves) == 2
    for wrong, words in {"m": "other layers between it", "aa": "misspelt", 3: "than names"}.items():
        with pytest.raises(InputError, match=words):
            named_readout(wrong, outline, roles)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_tied_heads_are_judged_by_how_far_layers_moved_until_a_readout_is_named():
    apply, shapes, _ = CASES["an embedding that is the output too"]
    data, build = (TOKENS, np.eye(5)[TOKENS[:, 0]]), build_of(apply, shapes)
    check = coordinate_check(build, data, (4, 6, 8), 2, steps=1)
    assert np.isnan(check.measured.kappa).all()
    assert check.schemes == check.changes_to_mup == ()
    assert "which other layers read as well" in check.notes[0]
    named = coordinate_check(build, data, (4, 6, 8), 2, steps=1, readout="e")
    assert np.isfinite(named.measured.kappa).all()
    assert named.layers[-1].name == "e"
    assert "kappa counts all of its uses" in " ".join(named.notes)


BAD = {
    "not a number": (np.where(X > 1, np.nan, X), np.ones((6, 2)), "Inputs must be finite"),
    "infinite": (X, np.full((6, 2), np.inf), "Targets must be finite"),
    "complex": (X, np.ones((6, 2)) * 1j, "Targets must be real"),
    "complex inputs": (X + 0j, np.ones((6, 2)), "Inputs must be real"),
    "masked": (
        np.ma.masked_greater(X, 1),
        np.ones((6, 2)),
        "Inputs must be an array without a mask",
    ),
    "text": (X, np.full((6, 2), "1"), "Targets must be real"),
}


@pytest.mark.parametrize("name", BAD)
def test_data_that_are_no_finite_real_numbers_are_refused(name):
    x, y, words = BAD[name]
    build = build_of(*CASES["readout first in the tree"][:2])
    with pytest.raises(InputError, match=words):
        coordinate_check(build, (x, y), (8, 12, 16), 2)


@pytest.mark.slow
def test_the_check_keeps_arrays_that_a_build_uses_again():
    """One table of weights, filled anew for every network."""
    memory = np.empty((4, 8))

    def build(width, seed, table=memory):
        rng = np.random.default_rng(seed)
        w = table[:, :width]
        w[:] = rng.normal(size=(4, width))
        return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, rng.normal(size=(width, 2)) / width)

    def fresh(width, seed):
        return build(width, seed, np.empty((4, 8)))

    again, alone = (
        coordinate_check(each, (X, np.ones((6, 2))), (4, 6, 8), 2, steps=1).measured
        for each in (build, fresh)
    )
    np.testing.assert_array_equal(again.kappa, alone.kappa)
    np.testing.assert_array_equal(again.displacement, alone.displacement)
