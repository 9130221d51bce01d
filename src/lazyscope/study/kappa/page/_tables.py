"""Which numbers of a kappa study stand in tables?"""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyscope._outcome import Outcome
from lazyscope.report.parts import MISSING, Cell, Table, decimal, interval, listing, number, percent
from lazyscope.study.kappa.page._study import KappaRecord, Run

_TONES = {
    "agrees": "good",
    "disagrees": "bad",
    "undecided": "muted",
    "outside": "muted",
    "theta-lazy": "good",
    "lazy": "good",
    "condensed": "bad",
}


def fit_table(study: KappaRecord) -> Table:
    """The fitted slope of each shape beside the prediction, and what there is to say about it."""
    caption = (
        "Slope of the largest relative displacement in kappa, log-log, at the largest kappas, with "
        "the first correction to the limit taken out: it is proportional to the forecast "
        "displacement. The verdict is undecided where the interval is too wide to tell, and outside "
        "where the law does not speak of the spread. The last columns: the slope without this "
        "correction, that of what the initial kernel forecasts, and that of the law of scales."
    )
    return _slopes("fits", "Fitted slopes", caption, study.stored["fits"])


def weighed_tables(study: KappaRecord) -> list[Table]:
    """Slopes and spread of displacements times leverage, where groups differ in it."""
    if study.weighed is None:
        return []
    caption = (
        "The same for the largest displacement times leverage: what the move does to the function. "
        "Leverage is the part of the output that passes through a group; a branch of leverage 0.1 "
        "has to move ten times as far for the same effect."
    )
    slopes = _slopes(
        "weighed-fits", "Slopes of displacement × leverage", caption, study.weighed["fits"]
    )
    return [slopes, _spread(study, study.weighed["collapse"], "weighed-collapse", " × leverage")]


def _slopes(anchor: str, title: str, caption: str, fits: Sequence[Mapping[str, Any]]) -> Table:
    header = ["Spread", "Slope", _level(fits), "Predicted", "Verdict", "Runs"]
    has_range = any(fit.get("kappa_range") for fit in fits)
    notes = [f"{fit['shape']}: {fit['note']}" for fit in fits if fit.get("note")]
    further = [
        "Kappa in the fit",
        "Uncorrected",
        "Forecast",
        "By scales",
    ]
    return Table(
        anchor=anchor,
        title=title,
        caption=" ".join([caption, *notes]),
        header=[*header, *further] if has_range else header,
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
            for fit in fits
        ],
    )


def _range_cells(fit: Mapping[str, Any]) -> list[str]:
    ends = fit.get("kappa_range")
    words = f"{number(ends[0])} to {number(ends[1])}" if ends else MISSING
    slopes = (fit.get(f"{name}_slope") for name in ("uncorrected", "forecast", "law"))
    return [words, *(decimal(slope, 3) for slope in slopes)]


def collapse_table(study: KappaRecord) -> Table:
    """How much the displacement varies between widths, for each shape and kappa."""
    return _spread(study, study.stored["collapse"], "collapse", "")


def _spread(study: KappaRecord, rows: Sequence[Mapping[str, Any]], anchor: str, of: str) -> Table:
    spread = {(row["shape"], float(row["kappa"])): row["width_spread"] for row in rows}
    return Table(
        anchor=anchor,
        title=f"Spread of displacement{of} between widths at fixed kappa",
        caption=(
            "Relative difference of the displacement between widths; small numbers mean that "
            "kappa decides and the width does not."
        ),
        header=["Spread", *(f"κ = {number(kappa)}" for kappa in study.kappas)],
        rows=[
            [shape, *(percent(spread.get((shape, kappa))) for kappa in study.kappas)]
            for shape in study.shapes
        ],
    )


def scheme_table(study: KappaRecord) -> Table:
    """The schemes behind the shapes and the regimes that theory gives them."""
    derived = any(scheme["scale_exponents"] for scheme in study.stored["schemes"])
    caption = (
        "How each spread shares kappa out over the layers, with the exponents in width of layer "
        "scales and of predicted displacements (operator norm)."
    )
    if not derived:
        caption = (
            "How each spread shares kappa out over the layers. Kappa is not the product of their scales "
            "here, so that the exponents and regimes of dense networks do not apply."
        )
    return Table(
        anchor="schemes",
        title="Schemes and regimes",
        caption=caption,
        header=[
            "Spread",
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


def failed_table(study: KappaRecord) -> Table:
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
        header=["Spread", "Width", "Kappa", "Seed", "Outcome", "Steps", "Loss at the end"],
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


def run_table(study: KappaRecord) -> Table:
    """Every run with its numbers."""
    header = ["Spread", "Width", "Kappa", "Seed", "Outcome", "Steps", "Time"]
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
        listing(scheme["scale_exponents"]) or MISSING,
        listing(scheme["displacement_exponents"]) or MISSING,
        ", ".join(scheme["layer_regimes"]) or MISSING,
        Cell(scheme["regime"], _TONES.get(scheme["regime"], "")),
        scheme.get("source") or MISSING,
    ]


def _level(fits: Sequence[Mapping[str, Any]]) -> str:
    levels = {fit["level"] for fit in fits}
    return f"{percent(levels.pop())} interval" if len(levels) == 1 else "Interval"
