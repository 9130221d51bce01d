"""`lazyscope study theorem`: does the loss fall at the rate that the theorem guarantees?"""

import json as json_module
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyscope.cli._answer import number, print_answer, print_json, table
from lazyscope.cli._output import claimed_folder, write_whole
from lazyscope.cli._values import read_names, read_number, read_number_tuple
from lazyscope.cli.study._progress import study_progress


def study_theorem_command(
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for theorem.html and theorem.json.")
    ] = Path("lazyscope-study-theorem"),
    data: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Source of the points.")
    ] = None,
    num_points: Annotated[str | None, typer.Option(metavar="N", help="Training points.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="KIND", help="classes, parity or value.")
    ] = None,
    schemes: Annotated[
        str | None, typer.Option(metavar="NAME,..", help="Named schemes, each at its own kappa.")
    ] = None,
    widths: Annotated[
        str | None,
        typer.Option(metavar="M,..", help="Widths of the named schemes, at least three."),
    ] = None,
    spreads: Annotated[
        str | None, typer.Option(metavar="NAME,..", help="Ways to spread kappa over the layers.")
    ] = None,
    kappas: Annotated[
        str | None,
        typer.Option(metavar="K,..", help="Initial scales of the spreads, four or more."),
    ] = None,
    threshold_widths: Annotated[
        str | None, typer.Option(metavar="M,..", help="Widths of the spreads, three or more.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(metavar="N", help="Seeds of every run.")] = None,
    kernel_seeds: Annotated[
        str | None, typer.Option(metavar="N", help="Networks per width for K(0) alone.")
    ] = None,
    depth: Annotated[str | None, typer.Option(metavar="L", help="Hidden layers.")] = None,
    activation: Annotated[str | None, typer.Option(metavar="NAME", help="Nonlinearity.")] = None,
    stop: Annotated[
        str | None, typer.Option(metavar="FRACTION", help="Fraction of the loss that is zero.")
    ] = None,
    kept: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Share of a rate that counts as kept.")
    ] = None,
    tolerated: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Share of failures that a threshold allows."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="The stored result as one JSON object on stdout.")
    ] = False,
) -> None:
    """The theorem on real data: its bound, the rate of K(0), the measured rate and the threshold.

    Named schemes are trained at their own kappa over widths, and spreads of kappa over kappas, widths
    and seeds. The page opens without a network; the numbers behind it are in theorem.json.

    Example: `lazyscope study theorem --output lazyscope-study-theorem`

    Example: `lazyscope study theorem --widths 32,64,128 --threshold-widths 32,64,128 --seeds 2`
    """
    given = {name: text for name, text in locals().items() if name in _READERS and text is not None}
    from lazyscope._plain import plain
    from lazyscope.study import TheoremSettings, run_theorem_study, write_theorem_page

    settings = TheoremSettings(**{name: _READERS[name](text) for name, text in given.items()})
    with claimed_folder(output, ("theorem.html", "theorem.json")) as folder:
        with study_progress() as advance:
            result = plain(run_theorem_study(settings, progress=advance))
        result["settings"]["command"] = _command(output, given)
        text = json_module.dumps(result, allow_nan=False)
        stored = write_whole(text, folder / "theorem.json")
        page = write_theorem_page(result, folder / "theorem.html")
    if json:
        print_json(result)
        return
    print_answer(_rate_table(result), "", _threshold_table(result), "")
    typer.echo(f"Verdict: {result['verdict']['sentence']}")
    for remark in result["verdict"]["remarks"]:
        typer.echo(remark)
    typer.echo(f"Numbers: {stored.resolve()}")
    typer.echo(f"Page: {page.resolve()}")


_READERS: dict[str, Callable[[str], Any]] = {
    "data": str,
    "num_points": read_number,
    "target": str,
    "schemes": read_names,
    "widths": read_number_tuple,
    "spreads": read_names,
    "kappas": read_number_tuple,
    "threshold_widths": read_number_tuple,
    "seeds": read_number,
    "kernel_seeds": read_number,
    "depth": read_number,
    "activation": str,
    "stop": read_number,
    "kept": read_number,
    "tolerated": read_number,
}


def _rate_table(result: dict[str, Any]) -> Any:
    """The rates of every named scheme over the bound."""
    head = ["scheme", "width", "kappa", "bound", "K(0)/bound", "rate/bound", "95 %", "holds"]
    rows = [
        [
            row["name"],
            str(row["width"]),
            number(row["kappa"]),
            number(row["bound"]),
            number(row["kernel_ratio"]["value"]),
            number(row["rate_ratio"]["value"]),
            _interval(row["rate_ratio"]["interval"]),
            f"{row['holds_recorded']} of {row['num']}",
        ]
        for row in result["bounds"]
    ]
    note = (
        f"lambda_S = {number(result['lambda_s']['smallest'])}. Holds: as long as it was recorded."
    )
    return table("Decay rates of the loss over the theorem's bound", head, rows, note)


def _threshold_table(result: dict[str, Any]) -> Any:
    """The kappa above which each criterion is met for every spread."""
    rows = [
        [
            record["criterion"],
            str(row["width"]),
            number(row["all"]["threshold"])
            if row["all"]["place"] == "inside"
            else row["all"]["place"],
            _interval(row["all"]["interval"]),
        ]
        for record in result["thresholds"]
        for row in record["widths"]
    ]
    head = ["criterion", "width", "threshold", "95 %"]
    note = "; ".join(
        f"{record['criterion']}: {record['meaning']}" for record in result["thresholds"]
    )
    return table("Threshold in kappa, all spreads together", head, rows, note)


def _interval(ends: list[float | None]) -> str:
    low, high = (number(end) for end in ends)
    return f"[{low}, {high}]"


def _command(output: Path, given: dict[str, str]) -> str:
    """The command line that runs the same study again."""
    words = ["lazyscope", "study", "theorem", "--output", str(output)]
    for name, text in given.items():
        words += ["--" + name.replace("_", "-"), text]
    return shlex.join(words)
