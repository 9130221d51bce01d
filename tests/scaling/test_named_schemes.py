"""Do the named schemes prescribe what their papers prescribe?"""

import math
import re

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import (
    displacement_exponents,
    named_scheme,
    needs_input_dim,
    phase_point,
    scheme_names,
    scheme_parameters,
)
from naive.papers import fans, mup_of_adam, scales_and_speeds

FROM_PAPERS = ("ntk", "standard", "lecun", "he", "xavier", "mean-field", "mup", "spectral")
HALF = 0.5


def build(name, depth=3, **setting):
    required = {"luo": {"gamma": 0.75, "gamma_prime": 0.25}}.get(name, {})
    sizes = {"input_dim": 5} | setting
    return named_scheme(name, depth=1 if name == "luo" else depth, **sizes, **required)


def test_every_name_builds_a_documented_scheme():
    assert set(FROM_PAPERS) < set(scheme_names())
    for name in scheme_names():
        scheme = build(name)
        assert scheme.name == name
        assert re.search(r"\d{4}|PyTorch", scheme.source), name
        assert 20 < len(scheme.description) < 100


@pytest.mark.parametrize("name", FROM_PAPERS)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_scales_and_speeds_are_those_of_the_paper_up_to_the_unit_of_time(name, depth):
    for m in (8, 640) if name == "spectral" else (5, 640):
        scheme = named_scheme(name, depth=depth, input_dim=7, output_dim=3)
        alpha, speed = (np.array(v) for v in scales_and_speeds(name, depth, m, 7, 3))
        np.testing.assert_allclose(scheme.alpha(m), alpha, rtol=1e-13)
        ratio = scheme.speed(m) / speed
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-13)
        if name != "mean-field":
            assert ratio[0] == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "scales", "speeds", "rho"),
    [
        ("ntk", (HALF, 0, 0, 0), (0, -1, -1, -1), HALF),
        ("standard", (HALF, 0, 0, 0), (0, 0, 0, 0), HALF),
        ("lecun", (HALF, 0, 0, 0), (0, 0, 0, 0), HALF),
        ("he", (HALF, 0, 0, 0), (0, 0, 0, 0), HALF),
        ("xavier", (0, 0, 0, 0), (0, 0, 0, 0), 0),
        ("mean-field", (HALF, -HALF, -HALF, -HALF), (0, -1, -1, -2), -1),
        ("mup", (HALF, 0, 0, -HALF), (1, 0, 0, -1), 0),
        ("spectral", (HALF, 0, 0, -HALF), (1, 0, 0, -1), 0),
    ],
)
def test_exponents_are_those_of_the_table(name, scales, speeds, rho):
    scheme = named_scheme(name, depth=3, input_dim=5)
    assert scheme.scale_exponents == scales
    assert scheme.speed_exponents == speeds
    assert scheme.kappa_exponent == rho


def test_mean_field_with_one_hidden_layer_is_one_over_width_with_one_rate():
    scheme = named_scheme("mean-field", depth=1)
    assert scheme.scale_exponents == (0.5, -0.5)
    assert scheme.speed_exponents == (0.0, -2.0)


def test_mup_moves_every_layer_at_order_one_at_every_depth():
    for depth in range(1, 6):
        scheme = named_scheme("mup", depth=depth)
        e = displacement_exponents(scheme.scale_exponents, scheme.speed_exponents)
        assert e == (0.0,) * (depth + 1)


def test_he_follows_the_slope_of_the_rectifier():
    def hidden(activation, **parameters):
        return named_scheme("he", depth=2, input_dim=5, activation=activation, **parameters).alpha(
            64
        )[1]

    assert hidden("relu") == pytest.approx(math.sqrt(2))
    assert hidden("linear") == pytest.approx(1.0)
    assert hidden("leaky_relu", negative_slope=0.5) == pytest.approx(math.sqrt(2 / 1.25))
    assert hidden("tanh") == hidden("relu")


