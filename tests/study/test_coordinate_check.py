import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.kernel import tangent_kernel_by_parameter
from lazyscope.observe import Described
from lazyscope.study import CoordinateCheck, coordinate_check
from lazyscope.study.coordinates._drawn import check_seeds
from lazyscope.study.coordinates._layers import Layer, find_layers
from lazyscope.study.coordinates._record import Measured
from lazyscope.study.coordinates._study import _exponents

WIDTHS = (32, 64, 128)
LAYERS = (
    Layer("first", 0, (1,), "input"),
    Layer("second", 1, (0, 1), "hidden"),
    Layer("last", 2, (0,), "readout"),
)
PARAMETRISATIONS = {
    # exponents: kappa, relative speeds, displacements
    "ntk": (0.5, (-1.0, -1.0, -1.0), (-0.5, -0.5, -0.5)),
    "standard": (0.5, (-1.0, 0.0, 0.0), (-1.5, -0.5, -0.5)),
    "mup": (0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
}


def planted(kappa, speeds, moves, widths=(64, 128, 256, 512, 1024), seeds=4, noise=0.03):
    """A check of runs that follow given power laws."""
    rng = np.random.default_rng(0)
    size = np.array(widths, float)[:, None]

    def law(exponent):
        return size**exponent * np.exp(noise * rng.normal(size=(len(widths), seeds)))

    measured = Measured(
        kappa=law(kappa),
        speed=np.stack([law(u) for u in speeds]),
        displacement=np.stack([law(e) for e in moves]),
        output_change=np.stack([law(e) for e in moves]),
        output=law(kappa - 0.5),
        kernel=law(2 * kappa + max(speeds)),
        loss_fraction=law(0.0),
    )
    exponents = _exponents(measured, widths)
    return CoordinateCheck(widths, seeds, 16, 24, LAYERS, measured, exponents, {})


@functools.cache
def planted_as(name):
    return planted(*PARAMETRISATIONS[name])


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_planted_parametrisations_are_told_apart(name):
    check = planted_as(name)
    assert check.schemes == (name,)
    regime = "critical" if name == "mup" else "theta-lazy"
    assert check.regime == regime
    assert set(check.layer_regimes) == {"order-one" if name == "mup" else "lazy"}
    np.testing.assert_allclose(check.predicted_displacement, PARAMETRISATIONS[name][2], atol=0.1)


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_a_rate_of_descent_transfers_where_the_largest_stable_one_does(name):
    found = planted_as(name).rate_transfer
    assert found.answer == ("contradicted" if name == "standard" else "supported")
    assert found.exponent == pytest.approx(-1.0 if name == "standard" else 0.0, abs=0.1)
    assert ("train lazily" in found.sentence) == (name == "ntk")


def test_the_advice_for_the_standard_parametrisation_is_mup():
    changes = dict(planted_as("standard").changes_to_mup)
    assert changes == {
        "initial weights of last": -0.5,
        "learning rate of first": 1.0,
        "learning rate of last": -1.0,
    }


def test_advice_leads_where_it_says():
    """Applying the factors to the planted exponents gives kappa and speeds of muP, or kappa ~ m^1/2."""
    for kappa, speeds, moves in PARAMETRISATIONS.values():
        check = planted(kappa, speeds, moves)
        for changes, target in ((check.changes_to_mup, 0.0), (check.changes_to_lazy, 0.5)):
            factors = {change.what: change.exponent for change in changes}
            lift = factors.get("initial weights of last", 0.0)
            assert kappa + lift == target
            rates = [factors.get(f"learning rate of {layer.name}", 0.0) for layer in LAYERS]
            after = np.array(speeds) + rates - [0, 0, 2 * lift]
            if target == 0:
                np.testing.assert_array_equal(after, 0)
            else:
                assert max(after) == -1.0  # kernel of order one: u + 2 rho = 0


def test_mup_and_ntk_need_nothing_to_be_what_they_are():
    assert planted_as("mup").changes_to_mup == ()
    assert planted_as("ntk").changes_to_lazy == ()


def test_a_small_kappa_is_condensed():
    check = planted(-0.5, (0.0, 0.0, 0.0), (0.5, 0.5, 0.5))
    assert check.regime == "condensed"
    assert set(check.layer_regimes) == {"condensed"}
    assert check.schemes == ()
    assert "fits none of NTK, standard and muP" in check.sentence


def test_noise_that_hides_the_exponents_leaves_layers_undecided():
    check = planted(0.5, (-1, -1, -1), (-0.2, -0.2, -0.2), (16, 24, 32), 2, noise=0.5)
    assert set(check.layer_regimes) == {"undecided"}


def test_the_result_is_json_without_numbers_that_are_not_finite():
    stored = planted_as("mup").to_json()
    assert json.loads(json.dumps(stored, allow_nan=False))["layers"][2]["regime"] == "order-one"
    assert "every layer moves at order one at every width" in stored["sentence"]


X = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32) * 0.5
Y = np.sign(np.random.default_rng(4).normal(size=(5, 1)))


def network(params, x):
    return jax.nn.relu(x @ params["in"]["w"]) @ params["out"]["w"]


def draw(width, seed):
    rng = np.random.default_rng([seed, width])
    w, v = (rng.normal(size=shape).astype(np.float32) for shape in ((4, width), (width, 1)))
    return {"in": {"w": w * np.float32(2**0.5)}, "out": {"w": v / np.float32(width**0.5)}}


def standard(width, seed):
    return network, draw(width, seed)


def mup(width, seed):
    params = draw(width, seed)
    params["out"]["w"] = params["out"]["w"] / np.float32(width**0.5)
    return Described(network, params, None, {"in": width, "out": 1 / width})


