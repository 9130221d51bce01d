"""Rows about where the law of other optimisers ends: what is expected there, and what errors conclude."""

import math

import pytest

from lazyscope.claims.law.optimisers import _ends
from lazyscope.claims.law.optimisers._ends import ENDS, check_ends, decay_exponents
from lazyscope.scaling import displacement_exponents, rate_exponent


def planted(monkeypatch, error):
    """Runs that follow what is derived but for an exponent."""

    def runs(scheme, width, seed, **how):
        del seed
        decayed = how.get("weight_decay")
        moved = displacement_exponents(*scheme) if decayed is None else decay_exponents(scheme)[1]
        if decayed is not None:
            assert math.log(decayed) / math.log(width) == pytest.approx(decay_exponents(scheme)[0])
        return _ends.np.array([[(e + error) * math.log(width)] * 2 for e in (*moved, 0.0)])

    def largest(scheme, width, seed, optimiser):
        del seed
        return (rate_exponent(*scheme, optimiser=optimiser) + error) * math.log(width)

    monkeypatch.setattr(_ends, "runs", runs)
    monkeypatch.setattr(_ends, "largest_rate", largest)
    return check_ends("full", 7)


def test_exponents_that_are_derived_are_confirmed_and_others_refuted(monkeypatch):
    assert [row.name for row in planted(monkeypatch, 0.0)] == [row.name for row in ENDS.rows]
    assert {row.verdict for row in planted(monkeypatch, 0.0)} == {"agrees"}
    assert {row.verdict for row in planted(monkeypatch, 0.05)} == {"disagrees"}


def test_a_decay_moves_a_layer_by_its_own_share_where_the_law_moves_it_less():
    """u = (0.1, 0.9), rho = 0.3: c = -1.2 and z = (-1.1, -0.3); the decay takes m^-0.5 and m^-0.8 off."""
    power, moved = decay_exponents(((0.7, -0.4), (0.3, 0.0)))
    assert power == pytest.approx(0.4)
    assert moved == pytest.approx((-0.5, -0.3))


@pytest.mark.slow
def test_an_epsilon_above_every_gradient_makes_adam_descent(monkeypatch):
    monkeypatch.setitem(_ends.COUNTS, 1, 1)
    monkeypatch.setitem(_ends.COUNTS, 2, 1)
    (row,) = check_ends("quick", 9001)
    assert row.measured.value < 0.001
