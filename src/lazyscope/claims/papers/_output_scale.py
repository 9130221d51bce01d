"""Does the crossover of outputs scaled by alpha collapse on alpha sqrt(m), as Geiger et al. 2020 claim?"""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row, design_of
from lazyscope.claims._rule import Rule
from lazyscope.measure import Estimate, mean_estimate
from lazyscope.study import OutputScaleSettings, curves_apart, find_study, judge_study

SETTINGS = {
    "quick": OutputScaleSettings(
        output_scale=tuple(2.0**k for k in range(-2, 5)),
        widths=(64, 512, 4096, 32768),
        seeds=4,
        data="sphere-teacher",
        target=None,
        num_points=8,
        input_dim=4,
        num_test=0,
    ),
    "full": OutputScaleSettings(),
}
COLLAPSE = 0.25
"""Distance between widths at equal alpha sqrt(m), over that at equal alpha, below which they collapse."""

_NEXT_ORDER = 0.05
"""What the next order in 1/kappa may do to the slope of lazy runs."""


def check_output_scale(effort: Effort) -> tuple[Finding, ...]:
    """Run the study of the output scale and hold the collapse against the claim."""
    settings = SETTINGS[effort]
    with tempfile.TemporaryDirectory() as folder:
        record = judge_study(find_study("output-scale"), settings, folder).result
    runs = sum(record["outcomes"].values())
    basis = (
        f"{settings.scheme} scaling, {settings.activation}, {settings.num_points} points of "
        f"{settings.data}, widths {', '.join(map(str, settings.widths))}, alpha from "
        f"{settings.output_scale[0]:g} to {settings.output_scale[-1]:g}, {settings.seeds} seeds, "
        f"{runs} runs to {settings.stop:g} of the initial loss"
    )
    # kernels come down through their level at smaller scales, where runs are long
    names = ("displacement",) if effort == "quick" else tuple(record["collapse"])
    return tuple(_rows(record, names, basis))


def _rows(record: Mapping[str, Any], names: tuple[str, ...], basis: str) -> Iterator[Finding]:
    for name in names:
        yield _power_finding(record, name, basis)
    yield _distance_finding(record, basis)
    yield _slope_finding(record, basis)
    yield _control_finding(record, basis)


def _power_finding(record: Mapping[str, Any], name: str, basis: str) -> Finding:
    found = record["collapse"][name]
    words = record["quantities"][name]["label"]
    measured = Estimate(found["power"], *found["interval"])
    return Finding(
        name=f"collapse-{name.replace('_', '-')}",
        claim=f"{words}: comes down through {found['level']:g} at alpha ~ m^-p with p = 1/2",
        prediction=0.5,
        measured=measured,
        verdict=measured.agreement(0.5),
        basis=basis,
        note=f"Curves of all widths lie closest at p = {found['closest_power']:.2f}. {found['note']}",
        details={"thresholds": found["thresholds"]},
    )


def _distance_finding(record: Mapping[str, Any], basis: str) -> Finding:
    ratio = mean_estimate(_distance_ratios(record))
    return Finding(
        name="collapse-distance",
        claim="displacements of all widths at equal alpha sqrt(m) lie closer than at equal alpha: "
        f"ratio of their distances ≤ {COLLAPSE:g}",
        prediction=None,
        measured=ratio,
        verdict=ratio.at_most(COLLAPSE),
        basis=basis,
        note="Distances are standard deviations over widths of the logarithm; interval over seeds.",
    )


def _distance_ratios(record: Mapping[str, Any]) -> np.ndarray:
    """For every seed: distance between widths at equal alpha sqrt(m) over that at equal alpha."""
    values = np.array(record["quantities"]["displacement"]["values"], float)
    scale, width = np.log(record["output_scale"]), np.log(record["widths"])
    seeds = np.moveaxis(np.log(values), -1, 0)
    return np.array(
        [curves_apart(scale, width, s, 0.5) / curves_apart(scale, width, s, 0.0) for s in seeds]
    )


def _slope_finding(record: Mapping[str, Any], basis: str) -> Finding:
    slope = record["lazy_slope"]
    measured = Estimate(slope["slope"], *slope["interval"])
    return Finding(
        name="lazy-slope",
        claim="where training is lazy the displacement falls like 1/alpha: slope -1",
        prediction=-1.0,
        measured=measured,
        verdict=measured.agreement(-1.0, accuracy=_NEXT_ORDER),
        basis=basis,
        note=f"Over {slope['num_runs']} runs with displacement below {slope['below']:g}, where the "
        "next order in 1/kappa is below 0.05 of the slope, which is allowed for.",
    )


def _control_finding(record: Mapping[str, Any], basis: str) -> Finding:
    found = record["collapse"]["displacement"]
    measured = Estimate(found["power"], *found["interval"])
    return Finding(
        name="control-alpha-alone",
        claim="control, false: alpha alone decides, whatever the width: p = 0",
        prediction=0.0,
        measured=measured,
        verdict=measured.agreement(0.0),
        basis=basis,
        expected="disagrees",
    )


def _registered() -> Iterator[Row]:
    names = ("output_scale", "widths", "seeds", "scheme", "depth", "activation", "data", "target")
    more = ("num_points", "num_test", "stop", "tolerance")
    design = design_of(SETTINGS["full"], *names, *more)
    for name in ("displacement", "kernel-change", "gap-test"):
        yield Row(f"collapse-{name}", 0.5, Rule.number(), design)
    yield Row("collapse-distance", None, Rule.at_most(COLLAPSE), design)
    yield Row("lazy-slope", -1.0, Rule.number(accuracy=_NEXT_ORDER), design)
    yield Row("control-alpha-alone", 0.0, Rule.number(), design, "disagrees")


OUTPUT_SCALE = Claim(
    name="output-scale",
    source="Geiger, Spigler, Jacot & Wyart 2020 (arXiv 1906.08034); Chizat, Oyallon & Bach 2019 "
    "(arXiv 1812.07956)",
    statement=(
        "Training alpha (f - f_0), the crossover from rich to lazy is at one value of alpha sqrt(m) "
        "for all widths m in NTK scaling, which is kappa; on the lazy side displacement falls like "
        "1/alpha."
    ),
    check=check_output_scale,
    rows=tuple(_registered()),
)
