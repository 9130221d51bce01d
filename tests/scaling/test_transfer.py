"""Do the powers that one learning rate, muP and laziness need follow from training itself?"""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lazyscope._checks import OPTIMISERS, InputError
from lazyscope.scaling import (
    ExponentChanges,
    Scheme,
    changes_to_lazy,
    changes_to_mup,
    layer_regimes,
    named_scheme,
    network_regime,
    rate_exponent,
    regime_report,
    relative_speed_exponents,
)

REPRODUCIBLE = settings(derandomize=True, deadline=None, max_examples=60)
EIGHTHS = st.integers(-8, 8).map(lambda k: k / 8)
DESCENT = ("sgd", "momentum")


@st.composite
def schemes(draw):
    layers = draw(st.integers(2, 5))
    several = st.lists(EIGHTHS, min_size=layers, max_size=layers)
    a, sigma = draw(several), draw(several)
    name = draw(st.sampled_from((*OPTIMISERS, ("adam", *["muon"] * (layers - 2), "sign"))))
    return Scheme.from_exponents(a, sigma, optimiser=name)


def relative_speeds(scheme, log_m):
    """Logarithms of q_l, and p, written down again from the sizes of the optimisers' steps."""
    names = scheme.optimiser
    names = (names,) * len(scheme.scales) if isinstance(names, str) else names
    found = []
    for place, (name, a, sigma) in enumerate(
        zip(names, scheme.scale_exponents, scheme.speed_exponents, strict=True)
    ):
        fans = 1 if place in (0, len(names) - 1) else 2  # of a layer that grow with the width
        size = fans / 2 if name not in (*DESCENT, "muon") else 0.0
        found.append((sigma + size - (2 * a if name in DESCENT else a)) * log_m)
    return found, 2 if names[0] in DESCENT else 1


def softplus(x):
    return float(np.logaddexp(0.0, x))


def largest_rate(scheme, log_m):
    """Of a network with one unit per layer whose output has to grow by one, from its exact flow.

    Its layers are ``alpha_l (1 + q_l C)^(1/p)``. Descent is stable up to one over its kernel, at the start
    and at the end; the others go a way C that is to take a fixed number of steps. All are logarithms.
    """
    q, p = relative_speeds(scheme, log_m)
    log_kappa = scheme.kappa_exponent * log_m
    low, high = -5000.0, 5000.0  # of log C
    for _ in range(100):
        middle = (low + high) / 2
        grown = math.fsum(softplus(x + middle) for x in q) / p
        low, high = (middle, high) if grown < softplus(-log_kappa) else (low, middle)
    if p == 1:
        return low
    start = 2 * log_kappa + np.logaddexp.reduce(q)
    end = 2 * softplus(log_kappa) + np.logaddexp.reduce([x - softplus(x + low) for x in q])
    return -max(start, end)


@REPRODUCIBLE
@given(schemes())
def test_the_rate_exponent_is_that_of_the_exact_flow_of_single_units(scheme):
    assume(scheme.kappa_exponent <= 0.5)
    small, large = math.log(1e20), math.log(1e40)
    slope = (largest_rate(scheme, large) - largest_rate(scheme, small)) / (large - small)
    a, sigma, name = scheme.scale_exponents, scheme.speed_exponents, scheme.optimiser
    assert rate_exponent(a, sigma, optimiser=name) == pytest.approx(slope, abs=0.03)


@REPRODUCIBLE
@given(schemes(), EIGHTHS)
def test_a_factor_on_all_speeds_is_taken_back_by_the_rate(scheme, shift):
    a, sigma, name = scheme.scale_exponents, scheme.speed_exponents, scheme.optimiser
    faster = rate_exponent(a, [x + shift for x in sigma], optimiser=name)
    assert faster == pytest.approx(rate_exponent(a, sigma, optimiser=name) - shift)


@REPRODUCIBLE
@given(schemes())
def test_changes_to_mup_lead_to_the_one_point_where_all_layers_learn(scheme):
    there = changes_to_mup(scheme).applied(scheme)
    report = regime_report(there)
    assert report["kappa_exponent"] == pytest.approx(0.0)
    assert report["relative_speed_exponents"] == pytest.approx([0.0] * len(there.scales))
    assert report["learns_features_in"] == list(range(1, len(there.scales) + 1))
    assert report["layer_regimes"] == ["order-one"] * len(there.scales)
    assert report["rate_exponent"] == pytest.approx(0.0)
    again = changes_to_mup(there)
    assert (*again.scale_exponents, *again.speed_exponents) == pytest.approx(
        (0.0,) * 2 * len(there.scales)
    )


