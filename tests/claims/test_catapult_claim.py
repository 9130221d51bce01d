"""Do the rows about large steps refute what is false, and is a step above the limit what they say?"""

import numpy as np
import pytest

from lazyscope.claims.papers._catapult import (
    ABOVE,
    CATAPULT,
    DescentRun,
    descend,
    end_finding,
    kappa_findings,
)
from lazyscope.claims.register._standing import standings
from lazyscope.forecast import DescentSteps

KAPPAS = np.array([100.0, 1000.0])


def runs(moved, peak=lambda kappa: 1.0, curvature=1.0, seeds=4):
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal(seeds))
    return [
        [DescentRun(peak(k) * e, moved(k) * e, curvature * e, converged=True) for e in noise]
        for k in KAPPAS
    ]


def verdicts(below, above):
    return {
        f.name.removeprefix("catapult-"): f.verdict
        for f in kappa_findings(KAPPAS, below, above, "")
    }


def test_what_the_theory_says_agrees_and_a_network_kept_lazy_by_kappa_does_not():
    lazy = runs(lambda kappa: 3 / kappa)
    high = {"peak": lambda kappa: 0.05 * kappa**2, "curvature": 0.3}
    assert set(verdicts(lazy, runs(lambda kappa: 0.3, **high)).values()) == {"agrees"}
    found = verdicts(lazy, lazy)
    assert found["displacement-above"] == found["peak"] == "disagrees"
    assert found["curvature-above"] == "disagrees"
    assert found["displacement-below"] == "agrees"


def test_an_end_a_quarter_away_from_the_published_one_disagrees():
    ends = 6.0 * 2.0 ** (np.array([0.0, 0.25, 0.0, -0.25, 0.0, 0.0]) / 2)
    assert end_finding("relu", ends, "").verdict == "agrees"
    assert end_finding("relu", 1.5 * ends, "").verdict == "disagrees"
    assert end_finding("relu", ends, "", earlier=True).verdict == "disagrees"


def test_every_row_was_registered_with_the_power_to_count():
    found = standings(CATAPULT.name)
    assert set(found) == {row.name for row in CATAPULT.rows}
    assert not [name for name, one in found.items() if one.uncounted]


@pytest.mark.slow
def test_above_the_limit_the_loss_rises_first_and_lambda_max_falls_below_it():
    lazy, catapult = (descend("relu", 1000.0, share, 50) for share in (0.9, ABOVE))
    assert lazy.peak == 1.0
    assert lazy.curvature == pytest.approx(1.0, abs=0.02)
    assert catapult.converged
    assert catapult.peak > 1e3
    assert catapult.curvature < 1 / ABOVE
    assert catapult.moved > 50 * lazy.moved


def test_the_intervals_are_those_of_one_mode():
    """r <- (1 - eta lambda / n) r: no sign change, a smaller one, a larger one."""
    steps = DescentSteps.of(lambda_max=5.0, num_points=10)
    for step, kind in ((1.9, "monotone"), (2.1, "lazy-not-monotone"), (4.1, "catapult")):
        factor = 1 - step * 5.0 / 10
        assert steps.kind(step) == kind
        assert (factor >= 0) == (kind == "monotone")
        assert (abs(factor) > 1) == (kind == "catapult")
        assert steps.overshoot(step) == pytest.approx(1 - factor)
    assert steps.kind(8.1) == "divergent"
