"""Does docs/schemes.md say what the code does?"""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lazyscope.scaling import TIE_TOLERANCE, named_scheme, regime_report, scheme_names

PAGE = Path(__file__).parents[2] / "docs" / "schemes.md"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]
FORMULAS = {
    row[0].strip("`"): row[1:]
    for row in ROWS
    if row[0].strip("`") in scheme_names() and len(row) == 6 and row[1].startswith("`")
}
SOURCES = {
    row[0].strip("`"): row[1:]
    for row in ROWS
    if row[0].strip("`") in scheme_names() and len(row) == 3
}
OPTIMISERS = {
    (row[0].strip("`"), row[1]): row[2:]
    for row in ROWS
    if row[0].strip("`") in scheme_names() and row[1] in ("sgd", "adam", "muon")
}
SIZES = [{"m": 7, "d": 5, "C": 3}, {"m": 640, "d": 64, "C": 10}]


def values(cell, sizes):
    names = {"sqrt": math.sqrt, **sizes}
    return [eval(f, {"__builtins__": {}}, names) for f in cell.strip("`").split(", ")]


def fractions(cell):
    return [float(Fraction(f)) for f in cell.split(", ")]


def test_every_scheme_is_on_the_page():
    assert set(SOURCES) == set(scheme_names())
    assert set(FORMULAS) == set(scheme_names()) - {"luo"}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_for_scales_and_speeds_are_those_of_the_code(name, sizes):
    scales, speeds, *_ = FORMULAS[name]
    scheme = named_scheme(name, depth=3, input_dim=sizes["d"], output_dim=sizes["C"])
    np.testing.assert_allclose(values(scales, sizes), scheme.alpha(sizes["m"]), rtol=1e-14)
    np.testing.assert_allclose(values(speeds, sizes), scheme.speed(sizes["m"]), rtol=1e-14)


@pytest.mark.parametrize("name", FORMULAS)
def test_exponents_and_regimes_are_those_of_the_code(name):
    _, _, rho, displacement, regime = FORMULAS[name]
    report = regime_report(named_scheme(name, depth=3, input_dim=5))
    assert fractions(rho) == pytest.approx([report["kappa_exponent"]], abs=TIE_TOLERANCE)
    assert fractions(displacement) == pytest.approx(report["displacement_exponents"])
    assert regime == report["regime"]


@pytest.mark.parametrize(("name", "optimiser"), OPTIMISERS)
def test_rates_displacements_and_sources_for_every_optimiser_are_those_of_the_code(name, optimiser):
    rates, displacement, power, source = OPTIMISERS[name, optimiser]
    for sizes in SIZES:
        scheme = named_scheme(
            name, depth=3, input_dim=sizes["d"], output_dim=sizes["C"], optimiser=optimiser
        )
        np.testing.assert_allclose(values(rates, sizes), scheme.speed(sizes["m"]), rtol=1e-14)
        report = regime_report(scheme)
        assert fractions(displacement) == pytest.approx(report["displacement_exponents"])
        assert fractions(power) == pytest.approx([report["rate_exponent"]])
        assert source == scheme.source


def test_the_table_of_optimisers_has_every_scheme_with_rates_of_its_own():
    named = ("standard", "ntk", "mean-field", "mup", "spectral")
    assert set(OPTIMISERS) == {(name, o) for name in named for o in ("sgd", "adam", "muon")}


@pytest.mark.parametrize("name", SOURCES)
def test_descriptions_and_sources_are_those_of_the_code(name):
    required = {"gamma": 1.0, "gamma_prime": 0.0} if name == "luo" else {}
    scheme = named_scheme(name, depth=1, input_dim=5, **required)
    assert SOURCES[name] == [scheme.description, scheme.source]


@pytest.mark.parametrize(("gamma", "gamma_prime"), [(0.75, 0.25), (1.5, -0.5)])
def test_the_formula_for_the_phase_plane_is_that_of_the_code(gamma, gamma_prime):
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    first = text.split("`alpha_1 = ")[1].split("`")[0]
    second = text.split("`alpha_2 = ")[1].split("`")[0]
    names = {"m": 64.0, "gamma": gamma, "gamma_prime": gamma_prime}
    written = [eval(f.replace("gamma'", "gamma_prime"), {}, names) for f in (first, second)]
    scheme = named_scheme("luo", depth=1, gamma=gamma, gamma_prime=gamma_prime)
    assert written == pytest.approx(scheme.alpha(64), rel=1e-14)
