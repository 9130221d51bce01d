import numpy as np
import pytest

from lazyscope.claims import CLAIMS
from lazyscope.claims.papers._coordinates import COORDINATES, _layer_finding, scheme_with_gain
from lazyscope.measure import estimate_exponent

WIDTHS = np.array([64, 256, 1024, 4096])


def estimate(exponent, noise=0.02):
    rng = np.random.default_rng(0)
    values = WIDTHS[:, None] ** exponent * np.exp(noise * rng.normal(size=(4, 4)))
    return estimate_exponent(WIDTHS, values), values


@pytest.mark.parametrize(
    ("name", "exponent", "verdict"),
    [
        ("mup", 0.0, "agrees"),
        ("mup", -0.5, "disagrees"),
        ("mup", 0.5, "disagrees"),
        ("standard", -0.5, "agrees"),
        ("standard", 0.0, "undecided"),
        ("standard", 0.5, "disagrees"),
    ],
)
def test_rows_follow_the_exponent_that_was_measured(name, exponent, verdict):
    found, values = estimate(exponent)
    predicted = 0.0 if name == "mup" else -0.5
    row = _layer_finding(name, 1, found, predicted, values, "planted")
    assert row.verdict == verdict


def test_schemes_with_gain_have_the_exponents_of_their_names():
    assert scheme_with_gain("mup").kappa_exponent == 0
    assert scheme_with_gain("standard").kappa_exponent == 0.5
    assert scheme_with_gain("mup").kappa(64) > 1


def test_the_claim_is_in_the_table():
    assert COORDINATES in CLAIMS
