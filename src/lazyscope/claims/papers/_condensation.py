"""Do small initial weights condense on the directions that Chen et al. 2023 say, and large ones not?"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.papers._condensation_power import power_findings, power_rows
from lazyscope.data import sphere_teacher
from lazyscope.measure import Condensation, Estimate, condensation, mean_estimate
from lazyscope.sweep import SweepDesign, open_store, run_sweep

LAZY, CROSSOVER, SMALL = 0.5, 2.0, 3.0
"""Values of gamma = 1 - rho, both layers alike: NTK-like, and kappa = 1/m and 1/m^2."""
NUM_DIRECTIONS = 2
"""Twice the multiplicity of tanh and its like, whose slope at zero is 1."""
_POINTS, _DIM = 20, 5
_STOP = 0.9
_UNEQUAL = 0.1  # what unequal masses of the two directions do to their effective number
_EFFORTS = {
    "quick": (("tanh",), (100, 1000), 5),
    "full": (("tanh", "erf", "sine"), (100, 316, 1000, 3162, 10000), 8),
}
_RULES = {
    "condensed": Rule.at_least(0.9),
    "directions": Rule.number(resolution=0.25, accuracy=_UNEQUAL),
    "direction": Rule.at_least(0.99),
    "not-condensed": Rule.at_most(0.05),
    "sharper": Rule.at_least(0.0),
}


def check_condensation(effort: Effort) -> tuple[Finding, ...]:
    """Train to the end of the initial stage, and look at the input weights."""
    activations, widths, seeds = _EFFORTS[effort]
    rows: list[Finding] = []
    for activation in activations:
        basis = (
            f"{activation}, {_POINTS} points of a small teacher on the sphere in {_DIM} dimensions, "
            f"widths {', '.join(map(str, widths))}, {seeds} seeds, gamma' = 0, flow to {_STOP:g} of "
            f"the initial loss, {3 * len(widths) * seeds} runs"
        )
        rows.extend(_rows(_runs(activation, widths, seeds), activation, basis))
    return (*rows, *power_findings()) if effort == "full" else tuple(rows)


def _runs(activation: str, widths: tuple[int, ...], seeds: int) -> xr.Dataset:
    design = SweepDesign(
        axes={"gamma": [LAZY, CROSSOVER, SMALL], "width": widths, "seed": list(range(seeds))},
        fixed={
            "gamma_prime": 0.0,
            "activation": activation,
            "data": "sphere-teacher",
            "num_points": _POINTS,
            "input_dim": _DIM,
            "stop": _STOP,
            "tolerance": 0.1,
        },
        record=("neurons",),
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, Path(folder) / "store")
        return open_store(Path(folder) / "store").transpose("gamma", "width", "seed", ...).load()


def _rows(runs: xr.Dataset, activation: str, basis: str) -> Iterator[Finding]:
    found = _condensed(runs)
    order = np.vectorize(lambda one: one.order_parameter, otypes=[float])(found)
    small, lazy = found[2, -1], found[0, -1]
    width = int(runs["width"].values[-1])
    null = np.mean([one.share.null for one in small])
    yield _finding(
        f"condensed-{activation}",
        "small initialization (kappa = m^-2), when the loss begins to fall: order parameter of the "
        "input weights ≥ 0.9, where random weights give 0 and one direction and its opposite 1",
        order[2, -1],
        "condensed",
        basis,
        note=f"At width {width}. {np.mean([one.share.value for one in small]):.2%} of the mass lies "
        f"within 10 degrees of two directions, {null:.1%} by chance.",
    )
    count = np.array([one.effective_directions.value for one in small])
    by_chance = np.mean([one.effective_directions.null for one in small])
    yield _finding(
        f"directions-{activation}",
        "there, the effective number of directions is twice the multiplicity of the activation: 2",
        count,
        "directions",
        basis,
        prediction=2.0,
        note=f"Random weights give {by_chance:.0f}. Allowed for unequal masses: {_UNEQUAL:g}.",
    )
    yield _finding(
        f"direction-{activation}",
        "there, the directions are plus and minus sum_i y_i x_i: cosine ≥ 0.99",
        np.array([np.abs(one.directions @ _predicted_direction()).min() for one in small]),
        "direction",
        basis,
        note="The smaller cosine of the two directions; nothing is fitted.",
    )
    yield _finding(
        f"not-condensed-{activation}",
        "NTK-like initialization (kappa = m^1/2), at the same loss: order parameter ≤ 0.05",
        order[0, -1],
        "not-condensed",
        basis,
        note=f"Effective directions {np.mean([one.effective_directions.value for one in lazy]):.0f}, "
        f"by chance {np.mean([one.effective_directions.null for one in lazy]):.0f}.",
    )
    yield _finding(
        f"sharper-{activation}",
        "kappa = 1/m: the order parameter rises with the width; change from the smallest to the "
        "largest width ≥ 0",
        order[1, -1] - order[1, 0],
        "sharper",
        basis,
        note="Means over seeds, by width: "
        + ", ".join(f"{value:.2f}" for value in order[1].mean(-1))
        + ".",
    )


def _condensed(runs: xr.Dataset) -> np.ndarray:
    """A `Condensation` for every (gamma, width, seed)."""
    weights = runs["input_weights_final"].transpose("gamma", "width", "seed", "neuron", "feature")
    found = np.empty(weights.shape[:3], dtype=object)
    for place in np.ndindex(*found.shape):
        found[place] = _one(weights.values[place])
    return found


def _one(weights: Float[np.ndarray, "m d"]) -> Condensation:
    rows = weights[np.isfinite(weights).all(axis=1)]
    return condensation(rows, np.ones(len(rows)), num_directions=NUM_DIRECTIONS, num_null=8)


def _predicted_direction() -> Float[np.ndarray, " d"]:
    """The direction in which weights grow while the activation is linear: sum_i y_i x_i."""
    data = sphere_teacher(num_points=_POINTS, input_dim=_DIM)
    direction = data.y_train[:, 0] @ data.x_train
    return direction / np.linalg.norm(direction)


def _finding(name, claim, values, rule, basis, *, note, prediction=None) -> Finding:
    """A row from one value per seed."""
    found: Estimate = mean_estimate(values)
    return Finding(
        name=name,
        claim=claim,
        prediction=prediction,
        measured=found,
        verdict=_RULES[rule].judge(found, prediction) or "undecided",
        basis=basis,
        note=f"{note} Interval over seeds.",
    )


def _registered() -> Iterator[Row]:
    activations, widths, seeds = _EFFORTS["full"]
    for activation in activations:
        design = {"activation": activation, "widths": widths, "seeds": seeds, "stop": _STOP}
        design |= {
            "data": "sphere-teacher",
            "num_points": _POINTS,
            "input_dim": _DIM,
            "gamma_prime": 0.0,
        }
        for name, rule in _RULES.items():
            gamma = {"not-condensed": LAZY, "sharper": CROSSOVER}.get(name, SMALL)
            prediction = float(NUM_DIRECTIONS) if name == "directions" else None
            yield Row(f"{name}-{activation}", prediction, rule, design | {"gamma": gamma})
    yield from power_rows()


CONDENSATION = Claim(
    name="condensation",
    source="Chen et al. 2023 (arXiv 2303.06561); Zhou et al. 2022 (arXiv 2105.11686)",
    statement=(
        "With small initialization the input weights of a two-layer network condense, in the initial "
        "stage of training, on directions of which there are at most twice the multiplicity of the "
        "activation (1 for tanh); with large initialization they do not. How far they are from one line is a "
        "power of the width, measured at virtual widths."
    ),
    check=check_condensation,
    rows=tuple(_registered()),
)
