"""Does the theorem of Li, Luo & Zhou hold: loss, rate, displacement, threshold?"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lazyscope.claims._finding import Claim, Effort, Finding, Verdict
from lazyscope.claims._one_run import moved_and_changed, one_run
from lazyscope.claims._row import Row, design_of
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import (
    SLOPE_ACCURACY,
    share_estimate,
    under_assumptions,
)
from lazyscope.data import Dataset, load_dataset
from lazyscope.flow import one_lapack_thread
from lazyscope.measure import CORRECTION_ORDERS, Estimate, estimate_exponent
from lazyscope.study import LEAST_RATIO, TheoremSettings, find_study, judge_study, mean_ratio

MOST_FAILURES = 0.05
"""Share of runs below which failures are said not to occur."""

_QUICK: dict[str, Any] = {
    "num_points": 16,
    "schemes": ("balanced", "ntk"),
    "widths": (64, 128, 256),
    "spreads": ("balanced", "small-input"),
    "kappas": (0.1, 1.0, 10.0, 100.0),
    "threshold_widths": (64, 128, 256),
    "seeds": 3,
}
_FULL: dict[str, Any] = {
    "spreads": ("balanced", "ntk-like", "small-readout", "small-input", "small-hidden", "random")
}
_MOVING = {"quick": (64, 128, 256, 512), "full": (64, 128, 256, 512, 1024)}
_SPREADS = {"quick": ("balanced",), "full": ("balanced", "ntk-like", "small-readout")}
_POWERS = {"quick": (0.5,), "full": (0.5, 0.25)}
_SEEDS = {"quick": 3, "full": 4}
_ACCURACY = 0.01
"""Error of log displacements at the tolerance of these runs."""


def check_theorem(effort: Effort) -> tuple[Finding, ...]:
    """Every conclusion of the theorem, on digits."""
    return check_theorem_on(effort, "digits")


def check_theorem_on(effort: Effort, data: str) -> tuple[Finding, ...]:
    """The same on other data."""
    settings = TheoremSettings(data=data, **(_QUICK if effort == "quick" else _FULL))
    with tempfile.TemporaryDirectory() as folder:
        result = judge_study(find_study("theorem"), settings, folder).result
    basis = (
        f"{data}, n = {settings.num_points}, {settings.target}, depth {settings.depth}, ReLU, widths "
        f"{min(settings.widths)} to {max(settings.widths)}, {settings.seeds} seeds, "
        f"{len(result['runs'])} runs to {settings.stop:g} of the loss"
    )
    points = load_dataset(data, num_points=settings.num_points, num_test=0, target="parity")
    command = f"lazyscope study theorem --data {data}"
    return (
        loss_finding(result["runs"], basis, command),
        rate_finding(result["limits"], basis, command),
        threshold_finding(result["thresholds"], basis, command),
        order_one_finding(result["runs"], basis, command),
        *_displacement_findings(points, effort),
    )


def loss_finding(runs: Sequence[Mapping[str, Any]], basis: str, command: str) -> Finding:
    """The loss reaches zero, at every kappa that was tried: the share of runs that failed."""
    failed = sum(run["outcome"] != "converged" for run in runs)
    found = share_estimate(failed, len(runs))
    smallest = min(run["kappa"] for run in runs)
    return Finding(
        name="paper-loss",
        claim=f"the loss reaches zero: at most {MOST_FAILURES:.0%} of runs fail",
        prediction=0.0,
        measured=found,
        verdict=found.at_most(MOST_FAILURES),
        basis=basis,
        note=(
            f"All schemes and all kappas down to {smallest:.2g}. Gradient flow also converges where the "
            "theorem does not speak, so these runs show no threshold of the loss."
        ),
        command=command,
    )


def rate_finding(limits: Sequence[Mapping[str, Any]], basis: str, command: str) -> Finding:
    """The measured rate over the bound, extrapolated in the width, of the slowest theta-lazy scheme."""
    lazy = {row["name"]: row["rate_ratio"] for row in limits if row["regime"] == "theta-lazy"}
    known = {name: row for name, row in lazy.items() if row["value"] is not None}
    if not known:
        raise ValueError("no theta-lazy scheme has a rate over the bound")
    name = min(known, key=lambda key: known[key]["value"])
    found = Estimate.from_json(known[name])
    return Finding(
        name="paper-rate",
        claim="measured rate / derived bound (layer by layer) tends to at least 1 as the width grows",
        prediction=1.0,
        measured=found,
        verdict=ratio_verdict(found),
        basis=basis,
        note=(
            f"The slowest theta-lazy scheme, {name}. At finite width the ratio may lie below 1, since the "
            "smallest eigenvalue of K(0) does."
        ),
        details={"schemes": lazy},
        command=command,
    )


def ratio_verdict(ratio: Estimate) -> Verdict:
    """Whether a ratio tends to at least one, with room for constants that tend to one.

    Example:
        >>> [ratio_verdict(Estimate(None, *ends)) for ends in ((0.9, 1.2), (0.5, 0.9), (0.5, 1.5))]
        ['agrees', 'disagrees', 'undecided']
    """
    return (
        "disagrees"
        if not ratio.contains(1.0) and ratio.at_most(1.0) == "agrees"
        else ratio.at_least(LEAST_RATIO)
    )


def threshold_finding(thresholds: Sequence[Mapping[str, Any]], basis: str, command: str) -> Finding:
    """The kappa above which the rate of K(0) is kept must not grow as a power of the width."""
    record = next(row for row in thresholds if row["criterion"] == "kernel")
    limit, last = record["limit"], record["widths"][-1]["all"]
    ends = limit.get("exponent_interval")
    verdict: Verdict = "undecided"
    low, high = ends or (None, None)
    found = Estimate(limit.get("exponent"), low, high)
    if limit["verdict"] == "none":
        verdict = "agrees"
    elif ends is not None:
        verdict = "agrees" if limit["verdict"] == "finite" else found.at_most(0.0)
    return Finding(
        name="paper-threshold",
        claim="the kappa above which training keeps half the rate of K(0) ~ m^e with e <= 0",
        prediction=0.0,
        measured=found,
        verdict=verdict,
        basis=basis,
        note=(
            f"At width {record['widths'][-1]['width']} the threshold lies {last['place']}; "
            f"no run failed above kappa {last['highest_failure']:g}. {limit['reason']}".strip()
        ),
        details={"limit": dict(limit), "widths": [dict(row["all"]) for row in record["widths"]]},
        command=command,
    )


def order_one_finding(runs: Sequence[Mapping[str, Any]], basis: str, command: str) -> Finding:
    """Outside its assumption: the rate over the bound where kappa stays of order one, worst spread."""
    width = max(run["width"] for run in runs if run["kind"] == "spread")
    groups: dict[tuple[str, float], list[float]] = {}
    for run in runs:
        if run["kind"] == "spread" and run["width"] == width and run["rate"] and run["bound"]:
            groups.setdefault((run["name"], run["kappa"]), []).append(run["rate"] / run["bound"])
    means = {key: mean_ratio(ratios) for key, ratios in groups.items()}
    spread, kappa = min(means, key=lambda key: means[key]["value"])
    worst = Estimate.from_json(means[spread, kappa])
    verdict, note = under_assumptions(
        worst.at_least(1.0), {"kappa grows with the width (rho > 0)": False}
    )
    return Finding(
        name="paper-rate-at-fixed-kappa",
        claim="measured rate / bound is at least 1",
        prediction=1.0,
        measured=worst,
        verdict=verdict,
        expected="outside",
        basis=basis,
        note=f"The worst of all spreads and kappas at width {width}: {spread} at kappa {kappa:g}. {note}",
        command=command,
    )


def _displacement_findings(data: Dataset, effort: Effort) -> tuple[Finding, ...]:
    with one_lapack_thread():
        return tuple(
            _displacement_finding(data, name, power, effort)
            for name in _SPREADS[effort]
            for power in _POWERS[effort]
        )


def _displacement_finding(data: Dataset, name: str, power: float, effort: Effort) -> Finding:
    """The largest relative displacement of a theta-lazy scheme against the width."""
    widths, seeds = _MOVING[effort], _SEEDS[effort]
    values = np.array(
        [[_moved(data, name, power, m, seed) for seed in range(seeds)] for m in widths]
    )
    found = estimate_exponent(np.asarray(widths), values, accuracy=_ACCURACY)
    falls = found.estimate.at_most(0.0)
    law = found.estimate.agreement(-power, accuracy=SLOPE_ACCURACY)
    return Finding(
        name=f"paper-displacement-{name}-{power:g}",
        claim=f"displacement ~ m^e with e < 0 for kappa = m^{power:g}",
        prediction=-power,
        measured=found.estimate,
        verdict=falls,
        basis=(
            f"{data.name}, n = {len(data.x_train)}, parity, depth 2, ReLU, spread {name}, widths "
            f"{widths[0]} to {widths[-1]}, {seeds} seeds, {len(widths) * seeds} runs"
        ),
        note=f"The law of displacements says {-power:g}: {law}. {found.note}".strip(),
        details={"means": np.exp(np.nanmean(np.log(values), axis=1)).tolist()},
    )


def _moved(data: Dataset, name: str, power: float, width: int, seed: int) -> float:
    """Largest relative displacement over layers in Frobenius norm.

    In the spreads used here the first or the last layer moves most, for which both norms agree.
    """
    told = {"spread": name, "kappa": width**power, "width": width, "depth": 2, "seed": seed}
    run = one_run(told | {"stop": 1e-4, "tolerance": 0.05}, data)
    return float(np.max(moved_and_changed(run)[0]))


def _registered() -> Iterator[Row]:
    settings = TheoremSettings(**_FULL)
    names = ("data", "num_points", "target", "depth", "activation", "seeds", "stop")
    named = design_of(settings, *names, "schemes", "widths")
    spreads = design_of(settings, *names, "spreads", "kappas", "threshold_widths")
    yield Row("paper-loss", 0.0, Rule.at_most(MOST_FAILURES), named | spreads)
    words = f"disagrees only where the interval lies below 1; agrees from {LEAST_RATIO:g} on"
    limit = {"extrapolation": [f"m^-{order:g}" for order in CORRECTION_ORDERS]}
    limit["extrapolation"].append("largest width alone")
    yield Row("paper-rate", 1.0, Rule("other", LEAST_RATIO, words=words), named | limit)
    words = "or no threshold at all, or one that settles"
    kept = design_of(settings, "kept", "tolerated")
    yield Row("paper-threshold", 0.0, Rule.at_most(0.0, words=words), spreads | kept)
    words = "an assumption of the theorem fails by design"
    fixed = Rule("other", 1.0, words=words)
    yield Row("paper-rate-at-fixed-kappa", 1.0, fixed, spreads, "outside")
    for name in _SPREADS["full"]:
        for power in _POWERS["full"]:
            design = {
                **design_of(
                    settings, "data", "num_points", "target", "depth", "activation", "stop"
                ),
                "spread": name,
                "kappa_exponent": power,
                "widths": _MOVING["full"],
                "seeds": _SEEDS["full"],
                "estimator": "exponent",
                "accuracy": _ACCURACY,
            }
            yield Row(f"paper-displacement-{name}-{power:g}", -power, Rule.at_most(0.0), design)


THEOREM = Claim(
    name="paper",
    source="Li, Luo & Zhou 2024 (arXiv 2404.04859)",
    statement=(
        "Once kappa is above a threshold, gradient descent drives the loss to zero exponentially for "
        "every scheme, at least at the rate (2/n) lambda_S sum_l s_l kappa^2/alpha_l^2, and relative "
        "displacements vanish as the width grows. Rates are held against the stronger derived bound, with "
        "lambda_min(Kbar_l) of every layer in the sum; both are decided in the claim bound."
    ),
    check=check_theorem,
    check_on=check_theorem_on,
    rows=tuple(_registered()),
    by_name=True,
)
