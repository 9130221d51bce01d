"""Is the phase diagram of two-layer ReLU networks the one that Luo et al. 2021 claim?"""

import tempfile
from collections.abc import Iterator

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row, design_of
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import SLOPE_ACCURACY
from lazyscope.claims._verdict_map import error_findings, joined, map_rows, sign_findings
from lazyscope.claims.papers._two_layer_decay import decay_findings, decay_rows
from lazyscope.claims.papers._two_layer_orientation import orientation_findings
from lazyscope.measure import estimate_exponent
from lazyscope.study import TwoLayerSettings, find_study, judge_study, map_estimates

SETTINGS = {
    "quick": TwoLayerSettings(
        gamma=(0.25, 0.625, 1.0, 1.375, 1.75),
        gamma_prime=(-0.5, -0.125, 0.25, 0.625, 1.0),
        widths=(100, 562, 3162),
        seeds=3,
    ),
    "full": TwoLayerSettings(widths=(300, 1100, 4000, 15000, 55000, 200000)),
}

_ACCURACY = 0.02
"""Error of log displacements at the tolerance of these runs."""


def check_two_layer(effort: Effort) -> tuple[Finding, ...]:
    """Run the study of the plane and hold its estimates against the published diagram."""
    settings = SETTINGS[effort]
    with tempfile.TemporaryDirectory() as folder:
        runs = judge_study(find_study("two-layer"), settings, folder).runs["runs"]
        return tuple(_rows(settings, runs, effort))


def _rows(settings: TwoLayerSettings, runs: xr.Dataset, effort: Effort) -> Iterator[Finding]:
    gamma, gamma_prime = settings.gamma, settings.gamma_prime
    basis = (
        f"{runs['outcome'].size} runs, gamma from {gamma[0]:g} to {gamma[-1]:g} ({len(gamma)} values) "
        f"times gamma' from {gamma_prime[0]:g} to {gamma_prime[-1]:g} ({len(gamma_prime)}), widths "
        f"{joined(settings.widths)}, {settings.seeds} seeds, {settings.data}, flow to "
        f"{settings.stop:g} of the initial loss"
    )
    estimates = map_estimates(runs)
    yield from sign_findings(estimates, basis=basis)
    for layer in (1, 2):
        yield from error_findings(runs, estimates, layer, basis=basis)
    yield critical_finding(runs, estimates, basis=basis)
    yield from orientation_findings(runs, estimates, basis=basis)
    yield from decay_findings(effort)


def critical_finding(runs: xr.Dataset, estimates: xr.Dataset, *, basis: str) -> Finding:
    """The exponent on the boundary, from all of its cells together.

    Cells share their seeds, so the geometric mean over cells is taken within each run of a width
    and seed, which leaves one sweep with an honest interval.
    """
    moved = runs["displacement_operator"].transpose(
        "width", "seed", "gamma", "gamma_prime", "layer"
    )
    on = _on_boundary(estimates)
    values = np.exp(np.log(moved.values[:, :, on]).mean(-1))
    found = estimate_exponent(runs["width"].values, values, accuracy=_ACCURACY)
    return Finding(
        name="critical-line",
        claim="on the boundary gamma = 1 (gamma' below 0 for layer 1, above for layer 2) displacement "
        "neither vanishes nor grows: exponent 0",
        prediction=0.0,
        measured=found.estimate,
        verdict=found.estimate.agreement(0.0, accuracy=SLOPE_ACCURACY),
        basis=basis,
        note=f"Geometric mean over the {int(on.sum())} cells on it. {found.note}".strip(),
        details={"local_slopes": list(found.local_slopes)},
    )


def _on_boundary(estimates: xr.Dataset) -> Bool[np.ndarray, "gamma gamma_prime layer"]:
    predicted: Float[np.ndarray, "gamma gamma_prime layer"] = (
        estimates["predicted"].transpose("gamma", "gamma_prime", "layer").values
    )
    return np.abs(predicted) < 1e-9


def _registered() -> Iterator[Row]:
    names = ("gamma", "gamma_prime", "widths", "seeds", "data", "stop", "tolerance")
    design = design_of(SETTINGS["full"], *names)
    yield from map_rows(design, (1, 2))
    line = design | {"estimator": "exponent", "accuracy": _ACCURACY}
    yield Row("critical-line", 0.0, Rule.number(accuracy=SLOPE_ACCURACY), line)
    yield Row("orientation-condensed", None, Rule.at_most(0.0), design)
    yield Row("orientation-linear", None, Rule.at_least(0.0), design)
    yield from decay_rows()


TWO_LAYER = Claim(
    name="two-layer",
    source="Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497)",
    statement=(
        "Two-layer ReLU networks over the whole (gamma, gamma') plane, both layers: the input layer is "
        "linear (relative displacement falls with the width) where gamma < 1 or gamma' > gamma - 1, "
        "condensed where gamma > 1 and gamma' < gamma - 1, critical between; in the linear regime the "
        "loss decays exponentially. Exponents beside the displacement law."
    ),
    check=check_two_layer,
    rows=tuple(_registered()),
    by_name=True,
)
