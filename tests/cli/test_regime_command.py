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
        *("displacement_exponents", "layer_regimes", "regime", "optimizer", "growth_power"),
        *("relative_speed_exponents", "rate_exponent", "learns_features_in", "to_mup", "to_lazy"),
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


def test_the_optimiser_decides_the_rates_of_a_named_scheme():
    adam = answer("--scheme", "mup", "--depth", "2", "--optimizer", "adam")
    assert adam["optimizer"] == "adam"
    assert adam["growth_power"] == 1
    assert adam["scale_exponents"] == [0.5, 0.0, -0.5]
    assert adam["speed_exponents"] == [0.0, -1.0, -1.0]
    assert adam["relative_speed_exponents"] == [0.0] * 3
    assert adam["rate_exponent"] == 0.0
    assert adam["learns_features_in"] == [1, 2, 3]
    assert adam["to_mup"] == {"scale_exponents": [0.0] * 3, "speed_exponents": [0.0] * 3}
    muon = answer("--scheme", "mup", "--depth", "2", "--optimizer", "muon")
    assert muon["speed_exponents"] == [0.5, 0.0, -0.5]
    assert muon["layer_regimes"] == ["order-one"] * 3


def test_without_an_optimiser_it_is_descent():
    plain = answer("--scheme", "mup", "--depth", "2")
    assert (plain["optimizer"], plain["growth_power"]) == ("sgd", 2)
    assert plain == answer("--scheme", "mup", "--depth", "2", "--optimizer", "sgd")


def test_every_layer_may_have_an_optimiser_of_its_own():
    mixed = answer("--scheme", "mup", "--depth", "2", "--optimizer", "adam, muon,adam")
    assert mixed["optimizer"] == ["adam", "muon", "adam"]
    assert mixed["speed_exponents"] == [0.0, 0.0, -1.0]
    assert mixed["layer_regimes"] == ["order-one"] * 3


def test_exponents_are_rates_of_the_optimiser():
    given = ("--scale-exponents", "0.5,0,0", "--speed-exponents", "0,-1,-1")
    assert answer(*given)["rate_exponent"] == 0.0
    adam = answer(*given, "--optimizer", "adam")
    assert adam["relative_speed_exponents"] == [0.0, 0.0, -0.5]
    assert adam["rate_exponent"] == -0.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("standard", "adam"),
            (
                "Trained by adam: the learning rate has to follow the width like m^-1.5. No layer moves",
                "To muP: initial weights times m to the 0, 0, -0.5; learning rates times m to the 0, -1, -1.",
                "To be lazy: learning rates times m^-1.5 in all layers.",
            ),
        ),
        (
            ("mup", "adam,muon,adam"),
            (
                "Trained by adam, muon, adam: one learning rate serves all widths. Every layer moves",
                "To muP: nothing has to change.",
                "To be lazy: initial weights times m to the 0, 0, 0.5;",
            ),
        ),
    ],
)
def test_for_reading_it_says_what_serves_all_widths_and_what_would_change_the_regime(
    arguments, said
):
    scheme, optimiser = arguments
    line = ["regime", "--scheme", scheme, "--depth", "2", "--optimizer", optimiser]
    words = " ".join(CliRunner().invoke(app, line).stdout.split())
    for sentence in said:
        assert sentence in words


def test_for_reading_the_layers_that_learn_are_named_where_not_all_do():
    result = CliRunner().invoke(app, ["regime", "--scale-exponents", "-0.5,0.25"])
    assert "By their own size or more move: layer 1." in " ".join(result.stdout.split())


def test_a_multiplier_of_muon_is_taken_off_rates_that_are_prescribed():
    muon = ("--scheme", "mup", "--depth", "2", "--optimizer", "muon")
    plain = answer(*muon)
    assert plain["learning_rate_exponents"] == plain["speed_exponents"] == [0.5, 0.0, -0.5]
    for name, rates in {
        "original": [0.0, 0.0, -0.5],
        "match-rms-adamw": [0.0, -0.5, -1.0],
        "spectral": [0.0, 0.0, 0.0],
    }.items():
        report = answer(*muon, "--update-multiplier", name)
        assert report["learning_rate_exponents"] == rates
        assert report["speed_exponents"] == plain["speed_exponents"]


