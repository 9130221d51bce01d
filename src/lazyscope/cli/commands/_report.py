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


def report_command(
    store: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|RECORD",
            help="Folder of a study, store of a sweep, or file of an observer.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PAGE.html",
            help="The page; index.html in the folder of a study unless given.",
        ),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE", help="One value of a further axis; may be repeated."),
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Of the page.")] = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where figures for a paper go too, as PDF."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """The page of a stored result: any study drawn again, a phase diagram, an observed training.

    A study is drawn from its folder alone, and nothing is run or judged again. A sweep over two
    axes besides width and seed becomes a map, one over a single axis or a list of points a page of exponents;
    --select and --title are for sweeps.

    Example: `lazyscope report two-layer`

    Example: `lazyscope report my-sweep -o my-sweep.html`

    Example: `lazyscope report two-layer --figures figures`
    """
    from lazyscope.study import redraw_study, save_figures, stored_studies

    if output is not None:
        check_writable_file(output, page=True)
    stored = _stored(store)
    if stored.is_dir() and stored_studies(stored):
        _refuse_unused(select=select, title=title)
        page = stored / "index.html" if output is None else local_path("the output", output)
        check_writable_file(page, page=True)
        verdict = str(redraw_study(stored, page)["verdict"]["sentence"])
    elif output is None:
        raise InputError(
            "the page of a sweep or of an observed training needs a path",
            received="no --output",
            cause="the short form, which is for folders of studies",
            fix="add -o PAGE.html",
        )
    else:
        page = local_path("the output", output)
        draw = _map_page if stored.is_dir() else _observation_page
        verdict = draw(stored, page, select or [], title)
    told: dict[str, Any] = {"page": str(page.resolve()), "verdict": verdict}
    if figures is not None:
        told["figures"] = [str(path.resolve()) for path in save_figures(stored, figures)]
    if json:
        print_json(told)
    else:
        if verdict:
            typer.echo(f"Verdict: {verdict}")
        typer.echo(f"Page: {told['page']}")
        for path in told.get("figures", ()):
            typer.echo(f"Figure: {path}")


def _refuse_unused(**given: Any) -> None:
    """Refuse options that a study's page would not follow."""
    for name, value in given.items():
        if value:
            raise InputError(
                f"--{name} is for the page of a sweep",
                received=f"--{name} {value if isinstance(value, str) else ' '.join(value)}",
                cause="the folder of a study, whose page has a title and axes of its own",
                fix=f"leave out --{name}, or give the store of its runs",
            )


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


def _observation_page(
    stored: Path, output: Path, select: Sequence[str], title: str | None
) -> str | None:
    from lazyscope.observe import JOINED_FORMAT, open_observations, to_json
    from lazyscope.report import write_joined_page, write_observation_page

    _refuse_unused(select=select)
    joined = _json_of(stored)
    if isinstance(joined, dict) and joined.get("format") == JOINED_FORMAT:
        write_joined_page(joined, output, title=title or "Observed widths")
        return None
    record = open_observations(stored)
    write_observation_page(to_json(record), output, title=title or "Observed training")
    return record.summary()["verdict"] or "none, training left the finite numbers"


def _json_of(stored: Path) -> Any:
    """What a JSON file holds; None for any other file, which its reader refuses."""
    try:
        return read_json(stored)
    except (OSError, ValueError):
        return None


def _map_page(store: Path, output: Path, select: Sequence[str], title: str | None) -> str | None:
    from lazyscope.study import (
        map_estimates,
        sweep_exponents,
        write_exponents_page,
        write_map_page,
    )

    runs = _selected(opened_store(store), select)
    if sum(dim not in ("width", "seed") for dim in runs["outcome"].dims) < 2:
        write_exponents_page(runs, sweep_exponents(runs), output, title=title or "")
        return None
    _check_two_axes(runs)
    estimates = map_estimates(runs, title=title or str(runs.attrs.get("title", "")))
    write_map_page(runs, estimates, output)
    verdict = json_module.loads(estimates.attrs.get("verdict", "null"))
    return verdict["sentence"] if verdict else None


def _check_two_axes(runs: "xr.Dataset") -> None:
    """Refuse runs over more axes than a map has, in the words of the command."""
    others = [str(dim) for dim in runs["outcome"].dims if dim not in ("width", "seed")]
    if len(others) > 2:
        first = " ".join(f"--select {axis}={runs[axis].values[0]}" for axis in others[2:])
        raise InputError(
            "a map needs runs over exactly two axes, widths and seeds",
            received=f"the axes {', '.join(map(str, runs['outcome'].dims))}",
            cause="a sweep over more axes",
            fix=f"select one value of each further axis, for instance {first}",
        )


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