@REPRODUCIBLE
@given(schemes())
def test_changes_to_lazy_make_every_layer_lazy_at_one_rate(scheme):
    changes = changes_to_lazy(scheme)
    there = changes.applied(scheme)
    report = regime_report(there)
    assert report["regime"] == "theta-lazy"
    assert report["learns_features_in"] == []
    assert report["rate_exponent"] == pytest.approx(0.0)
    if scheme.kappa_exponent > 0:
        assert changes.scale_exponents == (0.0,) * len(scheme.scales)
    else:
        assert there.kappa_exponent == pytest.approx(0.5)


@REPRODUCIBLE
@given(schemes())
def test_all_layers_learn_at_order_one_only_where_rho_is_zero_and_speeds_are_equal(scheme):
    a, sigma, name = scheme.scale_exponents, scheme.speed_exponents, scheme.optimiser
    u = relative_speed_exponents(a, sigma, optimiser=name)
    point = abs(scheme.kappa_exponent) < 1e-9 and max(u) - min(u) < 1e-9
    everywhere = set(layer_regimes(a, sigma, optimiser=name)) == {"order-one"}
    assert everywhere == point


@pytest.mark.parametrize(
    ("name", "optimiser", "power"),
    [
        ("ntk", "sgd", 0.0),
        ("standard", "sgd", -1.0),
        ("standard", "adam", -1.5),
        ("standard", "muon", -0.5),
        ("mup", "sgd", 0.0),
        ("mup", "adam", 0.0),
        ("mup", ("adam", "muon", "adam"), 0.0),
        ("spectral", "lion", 0.0),
    ],
)
def test_one_rate_serves_all_widths_in_ntk_scaling_and_mup_and_not_in_standard(
    name, optimiser, power
):
    scheme = named_scheme(name, depth=2, input_dim=5, optimiser=optimiser)
    assert regime_report(scheme)["rate_exponent"] == power


def test_the_standard_network_under_adam_lacks_what_the_table_of_mup_says():
    """Yang et al. 2022 (arXiv 2203.03466), table 3: readout smaller, rates 1/m but in the first layer."""
    standard = named_scheme("standard", depth=2, input_dim=5, optimiser="adam")
    assert changes_to_mup(standard) == ((0.0, 0.0, -0.5), (0.0, -1.0, -1.0))
    assert changes_to_lazy(standard) == ((0.0, 0.0, 0.0), (-1.5, -1.5, -1.5))


def test_a_network_that_condenses_learns_in_the_layers_that_grow():
    report = regime_report(Scheme.from_exponents((-0.5, 0.25)))
    assert network_regime((-0.5, 0.25)) == "partially-lazy"
    assert report["learns_features_in"] == [1]


def test_changes_for_another_depth_are_refused():
    with pytest.raises(InputError, match="one entry for each of the 2 layers"):
        ExponentChanges((0.0,) * 3, (0.0,) * 3).applied(Scheme.from_exponents((0.5, 0.0)))


def test_numbers_at_one_width_need_no_change_that_could_be_told():
    scheme = Scheme.at_width(8, alpha=(1.0, 1.0))
    for changes in (changes_to_mup, changes_to_lazy):
        with pytest.raises(InputError, match="exponent needs a law over widths"):
            changes(scheme)


@REPRODUCIBLE
@given(schemes())
def test_changes_by_multipliers_are_the_same_changes(scheme):
    """W = m^x w with w as before: scale exponent + x, and a rate r of w moves W by m^(p x + r)."""
    p = 2 if scheme.optimiser in DESCENT else 1
    for changes in (changes_to_mup(scheme), changes_to_lazy(scheme)):
        moved = changes.by_multipliers(scheme.optimiser)
        assert moved.multiplier_exponents == changes.scale_exponents
        pairs = zip(*moved, strict=True)
        assert [p * x + r for x, r in pairs] == pytest.approx(list(changes.speed_exponents))
