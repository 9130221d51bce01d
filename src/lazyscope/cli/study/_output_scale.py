"""`lazyscope study output-scale`: does the crossover of scaled outputs depend on kappa alone?"""

import json as json_module
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyscope.cli._answer import print_answer, print_json
from lazyscope.cli._output import claimed_folder, write_whole
from lazyscope.cli._sweep_summary import end_with_exit_code, summary_record, summary_sentence
from lazyscope.cli._values import read_number, read_number_tuple

_Option = str | None


def study_output_scale_command(
    output: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for index.html, output-scale.json and the runs."),
    ] = Path("output-scale"),
    output_scale: Annotated[
        _Option, typer.Option(metavar="A,..", help="Values of alpha, increasing.")
    ] = None,
    widths: Annotated[_Option, typer.Option(metavar="M,..", help="Widths, at least three.")] = None,
    seeds: Annotated[_Option, typer.Option(metavar="N", help="Seeds of every run.")] = None,
    scheme: Annotated[_Option, typer.Option(metavar="NAME", help="Scheme behind alpha.")] = None,
    depth: Annotated[_Option, typer.Option(metavar="L", help="Hidden layers.")] = None,
    activation: Annotated[_Option, typer.Option(metavar="NAME", help="Nonlinearity.")] = None,
    data: Annotated[
        _Option, typer.Option(metavar="NAME|PATH", help="Source of the points.")
    ] = None,
    target: Annotated[
        _Option, typer.Option(metavar="KIND", help="classes, parity or value.")
    ] = None,
    num_points: Annotated[_Option, typer.Option(metavar="N", help="Training points.")] = None,
    num_test: Annotated[_Option, typer.Option(metavar="N", help="Test points.")] = None,
    stop: Annotated[
        _Option, typer.Option(metavar="FRACTION", help="End at this fraction of the loss.")
    ] = None,
    tolerance: Annotated[
        _Option, typer.Option(metavar="T", help="Tolerance of the flow, 0.1 unless given.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="The stored result as one JSON object on stdout.")
    ] = False,
) -> None:
    """The lazy/rich crossover of outputs scaled by alpha, over alpha and the width.

    The runs are kept under DIR/runs: interrupted in any way, the same command goes on, and more values
    of alpha, widths or seeds cost only the runs that are new. Exit code 1 says that runs are missing.

    Example: `lazyscope study output-scale --output output-scale`

    Example: `lazyscope study output-scale --output quick --widths 32,128,512 --num-points 16`
    """
    given = {name: text for name, text in locals().items() if name in _READERS and text is not None}
    from lazyscope.study import OutputScaleSettings, run_output_scale_study, write_output_scale_page

    settings = OutputScaleSettings(**{name: _READERS[name](text) for name, text in given.items()})
    shown = typer.get_text_stream("stderr").isatty()
    with claimed_folder(output, ("index.html", "output-scale.json")) as folder:
        result = run_output_scale_study(settings, folder / "runs", show_progress=shown)
        record = result.record
        record["settings"]["command"] = _command(output, given)
        text = json_module.dumps(record, allow_nan=False)
        stored = write_whole(text, folder / "output-scale.json")
        page = write_output_scale_page(record, folder / "index.html")
    if json:
        print_json({**record, "summary": summary_record(result.summary)})
    else:
        print_answer(summary_sentence(result.summary))
        typer.echo(f"Verdict: {record['verdict']['sentence']}")
        typer.echo(f"Numbers: {stored.resolve()}")
        typer.echo(f"Page: {page.resolve()}")
    end_with_exit_code(result.summary)


_READERS: dict[str, Callable[[str], Any]] = {
    "output_scale": read_number_tuple,
    "widths": read_number_tuple,
    "seeds": read_number,
    "scheme": str,
    "depth": read_number,
    "activation": str,
    "data": str,
    "target": str,
    "num_points": read_number,
    "num_test": read_number,
    "stop": read_number,
    "tolerance": read_number,
}


def _command(output: Path, given: dict[str, str]) -> str:
    """The command line that runs the same study again."""
    words = ["lazyscope", "study", "output-scale", "--output", str(output)]
    for name, text in given.items():
        words += ["--" + name.replace("_", "-"), text]
    return shlex.join(words)