@pytest.mark.parametrize("gamma", [0.25, 1.0, 1.75])
@pytest.mark.parametrize("gamma_prime", [-0.5, 0.0, 1.0])
def test_luo_places_the_network_where_it_was_asked_to(gamma, gamma_prime):
    scheme = named_scheme("luo", depth=1, gamma=gamma, gamma_prime=gamma_prime)
    assert phase_point(scheme) == pytest.approx((gamma, gamma_prime))
    first, second = scheme.scale_exponents
    assert first - second == pytest.approx(gamma_prime)
    assert scheme.kappa_exponent == pytest.approx(1 - gamma)


def test_balanced_has_equal_scales_and_the_asked_kappa():
    scheme = named_scheme("balanced", depth=2, kappa_exponent=0.75, kappa_constant=5.0)
    alpha = scheme.alpha(256)
    np.testing.assert_allclose(alpha, alpha[0], rtol=1e-15)
    assert scheme.kappa(256) == pytest.approx(5 * 256**0.75, rel=1e-13)


def test_names_are_found_in_any_usual_spelling():
    assert named_scheme("Mean_Field", depth=2) == named_scheme("mean-field", depth=2)
    assert named_scheme("muP", depth=2).name == "mup"


def test_parameters_are_listed_with_their_defaults():
    assert scheme_parameters("balanced") == {"kappa_exponent": 0.5, "kappa_constant": 1.0}
    assert scheme_parameters("luo") == {"gamma": None, "gamma_prime": None}
    assert scheme_parameters("ntk") == {}


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"Scheme must be one of balanced, .*, he, .*use 'lecun'"):
        named_scheme("lecum", depth=1)


@pytest.mark.parametrize("name", [None, 3, ""])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(InputError, match="Scheme must be one of"):
        named_scheme(name, depth=1)


@pytest.mark.parametrize("depth", [0, -1, 1.5, math.nan, None])
def test_depth_must_be_a_count(depth):
    with pytest.raises(InputError, match="Depth must be a whole number of at least 1"):
        named_scheme("ntk", depth=depth, input_dim=5)


@pytest.mark.parametrize("setting", ["input_dim", "output_dim"])
def test_dimensions_must_be_counts(setting):
    with pytest.raises(InputError, match="put_dim must be a whole number of at least 1"):
        named_scheme("ntk", **({"depth": 1, "input_dim": 5} | {setting: 0}))


def test_luo_is_refused_for_deeper_networks():
    with pytest.raises(InputError, match="plane describes networks with one hidden layer"):
        named_scheme("luo", depth=2, gamma=1.0, gamma_prime=0.0)


def test_a_missing_parameter_is_named():
    with pytest.raises(InputError, match=r"takes gamma, gamma_prime.*gamma_prime missing"):
        named_scheme("luo", depth=1, gamma=1.0)


def test_a_parameter_of_another_scheme_is_refused():
    with pytest.raises(InputError, match=r"'ntk' takes no parameters.*leave out gamma"):
        named_scheme("ntk", depth=1, input_dim=5, gamma=1.0)


def test_parameters_must_be_numbers():
    with pytest.raises(InputError, match="Gamma must be a finite number"):
        named_scheme("luo", depth=1, gamma=math.nan, gamma_prime=0.0)
    with pytest.raises(InputError, match="Kappa_constant must be above zero"):
        named_scheme("balanced", depth=1, kappa_constant=0.0)


@pytest.mark.parametrize("name", ["ntk", "standard", "lecun", "he", "xavier"])
def test_a_scheme_whose_constants_have_the_input_dimension_asks_for_it(name):
    with pytest.raises(InputError, match=rf"'{name}' needs the input dimension.*64 for digits"):
        named_scheme(name, depth=1)
    assert needs_input_dim(name)


@pytest.mark.parametrize("name", ["mup", "mean-field", "balanced", "luo"])
def test_a_scheme_without_the_input_dimension_does_not_ask_for_it(name):
    required = {"gamma": 1.0, "gamma_prime": 0.0} if name == "luo" else {}
    assert named_scheme(name, depth=1, **required) == named_scheme(
        name, depth=1, input_dim=64, **required
    )
    assert not needs_input_dim(name)


