"""`lazyscope exponents`: which power of the width does every layer of a sweep follow?"""

from collections import Counter
from typing import Annotated, Any

import typer

from lazyscope._checks import check_fraction
from lazyscope.cli._answer import number, print_answer, print_json, table
from lazyscope.cli._store import opened_store
from lazyscope.cli._values import read_number

_TOLD = (
    "layer",
    "exponent",
    "low",
    "high",
    "sign",
    "predicted",
    "verdict",
    "runs",
    "failed",
    "note",
    "assumption",
    "straight_p",
    "largest",
)


def exponents_command(
    store: Annotated[str, typer.Argument(metavar="DIR", help="Store of a sweep over widths.")],
    quantity: Annotated[
        str, typer.Option(metavar="NAME", help="Recorded quantity with a layer.")
    ] = "displacement_operator",
    level: Annotated[str, typer.Option(metavar="P", help="Coverage of the intervals.")] = "0.95",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Exponents in the width with intervals, for every cell and layer of a store.

    Beside displacements in operator norm stands the prediction of the displacement law.

    Example: `lazyscope exponents two-layer`
    """
    coverage = check_fraction("level", read_number(level))
    from lazyscope.study import sweep_exponents

    runs = opened_store(store)
    records = sweep_exponents(runs, quantity=quantity, level=coverage)
    verdicts = dict(Counter(record["verdict"] for record in records if record["verdict"]))
    if json:
        print_json(
            {
                "store": store,
                "quantity": quantity,
                "level": coverage,
                "num_finished": int(runs.attrs["num_finished"]),
                "num_cells": int(runs.attrs["num_cells"]),
                "verdicts": verdicts,
                "exponents": records,
            }
        )
    else:
        print_answer(*_parts(records, verdicts, quantity, coverage))


def _parts(
    records: list[dict[str, Any]], verdicts: dict[str, int], quantity: str, level: float
) -> list[Any]:
    axes = [name for name in records[0] if name not in _TOLD]
    rows = [
        (
            f"layer {record['layer']}",
            *(_place(record[axis]) for axis in axes),
            number(record["exponent"]),
            f"{number(record['low'])} to {number(record['high'])}",
            number(record["predicted"]),
            record["verdict"] or record["sign"],
            number(record["straight_p"]),
            _largest(record["largest"]),
            f"{record['failed']} of {record['runs']}",
        )
        for record in records
    ]
    head = (
        "",
        *axes,
        "exponent",
        f"{level:.0%} interval",
        "law",
        "verdict",
        "straight",
        "largest",
        "failed",
    )
    counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    return [
        table(
            f"Exponent of {quantity} in the width",
            head,
            rows,
            "Undecided: the interval is too wide, or contains zero where there is no prediction. Straight: "
            "probability of such means if nothing bends; below 0.05 a bend shows, and the interval rests on "
            "its going on. Largest: whether the other widths predict the largest.",
        ),
        *([f"Against the displacement law: {counted}."] if counted else []),
    ]


def _largest(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    low, high = found["expected"]
    return "as expected" if low <= found["measured"] <= high else "not as expected"


def _place(value: Any) -> str:
    return value if isinstance(value, str) else number(value)
