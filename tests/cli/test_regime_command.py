"""Does `lazyscope regime` say what theory says?"""

import json

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app


def answer(*arguments):
    result = CliRunner().invoke(app, ["regime", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_mup_moves_every_layer_at_order_one():
    report = answer("--scheme", "mup", "--depth", "3", "--width", "256")
    assert report["kappa"] == 1.0
    assert report["kappa_exponent"] == 0.0
    assert report["displacement_exponents"] == [0.0] * 4
    assert report["layer_regimes"] == ["order-one"] * 4
    assert report["regime"] == "critical"


def test_exponents_alone_give_a_regime_without_a_width():
    report = answer("--scale-exponents", "-0.5,0.25")
    assert report["kappa"] is None
    assert report["alpha"] is None
    assert report["depth"] == 1
    assert report["layer_regimes"] == ["condensed", "lazy"]
    assert report["regime"] == "partially-lazy"


def test_speeds_count_beside_scales():
    even = answer("--scale-exponents", "0.5,0,-0.5")
    mup = answer("--scale-exponents", "0.5,0,-0.5", "--speed-exponents", "1,0,-1")
    assert even["layer_regimes"] != mup["layer_regimes"] == ["order-one"] * 3


def test_parameters_of_a_scheme_are_read():
    report = answer(
        *("--scheme", "luo", "--depth", "1", "--width", "100"),
        *("--scheme-parameter", "gamma=0.5", "--scheme-parameter", "gamma-prime=0"),
    )
    assert report["scale_exponents"] == [0.25, 0.25]
    assert report["kappa"] == pytest.approx(10.0)


def test_the_input_dimension_enters_the_first_scale():
    report = answer("--scheme", "ntk", "--depth", "1", "--width", "64", "--input-dim", "16")
    assert report["alpha"] == pytest.approx([2.0, 1.0])


def test_the_keys_promised_to_other_programs_are_there():
    promised = {
        *("kappa", "kappa_exponent", "alpha", "scale_exponents", "speed_exponents"),
        *("displacement_exponents", "layer_regimes", "regime"),
    }
    assert promised <= set(answer("--scheme", "lecun", "--depth", "2", "--width", "64"))


@pytest.mark.parametrize(
    ("exponents", "regime", "meaning"),
    [
        ("0.5,0", "theta-lazy", "one fixed kernel describes"),
        ("0.5,-0.5", "critical", "does not vanish"),
        ("-0.5,0.25", "partially-lazy", "others hardly move"),
        ("-0.5,-0.5", "condensed", "features are learnt"),
    ],
)
def test_for_reading_every_regime_comes_with_its_meaning(exponents, regime, meaning):
    result = CliRunner().invoke(app, ["regime", "--scale-exponents", exponents])
    words = " ".join(result.stdout.split())
    assert f"Regime: {regime}." in words
    assert meaning in words
    assert "layer 2" in words


def test_a_missing_input_dimension_counts_as_one_and_is_said():
    arguments = ("--scheme", "ntk", "--depth", "1", "--width", "64")
    report = answer(*arguments)
    assert (report["kappa"], report["input_dim"]) == (8.0, 1)
    assert "input dimension 1" in report["notes"][0]
    text = CliRunner().invoke(app, ["regime", *arguments]).stdout
    assert "input dimension 1" in " ".join(text.split())


def test_nothing_is_said_where_the_input_dimension_is_given_or_does_not_enter():
    given = answer("--scheme", "ntk", "--depth", "1", "--width", "64", "--input-dim", "64")
    assert (given["kappa"], given["input_dim"], given["notes"]) == (1.0, 64, [])
    for other in (("--scheme", "mup", "--depth", "2"), ("--scale-exponents", "0.5,0")):
        report = answer(*other, "--width", "64")
        assert (report["input_dim"], report["notes"]) == (None, [])
