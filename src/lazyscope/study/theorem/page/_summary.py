"""What of a study of the theorem fits into a terminal?"""

from collections.abc import Mapping
from typing import Any

from lazyscope.report.parts import Table, interval, number


def rate_table(result: Mapping[str, Any]) -> Table:
    """The rates of every named scheme over the bound."""
    head = ["scheme", "width", "kappa", "bound", "K(0)/bound", "rate/bound", "95 %"]
    head += ["rate/published", "short", "holds"]
    rows = [
        [
            row["name"],
            str(row["width"]),
            number(row["kappa"]),
            number(row["bound"]),
            number(row["kernel_ratio"]["value"]),
            number(row["rate_ratio"]["value"]),
            interval(row["rate_ratio"]["interval"]),
            number(row["published_ratio"]["value"]),
            row["short"] or "",
            f"{row['holds_recorded']} of {row['num']}",
        ]
        for row in result["bounds"]
    ]
    note = (
        f"lambda_S = {number(result['lambda_s']['smallest'])}. Bound: derived, with lambda_min layer by "
        "layer; published: with lambda_S for all. Short: the factor that lies lowest where the rate is below "
        "the derived bound. Holds: as long as it was recorded."
    )
    return Table("rates", "Decay rates of the loss over the theorem's bound", head, rows, note)


def threshold_table(result: Mapping[str, Any]) -> Table:
    """The kappa above which each criterion is met for every spread."""
    rows = [
        [
            record["criterion"],
            str(row["width"]),
            number(row["all"]["threshold"])
            if row["all"]["place"] == "inside"
            else row["all"]["place"],
            interval(row["all"]["interval"]),
        ]
        for record in result["thresholds"]
        for row in record["widths"]
    ]
    head = ["criterion", "width", "threshold", "95 %"]
    note = "; ".join(
        f"{record['criterion']}: {record['meaning']}" for record in result["thresholds"]
    )
    return Table("thresholds", "Threshold in kappa, all spreads together", head, rows, note)
