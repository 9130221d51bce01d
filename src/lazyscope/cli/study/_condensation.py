"""`lazyscope study condensation`: where do the input weights condense on a few directions?"""

import json as json_module
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lazyscope.cli._answer import print_answer, print_json
from lazyscope.cli._output import claimed_folder, write_whole
from lazyscope.cli._sweep_summary import end_with_exit_code, summary_record, summary_sentence
from lazyscope.cli._values import read_number, read_number_tuple

if TYPE_CHECKING:
    import xarray as xr

_Option = str | None


def study_condensation_command(
    output: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for index.html, condensation.json and the runs."),
    ] = Path("condensation"),
    gamma: Annotated[_Option, typer.Option(metavar="A,..", help="Values of this axis.")] = None,
    gamma_prime: Annotated[
        _Option, typer.Option(metavar="A,..", help="Values of this axis.")
    ] = None,
    widths: Annotated[_Option, typer.Option(metavar="M,..", help="Widths, at least three.")] = None,
    seeds: Annotated[_Option, typer.Option(metavar="N", help="Seeds of every run.")] = None,
    early_stop: Annotated[
        _Option,
        typer.Option(metavar="FRACTION", help="The initial stage ends at this fraction."),
    ] = None,
    stop: Annotated[
        _Option, typer.Option(metavar="FRACTION", help="End at this fraction of the loss.")
    ] = None,
    num_directions: Annotated[
        _Option, typer.Option(metavar="K", help="Leading directions whose mass counts.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="The stored numbers as one JSON object on stdout.")
    ] = False,
) -> None:
    """The map of condensation over (gamma, gamma'): how few directions do the input weights take?

    The runs are kept under DIR/runs: interrupted in any way, the same command goes on. A click on a
    cell of the page shows its weights before, early and after. Exit code 1 says that runs are missing.

    Example: `lazyscope study condensation --output condensation`

    Example: `lazyscope study condensation --gamma 0.5,1,1.75 --gamma-prime -0.25,0.25 --output quick`
    """
    given = {name: text for name, text in locals().items() if name in _READERS and text is not None}
    from lazyscope.study import (
        CondensationSettings,
        run_condensation_study,
        write_condensation_page,
    )

    settings = CondensationSettings(**{name: _READERS[name](text) for name, text in given.items()})
    shown = typer.get_text_stream("stderr").isatty()
    with claimed_folder(output, ("index.html", "condensation.json")) as folder:
        result = run_condensation_study(settings, folder / "runs", show_progress=shown)
        record = _record(result.estimates)
        text = json_module.dumps(record, allow_nan=False)
        stored = write_whole(text, folder / "condensation.json")
        page = write_condensation_page(result.runs, result.estimates, folder / "index.html")
    if json:
        print_json({**record, "summary": summary_record(result.summary)})
    else:
        print_answer(summary_sentence(result.summary))
        typer.echo(f"Verdict: {record['side_check']['sentence']}")
        typer.echo(f"Numbers: {stored.resolve()}")
        typer.echo(f"Page: {page.resolve()}")
    end_with_exit_code(result.summary)


def _record(estimates: "xr.Dataset") -> dict[str, Any]:
    """Axes, order parameters of every cell and what they say, ready for JSON."""
    from lazyscope._plain import plain

    names = [str(name) for name in estimates.data_vars if str(name).startswith(("order", "direct"))]
    axes = ("gamma", "gamma_prime", "stage", "width", "seed")
    return plain(
        {
            "study": "condensation",
            **{axis: estimates[axis].values.tolist() for axis in axes},
            "num_directions": int(estimates.attrs["num_directions"]),
            "dims": {name: [str(dim) for dim in estimates[name].dims] for name in names},
            **{name: estimates[name].values for name in names},
            "predicted_layer_1": estimates["predicted"].sel(layer=1).values,
            "side_check": json_module.loads(estimates.attrs["side_check"]),
        }
    )


_READERS: dict[str, Callable[[str], Any]] = {
    "gamma": read_number_tuple,
    "gamma_prime": read_number_tuple,
    "widths": read_number_tuple,
    "seeds": read_number,
    "early_stop": read_number,
    "stop": read_number,
    "num_directions": read_number,
}
