"""Which numbers of a theorem study stand in tables?"""

from collections.abc import Mapping
from typing import Any

from lazyscope.report.parts import MISSING, Cell, Table, decimal, interval, listing, number, percent
from lazyscope.study.theorem.page._study import Record, TheoremRecord

_TONES = {"agrees": "good", "disagrees": "bad", "undecided": "muted", "theta-lazy": "good"}


def bound_table(study: TheoremRecord) -> Table:
    """Every named scheme at every width: the bound, and the rates over it."""
    return Table(
        anchor="bounds",
        title="Bound and rates, scheme by scheme",
        caption=(
            "Published: one λ_S for all layers; derived: λ_min of every layer, which is stronger and what "
            "other columns are over. Limit: what a network of infinite width has over the bound, from "
            "closed forms. K(0) and "
            "rate: geometric means over seeds with 95 % intervals. Holds: runs whose loss stayed "
            "below the bound's exponential while it was recorded, and would do so for ever. Short: where the "
            "rate falls below the derived bound, the lowest of limit / bound, K(0) / limit and rate / K(0)."
        ),
        header=[
            "Scheme",
            "Width",
            "Kappa",
            "λ_S",
            "Published bound",
            "Derived bound",
            "Limit / bound",
            "K(0) / bound",
            "Rate / K(0)",
            "Rate / bound",
            "Interval",
            "Rate / published",
            "Short",
            "Holds on record",
            "Holds for ever",
            "Displacement",
        ],
        rows=[_bound_row(row) for row in study.stored["bounds"]],
    )


def limit_table(study: TheoremRecord) -> Table:
    """The ratios of every named scheme extrapolated to infinite width."""
    return Table(
        anchor="limits",
        title="Extrapolated in the width",
        caption=(
            "log ratio = a + b m^-1/2 over all widths and seeds; the interval is the hull over the orders "
            "1/4, 1/2 and 1 and of the largest width alone. The theorem is about theta-lazy schemes, for "
            "which rate / bound has to tend to at least one."
        ),
        header=[
            "Scheme",
            "Exponent of kappa",
            "Regime",
            "K(0) / bound",
            "Interval",
            "Rate / K(0)",
            "Interval",
            "Rate / bound",
            "Interval",
        ],
        rows=[
            [
                row["name"],
                decimal(row["kappa_exponent"]),
                Cell(row["regime"], _TONES.get(row["regime"], "")),
                *(
                    text
                    for key in ("kernel_ratio", "training_ratio", "rate_ratio")
                    for text in (number(row[key]["value"]), interval(row[key]["interval"]))
                ),
            ]
            for row in study.stored["limits"]
        ],
    )


def factor_table(study: TheoremRecord) -> Table:
    """The three factors that decide, and the rate over both forms of the bound."""
    rows = [row for row in study.stored["limits"] if (row.get("decided") or {}).get("factors")]
    return Table(
        anchor="factors",
        title="Decided by three factors",
        caption=(
            "At infinite width. Limit / bound: closed form, at the largest width. K(0) / limit: networks "
            "drawn at the largest width, without training, with the known second order c/m taken off. "
            "Rate / K(0): extrapolated. The products, with the products of the ends of intervals, are the "
            "rate over the derived and over the published bound; the theorem is the published one."
        ),
        header=[
            "Scheme",
            "Regime",
            "Limit / bound",
            *(each for name in ("K(0) / limit", "Rate / K(0)") for each in (name, "Interval")),
            *(
                each
                for name in ("Rate / derived", "Rate / published")
                for each in (name, "Interval")
            ),
        ],
        rows=[_factor_row(row) for row in rows],
    )


def start_table(study: TheoremRecord) -> Table:
    """lambda_min of drawn kernels over that of their limits, scheme by scheme and width by width."""
    kernels = study.stored["kernels"] or {}
    return Table(
        anchor="starts",
        title="How far below its limit λ_min(K(0)) lies",
        caption=(
            "Means over networks that are drawn and not trained. Predicted: 1 − c/m, by the second order of "
            "perturbation theory: fluctuations of K(0), of size m^−1/2, push the smallest eigenvalue down by "
            "Σ_j ⟨v_1, dK v_j⟩² / (λ_j − λ_1)."
        ),
        header=["Scheme", "Width", "λ_min(K(0)) / limit", "Interval", "Predicted", "c", "Interval"],
        rows=[
            [
                row["name"],
                number(row["width"]),
                *_with_interval(row["start_ratio"]),
                number(row["predicted"]),
                *_with_interval(row["c"]),
            ]
            for row in kernels.get("starts", ())
        ],
    )


def threshold_table(study: TheoremRecord) -> Table:
    """The kappa above which each criterion is met, for all spreads together."""
    return Table(
        anchor="thresholds",
        title="Thresholds in kappa, all spreads together",
        caption=(
            f"The kappa above which at most {percent(study.stored['settings']['tolerated'])} of runs fail, "
            "with its 95 % interval; a run counts "
            "where it and all runs of its spread and seed at larger kappa meet the criterion. "
            + " ".join(_limit_words(record) for record in study.stored["thresholds"])
        ),
        header=[
            "Criterion",
            "Width",
            "Threshold",
            "Interval",
            "Largest kappa with a failure",
            "No failure from",
            "Runs there",
            "Failures at most",
        ],
        rows=[
            [record["meaning"], number(row["width"]), *_threshold_cells(row["all"])]
            for record in study.stored["thresholds"]
            for row in record["widths"]
        ],
    )


