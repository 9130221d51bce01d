"""Where is the displacement law off, and by how much?"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import SLOPE_ACCURACY
from lazyscope.claims._verdict_map import joined
from lazyscope.claims.law._off_law_entropy import entropy_findings, entropy_rows
from lazyscope.claims.law._off_law_step import step_findings, step_rows
from lazyscope.measure import estimate_exponent
from lazyscope.scaling import displacement_exponents
from lazyscope.sweep import SweepDesign, open_store, run_sweep

_SPHERE = {"data": "sphere-teacher", "num_points": 4, "input_dim": 4, "data_seed": 2}
_TOLERANCE = 0.2
_ACCURACY = 0.1 * _TOLERANCE
"""Error of log displacements at this tolerance."""


@final
@dataclass(frozen=True)
class Departure:
    """One network at the edge of the law's assumptions or beyond.

    Attributes:
        name: of its row.
        words: what is special, in a line.
        scales: scale exponents; all speeds are one.
        layer: the layer whose exponent is judged.
        expected: verdict on the law that a working instrument gives, stated before the full run.
        settings: of the sweep, where they are not those of centred ReLU networks on four points;
            centring takes the random start out of the gap, which below rho = 1/2 changes no exponent.
        amended: exponent that an argument of ``docs/where-the-law-is-off.md`` puts in the law's place.
        quick: whether quick effort runs it.
        seeds: runs at every width.
    """

    name: str
    words: str
    scales: tuple[float, ...]
    layer: int
    expected: Verdict = "agrees"
    settings: Mapping[str, Any] = field(default_factory=dict)
    amended: float | None = None
    quick: bool = False
    seeds: int = 6

    @property
    def predicted(self) -> float:
        """What the law says."""
        return displacement_exponents(self.scales)[self.layer - 1]


_DIGITS = {"data": "digits", "input_dim": None, "data_seed": 0}
_QUARTER = (0.125, 0.125)  # rho = 1/4, half way between the kinks of the law
DEPARTURES = (
    Departure(
        "tie-of-layers", "two layers whose speeds differ by m^0.1", (0.1, 0.15), 2, quick=True
    ),
    Departure("rho-near-zero", "rho = 0.05", (0.15, -0.1), 2),
    Departure(
        "rho-near-half",
        "rho = 0.45, not centred",
        (0.1, 0.35),
        1,
        settings={"centred": False},
        seeds=16,
    ),
    Departure(
        "tanh-order-one",
        "tanh, pre-activations of order one",
        (0.5, -0.25),
        2,
        settings={"activation": "tanh"},
    ),
    Departure(
        "tanh-vanishing",
        "tanh, pre-activations like m^-1/2",
        (0.0, 0.25),
        1,
        settings={"activation": "tanh"},
    ),
    Departure(
        "tanh-saturated",
        "tanh, pre-activations like m^1/2",
        (1.0, -0.75),
        2,
        "disagrees",
        {"activation": "tanh"},
        amended=0.25,
        quick=True,
    ),
    Departure(
        "gelu-order-one",
        "gelu, pre-activations of order one",
        (0.5, -0.25),
        2,
        settings={"activation": "gelu"},
    ),
    Departure(
        "gelu-vanishing",
        "gelu, pre-activations like m^-1/2",
        (0.0, 0.25),
        1,
        settings={"activation": "gelu"},
    ),
    Departure("bias", "biases, two layers", _QUARTER, 1, settings={"use_bias": True}),
    Departure(
        "bias-takes-over",
        "biases, three layers, activations smaller than one",
        (-0.25, -0.25, 0.75),
        1,
        "undecided",
        {"use_bias": True, "depth": 2},
    ),
    Departure(
        "ten-outputs",
        "ten outputs, 16 digits",
        _QUARTER,
        1,
        expected="disagrees",
        settings={**_DIGITS, "num_points": 16, "target": "classes"},
    ),
    Departure(
        "many-points",
        "64 digits, as many as neurons at the smallest width",
        _QUARTER,
        1,
        settings={**_DIGITS, "num_points": 64, "target": "parity"},
    ),
)
"""Everything that is run through sweeps; the step of descent and cross-entropy have files of their own."""

_WIDTHS = {
    ("quick", 1): (64, 512, 4096),
    ("quick", 2): (64, 181, 512),
    ("full", 1): (64, 256, 1024, 4096, 16384),
    ("full", 2): (64, 128, 256, 512, 1024),
}


def check_off_law(effort: Effort) -> tuple[Finding, ...]:
    """One row for each departure, and rows of their own for large steps and cross-entropy."""
    chosen = [each for each in DEPARTURES if effort == "full" or each.quick]
    rows = list(departure_findings(chosen, effort))
    if effort == "full":
        rows += [*step_findings(), *entropy_findings()]
    return tuple(rows)


def departure_findings(departures: Sequence[Departure], effort: Effort) -> Iterator[Finding]:
    """Train every departure over widths and hold one layer's exponent against the law."""
    with tempfile.TemporaryDirectory() as folder:
        for departure in departures:
            widths = _WIDTHS[effort, int(departure.settings.get("depth", 1))]
            store = Path(folder) / departure.name
            run_sweep(_design(departure, widths), store)
            runs = open_store(store)
            moved = runs["displacement_operator"].transpose("layer", "width", "seed").values
            ended = runs["outcome"].transpose("width", "seed").values == "converged"
            values = np.where(ended & (moved > 0), moved, np.nan)[departure.layer - 1]
            yield from _rows(departure, np.array(widths, float), values)


