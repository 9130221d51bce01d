"""Does the abc form describe the same networks, however its redundancy is used?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyscope._checks import InputError
from lazyscope.scaling import (
    AbcForm,
    Scheme,
    displacement_exponents,
    from_abc,
    named_scheme,
    to_abc,
)

REPRODUCIBLE = settings(derandomize=True, deadline=None, max_examples=100)
eighths = st.integers(-16, 16).map(lambda k: k / 8)


@st.composite
def abc_with_shift(draw):
    layers = draw(st.integers(2, 6))
    lists = st.lists(eighths, min_size=layers, max_size=layers)
    form = AbcForm(tuple(draw(lists)), tuple(draw(lists)), tuple(draw(lists)))
    return form, draw(lists)


@REPRODUCIBLE
@given(abc_with_shift())
def test_moving_a_power_between_multiplier_init_and_rate_changes_nothing(case):
    form, shift = case
    before, after = from_abc(*form), from_abc(*form.shifted(shift))
    assert before.scale_exponents == after.scale_exponents
    assert before.speed_exponents == after.speed_exponents
    assert displacement_exponents(
        before.scale_exponents, before.speed_exponents
    ) == displacement_exponents(after.scale_exponents, after.speed_exponents)


@REPRODUCIBLE
@given(abc_with_shift())
def test_a_wrong_shift_is_noticed(case):
    form, shift = case
    wrong = AbcForm(form.a, form.b, tuple(c + s for c, s in zip(form.c, shift, strict=True)))
    same = from_abc(*form).speed_exponents == from_abc(*wrong).speed_exponents
    assert same == (not any(shift))


@REPRODUCIBLE
@given(abc_with_shift(), st.sampled_from(["multipliers", "inits", "rates"]))
def test_scheme_to_abc_and_back_is_the_identity_on_exponents(case, fix):
    form, _ = case
    scheme = from_abc(*form)
    written = to_abc(scheme, fix=fix)
    again = from_abc(*written)
    assert again.scale_exponents == scheme.scale_exponents
    assert again.speed_exponents == scheme.speed_exponents
    zero = {"multipliers": written.a, "inits": written.b, "rates": written.c}[fix]
    assert zero == (0.0,) * len(form.a)


@pytest.mark.parametrize(
    ("name", "a", "b", "c"),
    [
        ("ntk", (0, 0.5, 0.5, 0.5), (0, 0, 0, 0), 0),
        ("lecun", (0, 0, 0, 0), (0, 0.5, 0.5, 0.5), 0),
        ("mup", (-0.5, 0, 0, 0.5), (0.5, 0.5, 0.5, 0.5), 0),
        ("mean-field", (0, 1, 1, 1), (0, 0, 0, 0), (0, -1, -1, 0)),
    ],
)
def test_published_abc_tables_are_the_named_schemes(name, a, b, c):
    scheme = named_scheme(name, depth=3, input_dim=5)
    assert from_abc(a, b, c).scale_exponents == scheme.scale_exponents
    assert from_abc(a, b, c).speed_exponents == scheme.speed_exponents


def test_the_ntk_form_has_unit_inits_and_the_plain_form_has_none_of_its_multipliers():
    scheme = named_scheme("ntk", depth=2, input_dim=5)
    assert to_abc(scheme, fix="inits") == ((0, 0.5, 0.5), (0, 0, 0), (0, 0, 0))
    assert to_abc(scheme, fix="multipliers") == ((0, 0, 0), (0, 0.5, 0.5), (0, 1, 1))


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=r"Init exponents b must have one entry .* 3 layers"):
        from_abc((0, 0, 0), (0, 0), 0)
    with pytest.raises(InputError, match=r"Rate exponents c must have one entry .* 2 layers"):
        from_abc((0, 0), (0, 0), (0, 0, 0))
    with pytest.raises(InputError, match=r"Shifts must have one entry .* 2 layers"):
        AbcForm((0, 0), (0, 0), (0, 0)).shifted((1, 1, 1))


def test_an_unknown_choice_is_refused():
    with pytest.raises(InputError, match="Fix must be one of inits, multipliers, rates"):
        to_abc(named_scheme("ntk", depth=1, input_dim=5), fix="rate")  # pyright: ignore[reportArgumentType]


def test_numbers_at_one_width_have_no_abc_form():
    with pytest.raises(InputError, match="exponent needs a law over widths"):
        to_abc(Scheme.at_width(8, alpha=[1.0, 1.0]), fix="inits")
