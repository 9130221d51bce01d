"""Do the rows about the theorem refute what is false, and leave alone what they cannot tell?"""

import pytest

from lazyscope.claims.papers._theorem import (
    loss_finding,
    order_one_finding,
    rate_finding,
    ratio_verdict,
    threshold_finding,
)
from lazyscope.measure import Estimate


def run(outcome="converged", name="balanced", kappa=1.0, seed=0, rate=1.0, width=64):
    return {
        "kind": "spread",
        "name": name,
        "kappa": kappa,
        "width": width,
        "seed": seed,
        "outcome": outcome,
        "rate": rate,
        "bound": 2.0,
    }


def limits(low, high, regime="theta-lazy"):
    value = {"value": (low * high) ** 0.5, "interval": [low, high]}
    return {"name": regime, "regime": regime, "rate_ratio": value}


def record(limit):
    row = {"all": {"place": "inside", "highest_failure": 3.0}, "width": 64}
    return [{"criterion": "kernel", "limit": {"reason": "", **limit}, "widths": [row]}]


def test_a_hundred_runs_without_failure_agree_and_ten_are_too_few():
    assert loss_finding([run()] * 100, "", "").verdict == "agrees"
    assert loss_finding([run()] * 10, "", "").verdict == "undecided"


def test_a_fifth_of_runs_failing_disagrees():
    runs = [run()] * 80 + [run("stalled")] * 20
    found = loss_finding(runs, "", "")
    assert found.verdict == "disagrees"
    assert found.measured.value == pytest.approx(0.2)
    assert found.measured.low < 0.2 < found.measured.high


def test_the_slowest_theta_lazy_scheme_decides():
    rows = [limits(0.9, 1.2), limits(3.0, 4.0), limits(0.1, 0.2, "critical")]
    rows[1]["name"] = "fast"
    found = rate_finding(rows, "", "")
    assert found.verdict == "agrees"
    assert found.measured.interval == (0.9, 1.2)
    slow = rate_finding([*rows, {**limits(0.4, 0.7), "name": "slow"}], "", "")
    assert slow.verdict == "disagrees"
    assert "slow" in slow.note


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.85, 1.1, "agrees"), (0.5, 1.1, "undecided"), (0.85, 0.95, "disagrees")],
)
def test_a_ratio_that_misses_one_disagrees_however_close(low, high, verdict):
    assert ratio_verdict(Estimate(None, low, high)) == verdict


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ({"verdict": "none"}, "agrees"),
        ({"verdict": "finite", "exponent": 0.0, "exponent_interval": [-0.1, 0.1]}, "agrees"),
        ({"verdict": "drifts", "exponent": 0.5, "exponent_interval": [0.3, 0.7]}, "disagrees"),
        ({"verdict": "drifts", "exponent": -0.5, "exponent_interval": [-0.7, -0.3]}, "agrees"),
        ({"verdict": "undecided", "exponent": 0.1, "exponent_interval": [-0.2, 0.4]}, "undecided"),
        ({"verdict": "undecided", "reason": "too few widths"}, "undecided"),
    ],
)
def test_only_a_threshold_that_grows_disagrees(limit, verdict):
    assert threshold_finding(record(limit), "", "").verdict == verdict


def test_a_rate_below_the_bound_at_fixed_kappa_is_outside_the_theorem():
    slow = [run(name="small-input", kappa=3.0, seed=seed, rate=0.5) for seed in range(3)]
    found = order_one_finding([*slow, run(rate=9.0), run(rate=9.0, seed=1)], "", "")
    assert found.verdict == "outside"
    assert found.as_expected
    assert found.measured.value == pytest.approx(0.25)
    assert "small-input at kappa 3" in found.note
