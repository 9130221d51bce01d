"""Does a narrow network with the transferred numbers of a wide one train like it, array by array?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.scaling import array_transfer, start_share

WIDE, NARROW = 160, 40
RATIO = WIDE / NARROW
ROLES = {"first": "input", "shift": "input", "middle": "hidden", "last": "output", "end": "fixed"}
OPTIMISERS = ("sgd", "momentum", "adam", "adamw", "sign", "lion", "muon")


def forward(p, x):
    """Units of both hidden layers, and outputs."""
    first = np.tanh(x @ p["first"] + p["shift"])
    second = np.tanh(first @ p["middle"])
    return first, second, second @ p["last"] + p["end"]


def gradient_of(p, x, signal):
    """Gradient of sum_i signal_i f(x_i), by hand."""
    first, second, _ = forward(p, x)
    upper = signal @ p["last"].T * (1 - second**2)
    lower = upper @ p["middle"].T * (1 - first**2)
    return {
        "first": x.T @ lower,
        "shift": lower.sum(0),
        "middle": first.T @ upper,
        "last": second.T @ signal,
        "end": signal.sum(0),
    }


def draw(width, seed, factors=None):
    """A network whose parts all matter at the wide width; `factors` multiply the entries of every array."""
    rng = np.random.default_rng([seed, width])
    scale = {"first": 0.5, "shift": 0.3, "middle": WIDE**-0.5, "last": WIDE**-0.5, "end": 0.1}
    shapes = {
        "first": (4, width),
        "shift": (width,),
        "middle": (width, width),
        "last": (width, 1),
        "end": (1,),
    }
    factors = factors or dict.fromkeys(scale, 1.0)
    return {k: factors[k] * scale[k] * rng.normal(size=shapes[k]) for k in scale}


def transfers(kind):
    return {
        name: array_transfer(
            role, kind, width=WIDE, proxy_width=NARROW, matrix=name not in ("shift", "end")
        )
        for name, role in ROLES.items()
    }


def first_update(kind, params, x, y, epsilon):
    """The first step of an optimiser of rate one, from its definition, an array at a time."""
    found = {}
    for name, array in gradient_of(params, x, y / len(x)).items():
        if kind in ("sgd", "momentum"):
            found[name] = -array
        elif kind == "muon" and array.ndim == 2:
            left, _, right = np.linalg.svd(array, full_matrices=False)
            found[name] = -left @ right
        else:  # moments start at zero and are unbiased: the first step is the sign
            found[name] = -array / (np.abs(array) + (epsilon[name] if epsilon else 1e-300))
    return found


def effect_of_first_update(kind, width, seed, moved, epsilon=None):
    """Root mean square change of the outputs by the first update of each array alone."""
    x, y = points()
    params = draw(width, seed, {k: t.entries for k, t in moved.items()} if moved else None)
    rates = {k: t.rate if moved else 1.0 for k, t in (moved or transfers(kind)).items()}
    update = first_update(kind, params, x, y, epsilon)
    step = {"sgd": 1e-4, "momentum": 1e-4}.get(kind, 1e-6)
    effect = {}
    start = forward(params, x)[-1]
    for name in ROLES:
        after = params | {name: params[name] + step * rates[name] * update[name]}
        effect[name] = float(np.sqrt(np.mean((forward(after, x)[-1] - start) ** 2)))
    return effect


def points():
    rng = np.random.default_rng(3)
    return rng.normal(size=(6, 4)), np.array([[1.0], [-1], [1], [1], [-1], [1]])


def mean_ratio(narrow, wide):
    """Narrow over wide of the mean over seeds, by array."""
    return {k: np.mean([n[k] for n in narrow]) / np.mean([w[k] for w in wide]) for k in ROLES}


@pytest.mark.parametrize("kind", [*OPTIMISERS[:-1], pytest.param("muon", marks=pytest.mark.slow)])
def test_the_first_update_of_every_array_moves_outputs_as_in_the_wide_network(double, kind):
    moved = transfers(kind)
    wide = [effect_of_first_update(kind, WIDE, seed, None) for seed in range(8)]
    narrow = [effect_of_first_update(kind, NARROW, seed, moved) for seed in range(24)]
    found = mean_ratio(narrow, wide)
    # A wrong power of the ratio would be off by its root at least, 2.
    assert {k: v for k, v in found.items() if not 0.7 < v < 1.45} == {}


def test_without_the_factors_the_first_update_is_another_one(double):
    wide = effect_of_first_update("adam", WIDE, 0, None)
    narrow = [effect_of_first_update("adam", NARROW, seed, None) for seed in range(6)]
    found = mean_ratio(narrow, [wide])
    assert any(not 0.7 < v < 1.45 for v in found.values())


def test_epsilon_as_large_as_the_gradient_has_the_same_effect(double):
    moved = transfers("adam")
    x, y = points()
    gradient = gradient_of(draw(WIDE, 0), x, y / len(x))
    large = {k: 3 * float(np.sqrt(np.mean(g**2))) for k, g in gradient.items()}
    theirs = {k: large[k] * moved[k].epsilon for k in large}
    wide = [effect_of_first_update("adam", WIDE, s, None, large) for s in range(2)]
    narrow = [effect_of_first_update("adam", NARROW, s, moved, theirs) for s in range(12)]
    found = mean_ratio(narrow, wide)
    assert {k: v for k, v in found.items() if not 0.7 < v < 1.45} == {}
    kept = [effect_of_first_update("adam", NARROW, s, moved, large) for s in range(12)]
    assert mean_ratio(kept, wide)["middle"] > 1.45  # the same epsilon would not do


@pytest.mark.parametrize("kind", OPTIMISERS)
@pytest.mark.parametrize("role", ["input", "hidden", "output", "fixed"])
def test_rate_times_decay_is_kept(kind, role):
    found = array_transfer(role, kind, width=WIDE, proxy_width=NARROW)
    assert found.rate * found.decay == pytest.approx(1.0)


def relu(p, x):
    return jax.nn.relu(jax.nn.relu(x @ p["first"]) @ p["middle"]) @ p["last"]


@jax.jit
def trained(params, rates, x, y, shift):
    """Outputs along gradient descent with a rate per array, the start shifted by `shift` times itself."""
    start = relu(params, x)

    def step(p, _):
        outputs, pull = jax.vjp(lambda q: relu(q, x), p)
        outputs = outputs - shift * start
        gradient = pull((outputs - y) / len(x))[0]
        return jax.tree.map(lambda w, r, g: w - r * g, p, rates, gradient), outputs

    return jax.lax.scan(step, params, None, length=40)[1]


def test_scales_and_speeds_kept_are_the_same_network_as_entries_kept(double):
    """For a positively homogeneous network: all of alpha_l and s_l, or sizes of pre-activations."""
    x, y = points()
    moved = {k: transfers("sgd")[k] for k in ("first", "middle", "last")}
    entries = dict.fromkeys(ROLES, 0.0) | {k: t.entries for k, t in moved.items()}
    scales = dict.fromkeys(ROLES, RATIO**0.5)
    by_entries, by_scales = (
        {k: jnp.asarray(array) for k, array in draw(NARROW, 0, f).items() if k in moved}
        for f in (entries, scales)
    )
    shift = 1 - start_share(WIDE, NARROW)
    one = trained(by_entries, {k: 0.02 * t.rate for k, t in moved.items()}, x, y, shift)
    other = trained(by_scales, dict.fromkeys(moved, 0.02), x, y, shift)
    assert float(jnp.abs(one[-1] - one[0]).max()) > 0.1  # it trains
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_the_shifted_start_is_as_large_as_the_wide_networks(double):
    x, _ = points()
    moved = {k: t.entries for k, t in transfers("sgd").items()} | {"end": 0.0}
    size = {
        width: np.sqrt(np.mean([forward(draw(width, s, factors), x)[-1] ** 2 for s in range(40)]))
        for width, factors in ((WIDE, dict.fromkeys(ROLES, 1.0) | {"end": 0.0}), (NARROW, moved))
    }
    assert size[NARROW] * start_share(WIDE, NARROW) == pytest.approx(size[WIDE], rel=0.25)
    assert size[NARROW] > 1.5 * size[WIDE]


def test_a_change_has_the_operator_norm_that_the_factor_says(double):
    """Changes of rank one, which is what gradients of a few points make."""
    x, y = points()
    for kind in ("sgd", "adam"):
        moved = transfers(kind)
        norms = {}
        for width, given in ((WIDE, None), (NARROW, moved)):
            found = []
            for seed in range(4):
                params = draw(
                    width, seed, {k: t.entries for k, t in given.items()} if given else None
                )
                update = first_update(kind, params, x, y, None)
                rates = {k: given[k].rate if given else 1.0 for k in ROLES}
                found.append(
                    {
                        k: float(np.linalg.norm(np.atleast_2d(rates[k] * update[k]), 2))
                        for k in ROLES
                    }
                )
            norms[width] = found
        found = mean_ratio(norms[NARROW], norms[WIDE])
        assert {k: v for k, v in found.items() if not 0.75 < v / moved[k].norm < 1.33} == {}
