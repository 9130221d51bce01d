"""Do the settings of a run mean the scheme that they say?"""

import numpy as np
import pytest

from lazyscope.experiment._parametrisation import run_scheme
from lazyscope.scaling import named_scheme


def test_the_plane_splits_kappa_as_luo_does():
    m = 1000
    alpha = run_scheme({"depth": 1, "gamma": 0.7, "gamma_prime": 0.2}).alpha(m)
    assert np.prod(alpha) / m == pytest.approx(m**-0.7)
    assert alpha[0] / alpha[1] == pytest.approx(m**0.2)


def test_rho_is_reached_and_leaves_the_hidden_layers():
    base = run_scheme({"depth": 2, "scheme": "lecun"}, input_dim=4)
    moved = run_scheme({"depth": 2, "scheme": "lecun", "rho": -0.25}, input_dim=4)
    assert moved.kappa_exponent == pytest.approx(-0.25)
    assert moved.alpha(64)[:2] == pytest.approx(base.alpha(64)[:2])


@pytest.mark.parametrize("width", [16, 1024])
def test_kappa_is_reached_at_every_width(width):
    scheme = run_scheme({"depth": 2, "scheme": "he", "kappa": 3.0}, input_dim=5)
    assert scheme.kappa(width) == pytest.approx(3.0)
    assert scheme.kappa_exponent == pytest.approx(0.0)


def test_single_layers_replace_the_exponents_of_a_base():
    scheme = run_scheme(
        {"depth": 1, "scheme": "ntk", "scale_exponent_2": -0.5, "speed_exponent_1": 1.0}
    )
    assert scheme.scale_exponents == (0.5, -0.5)
    assert scheme.speed_exponents == (1.0, -1.0)


def test_exponents_of_all_layers_are_a_base():
    single = run_scheme({"depth": 1, "scale_exponent_1": 0.5, "scale_exponent_2": 0.25})
    listed = run_scheme(
        {"depth": 1, "scale_exponents": (0.5, 0.25), "speed_exponents": (0.0, -1.0)}
    )
    assert single.scale_exponents == listed.scale_exponents == (0.5, 0.25)
    assert single.speed_exponents == (0.0, 0.0)
    assert listed.speed_exponents == (0.0, -1.0)


@pytest.mark.parametrize("method", ["adam", "muon", "sign", "momentum", "flow"])
def test_a_named_scheme_has_the_rates_of_the_optimiser_that_a_run_is_trained_by(method):
    told = run_scheme({"scheme": "mup", "depth": 2, "width": 64, "method": method})
    optimiser = "sgd" if method == "flow" else method
    expected = named_scheme("mup", depth=2, optimiser=optimiser)
    assert told.optimiser == optimiser
    np.testing.assert_allclose(told.speed(64), expected.speed(64), rtol=1e-14)
    by_descent = named_scheme("mup", depth=2).speed(64)
    assert np.allclose(told.speed(64), by_descent) == (method in ("flow", "momentum"))
