"""`lazyscope check`: which parametrisation does a user's network have, over its widths?"""

import inspect
import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyscope._checks import InputError
from lazyscope.cli._answer import print_answer, print_json, table, working
from lazyscope.cli._exit_codes import WORDS, exit_code
from lazyscope.cli._output import check_writable_file
from lazyscope.cli.study._options import made_command, option_parameters, read_options
from lazyscope.cli.study._verdict import print_verdict
from lazyscope.study import CoordinateSettings

HELP = f"""A coordinate check with a verdict: kappa, regime of every layer, and what would change them.

BUILD returns (apply, params), (apply, params, groups, rates), an Equinox or a Flax NNX module, a PyTorch
module, or (module, groups, rates) with one. Inputs come as rows unless --input-shape says otherwise. The
first sentence says whether a learning rate transfers across width. `lazyscope study coordinates` is the same
with a folder for its page and numbers. {WORDS}

Example: `lazyscope check my_model:build --data digits --widths 64,128,256,512 -o check.svg`

Example: `lazyscope check my_model:build --expect mup`

Example: `lazyscope check my_model:build --optimizer adamw --loss cross-entropy --expect mup`
"""
_FIGURE = typer.Option("-o", "--output", metavar="FIGURE", help="Figure: .svg, .pdf or .png.")
_JSON = typer.Option("--json", help="One JSON object on stdout.")
PARAMETERS = [
    *option_parameters(CoordinateSettings),
    inspect.Parameter(
        "output",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[Path | None, _FIGURE],
    ),
    inspect.Parameter(
        "json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, _JSON]
    ),
]


def _check(given: Mapping[str, Any]) -> None:
    output = given["output"]
    if output is not None:
        check_writable_file(output)
        _check_format(output)
    with working("Drawing networks and taking their first steps"):
        from lazyscope.study import find_study, judge_study

        study = find_study("coordinates")
        settings = study.given(**read_options(study.settings, given))
        result = judge_study(study, settings, Path()).result  # which has no runs to keep
    if output is not None:
        from lazyscope.study import draw_coordinate_check

        # Drawn from what is stored, so that the figure can be drawn again.
        draw_coordinate_check(json_module.loads(json_module.dumps(result))).savefig(output)
        result["figure"] = str(output.resolve())
    if given["json"]:
        print_json(result)
    else:
        _print(study, result)
    code = exit_code(result["verdict"]["answer"])
    if code:
        raise typer.Exit(code)


check_command = made_command(_check, PARAMETERS)
check_command.__doc__ = HELP


def _check_format(path: Path) -> None:
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise InputError(
            "the figure needs the name of a picture file",
            received=str(path),
            cause="a missing or unknown ending",
            fix="end it in .svg, .pdf or .png",
        )


def _print(study: Any, result: Mapping[str, Any]) -> None:
    tables = [table(one.title, one.header, one.rows, one.caption) for one in study.tables(result)]
    print_answer(*tables, "", *study.words(result), "")
    print_verdict(result["verdict"])
    if "figure" in result:
        typer.echo(f"Figure: {result['figure']}")
