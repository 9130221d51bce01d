"""Do the multipliers of Muon's update mean for a learning rate what their formulas say?"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyscope._checks import InputError
from lazyscope.scaling import (
    FanAverageLaw,
    PowerLaw,
    Scheme,
    learning_rate_exponents,
    named_scheme,
    rate_exponent,
    update_multiplier_names,
    with_update_multiplier,
)
from naive.papers import fans

FORMULAS = {
    "original": lambda i, o: math.sqrt(max(1, o / i)),
    "match-rms-adamw": lambda i, o: 0.2 * math.sqrt(max(i, o)),
    "spectral": lambda i, o: math.sqrt(o / i),
}


def test_every_multiplier_has_a_formula():
    assert set(FORMULAS) == set(update_multiplier_names())


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("depth", [1, 3])
def test_speeds_are_learning_rates_times_the_formula_for_each_shape(name, depth):
    d, outputs = 7, 3
    plain = Scheme.from_exponents([0.25] * (depth + 1), [0.5] * (depth + 1), optimiser="muon")
    found = with_update_multiplier(plain, name, input_dim=d, output_dim=outputs)
    for m in (7, 8, 500):
        factors = [FORMULAS[name](i, o) for i, o in fans(depth, m, d, outputs)]
        np.testing.assert_allclose(found.speed(m) / plain.speed(m), factors, rtol=1e-13)
    assert found.scales == plain.scales


def test_only_layers_of_muon_are_multiplied():
    mixed = Scheme.from_exponents((0.5, 0.0, 0.0), optimiser=("adam", "muon", "adam"))
    found = with_update_multiplier(mixed, "match-rms-adamw", input_dim=4)
    np.testing.assert_allclose(found.speed(100), [1.0, 2.0, 1.0])
    assert learning_rate_exponents(mixed, "match-rms-adamw") == (0.0, -0.5, 0.0)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.sampled_from(sorted(FORMULAS)), st.lists(st.integers(-8, 8), min_size=2, max_size=5))
def test_rates_are_found_again_behind_a_multiplier(name, eighths):
    rates = [k / 8 for k in eighths]
    plain = Scheme.from_exponents([0.0] * len(rates), rates, optimiser="muon")
    found = with_update_multiplier(plain, name, input_dim=3, output_dim=2)
    assert learning_rate_exponents(found, name) == pytest.approx(rates)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_behind_the_spectral_multiplier_one_rate_for_all_layers_is_mup(depth):
    mup = named_scheme("mup", depth=depth, optimiser="muon")
    assert learning_rate_exponents(mup, "spectral") == (0.0,) * (depth + 1)
    one_rate = Scheme.from_exponents(mup.scale_exponents, optimiser="muon")
    found = with_update_multiplier(one_rate, "spectral", input_dim=1)
    assert found.speed_exponents == mup.speed_exponents
    assert rate_exponent(found.scale_exponents, found.speed_exponents, optimiser="muon") == 0.0


def test_the_root_mean_square_of_an_update_that_matches_adamw_is_one_fifth():
    """Liu et al. 2025 (arXiv 2502.16982), section 2.2: of full rank, at any shape and size."""
    rng = np.random.default_rng(0)
    for fan_in, fan_out in ((8, 8), (8, 40), (40, 8)):
        u, _, v = np.linalg.svd(rng.normal(size=(fan_out, fan_in)), full_matrices=False)
        step = FORMULAS["match-rms-adamw"](fan_in, fan_out) * (u @ v)
        assert np.sqrt(np.mean(step**2)) == pytest.approx(0.2)


def test_numbers_at_one_width_are_multiplied_at_that_width():
    held = Scheme.at_width(16, alpha=(1.0, 1.0), speed=(2.0, 3.0), optimiser="muon")
    found = with_update_multiplier(held, "original", input_dim=4)
    np.testing.assert_allclose(found.speed(16), [4.0, 3.0])


def test_multipliers_that_mean_nothing_are_refused():
    muon = Scheme.from_exponents((0.5, 0.0), optimiser="muon")
    with pytest.raises(InputError, match=r"Update multiplier must be one of .*use 'original'"):
        learning_rate_exponents(muon, "orignal")
    with pytest.raises(
        InputError, match=r"belong to muon\. Received: the multiplier original for adam"
    ):
        learning_rate_exponents(Scheme.from_exponents((0.5, 0.0), optimiser="adam"), "original")
    bent = Scheme("bent", (PowerLaw(1.0),) * 2, (FanAverageLaw(3),) * 2, optimiser="muon")
    with pytest.raises(InputError, match="power of the width, or a number at one width"):
        with_update_multiplier(bent, "original", input_dim=4)
