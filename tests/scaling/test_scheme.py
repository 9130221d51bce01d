"""Does a scheme say its scales, speeds and kappa, and refuse what is no scheme?"""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import PowerLaw, Scheme


def test_kappa_is_the_product_of_the_scales_at_every_width():
    scheme = Scheme("s", (PowerLaw(2, 0.5), PowerLaw(3, -0.25)), (PowerLaw(1),) * 2)
    for width in (1, 7, 4096):
        assert scheme.kappa(width) == pytest.approx(6 * width**0.25, rel=1e-14)
    assert scheme.kappa_exponent == 0.25


def test_weight_std_times_root_width_is_the_scale():
    scheme = Scheme.from_exponents((0.5, 0.0, -0.5))
    np.testing.assert_allclose(scheme.weight_std(100), [1.0, 0.1, 0.01], rtol=1e-14)
    np.testing.assert_allclose(scheme.alpha(100), [10.0, 1.0, 0.1], rtol=1e-14)
    assert scheme.weight_std(100).dtype == np.float64


def test_speeds_are_one_unless_given():
    assert Scheme.from_exponents((0.5, 0.0)).speed(64).tolist() == [1.0, 1.0]
    assert Scheme.from_exponents((0.5, 0.0), (1.0, -1.0)).speed(64).tolist() == [64.0, 1 / 64]


def test_kappa_exponent_of_cancelling_decimals_has_no_rounding_left():
    assert Scheme.from_exponents((0.1, 0.2, 0.3, -0.3, -0.2, -0.1)).kappa_exponent == 0.0


def test_schemes_are_values():
    scheme = Scheme.from_exponents((0.5, 0.0))
    assert scheme == Scheme.from_exponents([0.5, 0])
    assert hash(scheme) == hash(Scheme.from_exponents([0.5, 0]))
    with pytest.raises(FrozenInstanceError):
        scheme.name = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_lists_of_laws_become_tuples():
    scheme = Scheme("s", [PowerLaw(1), PowerLaw(1)], [PowerLaw(1), PowerLaw(1)])  # pyright: ignore
    assert isinstance(scheme.scales, tuple)
    assert scheme.depth == 1


def test_numbers_at_one_width_give_kappa_there_and_no_exponents():
    scheme = Scheme.at_width(64, alpha=[2.0, 3.0, 0.5], speed=np.array([1.0, 2.0, 1.0]))
    assert scheme.depth == 2
    assert scheme.kappa(64) == pytest.approx(3.0)
    assert scheme.speed(64).tolist() == [1.0, 2.0, 1.0]
    for name in ("scale_exponents", "speed_exponents", "kappa_exponent"):
        with pytest.raises(InputError, match="exponent needs a law over widths"):
            getattr(scheme, name)
    with pytest.raises(InputError, match="hold at that width only"):
        scheme.kappa(128)


@pytest.mark.parametrize("alpha", [[1.0, 0.0], [1.0, -2.0]])
def test_numbers_at_one_width_must_be_positive(alpha):
    with pytest.raises(InputError, match="scale or speed must be above zero"):
        Scheme.at_width(64, alpha=alpha)


@pytest.mark.parametrize("alpha", [[1.0, math.nan], [1.0, None], "12", 3.0, [], ["1", "2"]])
def test_numbers_at_one_width_must_be_finite_numbers(alpha):
    with pytest.raises(InputError, match="Alpha must be a list of finite numbers"):
        Scheme.at_width(64, alpha=alpha)


@pytest.mark.parametrize("width", [0, -1, math.nan])
def test_numbers_need_a_width(width):
    with pytest.raises(InputError, match="Width must be a whole number"):
        Scheme.at_width(width, alpha=[1.0, 1.0])


def test_numbers_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="2 scales and 3 speeds"):
        Scheme.at_width(64, alpha=[1.0, 1.0], speed=[1.0, 1.0, 1.0])


def test_one_scale_and_one_speed_for_every_layer():
    with pytest.raises(InputError, match="2 scales and 3 speeds"):
        Scheme("s", (PowerLaw(1),) * 2, (PowerLaw(1),) * 3)


def test_depth_zero_is_refused():
    with pytest.raises(InputError, match=r"at least two layers.*depth 0"):
        Scheme("s", (PowerLaw(1),), (PowerLaw(1),))
    with pytest.raises(InputError, match="at least two layers"):
        Scheme.from_exponents((0.5,))


def test_plain_numbers_are_no_laws():
    with pytest.raises(InputError, match="Scales must be laws of the width"):
        Scheme("s", (1.0, 2.0), (PowerLaw(1),) * 2)  # pyright: ignore[reportArgumentType]


def test_speed_exponents_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"Speed exponents must have one entry .* 3 layers"):
        Scheme.from_exponents((0.5, 0, 0), (0.0, -1.0))


def test_a_kappa_beyond_double_precision_is_refused():
    scheme = Scheme.from_exponents((100.0,) * 4)
    with pytest.raises(InputError, match="Kappa must be representable in double precision"):
        scheme.kappa(1000)
