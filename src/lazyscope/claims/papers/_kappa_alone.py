"""Does kappa alone decide how far layers move, over ten decades of it?"""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.measure import mean_estimate
from lazyscope.sweep import SweepDesign, open_store, run_sweep

SPREADS = ("balanced", "ntk-like", "small-readout", "small-input", "random")
WIDTH, DEPTH = 128, 2
KAPPAS = (1e3, 10**5.5, 1e8, 10**10.5, 1e13)
WIDTHS = (1e4, 10**6.5, 1e9, 10**11.5, 1e14)
"""Virtual ones, of the uncentred runs."""
LARGE = 1e15
"""Kappa at these widths, so large that the output at the start is all of the gap."""
_SEEDS = {"quick": 2, "full": 4}
_DATA = {
    "data": "digits",
    "num_points": 16,
    "target": "parity",
    "depth": DEPTH,
    "width": WIDTH,
    "activation": "relu",
    "stop": 1e-2,
    "tolerance": 0.1,
}
_RULE = Rule.number(resolution=0.005, accuracy=0.001)
"""Errors of 0.01 in log displacements at both ends of ten decades make 0.0009 in a slope."""


def check_kappa_alone(effort: Effort) -> tuple[Finding, ...]:
    """Train at five kappas and spreads, centred and not, and fit slopes of the largest displacement."""
    seeds = _SEEDS[effort]
    kappas, widths = {"kappa": list(KAPPAS)}, {"virtual_width": list(WIDTHS)}
    centred = slopes_of(kappas, {"centred": True}, seeds)
    return tuple(
        kappa_findings(
            centred,
            slopes_of(kappas, {"centred": False}, seeds),
            slopes_of(widths, {"centred": False, "kappa": LARGE}, seeds),
        )
    )


def slopes_of(
    axis: Mapping[str, list[float]], fixed: Mapping[str, Any], num_seeds: int
) -> Float[np.ndarray, "spread seed"]:
    """Slope of the log of the largest layer's displacement along one axis; NaN where a run failed."""
    ((name, values),) = axis.items()
    design = SweepDesign(
        name=f"kappa alone, {name}",
        axes={"spread": list(SPREADS), name: values, "seed": list(range(num_seeds))},
        fixed={**_DATA, **fixed},
        record=("displacement",),
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, f"{folder}/runs")
        runs = open_store(f"{folder}/runs")
        dims = ("spread", "seed", name)
        moved = runs["displacement_operator"].max("layer").transpose(*dims).values
        ended = runs["outcome"].transpose(*dims).values == "converged"
    logs = np.log(np.where(ended & (moved > 0), moved, np.nan))
    x = np.log(values) - np.mean(np.log(values))
    return logs @ x / (x @ x)


def kappa_findings(
    centred: Float[np.ndarray, "spread seed"],
    uncentred: Float[np.ndarray, "spread seed"],
    floor: Float[np.ndarray, "spread seed"],
) -> Iterator[Finding]:
    """Rows from slopes in kappa (centred, and not) and in the virtual width (uncentred)."""
    seeds = centred.shape[1]
    net = f"ReLU, depth {DEPTH}, {WIDTH} units, 16 digits, {seeds} seeds, flow to 0.01 of the initial loss"
    along = f"kappa from {KAPPAS[0]:g} to {KAPPAS[-1]:g}"
    for name, slopes in zip(SPREADS, centred, strict=True):
        yield _finding(
            f"kappa-{name}",
            f"spread {name}: slope of the largest layer's displacement in kappa is −1 over ten decades",
            -1.0,
            slopes,
            basis=f"{net}, centred, {along}",
        )
    worst = int(np.argmax(np.abs(floor.mean(1) + 0.5)))
    yield _finding(
        "uncentred-floor",
        "uncentred, kappa far above the root of the width M: the largest displacement is like M^−1/2",
        -0.5,
        floor[worst],
        basis=f"{net}, kappa {LARGE:g}, virtual widths {WIDTHS[0]:g} to {WIDTHS[-1]:g}",
        note=f"The spread farthest from it: {SPREADS[worst]}.",
    )
    worst = int(np.argmin(np.abs(uncentred.mean(1) + 1)))
    yield _finding(
        "control-uncentred",
        "uncentred at this width, where displacements level off: slope in kappa is −1",
        -1.0,
        uncentred[worst],
        basis=f"{net}, {along}",
        note=f"Negative control. The spread nearest to it: {SPREADS[worst]}.",
        expected="disagrees",
    )


def _finding(
    name: str,
    claim: str,
    prediction: float,
    slopes: Float[np.ndarray, " seed"],
    **told: Any,
) -> Finding:
    """One row; a run that failed leaves it undecided."""
    if not np.isfinite(slopes).all():
        return Finding(name, claim, prediction, None, "undecided", **told)
    found = mean_estimate(slopes)
    verdict = _RULE.judge(found, prediction) or "undecided"
    return Finding(name, claim, prediction, found, verdict, **told)


def _registered() -> Iterator[Row]:
    design = {**_DATA, "seeds": _SEEDS["full"], "estimator": "line"}
    noise = {
        "model": "mean",
        "sd": 5e-4,
        "source": "ten times the scatter of slopes over seeds 90 and 91 on four points of the sphere",
    }
    for name in SPREADS:
        at = {**design, "spread": name, "kappas": KAPPAS, "centred": True}
        yield Row(f"kappa-{name}", -1.0, _RULE, at, noise=noise)
    wide = {**design, "spreads": SPREADS, "virtual_widths": WIDTHS, "kappa": LARGE}
    yield Row("uncentred-floor", -0.5, _RULE, {**wide, "centred": False}, noise=noise)
    at = {**design, "spreads": SPREADS, "kappas": KAPPAS, "centred": False}
    yield Row("control-uncentred", -1.0, _RULE, at, "disagrees", noise=noise)


KAPPA_ALONE = Claim(
    name="kappa-alone",
    source="Li, Luo & Zhou 2024 (arXiv 2404.04859)",
    statement=(
        "kappa alone decides how far layers move, however it is spread over them: the largest relative "
        "displacement is like 1/kappa, or like the start's output over kappa where that is all of the gap."
    ),
    check=check_kappa_alone,
    rows=tuple(_registered()),
)
