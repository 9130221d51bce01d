"""Do the exponents in the depth follow from training residual networks of 4 to 64 layers?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyscope._checks import OPTIMISERS, InputError
from lazyscope._jax import random_key
from lazyscope.model import Dense, Residual
from lazyscope.scaling import (
    Branches,
    Scheme,
    changes_over_depth,
    changes_to_mup,
    depth_exponents,
    growth_power,
    macroscopic_form,
    named_scheme,
    regime_report,
    with_branches,
)
from naive import deep_residual, optimisers

REPRODUCIBLE = settings(derandomize=True, deadline=None, max_examples=30)
DEPTHS = (4, 8, 16, 32, 64)
WIDTH, STEPS, SEEDS = 32, 2, 3
RATES = {"sgd": 0.05, "momentum": 0.02, "adam": 0.01, "sign": 0.01, "lion": 0.01, "muon": 0.02}
BRANCHES = slice(1, -1)
ALPHAS = (0.5, 0.75, 1.0)
GIVEN = [(-0.5, 0, 0), (-0.75, 0, 0.25), (-1, 0, -0.25), (-0.5, -0.5, -0.5), (-1.25, 0.5, 0.5)]
EIGHTHS = st.integers(-8, 8).map(lambda k: k / 8)


def points():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4, 6))
    return x / np.linalg.norm(x, axis=1, keepdims=True), np.array([[1.0], [-1.0], [1.0], [-1.0]])


def trained(scheme, only=slice(None)):
    """(relative change of the features, mean |dW|/|W| of the branches) after a few steps, over seeds."""
    x, y = points()
    b, rates = scheme.branches.multiplier_at(scheme.depth), np.zeros(len(scheme.scales))
    rates[only] = RATES[scheme.optimiser] * scheme.speed(WIDTH)[only]
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        start = deep_residual.draw(rng, 6, WIDTH, scheme.weight_std(WIDTH))
        rule = getattr(optimisers, scheme.optimiser)()
        end = deep_residual.train(start, b, x, y, rule, rates, STEPS)
        h0, h1 = (deep_residual.features(w, b, x)[-1] for w in (start, end))
        moved = [
            np.linalg.norm(w1 - w0) / np.linalg.norm(w0)
            for w0, w1 in zip(start[1:-1], end[1:-1], strict=True)
        ]
        found.append((np.linalg.norm(h1 - h0) / np.linalg.norm(h0), np.mean(moved)))
    return np.exp(np.log(found).mean(axis=0))


def over_depths(make, depths, only=slice(None)):
    """(features, branches) of `trained` at every depth, as two rows."""
    return np.array([trained(make(depth), only) for depth in depths]).T


def slope(depths, values):
    return float(np.polyfit(np.log(depths), np.log(values), 1)[0])


def mup_with(branches, optimiser):
    return lambda depth: with_branches(
        named_scheme("mup", depth=depth, optimiser=optimiser), branches
    )


@pytest.mark.parametrize("optimiser", RATES)
@pytest.mark.parametrize("name", ["depth-mup", "completep"])
def test_features_move_alike_at_every_depth(name, optimiser):
    def make(depth):
        return named_scheme(name, depth=depth, optimiser=optimiser)

    features, moved = over_depths(make, DEPTHS)
    assert features.max() / features.min() < 1.6
    single = depth_exponents(make(8)).displacements[1]
    assert single == (-0.5 if name == "depth-mup" else 0.0)
    assert slope(DEPTHS, moved) == pytest.approx(single, abs=0.15)


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_branches_of_mup_alone_add_more_in_deeper_networks(optimiser):
    features, _ = over_depths(mup_with(Branches(-0.5), optimiser), DEPTHS, BRANCHES)
    assert features.max() / features.min() > 3


def test_without_a_multiplier_networks_start_exponentially_large():
    x, _ = points()
    sizes = []
    for depth in DEPTHS:
        scheme = mup_with(Branches(0.0), "sgd")(depth)
        weights = deep_residual.draw(np.random.default_rng(0), 6, WIDTH, scheme.weight_std(WIDTH))
        sizes.append(np.linalg.norm(deep_residual.features(weights, 1.0, x)[-1]))
    local = np.diff(np.log(sizes)) / np.log(2)
    assert local[-1] > 1.6 * local[-2] > 1.6**2 * local[-3]
    found = depth_exponents(scheme)
    assert (found.start, found.features, found.displacements, found.rate) == (0.5, None, None, None)


@pytest.mark.parametrize("optimiser", ["sgd", "sign", pytest.param("muon", marks=pytest.mark.slow)])
@pytest.mark.parametrize("given", GIVEN)
def test_exponents_are_those_of_a_few_small_steps_of_the_branches(given, optimiser):
    depths = np.array(DEPTHS[1:])
    make = mup_with(Branches(*given), optimiser)
    features, moved = over_depths(make, DEPTHS[1:], BRANCHES)
    found = depth_exponents(make(8))
    assert slope(depths, features * depths / (depths - 1)) == pytest.approx(
        found.features[1], abs=0.15
    )
    assert slope(depths, moved) == pytest.approx(found.displacements[1] - found.rate, abs=0.15)


def halving_rate(scheme, seed):
    """The rate with which the branches halve the loss in four steps, interpolated in its logarithm."""
    x, y = points()
    b, speeds = scheme.branches.multiplier_at(scheme.depth), np.zeros(len(scheme.scales))
    speeds[BRANCHES] = scheme.speed(WIDTH)[BRANCHES]
    rng = np.random.default_rng(seed)
    start = deep_residual.draw(rng, 6, WIDTH, scheme.weight_std(WIDTH))

    def loss(weights):
        return float(np.mean((deep_residual.outputs(weights, b, x) - y) ** 2))

    before, half = loss(start), loss(start) / 2
    for power in np.arange(-8, 10, 0.5):
        rule = getattr(optimisers, scheme.optimiser)()
        after = loss(deep_residual.train(start, b, x, y, rule, 2.0**power * speeds, 4))
        if after < half:
            return 2.0 ** (power - 0.5 * (half - after) / (before - after))
        before = after
    raise AssertionError("the loss is never halved")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimiser", "given"),
    [
        ("sgd", (-0.5, 0, 0.5)),
        ("sgd", (-1, 0, 1)),
        ("adam", (-0.5, 0, 0)),
        ("adam", (-1, 0, 0)),
        ("sign", (-1, 0, 0.5)),
    ],
)
def test_the_rate_that_halves_the_loss_follows_the_depth_as_is_told(optimiser, given):
    """Up to what L - 1 branches in place of L, and sizes (1 + b^2 / 2)^(L - 2) of ReLU, make of it."""
    depths, make = np.array(DEPTHS[1:]), mup_with(Branches(*given), optimiser)
    grown = (1 + depths ** (2.0 * given[0]) / 2) ** (growth_power(optimiser) * (depths - 2) / 2)
    rates = [
        np.exp(np.mean([np.log(halving_rate(make(depth), seed)) for seed in range(12)]))
        for depth in DEPTHS[1:]
    ]
    assert slope(depths, np.array(rates) * grown * (depths - 1) / depths) == pytest.approx(
        depth_exponents(make(8)).rate, abs=0.15
    )


@REPRODUCIBLE
@given(st.sampled_from(OPTIMISERS), EIGHTHS, EIGHTHS, EIGHTHS, EIGHTHS)
def test_a_power_moved_between_multiplier_start_and_rate_changes_nothing(name, b, a, s, shift):
    p = growth_power(name)
    first, second = (
        depth_exponents(mup_with(Branches(*given), name)(3))
        for given in ((b, a, s), (b + shift, a - shift, s - p * shift))
    )
    assert (first.features is None) == (second.features is None)
    assert np.allclose(first.start, second.start)
    if first.features is not None:
        assert np.allclose(first.features, second.features)
        assert np.allclose(first.displacements, second.displacements)
        assert np.allclose(first.rate, second.rate)


@REPRODUCIBLE
@given(st.sampled_from(OPTIMISERS), EIGHTHS, EIGHTHS, EIGHTHS)
def test_changes_lead_to_branches_that_learn_at_one_rate_for_all_depths(name, b, a, s):
    scheme = mup_with(Branches(b, a, s), name)(5)
    for aim, single in (("depth-mup", -0.5), ("completep", 0.0)):
        there = changes_over_depth(scheme, aim).applied(scheme)
        found = depth_exponents(there)
        assert np.allclose(found.features, 0.0)
        assert found.rate == pytest.approx(0.0)
        assert found.displacements[1:-1] == pytest.approx([single] * 4)
        assert there.branches.scale_exponent == a
        named = named_scheme(aim, depth=5, optimiser=name)
        if a == 0:
            assert there.branches == named.branches
            np.testing.assert_allclose(there.speed(64), named.speed(64), rtol=1e-12)


def test_tables_are_those_of_the_papers():
    """Yang et al. 2023 (arXiv 2310.02244): branches 1/sqrt(L), SGD unchanged, Adam's rates 1/sqrt(L).

    Dey et al. 2025 (arXiv 2505.01618), table 1: branches L^-alpha, Adam's hidden rates L^(alpha - 1), initial
    variances without L. Bordelon et al. 2024 (arXiv 2405.15712), table 1: rates of SGD L^(2 alpha - 1).
    """
    adam = {
        a: named_scheme("completep", depth=4, optimiser="adam", alpha=a).branches for a in ALPHAS
    }
    sgd = {a: named_scheme("completep", depth=4, alpha=a).branches for a in ALPHAS}
    assert adam == {a: Branches(-a, 0.0, a - 1) for a in ALPHAS}
    assert sgd == {a: Branches(-a, 0.0, 2 * a - 1) for a in ALPHAS}
    for name, alpha in (("depth-mup", 0.5), ("completep", 1.0)):
        for optimiser in OPTIMISERS:
            scheme = named_scheme(name, depth=4, optimiser=optimiser)
            asked = named_scheme("completep", depth=4, optimiser=optimiser, alpha=alpha)
            assert scheme.branches == asked.branches
            plain = named_scheme("mup", depth=4, optimiser=optimiser)
            np.testing.assert_allclose(scheme.alpha(64), plain.alpha(64))
            ratio = scheme.speed(64) / plain.speed(64)
            np.testing.assert_allclose(ratio[[0, -1]], 1.0)
            np.testing.assert_allclose(ratio[1:-1], 4.0**scheme.branches.speed_exponent)


def test_the_network_of_the_library_is_the_one_that_is_trained_here():
    x, y = points()
    scheme = named_scheme("completep", depth=3, branch_constant=1.5)
    b = scheme.branches.multiplier_at(3)
    assert b == 0.5
    with jax.enable_x64(True):
        model = Residual(6, 1, 16, 3, branch_scale=b)
        params = model.init(random_key(0), scheme)

        def loss(held):
            return jnp.mean((model.apply(held, jnp.asarray(x)) - y) ** 2) / 2

        found = [np.asarray(layer.weight) for layer in jax.grad(loss)(params)]
    weights = [np.asarray(layer.weight) for layer in params]
    expected = deep_residual.gradients(weights, b, x, y)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)


def test_a_network_draws_only_from_a_scheme_with_its_own_branches():
    scheme = named_scheme("completep", depth=4)
    with pytest.raises(
        InputError, match=r"completep have the multiplier 0.25 at depth 4"
    ) as refused:
        Residual(3, 1, 8, 4).init(random_key(0), scheme)
    assert "branch_scale=0.25" in str(refused.value)
    with pytest.raises(InputError, match="networks with residual branches"):
        Dense(3, 1, 8, 4).init(random_key(0), scheme)
    Residual(3, 1, 8, 4).init(random_key(0), named_scheme("mup", depth=4))


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: depth_exponents(named_scheme("mup", depth=3)), "networks with residual branches"),
        (lambda: changes_over_depth(named_scheme("ntk", depth=3, input_dim=2), "completep"), "residual"),
        (lambda: named_scheme("depth-mup", depth=0), "Depth must"),
        (lambda: named_scheme("completep", depth=3, alpha=0.25), "between 1/2 and 1"),
        (lambda: named_scheme("completep", depth=3, branch_constant=0.0), "constant of a branch"),
        (lambda: named_scheme("completep", depth=1, optimiser=("sgd", "adam")), "know the size"),
        (lambda: with_branches(named_scheme("mean-field", depth=3), Branches(-1)), "do not follow the width"),
        (lambda: with_branches(Scheme.from_exponents((0.0, 0.0, -0.5)), Branches(-1)), "need not grow"),
        (lambda: with_branches(Scheme.at_width(8, alpha=(1.0, 1.0)), Branches(-1)), "law over widths"),
        (lambda: macroscopic_form(named_scheme("completep", depth=3), 1e6, 8), "schemes of dense networks"),
        (lambda: Branches(64), "between -10 and 10"),
        (lambda: Branches(-0.5).multiplier_at(0), "Depth must be"),
        (lambda: changes_over_depth(named_scheme("completep", depth=3), "mup"), "depth-mup"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_over_depth_is_refused(ask, said):
    with pytest.raises(InputError, match=said):
        ask()


def test_changes_in_the_width_leave_the_branches_as_they_are():
    scheme = with_branches(
        named_scheme("standard", depth=4, input_dim=5, optimiser="adam"), Branches(-1)
    )
    there = changes_to_mup(scheme).applied(scheme)
    assert there.branches == scheme.branches
    assert there.speed_exponents == named_scheme("mup", depth=4, optimiser="adam").speed_exponents


def test_the_scale_of_a_residual_network_is_that_of_its_skips():
    wide = with_branches(named_scheme("he", depth=9, input_dim=4), Branches(-1))
    first, *_, last = wide.alpha(64)
    assert wide.kappa(64) == pytest.approx(first * last)


def test_a_report_of_a_dense_network_says_nothing_about_the_depth():
    assert regime_report(named_scheme("mup", depth=3))["over_depth"] is None
    told = regime_report(named_scheme("depth-mup", depth=4, optimiser="muon"))["over_depth"]
    assert told["branch_multiplier"] == 0.5
    assert told["rate_exponent"] == 0.0
    assert told["to_completep"] == {
        "multiplier_exponent": -0.5,
        "speed_exponents": [0.0, 0.5, 0.5, 0.5, 0.0],
    }