def test_kappa_of_ntk_on_digits_is_one_at_width_64_not_eight():
    assert named_scheme("ntk", depth=1, input_dim=64).kappa(64) == pytest.approx(1.0)


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sign", "lion"])
def test_mup_for_steps_of_signs_is_the_table_of_its_paper(optimiser, depth):
    for m in (4, 100):
        scheme = named_scheme("mup", depth=depth, optimiser=optimiser)
        deviation, rate = zip(*mup_of_adam(depth, m), strict=True)
        np.testing.assert_allclose(scheme.weight_std(m), deviation, rtol=1e-13)
        np.testing.assert_allclose(scheme.speed(m), rate, rtol=1e-13)
    assert scheme.optimiser == optimiser
    assert "2203.03466" in scheme.source


@pytest.mark.parametrize("optimiser", ["sign", "muon", ("adam", "muon", "muon", "sign")])
def test_a_step_of_the_spectral_scheme_has_the_spectral_norm_it_asks_for(optimiser):
    """|eta sign(G)| and |eta U V'| are computed from matrices of the layers' own shapes."""
    scheme = named_scheme("spectral", depth=3, input_dim=2, output_dim=3, optimiser=optimiser)
    names = (optimiser,) * 4 if isinstance(optimiser, str) else optimiser
    rng = np.random.default_rng(0)
    for m in (16, 64):
        for name, rate, (fan_in, fan_out) in zip(
            names, scheme.speed(m), fans(3, m, 2, 3), strict=True
        ):
            gradient = rng.normal(size=fan_out)[:, None] * rng.normal(size=fan_in)
            if name == "muon":
                u, _, v = np.linalg.svd(gradient, full_matrices=False)
                step = u @ v
            else:
                step = np.sign(gradient)
            norm = np.linalg.norm(rate * step, ord=2)
            assert norm == pytest.approx(math.sqrt(fan_out / fan_in), rel=1e-12)


def test_the_first_and_last_layers_of_mup_may_have_adam_and_the_matrices_muon():
    mixed = named_scheme("mup", depth=3, optimiser=("adam", "muon", "muon", "adam"))
    assert mixed.speed_exponents == (0, 0, 0, -1)
    assert mixed.optimiser == ("adam", "muon", "muon", "adam")
    assert {"2203.03466", "2310.17813"} <= set(re.findall(r"\d{4}\.\d{5}", mixed.source))
    e = displacement_exponents(
        mixed.scale_exponents, mixed.speed_exponents, optimiser=mixed.optimiser
    )
    assert e == (0.0,) * 4


def test_mean_field_moves_the_same_layers_whoever_trains():
    for depth in (1, 2, 4):
        moved = {
            displacement_exponents(s.scale_exponents, s.speed_exponents, optimiser=s.optimiser)
            for s in (
                named_scheme("mean-field", depth=depth, optimiser=o)
                for o in ("sgd", "lion", "muon")
            )
        }
        assert moved == {(0.0, *[0.5] * (depth - 1), 0.0)}


def test_one_learning_rate_stays_one_whoever_trains():
    for name in ("standard", "lecun", "he", "xavier", "balanced"):
        plain, adam = (
            named_scheme(name, depth=2, input_dim=5, optimiser=o) for o in ("sgd", "adam")
        )
        assert adam.scales == plain.scales
        assert adam.speed_exponents == (0.0,) * 3
        assert (plain.optimiser, adam.optimiser) == ("sgd", "adam")


def test_optimisers_that_a_scheme_cannot_have_are_refused():
    with pytest.raises(InputError, match=r"one for each of the 3 layers.*adam, muon"):
        named_scheme("mup", depth=2, optimiser=("adam", "muon"))
    with pytest.raises(InputError, match="or none of them"):
        named_scheme("mup", depth=1, optimiser=("sgd", "muon"))
    with pytest.raises(InputError, match="use 'adam'"):
        named_scheme("mup", depth=1, optimiser="adan")