def ntk(width, seed):
    """Multipliers in the function, unit weights."""
    params = draw(width, seed)
    root = np.float32(width**0.5)
    params["out"]["w"] = params["out"]["w"] * root

    def scaled(params, x):
        return network(params, x) / root

    return scaled, params


@functools.cache
def checked(name):
    build = {"standard": standard, "mup": mup, "ntk": ntk}[name]
    return coordinate_check(build, (X, Y), WIDTHS, 4, steps=6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["standard", "mup", "ntk"])
def test_versions_of_one_network_are_told_apart(name):
    assert checked(name).schemes == (name,)


def test_kappa_and_speeds_are_those_of_the_kernel():
    width, check = WIDTHS[1], checked("mup")
    params = draw(width, 2)
    params["out"]["w"] = params["out"]["w"] / np.float32(width**0.5)
    shares = tangent_kernel_by_parameter(network, params, X)
    mean = {k: float(jnp.mean(jnp.einsum("iicc->ic", shares[k]["w"]))) for k in ("in", "out")}
    kappa = np.sqrt(width * np.mean(params["out"]["w"] ** 2) * mean["out"])
    assert check.measured.kappa[1, 2] == pytest.approx(kappa, rel=1e-4)
    assert check.measured.speed[0, 1, 2] == pytest.approx(width * mean["in"] / kappa**2, rel=1e-4)


def test_multipliers_change_nothing_but_the_unit_of_time():
    one, other = checked("standard").measured, checked("ntk").measured
    np.testing.assert_allclose(one.kappa, other.kappa, rtol=1e-4)
    ratio = other.speed[1] / one.speed[1]
    np.testing.assert_allclose(
        ratio, np.broadcast_to(1 / np.array(WIDTHS)[:, None], (3, 4)), rtol=1e-4
    )


BAD = {
    "constant": (3, "Build must be a function of width and seed"),
    "arguments": (lambda width: None, "Build must take a width and a seed"),
    "nothing": (lambda width, seed: None, r"Build\(width, seed\) must return \(apply, params\)"),
    "raises": (lambda width, seed: 1 / 0, "must return a network.*ZeroDivisionError"),
    "same": (lambda width, seed: standard(64, seed), "Build must depend on the width"),
    "one layer": (
        lambda width, seed: (lambda p, x: (x @ p).sum(1, keepdims=True), draw(width, 0)["in"]["w"]),
        "at least two layers with matrices",
    ),
    "zero": (
        lambda width, seed: (network, jax.tree.map(jnp.zeros_like, draw(width, seed))),
        "readout that does not start at zero",
    ),
    "rates": (
        lambda width, seed: (network, draw(width, seed), None, {"inn": 1.0}),
        "Rates must be given for groups that exist",
    ),
    "negative": (
        lambda width, seed: (network, draw(width, seed), None, {"in": -1.0}),
        "Rates must be at least zero",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_builds_that_cannot_be_checked_are_refused(case):
    build, message = BAD[case]
    with pytest.raises(InputError, match=message):
        coordinate_check(build, (X, Y), WIDTHS, 2, steps=1)


def test_seeds_that_change_nothing_at_any_width_are_refused():
    same = np.arange(3.0)[:, None, None] + np.zeros((3, 2, 4))
    with pytest.raises(InputError, match="2 seeds with the same losses at every depth"):
        check_seeds(same, "depth")
    lost = same + np.array([0.0, 0.0, 0.0, np.nan])
    with pytest.raises(InputError, match="must depend on the seed"):
        check_seeds(lost, "width")
    same[1, 1, 2] += 1e-12
    check_seeds(same, "width")


def test_widths_seeds_and_targets_must_fit():
    with pytest.raises(InputError, match="at least 3 increasing widths"):
        coordinate_check(standard, (X, Y), (32, 64))
    with pytest.raises(InputError, match="at least 3 increasing widths"):
        coordinate_check(standard, (X, Y), (32, 16, 64))
    with pytest.raises(InputError, match="Seeds must be a whole number"):
        coordinate_check(standard, (X, Y), WIDTHS, 1)
    with pytest.raises(InputError, match="Targets must fit the points and the outputs"):
        coordinate_check(standard, (X, Y[:, 0]), WIDTHS, 2)


def test_layers_are_named_by_the_axes_that_grow():
    shapes = [[(4, m), (m,), (m, m), (m, 1)] for m in (8, 16)]
    found = find_layers(("a", "b", "c"), (0, 0, 1, 2), shapes, (8, 16))
    assert [layer.kind for layer in found] == ["input", "hidden", "readout"]
    assert [layer.leaf for layer in found] == [0, 2, 3]
    with pytest.raises(InputError, match="must have the same arrays"):
        find_layers(("a",), (0,), [[(4, 8)], [(4, 16), (16, 1)]], (8, 16))


def test_a_single_width_without_axes_is_refused_like_a_number():
    for widths in (np.array(8), 8):
        with pytest.raises(
            InputError, match=r"3 increasing widths|Every width must be a whole number"
        ):
            coordinate_check(lambda width, seed: None, (np.ones((2, 1)), np.ones((2, 1))), widths)


def test_one_line_of_a_test_passes_for_what_a_check_is_and_says_what_would_change_it():
    planted_as("mup").assert_is("mup")
    assert planted_as("mup").verdict()["answer"] == "supported"
    with pytest.raises(
        AssertionError, match=r"It is not muP.*To become muP .m: width.: .*last times"
    ):
        planted_as("standard").assert_is("mup")
    with pytest.raises(InputError, match="use 'mup'"):
        planted_as("standard").verdict("mupp")
    assert repr(planted_as("mup")).startswith(
        "CoordinateCheck(sentence=Of NTK, standard and muP, only muP"
    )
