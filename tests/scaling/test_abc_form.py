"""Does the abc form describe the same networks, however its redundancy is used?"""

import numpy as np
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
    regime_report,
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


STEPS_OF_SIGNS = ("adam", "adamw", "sign", "lion")
DESCENT = ("sgd", "momentum")
OF_EITHER_POWER = {
    1: st.sampled_from((*STEPS_OF_SIGNS, "muon")),
    2: st.sampled_from(DESCENT),
}


@st.composite
def abc_of_optimisers(draw):
    """An abc form, a shift for each layer, and the optimisers of its layers, of one growth power."""
    form, shift = draw(abc_with_shift())
    power = draw(st.sampled_from((1, 2)))
    layers = len(shift)
    names = draw(st.lists(OF_EITHER_POWER[power], min_size=layers, max_size=layers))
    return form, shift, tuple(names), power


@REPRODUCIBLE
@given(abc_of_optimisers())
def test_everything_that_is_said_of_a_scheme_survives_the_shift_of_its_optimisers(case):
    """(A + t, b - t, c - t) under Adam and Muon, (A + t, b - t, c - 2t) under descent."""
    form, t, names, power = case
    there = AbcForm(
        tuple(a + x for a, x in zip(form.a, t, strict=True)),
        tuple(b - x for b, x in zip(form.b, t, strict=True)),
        tuple(c - power * x for c, x in zip(form.c, t, strict=True)),
    )
    assert form.shifted(t, optimiser=names) == there
    before, after = (regime_report(from_abc(*each, optimiser=names)) for each in (form, there))
    assert before == after


@REPRODUCIBLE
@given(abc_of_optimisers())
def test_the_shift_of_the_other_growth_power_changes_the_speeds(case):
    form, t, names, power = case
    other = form.shifted(t, optimiser="adam" if power == 2 else "sgd")
    same = from_abc(*form, optimiser=names).speed_exponents == (
        from_abc(*other, optimiser=names).speed_exponents
    )
    assert same == (not any(t))


def trained(form, names, width=16, steps=12):
    """Outputs over the steps of a linear network with multipliers, each layer by its own rule.

    ``W = m^-A w``, ``w ~ m^-b N(0, 1)``, rate ``m^-c``; all constants one, beta 0.9 and 0.99, no epsilon.
    """
    rng = np.random.default_rng(0)
    power = float(width)
    multipliers = [power**-a for a in form.a]
    weights = [power**-b * rng.normal(size=(3, 3)) for b in form.b]
    rates = [1e-3 * power**-c for c in form.c]
    first = [np.zeros((3, 3)) for _ in weights]
    second = [np.zeros((3, 3)) for _ in weights]
    x, y = rng.normal(size=(2, 3, 3))
    outputs = []
    for step in range(1, steps + 1):
        layers = [x]
        for factor, w in zip(multipliers, weights, strict=True):
            layers.append(factor * w @ layers[-1])
        outputs.append(layers[-1])
        push = layers[-1] - y
        for k in reversed(range(len(weights))):
            gradient = multipliers[k] * push @ layers[k].T
            push = multipliers[k] * weights[k].T @ push
            first[k] = 0.9 * first[k] + 0.1 * gradient
            second[k] = 0.99 * second[k] + 0.01 * gradient**2
            weights[k] = weights[k] - rates[k] * update(
                names[k], gradient, first[k] / (1 - 0.9**step), second[k] / (1 - 0.99**step)
            )
    return np.array(outputs)


def update(name, gradient, first, second):
    if name == "sgd":
        return gradient
    if name == "momentum":
        return first
    if name == "sign":
        return np.sign(gradient)
    if name == "lion":
        return np.sign(0.5 * gradient + 0.5 * first)
    if name in ("adam", "adamw"):
        return first / np.sqrt(second)
    u, _, v = np.linalg.svd(gradient)
    return u @ v


@pytest.mark.parametrize(
    "names",
    [
        *((name,) * 3 for name in (*DESCENT, *STEPS_OF_SIGNS, "muon")),
        ("adam", "muon", "sign"),
        ("sgd", "momentum", "sgd"),
    ],
)
def test_networks_train_alike_when_a_power_moves_as_their_optimisers_let_it(names):
    form = AbcForm((0.25, 0.0, 0.5), (0.25, 0.5, 0.0), (0.0, 0.25, -0.25))
    shift = (0.5, -0.25, 0.75)
    here = trained(form, names)
    there = trained(form.shifted(shift, optimiser=names), names)
    np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-12)
    wrong = trained(form.shifted(shift, optimiser="adam" if names[0] in DESCENT else "sgd"), names)
    np.testing.assert_allclose(wrong[0], here[0], rtol=1e-9)
    assert np.abs(wrong[-1] - here[-1]).max() > 1e-4


@pytest.mark.parametrize("depth", [1, 3])
def test_mup_of_adam_is_one_network_in_each_of_its_published_forms(depth):
    """Yang et al. 2022 (arXiv 2203.03466), tables 3 and 8: rates by layer, or multipliers of the readout."""
    hidden = depth - 1
    rates = (0.0, *[1.0] * hidden, 1.0)
    third = AbcForm((0.0,) * (depth + 1), (0.0, *[0.5] * hidden, 1.0), rates)
    eighth = AbcForm(
        (0.0, *[0.0] * hidden, 1.0), (0.0, *[0.5] * hidden, 0.0), (0.0, *[1.0] * hidden, 0.0)
    )
    mup = named_scheme("mup", depth=depth, optimiser="adam")
    for form in (third, eighth):
        scheme = from_abc(*form, optimiser="adam")
        assert scheme.scale_exponents == mup.scale_exponents
        assert scheme.speed_exponents == mup.speed_exponents
    assert third.shifted((*[0.0] * depth, 1.0), optimiser="adam") == eighth


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