def _design(departure: Departure, widths: tuple[int, ...]) -> SweepDesign:
    fixed = {
        **_SPHERE,
        "depth": 1,
        "activation": "relu",
        "centred": True,
        "scale_exponents": list(departure.scales),
        "tolerance": _TOLERANCE,
        **departure.settings,
    }
    return SweepDesign(
        name=departure.name,
        axes={"width": list(widths), "seed": list(range(departure.seeds))},
        fixed={name: value for name, value in fixed.items() if value is not None},
        record=("displacement",),
    )


def _rows(
    departure: Departure, widths: Float[np.ndarray, " W"], values: Float[np.ndarray, "W seed"]
) -> Iterator[Finding]:
    found = estimate_exponent(widths, values, accuracy=_ACCURACY)
    slope = np.polyfit(np.log(widths), np.nanmean(np.log(values), axis=1), 1)[0]
    basis = (
        f"{values.size} runs, scale exponents {joined(departure.scales)}, one learning rate, widths "
        f"{joined(widths.tolist())}, {departure.seeds} seeds, "
        + ", ".join(f"{k} {v}" for k, v in departure.settings.items() if v is not None)
    ).rstrip(", ")
    low, high = found.interval
    common = {"measured": found.estimate, "basis": basis}
    law = departure.predicted
    note = (
        f"Shift {found.exponent - law:+.3f} [{low - law:+.3f}, {high - law:+.3f}]; "
        f"straight line {slope - law:+.3f}."
    )
    details = {"slope": float(slope), "local_slopes": list(found.local_slopes)}
    judged: tuple[tuple[str, str, float | None, Verdict], ...] = (
        ("", "the law's exponent", law, departure.expected),
        ("-amended", "the amended exponent", departure.amended, "agrees"),
    )
    for suffix, formula, predicted, expected in judged:
        if predicted is not None:
            yield Finding(
                name=departure.name + suffix,
                claim=f"{departure.words}: layer {departure.layer} has {formula} {predicted:g}",
                prediction=predicted,
                verdict=found.estimate.agreement(predicted, accuracy=SLOPE_ACCURACY),
                expected=expected,
                note=note if not suffix else "",
                details=details,
                **common,
            )


def _registered() -> Iterator[Row]:
    for each in DEPARTURES:
        design = {
            **_SPHERE,
            "depth": 1,
            "activation": "relu",
            "centred": True,
            **each.settings,
            "scale_exponents": each.scales,
            "layer": each.layer,
            "widths": _WIDTHS["full", int(each.settings.get("depth", 1))],
            "seeds": each.seeds,
            "tolerance": _TOLERANCE,
            "estimator": "exponent",
            "accuracy": _ACCURACY,
            "quantity": "operator norm",
        }
        rule = Rule.number(accuracy=SLOPE_ACCURACY)
        yield Row(each.name, each.predicted, rule, design, each.expected)
        if each.amended is not None:
            yield Row(f"{each.name}-amended", each.amended, rule, design)
    yield from step_rows()
    yield from entropy_rows()


OFF_LAW = Claim(
    name="off-law",
    source="derived in docs/theory.md; docs/where-the-law-is-off.md",
    statement=(
        "The displacement law where its assumptions end: ties, rho near 0 and 1/2, activations that are "
        "not homogeneous, biases, many outputs, many points, large steps, cross-entropy. Each row says "
        "what the law gives and what is measured; expectations that were changed after a row had been run "
        "count as they were registered first."
    ),
    check=check_off_law,
    rows=tuple(_registered()),
    section="off",
    by_name=True,
)
