"""Are Luo et al.'s boundaries where they published them?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import (
    Scheme,
    displacement_exponents,
    layer_regimes,
    named_scheme,
    network_regime,
    phase_point,
)

GRID = [
    (g / 8, h / 8) for g in range(2, 17) for h in range(-8, 13)
]  # (gamma, gamma') in eighths, exact in binary


def published(gamma, gamma_prime):
    """Luo et al. 2021: the change of the input weights."""
    if gamma < 1 or gamma_prime > gamma - 1:
        return "lazy"
    if gamma > 1 and gamma_prime < gamma - 1:
        return "condensed"
    return "order-one"


@pytest.mark.parametrize(("gamma", "gamma_prime"), GRID)
def test_the_first_layer_is_in_the_published_regime(gamma, gamma_prime):
    scheme = named_scheme("luo", depth=1, gamma=gamma, gamma_prime=gamma_prime)
    regimes = layer_regimes(scheme.scale_exponents, scheme.speed_exponents)
    assert regimes[0] == published(gamma, gamma_prime)


def test_the_grid_holds_all_three_regimes_and_both_boundaries():
    seen = {published(*point) for point in GRID}
    assert seen == {"lazy", "order-one", "condensed"}
    assert (1.0, -0.5) in GRID
    assert (1.5, 0.5) in GRID


@pytest.mark.parametrize("gamma_prime", [-0.5, 0.0, 0.75])
def test_both_layers_are_lazy_exactly_below_gamma_one(gamma_prime):
    def regime(gamma):
        scheme = named_scheme("luo", depth=1, gamma=gamma, gamma_prime=gamma_prime)
        return network_regime(scheme.scale_exponents, scheme.speed_exponents)

    assert regime(1 - 1e-6) == "theta-lazy"
    assert regime(1.0) == "critical"
    assert regime(1 + 1e-6) in ("partially-lazy", "condensed")


def test_points_of_the_plane_do_not_depend_on_how_the_scheme_is_written():
    # the same point with unequal speeds moves both layers alike
    for gamma, gamma_prime in [(0.75, 0.25), (1.5, 0.0), (1.25, 1.0)]:
        plain = named_scheme("luo", depth=1, gamma=gamma, gamma_prime=gamma_prime)
        a = np.add(plain.scale_exponents, [0.3, -0.3])
        other = Scheme.from_exponents(a.tolist(), [0.6, -0.6])
        assert phase_point(other) == pytest.approx((gamma, gamma_prime))
        moved = displacement_exponents(other.scale_exponents, other.speed_exponents)
        assert moved == pytest.approx(displacement_exponents(plain.scale_exponents))


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("ntk", (0.5, 0.0)),
        ("lecun", (0.5, 0.5)),
        ("he", (0.5, 0.5)),
        ("xavier", (1.0, 0.0)),
        ("mean-field", (1.0, 0.0)),
        ("mup", (1.0, 0.0)),
    ],
)
def test_named_schemes_lie_where_the_phase_diagram_has_them(name, point):
    assert phase_point(named_scheme(name, depth=1, input_dim=5)) == point


@pytest.mark.parametrize("optimiser", ["momentum", "adam", "lion", "muon", ("muon", "sign")])
def test_the_plane_has_the_same_regimes_whatever_the_optimiser(optimiser):
    for gamma, gamma_prime in GRID:
        point = {"gamma": gamma, "gamma_prime": gamma_prime}
        scheme = named_scheme("luo", depth=1, optimiser=optimiser, **point)
        assert phase_point(scheme) == pytest.approx((gamma, gamma_prime), abs=1e-12)
        given = scheme.scale_exponents, scheme.speed_exponents
        descent = named_scheme("luo", depth=1, **point)
        expected = layer_regimes(descent.scale_exponents, descent.speed_exponents)
        assert layer_regimes(*given, optimiser=optimiser) == expected


def test_a_layer_that_does_not_grow_moves_less_far_back_under_signs_than_under_descent():
    """Twice w_l for descent, w_l itself for signs, with the level of the layers that grow."""
    point = {"gamma": 1.5, "gamma_prime": 1.0}
    descent, signs = (
        named_scheme("luo", depth=1, optimiser=name, **point) for name in ("sgd", "sign")
    )
    given = [(each.scale_exponents, each.speed_exponents) for each in (descent, signs)]
    assert displacement_exponents(*given[0]) == pytest.approx((-1.0, 0.5))
    assert displacement_exponents(*given[1], optimiser="sign") == pytest.approx((-0.5, 0.5))


def test_deeper_schemes_are_not_in_the_plane():
    with pytest.raises(InputError, match="plane describes networks with one hidden layer"):
        phase_point(named_scheme("ntk", depth=2, input_dim=5))
