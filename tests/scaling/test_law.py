"""Is a law of the width what its formula says, and does it refuse what it cannot answer?"""

import math

import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import FanAverageLaw, PowerLaw, ValueAtWidth


def test_power_law_is_constant_times_power():
    assert PowerLaw(3.0, 1.5)(4) == 24.0
    assert PowerLaw(3.0)(10**6) == 3.0


def test_power_law_has_its_exponent_as_slope_between_any_two_widths():
    law = PowerLaw(0.7, -0.3)
    assert math.log(law(1000) / law(10)) / math.log(100) == pytest.approx(-0.3, abs=1e-14)


def test_fan_average_law_is_glorots_variance_at_finite_width_and_flat_in_the_limit():
    law = FanAverageLaw(10)
    assert law(30) == pytest.approx(math.sqrt(30) * math.sqrt(2 / (30 + 10)), rel=1e-15)
    assert math.log(law(10**12) / law(10**11)) / math.log(10) == pytest.approx(
        law.exponent, abs=1e-10
    )


def test_laws_of_equal_content_are_equal_and_hash_alike():
    assert len({PowerLaw(1, 0), PowerLaw(1.0, 0.0), FanAverageLaw(2), ValueAtWidth(1, 2)}) == 3


@pytest.mark.parametrize("constant", [0.0, -1.0, math.nan, math.inf, "two", None])
def test_power_law_refuses_a_constant_that_is_not_positive(constant):
    with pytest.raises(InputError, match="constant of a law must be"):
        PowerLaw(constant, 0.5)


@pytest.mark.parametrize("exponent", [math.nan, math.inf, "half"])
def test_power_law_refuses_an_exponent_that_is_not_finite(exponent):
    with pytest.raises(InputError, match="exponent of width must be a finite number"):
        PowerLaw(1.0, exponent)


@pytest.mark.parametrize("law", [PowerLaw(1.0, 0.5), FanAverageLaw(3), ValueAtWidth(1.0, 8)])
@pytest.mark.parametrize("width", [0, -4, 2.5, math.nan, math.inf, "wide", None])
def test_every_law_refuses_a_width_that_is_not_a_count(law, width):
    with pytest.raises(InputError, match="Width must be a whole number of at least 1"):
        law(width)


def test_a_width_beyond_any_machine_is_refused():
    with pytest.raises(InputError, match=r"Width must be at most 1e\+15.*501 digits"):
        PowerLaw(1.0, 0.5)(10**500)


@pytest.mark.parametrize("exponent", [400.0, -400.0])
def test_values_beyond_double_precision_are_refused(exponent):
    with pytest.raises(InputError, match="must be representable in double precision"):
        PowerLaw(1.0, exponent)(64)


def test_a_number_at_one_width_holds_there_only():
    law = ValueAtWidth(0.25, 64)
    assert law(64) == 0.25
    with pytest.raises(InputError, match="hold at that width only, here 64"):
        law(128)


def test_a_number_at_one_width_has_no_exponent():
    with pytest.raises(InputError, match="exponent needs a law over widths"):
        _ = ValueAtWidth(0.25, 64).exponent


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_a_number_at_one_width_must_be_positive(value):
    with pytest.raises(InputError, match="scale or speed must be"):
        ValueAtWidth(value, 64)


def test_fixed_fan_must_be_a_count():
    with pytest.raises(InputError, match="fixed fan of a layer must be a whole number"):
        FanAverageLaw(0)
