"""`lazyscope report`: what does a stored result look like?"""

import json as json_module
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lazyscope._checks import InputError, check_choice
from lazyscope._file import local_path, open_regular, read_json, unreadable
from lazyscope.cli._answer import print_json
from lazyscope.cli._output import check_writable_file
from lazyscope.cli._store import opened_store
from lazyscope.cli._values import read_number

if TYPE_CHECKING:
    import xarray as xr

KAPPA = "kappa.json"


def report_command(
    store: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|RECORD",
            help="Store of a sweep, folder of a study, or file of an observer.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PAGE.html", help="The page.")],
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE", help="One value of a further axis; may be repeated."),
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Of the page.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """The page of a stored result: a phase diagram, a study of kappa drawn again, an observed training.

    A phase diagram needs a sweep over two axes besides width and seed.

    Example: `lazyscope report two-layer -o two-layer.html`
    """
    check_writable_file(output, page=True)
    stored, page = _stored(store), local_path("the output", output)
    if not stored.is_dir():
        verdict = _observation_page(stored, page, title)
    elif os.path.lexists(stored / KAPPA):
        verdict = _kappa_page(stored / KAPPA, page)
    else:
        verdict = _map_page(stored, page, select or [], title)
    told = {"page": str(page.resolve()), "verdict": verdict}
    if json:
        print_json(told)
    else:
        if verdict:
            typer.echo(f"Verdict: {verdict}")
        typer.echo(f"Page: {told['page']}")


def _stored(store: Path) -> Path:
    """The folder or regular file of a stored result, or a refusal."""
    path = local_path("a stored result", store)
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            open_regular(path).close()
    except OSError as error:
        fix = "give the folder or file of a result"
        raise unreadable("a stored result must be readable", path, error, fix=fix) from error
    return path


def _kappa_page(stored: Path, output: Path) -> str:
    from lazyscope.study import write_kappa_page

    rule = f"{KAPPA} must hold the JSON object of a study"
    try:
        result = read_json(stored)
    except (OSError, ValueError) as error:
        raise unreadable(rule, stored, error, fix="run the study again") from error
    try:
        sentence = str(result["verdict"]["sentence"])
        write_kappa_page(result, output)
    except InputError:
        raise
    except _MISSHAPEN as error:
        raise InputError(
            rule,
            received=f"{stored} ({type(error).__name__}: {error})",
            cause="a file that was edited, or the result of another command",
            fix="run the study again",
        ) from error
    return sentence


_MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def _observation_page(stored: Path, output: Path, title: str | None) -> str:
    from lazyscope.observe import open_observations, to_json
    from lazyscope.report import write_observation_page

    record = open_observations(stored)
    write_observation_page(to_json(record), output, title=title or "Observed training")
    return record.summary()["verdict"] or "none, training left the finite numbers"


def _map_page(store: Path, output: Path, select: Sequence[str], title: str | None) -> str | None:
    from lazyscope.study import map_estimates, write_map_page

    runs = _selected(opened_store(store), select)
    estimates = map_estimates(runs, title=title or str(runs.attrs.get("title", "")))
    write_map_page(runs, estimates, output)
    verdict = json_module.loads(estimates.attrs.get("verdict", "null"))
    return verdict["sentence"] if verdict else None


def _selected(runs: "xr.Dataset", select: Sequence[str]) -> "xr.Dataset":
    """One value of each named axis."""
    for text in select:
        axis, _, value = text.partition("=")
        axes = [str(dim) for dim in runs["outcome"].dims if dim not in ("width", "seed")]
        check_choice("an axis to select from", axis, axes)
        known: list[Any] = runs[axis].values.tolist()
        wanted = read_number(value)
        if wanted not in known:
            raise InputError(
                f"{axis} must be selected by one of its values, {', '.join(map(str, known))}",
                received=repr(value),
                cause="a value between those of the sweep",
                fix="choose one of the values",
            )
        runs = runs.isel({axis: known.index(wanted)})
    return runs