def test_a_multiplier_of_muon_multiplies_rates_that_are_given():
    one_rate = ("--scheme", "standard", "--depth", "2", "--optimizer", "adam,muon,muon")
    report = answer(*one_rate, "--update-multiplier", "match_rms_adamw")
    assert report["learning_rate_exponents"] == [0.0, 0.0, 0.0]
    assert report["speed_exponents"] == [0.0, 0.5, 0.5]
    assert answer(*one_rate)["rate_exponent"] - report["rate_exponent"] == 0.5
    given = ("--scale-exponents", "0.5,0,-0.5", "--optimizer", "muon")
    assert answer(*given, "--update-multiplier", "spectral")["layer_regimes"] == ["order-one"] * 3


def test_for_reading_the_rates_to_set_are_told_beside_a_multiplier():
    line = ["regime", "--scheme", "mup", "--depth", "2", "--optimizer", "muon"]
    said = CliRunner().invoke(app, [*line, "--update-multiplier", "original"]).stdout
    assert "Before the multiplier original of muon, learning rates are m to the 0, 0, -0.5." in (
        " ".join(said.split())
    )


def test_schemes_for_residual_networks_tell_exponents_in_the_depth():
    deep = answer("--scheme", "depth-mup", "--depth", "16", "--optimizer", "adam")
    over = deep["over_depth"]
    assert over["branch_multiplier"] == 0.25
    assert over["branch_multiplier_exponent"] == -0.5
    assert over["speed_exponents"] == [0.0, *[-0.5] * 15, 0.0]
    assert over["displacement_exponents"] == [0.0, *[-0.5] * 15, 0.0]
    assert over["rate_exponent"] == over["start_exponent"] == 0.0
    assert deep["layer_regimes"] == ["order-one"] * 17
    assert answer("--scheme", "mup", "--depth", "16")["over_depth"] is None


def test_any_scheme_may_be_given_branches():
    given = ("--scheme", "mup", "--depth", "8", "--optimizer", "adam")
    over = answer(*given, "--branch-exponents", "-0.5")["over_depth"]
    assert over["rate_exponent"] == -0.5
    assert over["to_depth_mup"]["speed_exponents"] == [0.0, *[-0.5] * 7, 0.0]
    named = answer("--scheme", "completep", "--depth", "8", "--optimizer", "adam")["over_depth"]
    assert answer(*given, "--branch-exponents", "-1,0,0")["over_depth"] == named


def test_changes_are_told_with_multipliers_too_and_layer_by_layer():
    standard = ("--scheme", "standard", "--depth", "3", "--optimizer", "adam", "--input-dim", "2")
    told = answer(*standard)
    assert told["to_mup_by_multipliers"] == {
        "multiplier_exponents": [0.0, 0.0, 0.0, -0.5],
        "rate_exponents": [0.0, -1.0, -1.0, -0.5],
    }
    assert told["weight_decay_exponents"] == [0.0, 1.0, 1.0, 0.5]
    assert told["epsilon_exponents"] == [-0.5, -0.5, -0.5, 0.0]
    words = CliRunner().invoke(app, ["regime", *standard]).stdout
    rows = {line[:14].strip(): line.split()[-6:] for line in words.splitlines()}
    assert rows["layers 2 to 3"] == ["1", "m^-1", "1", "m^-1", "1", "m^-1.5"]
    assert rows["layer 4"][:4] == ["m^-0.5", "m^-1", "m^-0.5", "m^-0.5"]


@pytest.mark.parametrize(
    ("branches", "said"),
    [
        ("-0.5", "The learning rate has to follow the depth like L^-0.5."),
        ("-0.5", "To depth-muP: learning rates of branches times L^-0.5."),
        ("-1", "One learning rate serves all depths. Each branch by itself moves by order one"),
        ("0", "So outputs grow exponentially with the depth"),
        ("-1.5", "What a step adds through branches fades out, of order L^-0.5."),
        ("-0.5,0,-0.5", "moves by order L^-0.5 of its size, so that it is lazy in deep networks."),
    ],
)
def test_for_reading_it_says_which_rate_serves_all_depths(branches, said):
    line = ["regime", "--scheme", "mup", "--depth", "8", "--optimizer", "adam"]
    words = " ".join(
        CliRunner().invoke(app, [*line, "--branch-exponents", branches]).stdout.split()
    )
    assert said in words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scheme", "depth-mup", "--branch-exponents", "-1"), "has its own branches"),
        (("--scheme", "mup", "--branch-exponents", "0,0,0,0"), "at most three exponents"),
        (("--scheme", "mean-field", "--branch-exponents", "-1"), "do not follow the width"),
    ],
)
def test_branches_that_a_scheme_cannot_have_are_refused(arguments, said):
    result = CliRunner().invoke(app, ["regime", "--depth", "3", *arguments])
    assert result.exit_code == 2
    assert said in " ".join(str(result.exception).split()) + " ".join(result.output.split())
