"""Do networks of random schemes move as the displacement law says?"""

import tempfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row, design_of
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict_map import SHARE, joined, share_finding
from lazyscope.scaling import displacement_exponents
from lazyscope.study import (
    RMS,
    TIE,
    LayerEstimate,
    RandomSchemesSettings,
    find_study,
    judge_study,
    rms_of_errors,
)

SETTINGS = {
    "quick": RandomSchemesSettings(
        counts=(16, 8), widths=((128, 1024, 8192), (64, 181, 512)), replicates=4
    ),
    "full": RandomSchemesSettings.at_real_widths(),
}


def check_law(effort: Effort) -> tuple[Finding, ...]:
    """Train the random schemes of `SETTINGS` and hold every layer against the law."""
    settings = SETTINGS[effort]
    with tempfile.TemporaryDirectory() as folder:
        layers = judge_study(find_study("random-schemes"), settings, folder).result["layers"]
    estimates = [LayerEstimate.from_json(layer) for layer in layers]
    return tuple(law_findings(estimates, basis=_basis(settings)))


def law_findings(estimates: Sequence[LayerEstimate], *, basis: str) -> Iterator[Finding]:
    """Rows about the law, by runs alone and beside the law at each width; two controls.

    Args:
        estimates: of every layer, as the study of random schemes stores them.
        basis: what was run.
    """
    away = [e for e in estimates if e.correction > TIE]
    tied = [e for e in estimates if e.correction <= TIE]
    where = f"farther than {TIE:g} from a tie"
    yield _rms_finding(
        "exponents",
        f"rms of (extrapolated exponent − law) ≤ {RMS:g} {where}, no constant fitted",
        away,
        _error,
        basis=basis,
        note=f"Straight lines through all runs have {_rms(away, _slope_error):.3f}. {_worst(away)}",
    )
    yield share_finding(
        "intervals",
        f"at least 90 % of the 95 % intervals contain the law's exponent {where}",
        np.array([e.contained for e in away], bool),
        basis=basis,
        note=f"Median half-width {_half_width(away):.2f}. Layers of one scheme count as independent.",
    )
    yield _rms_finding(
        "exponents-near-ties",
        f"the same nearer than {TIE:g} to a tie: rms ≤ {RMS:g}",
        tied,
        _error,
        basis=basis,
        note=f"Straight lines have {_rms(tied, _slope_error):.3f}; of the intervals, "
        f"{sum(e.contained for e in tied)} of {len(tied)} contain the law's exponent.",
    )
    yield _rms_finding(
        "law-at-width",
        "displacement over the law at each width (sums in place of maxima, no constant fitted) keeps "
        f"its size: rms of its exponent ≤ {RMS:g}, near ties too",
        estimates,
        lambda e: e.excess,
        basis=basis,
        note=f"This measurement divides by theory: it tests the formula, crossovers included. The "
        f"runs alone have {_rms(estimates, _error):.3f} over the same layers. {_sizes(estimates)}",
    )
    yield share_finding(
        "law-at-width-intervals",
        "at least 90 % of the 95 % intervals of that exponent contain zero, near ties too",
        np.array([e.excess_contained for e in estimates], bool),
        basis=basis,
    )
    yield _control(estimates, basis=basis)


def _control(estimates: Sequence[LayerEstimate], *, basis: str) -> Finding:
    """The law with all speeds taken as equal, which has to fail."""
    wrong = [displacement_exponents(e.scale_exponents)[e.layer - 1] for e in estimates]
    holds = [e.low <= p <= e.high for e, p in zip(estimates, wrong, strict=True)]
    found = share_finding(
        "control-without-speeds",
        "a law that takes no account of speeds: at least 90 % of the intervals contain its exponent",
        np.array(holds, bool),
        basis=basis,
        note="Negative control.",
    )
    return Finding(**{**vars(found), "expected": "disagrees"})