def failure_table(study: TheoremRecord) -> Table:
    """How many runs failed each criterion, by spread, width and kappa."""
    kappas = [f"{kappa:g}" for kappa in study.kappas]
    rows = [
        [
            record["meaning"],
            number(row["width"]),
            spread,
            *(Cell(str(counts[k]), "bad" if counts[k] else "") for k in kappas),
        ]
        for record in study.stored["thresholds"]
        for row in record["widths"]
        for spread, counts in row["failures"].items()
        if any(counts.values())
    ]
    return Table(
        anchor="failures",
        title="Where runs failed",
        caption=(
            f"Failed runs of {study.stored['settings']['seeds']} for every spread and kappa; rows without "
            "any are left out."
        ),
        header=["Criterion", "Width", "Spread", *(f"κ = {kappa}" for kappa in kappas)],
        rows=rows,
    )


def kernel_table(study: TheoremRecord) -> Table:
    """The exponents with which kernels at the start approach their limit."""
    kernels = study.stored["kernels"]
    names = {
        "frobenius": "Frobenius distance",
        "smallest": "log of λmin ratio, root mean square",
        "weyl": "operator norm distance over λmin",
    }
    return Table(
        anchor="kernels-table",
        title="How fast K(0) approaches its limit",
        caption=(
            f"{kernels['seeds']} networks at every width, without training. A proof by Weyl's inequality "
            "needs the operator norm distance below a quarter of λmin: by its m^-1/2 that is at width "
            f"{number(kernels['weyl_width'])}. The smallest eigenvalue itself is close long before."
        ),
        header=["Quantity", "Exponent in the width", "Interval", "Predicted", "Verdict"],
        rows=[
            [
                names[name],
                decimal(row["exponent"]),
                interval(row["interval"]),
                decimal(row["predicted"], 1),
                Cell(row["verdict"], _TONES.get(row["verdict"], "")),
            ]
            for name, row in kernels["exponents"].items()
        ],
    )


def run_table(study: TheoremRecord) -> Table:
    """Every run with its numbers."""
    header = ["Run", "Kappa", "Width", "Seed", "Outcome", "Steps", "Time", "Loss share", "Bound"]
    header += ["Rate from K(0)", "Average", "Final", "Rate", "Displacement"]
    return Table(
        anchor="runs",
        title="Every run",
        header=header,
        rows=[_run_row(run) for run in study.stored["runs"]],
        folded=f"Numbers of all {len(study.stored['runs'])} runs",
    )


def _factor_row(row: Record) -> list[Any]:
    decided, factors = row["decided"], row["decided"]["factors"]
    parts = factors["start"], factors["training"], decided["derived"], decided["published"]
    return [
        row["name"],
        Cell(row["regime"], _TONES.get(row["regime"], "")),
        decimal(factors["limit"], 3),
        *(text for each in parts for text in _with_interval(each)),
    ]


def _with_interval(record: Mapping[str, Any]) -> tuple[str, str]:
    """An estimate as two cells."""
    return number(record["value"]), interval(record["interval"])


def _bound_row(row: Record) -> list[str]:
    return [
        row["name"],
        number(row["width"]),
        number(row["kappa"]),
        number(row.get("lambda_s")),
        number(row.get("bound_published")),
        number(row["bound"]),
        decimal(row["limit_ratio"], 3),
        number(row["kernel_ratio"]["value"]),
        number(row["training_ratio"]["value"]),
        number(row["rate_ratio"]["value"]),
        interval(row["rate_ratio"]["interval"]),
        number(row.get("published_ratio", {}).get("value")),
        row.get("short") or "",
        f"{row['holds_recorded']} of {row['num']}",
        f"{row['holds']} of {row['num']}",
        number(row["largest_displacement"]["value"]),
    ]


def _threshold_cells(record: Record) -> list[str]:
    low, high = record["interval"]
    inside = record["place"] == "inside"
    return [
        number(record["threshold"]) if inside and record["threshold"] else record["place"],
        f"[{number(low)}, {'∞' if high is None else number(high)}]",
        number(record["highest_failure"]) if record["highest_failure"] else "none",
        number(record["all_converged_from"]),
        number(record["runs_above"]),
        decimal(record["failures_above"], 3),
    ]


def _limit_words(record: Mapping[str, Any]) -> str:
    """What becomes of a threshold with the width, in one sentence."""
    limit, meaning = record["limit"], record["meaning"]
    meaning = meaning[:1].upper() + meaning[1:]
    if "exponent_interval" not in limit:
        return f"{meaning}: not extrapolated ({limit['reason']})."
    return (
        f"{meaning}: {limit['verdict']}, limit {number(limit['limit'])} "
        f"[{number(limit['interval'][0])}, {number(limit['interval'][1])}] if it settles, exponent "
        f"{decimal(limit['exponent'])} {interval(limit['exponent_interval'])} if it drifts."
    )


def _run_row(run: Record) -> list[str]:
    rates = [number(run[name]) for name in ("bound", "kernel", "average", "final", "rate")]
    return [
        run["name"],
        number(run["kappa"]),
        number(run["width"]),
        number(run["seed"]),
        Cell(run["outcome"], "" if run["outcome"] == "converged" else "bad"),
        number(run["steps"]),
        number(run["time"]),
        number(run["loss_fraction"]),
        *rates,
        number(run["largest_displacement"]),
    ]


def lambda_words(study: TheoremRecord) -> str:
    """lambda_S in words."""
    found = study.stored["lambda_s"]
    if found["smallest"] is None:
        return MISSING
    return f"{number(found['smallest'])} (layers: {listing(found['layers'])})"
