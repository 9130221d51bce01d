"""Is the displacement law one law for every optimiser?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyscope._checks import OPTIMISERS, InputError
from lazyscope.scaling import (
    AbcForm,
    PowerLaw,
    Scheme,
    displacement_exponents,
    from_abc,
    growth_power,
    network_regime,
    regime_report,
    relative_speed_exponents,
    to_abc,
    update_exponents,
)

EXPONENT = st.floats(-1, 1).map(lambda x: round(x, 3))
LAYERS = st.integers(2, 5)
NAMES = st.sampled_from(OPTIMISERS)


def naive_law(a, u, p):
    """The law as it is written: one constant c by bisection of the largest z, or of the water."""
    rho = sum(a)
    wanted, of = (
        (-min(rho, 0.5), max) if rho >= 0 else (-p * rho, lambda z: sum(max(x, 0.0) for x in z))
    )
    low, high = -50.0, 50.0
    for _ in range(200):
        c = (low + high) / 2
        low, high = (c, high) if of([x + c for x in u]) < wanted else (low, c)
    z = [x + low for x in u]
    return [x if x <= 0 else x / p for x in z]


@st.composite
def schemes(draw):
    layers = draw(LAYERS)
    several = st.lists(EXPONENT, min_size=layers, max_size=layers)
    return draw(several), draw(several), draw(NAMES)


@given(schemes())
def test_the_law_is_the_one_that_is_written(scheme):
    a, rates, name = scheme
    sizes = [0.5, *[1.0] * (len(a) - 2), 0.5]
    if name in ("sgd", "momentum"):
        u, p = [s - 2 * x for s, x in zip(rates, a, strict=True)], 2
    elif name == "muon":
        u, p = [s - x for s, x in zip(rates, a, strict=True)], 1
    else:
        u, p = [s + d - x for s, d, x in zip(rates, sizes, a, strict=True)], 1
    found = displacement_exponents(a, rates, optimiser=name)
    assert found == pytest.approx(naive_law(a, u, p), abs=1e-9)


@given(schemes())
def test_one_power_moved_between_rate_start_and_multiplier_changes_nothing(scheme):
    a, rates, name = scheme
    form = AbcForm(tuple(a), (0.5,) * len(a), tuple(rates))
    shifts = [0.25 * (-1) ** k * (k + 1) for k in range(len(a))]
    here, there = (
        from_abc(*each, optimiser=name) for each in (form, form.shifted(shifts, optimiser=name))
    )
    assert there.scale_exponents == pytest.approx(here.scale_exponents, abs=1e-12)
    assert there.speed_exponents == pytest.approx(here.speed_exponents, abs=1e-12)
    assert there.optimiser == here.optimiser == name


@given(schemes())
def test_the_shift_of_descent_is_none_of_adam(scheme):
    a, rates, _ = scheme
    form = AbcForm(tuple(a), (0.5,) * len(a), tuple(rates))
    moved = form.shifted([0.5] + [0.0] * (len(a) - 1), optimiser="sgd")
    pair = [from_abc(*each, optimiser="adam").speed_exponents[0] for each in (form, moved)]
    assert pair[1] - pair[0] == pytest.approx(0.5)


@given(schemes(), st.sampled_from(("multipliers", "inits", "rates")))
def test_the_abc_form_comes_back(scheme, fixed):
    a, rates, name = scheme
    given_one = Scheme.from_exponents(a, rates, optimiser=name)
    again = from_abc(*to_abc(given_one, fix=fixed), optimiser=name)
    assert again.scale_exponents == pytest.approx(given_one.scale_exponents, abs=1e-12)
    assert again.speed_exponents == pytest.approx(given_one.speed_exponents, abs=1e-12)


@given(schemes())
def test_the_largest_displacement_knows_kappa_alone(scheme):
    a, rates, name = scheme
    rho = math.fsum(a)
    if rho > 0:
        found = max(displacement_exponents(a, rates, optimiser=name))
        assert found == pytest.approx(-min(rho, 0.5), abs=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_features_are_learned_everywhere_in_the_table_of_mup_for_adam(depth):
    """Yang et al. 2022 (arXiv 2203.03466), table 3: rates 1, 1/m, .., 1/m."""
    a = (0.5, *[0.0] * (depth - 1), -0.5)
    for name, rates in {
        "adam": (0.0, *[-1.0] * depth),
        "muon": (0.5, *[0.0] * (depth - 1), -0.5),
        "sgd": (1.0, *[0.0] * (depth - 1), -1.0),
    }.items():
        assert displacement_exponents(a, rates, optimiser=name) == (0.0,) * (depth + 1)
        assert network_regime(a, rates, optimiser=name) == "critical"


def test_layers_may_have_optimisers_of_their_own():
    mixed = ("adam", "muon", "sign")
    assert update_exponents(mixed, 3) == (0.5, 0.0, 0.5)
    each = [relative_speed_exponents((0.1, 0.2, 0.3), optimiser=n) for n in mixed]
    together = relative_speed_exponents((0.1, 0.2, 0.3), optimiser=mixed)
    assert together == tuple(each[k][k] for k in range(3))


def test_a_scheme_holds_its_optimiser():
    plain = Scheme.from_exponents((0.5, 0.0))
    adam = Scheme.from_exponents((0.5, 0.0), (0.0, -1.0), optimiser="adam")
    named = Scheme("s", adam.scales, (PowerLaw(1.0), PowerLaw(1.0)), optimiser=("muon", "adam"))
    at_width = Scheme.at_width(8, alpha=(1.0, 2.0), optimiser=["adam", "adam"])
    held = [s.optimiser for s in (plain, adam, named, at_width)]
    assert held == ["sgd", "adam", ("muon", "adam"), "adam"]
    report = regime_report(adam)
    assert report["optimiser"] == "adam"
    assert report["displacement_exponents"] == list(
        displacement_exponents((0.5, 0.0), (0.0, -1.0), optimiser="adam")
    )
    assert (
        report["displacement_exponents"]
        != regime_report(Scheme.from_exponents((0.5, 0.0), (0.0, -1.0)))["displacement_exponents"]
    )


def test_what_has_no_common_law_is_refused():
    with pytest.raises(InputError, match=r"or none of them\. Received: sgd, adam"):
        growth_power(("sgd", "adam"))
    with pytest.raises(InputError, match="use 'adam'"):
        displacement_exponents((0.5, 0.0), optimiser="adan")
    with pytest.raises(InputError, match="one for each of the 2 layers"):
        Scheme.from_exponents((0.5, 0.0), optimiser=("adam", "muon", "adam"))


def test_momentum_has_the_numbers_of_descent():
    rng = np.random.default_rng(0)
    a, rates = rng.normal(size=(2, 4)).round(3).tolist()
    assert displacement_exponents(a, rates) == displacement_exponents(
        a, rates, optimiser="momentum"
    )


@pytest.mark.parametrize(("noise", "exponent"), [(0.0, 1.0), (100.0, 0.5)])
def test_signs_of_a_gradient_have_the_norm_of_their_sides_and_signs_of_noise_its_root(
    noise, exponent
):
    """A hidden matrix of a ReLU network; noise that outweighs the gradient ends the law."""
    widths, norms = (64, 128, 256), []
    for m in widths:
        rng = np.random.default_rng([3, m])
        x = rng.normal(size=(32, 8))
        first, hidden = (rng.normal(size=(k, m)) * (2 / k) ** 0.5 for k in (8, m))
        entered = np.maximum(x @ first, 0)
        signal = rng.normal(size=(32, 1)) * rng.normal(size=(1, m)) * (entered @ hidden > 0)
        gradient = entered.T @ signal
        gradient = gradient / np.abs(gradient).mean() + noise * rng.normal(size=(m, m))
        norms.append(np.linalg.norm(np.sign(gradient), 2))
    slope = np.polyfit(np.log(widths), np.log(norms), 1)[0]
    assert slope == pytest.approx(exponent, abs=0.06)
    assert update_exponents("sign", 3)[1] == 1.0
