"""Rows about rates under optimisers: which schemes are drawn, and what errors conclude."""

import math

import pytest

from lazyscope.claims.law.optimisers import _rates
from lazyscope.claims.law.optimisers._rates import RATES, check_rates, rms_of, schemes
from lazyscope.scaling import named_scheme, rate_exponent, slowest_correction


def planted(monkeypatch, error):
    """Runs whose times, displacements and stable rates follow the law but for an exponent."""

    def runs(scheme, width, seed, **how):
        del seed
        name = how["method"]
        time = rate_exponent(*scheme, optimiser=name) + error
        # muP's table of descent is another one than Adam's, whose displacements then have a power.
        own = named_scheme("mup", depth=2, optimiser=name) if len(scheme[0]) == 3 else None
        other = own is None or tuple(own.speed_exponents) != scheme[1]
        moved = [error + 0.5 * other] * len(scheme[0])
        return _rates.np.array([[x * math.log(width)] * 2 for x in (*moved, time)])

    monkeypatch.setattr(_rates, "runs", runs)
    monkeypatch.setattr(
        _rates, "largest_rate", lambda s, width, _: (rate_exponent(*s) + error) * math.log(width)
    )
    return {row.name: row for row in check_rates("full", 7)}


def test_exponents_of_the_law_are_confirmed_and_the_wrong_table_is_not(monkeypatch):
    found = planted(monkeypatch, 0.0)
    assert list(found) == [row.name for row in RATES.rows]
    assert all(row.as_expected for row in found.values())
    assert found["mup-control-descent"].verdict == "disagrees"


def test_exponents_that_are_off_by_a_twentieth_refute_every_row(monkeypatch):
    assert {row.verdict for row in planted(monkeypatch, 0.05).values()} == {"disagrees"}


@pytest.mark.parametrize("optimiser", ["sign", "muon", "adam"])
def test_drawn_schemes_are_away_from_ties_and_from_the_start_as_a_gap(optimiser):
    for scheme in schemes(optimiser, 3):
        assert slowest_correction(*scheme, optimiser=optimiser) > 0.1
        assert math.fsum(scheme[0]) <= 0.4
    assert schemes(optimiser, 3) != schemes(optimiser, 4)


def test_a_scheme_without_a_number_leaves_no_size():
    assert rms_of([0.1, math.nan]).value is None
