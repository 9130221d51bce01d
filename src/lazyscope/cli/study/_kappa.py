"""`lazyscope study kappa`: does kappa alone decide how lazily a network trains?"""

import json as json_module
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyscope.cli._answer import print_answer, print_json
from lazyscope.cli._output import claimed_folder, write_whole
from lazyscope.cli._values import read_names, read_number, read_number_tuple
from lazyscope.cli.study._progress import study_progress


def study_kappa_command(
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for index.html and kappa.json.")
    ] = Path("lazyscope-study-kappa"),
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="dense, convolution, residual, residual-convolution, layer-norm or attention.",
        ),
    ] = "dense",
    data: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Source of the points.")
    ] = None,
    num_points: Annotated[str | None, typer.Option(metavar="N", help="Training points.")] = None,
    num_test: Annotated[str | None, typer.Option(metavar="N", help="Test points.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="KIND", help="classes, parity or value.")
    ] = None,
    shapes: Annotated[
        str | None, typer.Option(metavar="NAME,..", help="Ways to spread kappa over the layers.")
    ] = None,
    kappas: Annotated[
        str | None, typer.Option(metavar="K,..", help="Initial scales, four or more.")
    ] = None,
    widths: Annotated[str | None, typer.Option(metavar="M,..", help="Widths.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="N", help="Seeds of every run.")] = None,
    depth: Annotated[
        str | None, typer.Option(metavar="L", help="Hidden layers or convolutions.")
    ] = None,
    activation: Annotated[str | None, typer.Option(metavar="NAME", help="Nonlinearity.")] = None,
    stop: Annotated[
        str | None, typer.Option(metavar="FRACTION", help="End at this fraction of the loss.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="The stored result as one JSON object on stdout.")
    ] = False,
) -> None:
    """The paper's message on real data: largest displacement against kappa, whatever the scheme.

    Every shape of scheme is trained at every kappa, width and seed. The page opens without a
    network; the numbers behind it are in kappa.json. What is not given takes the default of the model.

    Example: `lazyscope study kappa --output lazyscope-study-kappa`

    Example: `lazyscope study kappa --model convolution --output kappa-convolution`

    Example: `lazyscope study kappa --widths 64,128 --kappas 16,32,64,128 --seeds 2 --output quick`
    """
    given = {name: text for name, text in locals().items() if name in _READERS and text is not None}
    from lazyscope._plain import plain
    from lazyscope.study import kappa_settings, kappa_summary, run_kappa_study, write_kappa_page

    settings = kappa_settings(**{name: _READERS[name](text) for name, text in given.items()})
    with claimed_folder(output, ("index.html", "kappa.json")) as folder:
        with study_progress() as advance:
            result = plain(run_kappa_study(settings, progress=advance))
        result["settings"]["command"] = _command(output, given)
        text = json_module.dumps(result, allow_nan=False)
        stored = write_whole(text, folder / "kappa.json")
        page = write_kappa_page(result, folder / "index.html")
    if json:
        print_json(result)
    else:
        print_answer(kappa_summary(result), "")
        typer.echo(f"Verdict: {result['verdict']['sentence']}")
        typer.echo(f"Numbers: {stored.resolve()}")
        typer.echo(f"Page: {page.resolve()}")


_READERS: dict[str, Callable[[str], Any]] = {
    "model": str,
    "data": str,
    "num_points": read_number,
    "num_test": read_number,
    "target": str,
    "shapes": read_names,
    "kappas": read_number_tuple,
    "widths": read_number_tuple,
    "seeds": read_number,
    "depth": read_number,
    "activation": str,
    "stop": read_number,
}


def _command(output: Path, given: dict[str, str]) -> str:
    """The command line that runs the same study again."""
    words = ["lazyscope", "study", "kappa", "--output", str(output)]
    for name, text in given.items():
        words += ["--" + name.replace("_", "-"), text]
    return shlex.join(words)
