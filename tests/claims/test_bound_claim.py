"""Do the rows about the theorem's factors refute what is false?"""

import numpy as np

from lazyscope.claims.papers.bound._bound import (
    KAPPAS,
    SCHEMES,
    limit_ratios,
    rate_findings,
    threshold_finding,
)
from lazyscope.claims.papers.bound._start import Start, constant_finding, exponent_finding
from lazyscope.claims.register._standing import standings
from lazyscope.measure import Estimate

WIDTHS = (128, 256, 512, 1024, 2048)
LIMITS = dict.fromkeys(SCHEMES, (1.004, 5.0))
DRAWN = Start(32, 2, WIDTHS, 8, 0, 16, 1024, 16)
START = Estimate(0.99, 0.97, 1.01)


def shares(missing, draws=8, networks=16):
    """Ratios of networks that miss ``missing(width)`` in the mean, with a first order that cancels."""
    rng = np.random.default_rng(3)
    found = np.empty((len(WIDTHS), draws, networks, 3))
    for place, width in enumerate(WIDTHS):
        linear = rng.standard_normal((draws, networks)) / np.sqrt(width)
        shift = missing(width) * np.exp(0.3 * rng.standard_normal((draws, networks)) - 0.045)
        found[place] = np.stack([1.0 + linear - shift, linear, shift], axis=-1)
    return found


def verdicts(found):
    return {finding.name: finding.verdict for finding in found}


def both(missing):
    drawn = DRAWN, shares(missing), np.full(8, 40.0)
    return exponent_finding(*drawn).verdict, constant_finding(*drawn).verdict


def test_the_second_order_agrees_and_a_first_order_or_another_constant_does_not():
    assert both(lambda m: 40 / m) == ("agrees", "agrees")
    assert both(lambda m: 2 / np.sqrt(m))[0] == "disagrees"
    assert both(lambda m: 60 / m) == ("agrees", "disagrees")


def trained(last, seeds=6):
    noise = 0.005 * np.random.default_rng(1).standard_normal((len(SCHEMES), 1, seeds))
    return np.array(last)[:, None, None] + noise


def test_the_lowest_scheme_decides_and_the_published_bound_can_hold_where_the_derived_one_fails():
    good = verdicts(rate_findings(trained([1.0, 1.0, 1.01, 1.0]), START, LIMITS))
    assert set(good.values()) == {"agrees"}
    slow = verdicts(rate_findings(trained([1.0, 0.6, 1.0, 1.0]), START, LIMITS))
    assert slow == {
        "training": "disagrees",
        "rate-published": "agrees",
        "rate-derived": "disagrees",
    }


def test_schemes_whose_runs_fail_leave_the_rate_undecided():
    runs = trained([1.0] * 4)
    runs[2, -1, 0] = np.nan
    assert set(verdicts(rate_findings(runs, START, LIMITS)).values()) == {"undecided"}


def kept(threshold):
    """Networks scatter by a factor of up to two about the threshold of a virtual width."""
    virtual, seeds = (1e4, 1e7, 1e10), 12
    scatter = 2.0 ** np.linspace(-1, 1, seeds)
    tables = [
        (np.array(KAPPAS)[:, None, None] > threshold(m) * scatter) * np.ones((1, 2, 1))
        for m in virtual
    ]
    return threshold_finding(np.array(tables), virtual)


def test_a_threshold_that_stays_agrees_and_one_that_grows_does_not():
    assert kept(lambda m: 10.0).verdict == "agrees"
    assert kept(lambda m: 4.0 * (m / 1e4) ** 0.2).verdict == "disagrees"


def test_the_limit_kernel_is_above_the_derived_bound_and_that_above_the_published_one():
    for derived, published in limit_ratios(1e24).values():
        assert 1.0 <= derived < published


def test_every_row_was_registered_with_the_power_to_count():
    found = standings("bound")
    assert len(found) == 8
    assert [name for name, one in found.items() if one.uncounted] == ["training"]  # it cannot fail