def _rms_finding(
    name: str,
    claim: str,
    cells: Sequence[LayerEstimate],
    error: Callable[[LayerEstimate], float],
    *,
    basis: str,
    note: str,
) -> Finding:
    """A row about the rms of errors, with an interval from resampled schemes."""
    if not cells:
        return Finding(name, claim, 0.0, None, "undecided", basis, note="No such scheme.")
    found = rms_of_errors(cells, error)
    return Finding(
        name=name,
        claim=claim,
        prediction=0.0,
        measured=found,
        verdict=found.at_most(RMS),
        basis=basis,
        note=f"{found.basis}. {note}",
        details={"layers": [_told(cell) for cell in cells]},
    )


def _rms(cells: Sequence[LayerEstimate], error: Callable[[LayerEstimate], float]) -> float:
    return float(np.sqrt(np.mean([error(cell) ** 2 for cell in cells]))) if cells else float("nan")


def _error(cell: LayerEstimate) -> float:
    return cell.error


def _slope_error(cell: LayerEstimate) -> float:
    return cell.slope - cell.predicted


def _half_width(cells: Sequence[LayerEstimate]) -> float:
    return float(np.median([cell.high - cell.low for cell in cells]) / 2) if cells else float("nan")


def _worst(cells: Sequence[LayerEstimate]) -> str:
    worst = max(cells, key=lambda cell: abs(cell.error), default=None)
    if worst is None:
        return ""
    return (
        f"Worst: {worst.error:+.2f} in layer {worst.layer} of {len(worst.scale_exponents)}, scale "
        f"exponents {joined(worst.scale_exponents)}, speeds {joined(worst.speed_exponents)}."
    )


def _sizes(cells: Sequence[LayerEstimate]) -> str:
    """How far sizes at the largest width are from the formula's."""
    last = np.array([cell.ratio[-1] for cell in cells])
    low, middle, high = np.nanquantile(last, [0.1, 0.5, 0.9])
    return f"At the largest width it is {middle:.2f} (median; {low:.2f} to {high:.2f} in 80 %)."


def _told(cell: LayerEstimate) -> dict[str, object]:
    return {**vars(cell), "error": cell.error}


def _basis(settings: RandomSchemesSettings) -> str:
    parts = [
        f"{count} schemes of depth {depth} at widths {joined(widths)}"
        for depth, count in zip(settings.all_depths, settings.all_counts, strict=True)
        for widths in [settings.real_widths(depth)]
    ]
    return (
        f"{'; '.join(parts)}; exponents drawn with seed {settings.draw_seed}, {settings.replicates} "
        "seeds each, four points of the unit sphere in 4 dimensions, ReLU, flow to "
        f"{settings.stop:g} of the initial loss"
    )


def _registered() -> Iterator[Row]:
    names = ("counts", "widths", "replicates", "draw_seed", "data", "num_points", "data_seed")
    design = design_of(SETTINGS["full"], *names, "stop", "tolerance", estimator="exponent", tie=TIE)
    size, share = Rule.at_most(RMS), Rule.at_least(SHARE)
    yield Row("exponents", 0.0, size, design)
    yield Row("intervals", 1.0, share, design)
    yield Row("exponents-near-ties", 0.0, size, design)
    yield Row("law-at-width", 0.0, size, design)
    yield Row("law-at-width-intervals", 1.0, share, design)
    yield Row("control-without-speeds", 1.0, share, design, "disagrees")


LAW = Claim(
    name="law",
    source="derived in docs/theory.md; for two layers Luo et al. 2021 (arXiv 2007.07497)",
    statement=(
        "The relative displacement of every layer follows m^e_l, with e_l from rho and the relative "
        "speeds alone, for random scales and speeds of networks with one to three hidden layers. Away "
        "from ties the estimates that know no theory confirm it; beside the law at each width, which "
        "replaces exponents by numbers, crossovers cancel."
    ),
    check=check_law,
    rows=tuple(_registered()),
    section="results",
)
