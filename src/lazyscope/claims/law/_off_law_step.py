"""How much farther or less far does descent with large steps move a network than the flow?"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.law._off_law_entropy import SETTLED
from lazyscope.measure import mean_estimate
from lazyscope.sweep import SweepDesign, open_store, run_sweep

STEPS: dict[float, Verdict] = {0.5: "agrees", 0.9: "agrees", 1.5: "disagrees"}
"""Steps as fractions of the stability limit 2 n / lambda_max, with the verdict that is expected."""
_WIDTH, _SEEDS = 1024, 16
_COMMON = {
    "data": "sphere-teacher",
    "num_points": 4,
    "input_dim": 4,
    "data_seed": 2,
    "depth": 1,
    "scale_exponents": [0.125, 0.125],
    "width": _WIDTH,
}


def step_rows() -> Iterator[Row]:
    """What `step_findings` claims."""
    words = "a run that does not converge is a disagreement"
    rule = Rule.between(-SETTLED, SETTLED, words=words)
    for step, expected in STEPS.items():
        yield Row(f"step-{step:g}", 0.0, rule, {**_COMMON, "seeds": _SEEDS, "step": step}, expected)


def step_findings() -> Iterator[Finding]:
    """Displacement of the first layer after descent over that after the flow, seed by seed."""
    with tempfile.TemporaryDirectory() as folder:
        flow = _moved(Path(folder) / "flow", {"method": "flow", "tolerance": 0.02})
        for step, expected in STEPS.items():
            descent = _moved(Path(folder) / f"{step}", {"method": "descent", "step": step})
            yield _row(step, np.log(descent / flow), expected)


def _moved(store: Path, settings: dict[str, float | str]) -> Float[np.ndarray, " seed"]:
    """Relative displacement of the first layer; NaN where the run did not converge."""
    design = SweepDesign(
        axes={"seed": list(range(_SEEDS))}, fixed={**_COMMON, **settings}, record=("displacement",)
    )
    run_sweep(design, store)
    runs = open_store(store)
    ended = runs["outcome"].values == "converged"
    return np.where(ended, runs["displacement_operator"].sel(layer=1).values, np.nan)


def _row(step: float, log_ratio: Float[np.ndarray, " seed"], expected: Verdict) -> Finding:
    known = log_ratio[np.isfinite(log_ratio)]
    measured = mean_estimate(known) if len(known) > 1 else None
    verdict: Verdict = "disagrees" if measured is None else measured.between(-SETTLED, SETTLED)
    if len(known) < len(log_ratio):
        verdict = "disagrees"
    return Finding(
        name=f"step-{step:g}",
        claim=f"descent at {step:g} of the stability limit moves the first layer as far as the flow: "
        f"|log ratio| ≤ {SETTLED:g}",
        prediction=0.0,
        measured=measured,
        verdict=verdict,
        expected=expected,
        basis=f"{_SEEDS} seeds, two layers, ReLU, width {_WIDTH}, rho = 1/4, four points, to 1e-4 of the "
        "initial loss",
        note=f"{len(known)} of {len(log_ratio)} runs converged; a run that does not is a disagreement.",
    )
