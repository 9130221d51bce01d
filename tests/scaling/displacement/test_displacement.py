"""Does the displacement law keep what it must keep, and agree with growth by conservation?"""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lazyscope._checks import InputError
from lazyscope.scaling import (
    displacement_exponents,
    frobenius_displacement_exponents,
    relative_speed_exponents,
)
from naive.conserved_growth import slopes

REPRODUCIBLE = settings(derandomize=True, deadline=None, max_examples=200)
exponents = st.floats(-2, 2, allow_nan=False)


@st.composite
def schemes(draw):
    count = draw(st.integers(2, 6))
    lists = st.lists(exponents, min_size=count, max_size=count)
    return draw(lists), draw(lists)


def levels(a, sigma):
    """z_l, recovered from e_l: twice e_l where a layer grows."""
    return [e if e <= 0 else 2 * e for e in displacement_exponents(a, sigma)]


@pytest.mark.parametrize(
    ("a", "sigma", "expected"),
    [
        # rho = 1/2, u = (-1, 0): the second moves 1/2, the first a whole power less
        ((0.5, 0.0), (0.0, 0.0), (-1.5, -0.5)),
        # rho = 1: the push saturates at m^-1/2; u = (-1, -1)
        ((0.5, 0.5), (0.0, 0.0), (-0.5, -0.5)),
        # rho = 1/4, u = (0, -1/2)
        ((0.0, 0.25), (0.0, 0.0), (-0.25, -0.75)),
        # rho = -1/2, u = (1/2, 1/2): 2 c + 1 = 1, c = 0, z = (1/2, 1/2)
        ((-0.25, -0.25), (0.0, 0.0), (0.25, 0.25)),
        # rho = -1/2, u = (0, 1): both above zero with 2 c + 1 = 1, c = 0: the first just at zero
        ((0.0, -0.5), (0.0, 0.0), (0.0, 0.5)),
        # rho = -1/2, u = (-1, 2): only the second grows, z_2 = 1, c = -1, z_1 = -2
        ((0.5, -1.0), (0.0, 0.0), (-2.0, 0.5)),
        # rho = -1, u = (1, 1.5) with sigma = (0, 1/2): 2 c + 2.5 = 2, c = -1/4, z = (3/4, 5/4)
        ((-0.5, -0.5), (0.0, 0.5), (0.375, 0.625)),
        # rho = -1/4, u = (0, 1/2): 2 c + 1/2 = 1/2, c = 0, z = (0, 1/2)
        ((0.0, -0.25), (0.0, 0.0), (0.0, 0.25)),
    ],
)
def test_two_layers_follow_the_numbers_computed_by_hand(a, sigma, expected):
    assert displacement_exponents(a, sigma) == pytest.approx(expected, abs=1e-15)


def test_three_layers_follow_the_numbers_computed_by_hand():
    # rho = -3/4, u = (1/2, 1, 0): three layers above zero need 3 c + 1.5 = 1.5, c = 0, z_3 = 0
    assert displacement_exponents((-0.25, -0.5, 0.0)) == pytest.approx((0.25, 0.5, 0.0))
    # rho = -1/4, u = (1, -1, 1/2): two layers: 2 c + 1.5 = 1/2, c = -1/2, z = (1/2, -3/2, 0)
    assert displacement_exponents((-0.5, 0.5, -0.25)) == pytest.approx((0.25, -1.5, 0.0))


@REPRODUCIBLE
@given(schemes())
def test_growing_layers_share_exactly_the_missing_scale(case):
    a, sigma = case
    rho = math.fsum(a)
    assume(rho < 0)
    assert math.fsum(max(z, 0.0) for z in levels(a, sigma)) == pytest.approx(-2 * rho, abs=1e-12)


@REPRODUCIBLE
@given(schemes())
def test_the_farthest_layer_is_set_by_kappa_alone(case):
    a, sigma = case
    rho = math.fsum(a)
    assume(rho >= 0)
    assert max(displacement_exponents(a, sigma)) == pytest.approx(-min(rho, 0.5), abs=1e-12)


@REPRODUCIBLE
@given(schemes())
def test_levels_differ_between_layers_by_their_relative_speeds(case):
    a, sigma = case
    z, u = levels(a, sigma), relative_speed_exponents(a, sigma)
    for k in range(len(a)):
        assert z[k] - z[0] == pytest.approx(u[k] - u[0], abs=1e-12)


@REPRODUCIBLE
@given(schemes(), st.randoms(use_true_random=False))
def test_reordering_layers_reorders_their_exponents(case, random):
    a, sigma = case
    order = list(range(len(a)))
    random.shuffle(order)
    moved = displacement_exponents([a[k] for k in order], [sigma[k] for k in order])
    plain = displacement_exponents(a, sigma)
    assert moved == pytest.approx([plain[k] for k in order], abs=1e-12)


@REPRODUCIBLE
@given(schemes(), st.floats(-3, 3))
def test_a_common_factor_of_all_speeds_changes_nothing(case, factor):
    a, sigma = case
    faster = displacement_exponents(a, [s + factor for s in sigma])
    assert faster == pytest.approx(displacement_exponents(a, sigma), abs=1e-12)


@REPRODUCIBLE
@given(schemes())
def test_the_law_is_continuous_where_rho_crosses_zero(case):
    a, sigma = case
    step = 1e-9
    a[0] -= math.fsum(a)
    above = displacement_exponents([a[0] + step, *a[1:]], sigma)
    below = displacement_exponents([a[0] - step, *a[1:]], sigma)
    assert above == pytest.approx(below, abs=20 * step)


@REPRODUCIBLE
@given(schemes())
def test_layers_grow_as_the_conserved_quantities_of_gradient_flow_demand(case):
    a, sigma = case
    assume(math.fsum(a) < -0.05)
    predicted = displacement_exponents(a, sigma)
    assert slopes(a, sigma) == pytest.approx(predicted, abs=0.01)


def test_frobenius_exponents_are_lower_by_half_between_hidden_layers_only():
    a, sigma = (0.5, -0.25, 0.0, 0.125), (0.0, -1.0, -0.5, 0.25)
    operator = displacement_exponents(a, sigma)
    frobenius = frobenius_displacement_exponents(a, sigma)
    gap = [x - y for x, y in zip(operator, frobenius, strict=True)]
    assert gap == [0.0, 0.5, 0.5, 0.0]
    assert frobenius_displacement_exponents((0.5, 0.0)) == displacement_exponents((0.5, 0.0))


def test_frobenius_exponents_of_the_ntk_scaling_are_those_measured_by_lee_et_al():
    ntk = frobenius_displacement_exponents((0.5, 0, 0, 0), (0, -1, -1, -1))
    assert ntk == (-0.5, -1.0, -1.0, -0.5)


def test_exponents_come_without_negative_zeros():
    for e in displacement_exponents((0.5, 0.0, -0.5), (1.0, 0.0, -1.0)):
        assert math.copysign(1.0, e) == 1.0


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=r"Speed exponents must have one entry .* 3 layers"):
        displacement_exponents((0.5, 0, 0), (0, 0))


@pytest.mark.parametrize("law", [displacement_exponents, frobenius_displacement_exponents])
@pytest.mark.parametrize("a", [(0.5,), ()])
def test_fewer_than_two_layers_are_refused(law, a):
    with pytest.raises(InputError, match="Scale exponents must"):
        law(a)


def test_exponents_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="Scale exponents must be a list of finite numbers"):
        displacement_exponents((0.5, math.nan))
