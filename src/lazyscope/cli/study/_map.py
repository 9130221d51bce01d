"""`lazyscope study two-layer` and `three-layer`: where does each layer leave the lazy regime?"""

import json as json_module
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lazyscope._file import local_path
from lazyscope.cli._answer import print_answer, print_json
from lazyscope.cli._output import check_writable_file
from lazyscope.cli._sweep_summary import end_with_exit_code, summary_record, summary_sentence
from lazyscope.cli._values import read_number, read_number_tuple

if TYPE_CHECKING:
    from lazyscope.study import MapResult

_Store = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the runs; made if absent.")]
_Output = Annotated[Path, typer.Option("-o", "--output", metavar="PAGE.html", help="The page.")]
_Axis = Annotated[str | None, typer.Option(metavar="A,..", help="Values of this axis.")]
_Widths = Annotated[str | None, typer.Option(metavar="M,..", help="Widths, at least three.")]
_Seeds = Annotated[str | None, typer.Option(metavar="N", help="Seeds of every run.")]
_Stop = Annotated[
    str | None, typer.Option(metavar="FRACTION", help="End at this fraction of the loss.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def study_two_layer_command(
    store: _Store,
    output: _Output = Path("two-layer.html"),
    gamma: _Axis = None,
    gamma_prime: _Axis = None,
    widths: _Widths = None,
    seeds: _Seeds = None,
    stop: _Stop = None,
    json: _Json = False,
) -> None:
    """The (gamma, gamma') phase diagram of two-layer ReLU networks, with a page to look into.

    1452 runs unless told otherwise. Interrupted in any way, the same command goes on; more values
    of an axis cost only the runs that are new. Exit code 1 says that runs are missing.

    Example: `lazyscope study two-layer --store two-layer -o two-layer.html`
    """
    given = {name: text for name, text in locals().items() if name in _READERS and text is not None}
    check_writable_file(output, page=True)
    runs = local_path("a store", store)
    from lazyscope.study import TwoLayerSettings, run_two_layer_study

    settings = TwoLayerSettings(**_read(given))
    _tell(run_two_layer_study(settings, runs, show_progress=_shown()), output, json)


def study_three_layer_command(
    store: _Store,
    output: _Output = Path("three-layer.html"),
    scale_exponent_1: _Axis = None,
    scale_exponent_2: _Axis = None,
    scale_exponent_3: Annotated[
        str | None, typer.Option(metavar="A", help="Exponent of the output layer's scale.")
    ] = None,
    widths: _Widths = None,
    seeds: _Seeds = None,
    stop: _Stop = None,
    json: _Json = False,
) -> None:
    """A phase diagram of three-layer ReLU networks, each layer with a map of its own.

    The axes are the exponents of alpha_1 and alpha_2. Interrupted in any way, the same command goes
    on. Exit code 1 says that runs are missing.

    Example: `lazyscope study three-layer --store three-layer -o three-layer.html`
    """
    given = {name: text for name, text in locals().items() if name in _READERS and text is not None}
    check_writable_file(output, page=True)
    runs = local_path("a store", store)
    from lazyscope.study import ThreeLayerSettings, run_three_layer_study

    settings = ThreeLayerSettings(**_read(given))
    _tell(run_three_layer_study(settings, runs, show_progress=_shown()), output, json)


_READERS: dict[str, Callable[[str], Any]] = {
    "gamma": read_number_tuple,
    "gamma_prime": read_number_tuple,
    "scale_exponent_1": read_number_tuple,
    "scale_exponent_2": read_number_tuple,
    "scale_exponent_3": read_number,
    "widths": read_number_tuple,
    "seeds": read_number,
    "stop": read_number,
}


def _read(given: Mapping[str, str]) -> dict[str, Any]:
    return {name: _READERS[name](text) for name, text in given.items()}


def _shown() -> bool:
    return typer.get_text_stream("stderr").isatty()


def _tell(result: "MapResult", output: Path, as_json: bool) -> None:
    from lazyscope.study import write_map_page

    page = write_map_page(result.runs, result.estimates, output)
    check = json_module.loads(result.estimates.attrs["sign_check"])
    summary = result.summary
    if as_json:
        places = {"page": str(page.resolve()), "store": str(summary.path.resolve())}
        print_json({**places, **summary_record(summary), "sign_check": check})
    else:
        print_answer(summary_sentence(summary))
        typer.echo(f"Verdict: {check['sentence']}")
        typer.echo(f"Store: {summary.path.resolve()}")
        typer.echo(f"Page: {page.resolve()}")
    end_with_exit_code(summary)
