"""Which numbers of a kappa study stand in tables?"""

from collections.abc import Mapping
from typing import Any

from lazyscope._outcome import Outcome
from lazyscope.report._kappa_study import KappaStudy, Run
from lazyscope.report._numbers import MISSING, decimal, interval, listing, number, percent
from lazyscope.report._page import Cell, Table

_TONES = {
    "agrees": "good",
    "disagrees": "bad",
    "undecided": "muted",
    "theta-lazy": "good",
    "lazy": "good",
    "condensed": "bad",
}


def fit_table(study: KappaStudy) -> Table:
    """The fitted slope of each shape beside the prediction, and what there is to say about it."""
    header = ["Shape", "Slope", _level(study), "Predicted", "Verdict", "Runs"]
    has_range = any(fit.get("kappa_range") for fit in study.stored["fits"])
    notes = [f"{fit['shape']}: {fit['note']}" for fit in study.stored["fits"] if fit.get("note")]
    caption = (
        "Slope of the largest relative displacement in kappa, log-log, at the largest kappas, with "
        "the first correction to the limit taken out: it is proportional to the forecast "
        "displacement. The verdict is undecided where the interval is too wide to tell."
    )
    return Table(
        anchor="fits",
        title="Fitted slopes",
        caption=" ".join([caption, *notes]),
        header=[*header, "Kappa in the fit", "Slope without the correction"]
        if has_range
        else header,
        rows=[
            [
                fit["shape"],
                decimal(fit["slope"], 3),
                interval(fit["interval"], 3),
                decimal(fit["predicted"], 0),
                Cell(fit["verdict"], _TONES.get(fit["verdict"], "")),
                number(fit["num_runs"]),
                *(_range_cells(fit) if has_range else []),
            ]
            for fit in study.stored["fits"]
        ],
    )


def _range_cells(fit: Mapping[str, Any]) -> list[str]:
    ends = fit.get("kappa_range")
    words = f"{number(ends[0])} to {number(ends[1])}" if ends else MISSING
    return [words, decimal(fit.get("uncorrected_slope"), 3)]


def collapse_table(study: KappaStudy) -> Table:
    """How much the displacement varies between widths, for each shape and kappa."""
    spread = {
        (row["shape"], float(row["kappa"])): row["width_spread"] for row in study.stored["collapse"]
    }
    return Table(
        anchor="collapse",
        title="Spread between widths at fixed kappa",
        caption=(
            "Relative difference of the displacement between widths; small numbers mean that "
            "kappa decides and the width does not."
        ),
        header=["Shape", *(f"κ = {number(kappa)}" for kappa in study.kappas)],
        rows=[
            [shape, *(percent(spread.get((shape, kappa))) for kappa in study.kappas)]
            for shape in study.shapes
        ],
    )


def scheme_table(study: KappaStudy) -> Table:
    """The schemes behind the shapes and the regimes that theory gives them."""
    return Table(
        anchor="schemes",
        title="Schemes and regimes",
        caption=(
            "How each shape spreads kappa over the layers, with the exponents in width of layer "
            "scales and of predicted displacements (operator norm)."
        ),
        header=[
            "Shape",
            "What it does",
            "Layer scales",
            "Scale exponents",
            "Displacement exponents",
            "Layers",
            "Network",
            "Source",
        ],
        rows=[_scheme_row(scheme) for scheme in study.stored["schemes"]],
        numeric=False,
    )


def failed_table(study: KappaStudy) -> Table:
    """The runs that did not converge, with what became of them."""
    failed = study.failed
    outcomes = sorted({run["outcome"] for run in failed})
    sentences = {outcome.label: outcome.sentence for outcome in Outcome}
    caption = f"All {len(study.runs)} runs reached the asked loss."
    if failed:
        means = " ".join(f"{name.capitalize()}: {sentences.get(name, '')}" for name in outcomes)
        caption = (
            f"{len(failed)} of {len(study.runs)} runs did not reach the asked loss. "
            f"They are kept in the result. {means}"
        )
    return Table(
        anchor="failed",
        title="Runs that did not converge",
        caption=caption,
        header=["Shape", "Width", "Kappa", "Seed", "Outcome", "Steps", "Loss at the end"],
        rows=[
            [
                run["shape"],
                number(run["width"]),
                number(run["kappa"]),
                number(run["seed"]),
                Cell(run["outcome"], "bad"),
                number(run["steps"]),
                number(run["loss_final"]),
            ]
            for run in failed
        ],
    )


def run_table(study: KappaStudy) -> Table:
    """Every run with its numbers."""
    header = ["Shape", "Width", "Kappa", "Seed", "Outcome", "Steps", "Time"]
    header += ["Displacement (operator)", "Displacement (Frobenius)", "Forecast (Frobenius)"]
    header += ["Kernel change", "Gap, train", "Gap, test", "Rate", "Bound", "Kernel rate"]
    header += ["Test error", "of kernel"]
    return Table(
        anchor="runs",
        title="Every run",
        header=header,
        rows=[_run_row(run) for run in study.runs],
        folded=f"Numbers of all {len(study.runs)} runs",
    )


def _run_row(run: Run) -> list[str]:
    gap, rate, error = run["linearisation_gap"], run["decay_rate"], run["test_error"]
    return [
        run["shape"],
        number(run["width"]),
        number(run["kappa"]),
        number(run["seed"]),
        Cell(run["outcome"], "" if run["outcome"] == "converged" else "bad"),
        number(run["steps"]),
        number(run["time"]),
        listing(run["displacement"]["operator"]),
        listing(run["displacement"]["frobenius"]),
        listing(run["forecast"]["frobenius"]),
        number(run["kernel_change"]),
        number(gap["train"]),
        number(gap["test"]),
        number(rate["measured"]),
        number(rate["bound"]),
        number(rate["kernel"]),
        number(error["network"]),
        number(error["kernel"]),
    ]


def _scheme_row(scheme: Mapping[str, Any]) -> list[str]:
    return [
        scheme["shape"],
        scheme["description"],
        scheme["alpha"],
        listing(scheme["scale_exponents"]),
        listing(scheme["displacement_exponents"]),
        ", ".join(scheme["layer_regimes"]),
        Cell(scheme["regime"], _TONES.get(scheme["regime"], "")),
        scheme.get("source") or MISSING,
    ]


def _level(study: KappaStudy) -> str:
    levels = {fit["level"] for fit in study.stored["fits"]}
    return f"{percent(levels.pop())} interval" if len(levels) == 1 else "Interval"
