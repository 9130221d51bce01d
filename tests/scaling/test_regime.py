"""Do regimes follow from the exponents, and does the report hold what the command line promises?"""

import json
import math

import pytest

from lazyscope._checks import InputError
from lazyscope.scaling import (
    TIE_TOLERANCE,
    Scheme,
    layer_regimes,
    named_scheme,
    network_regime,
    regime_report,
)

PROMISED = {
    "kappa",
    "kappa_exponent",
    "alpha",
    "scale_exponents",
    "speed_exponents",
    "displacement_exponents",
    "layer_regimes",
    "regime",
}


@pytest.mark.parametrize(
    ("name", "depth", "regime", "layers"),
    [
        ("ntk", 3, "theta-lazy", ["lazy"] * 4),
        ("standard", 2, "theta-lazy", ["lazy"] * 3),
        ("xavier", 2, "critical", ["order-one"] * 3),
        ("mup", 3, "critical", ["order-one"] * 4),
        ("mean-field", 1, "critical", ["order-one"] * 2),
        # layers in the middle start at m^-1/2 and must reach order one; the outer two keep pace
        ("mean-field", 3, "condensed", ["order-one", "condensed", "condensed", "order-one"]),
    ],
)
def test_named_schemes_are_in_their_known_regimes(name, depth, regime, layers):
    report = regime_report(named_scheme(name, depth=depth, input_dim=5), 64)
    assert report["regime"] == regime
    assert report["layer_regimes"] == layers


def test_a_small_output_with_a_layer_above_the_water_is_partially_lazy():
    assert network_regime((0.5, -1.0)) == "partially-lazy"
    assert layer_regimes((0.5, -1.0)) == ("lazy", "condensed")


def test_without_a_lazy_layer_a_small_output_is_condensed():
    assert network_regime((-0.25, -0.25)) == "condensed"
    assert network_regime((0.0, -0.5)) == "condensed"
    assert layer_regimes((0.0, -0.5)) == ("order-one", "condensed")


def test_rounding_errors_do_not_decide_a_regime():
    # 0.1 + 0.2 - 0.3 is 5.6e-17 or 2.8e-17 in double precision, not zero
    assert network_regime((0.1, 0.2, -0.3)) == "critical"
    assert network_regime((0.3 - 0.1, -0.2)) == "critical"
    assert network_regime((0.0, 10 * TIE_TOLERANCE)) == "theta-lazy"
    assert network_regime((0.0, -10 * TIE_TOLERANCE)) != "critical"


def test_critical_networks_have_a_layer_at_order_one():
    for a, sigma in [((0.5, -0.5), (0, 0)), ((0.1, 0.2, -0.3), (0.0, 1.0, 0.5))]:
        assert network_regime(a, sigma) == "critical"
        assert "order-one" in layer_regimes(a, sigma)


def test_the_report_holds_every_promised_key_and_is_json():
    report = regime_report(named_scheme("ntk", depth=2, input_dim=64), 256)
    assert set(report) >= PROMISED | {"name", "source", "width", "depth"}
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["kappa"] == pytest.approx(2.0)
    assert report["alpha"] == [2.0, 1.0, 1.0]
    assert report["displacement_exponents"] == [-0.5, -0.5, -0.5]
    assert (report["width"], report["depth"], report["name"]) == (256, 2, "ntk")


def test_bare_exponents_are_reported_with_and_without_a_width():
    scheme = Scheme.from_exponents((0.25, 0.25), (0.0, -1.0))
    with_width, without = regime_report(scheme, 16), regime_report(scheme)
    assert with_width["kappa"] == 4.0
    assert without["kappa"] is None
    assert without["alpha"] is None
    shared = set(with_width) - {"kappa", "alpha", "width"}
    assert all(with_width[key] == without[key] for key in shared)


@pytest.mark.parametrize("width", [0, -1, math.nan, "wide"])
def test_the_report_refuses_a_width_that_is_not_a_count(width):
    with pytest.raises(InputError, match="Width must be a whole number"):
        regime_report(named_scheme("ntk", depth=1, input_dim=5), width)


def test_numbers_at_one_width_have_no_regime():
    with pytest.raises(InputError, match="exponent needs a law over widths"):
        regime_report(Scheme.at_width(64, alpha=[1.0, 1.0]), 64)
