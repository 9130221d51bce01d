"""What is the command of a study, made from its settings?"""

import inspect
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lazyscope._checks import InputError
from lazyscope._described import described
from lazyscope.cli._answer import print_answer, print_json, table
from lazyscope.cli._exit_codes import CONTRADICTED, WORDS, exit_code
from lazyscope.cli._output import claimed_folder
from lazyscope.cli._sweep_summary import summary_record, summary_sentence
from lazyscope.cli._workers import checked_workers
from lazyscope.cli.study._options import made_command, option_parameters, read_options
from lazyscope.cli.study._progress import study_progress
from lazyscope.cli.study._verdict import print_verdict

if TYPE_CHECKING:
    from lazyscope.study import AbstractStudy, StudyRun

_SHARED = (
    ("scheduler", "ADDRESS", "Dask scheduler; threads if absent."),
    ("workers", "N", "Threads; all usable cores if absent."),
)


def study_help(study: "AbstractStudy[Any]") -> str:
    """What the command of a study says of itself: the study's words, then what all studies share."""
    own, _, examples = described(type(study)).partition("\n\nExample: ")
    shared = (
        f"DIR gets a page (index.html), the numbers ({study.name}.json) and the runs: interrupted in any "
        f"way, the same command goes on, and `lazyscope report DIR` draws the page again. {WORDS}"
    )
    return f"{own}\n\n{shared}\n\nExample: {examples}"


def study_command(study: "AbstractStudy[Any]") -> Callable[..., None]:
    """The function behind the command of a study, with an option for every field of its settings."""
    parameters = [
        _option(
            "output",
            Path,
            Path(study.folder or study.name),
            typer.Option(metavar="DIR", help="Folder of the study."),
        ),
        *option_parameters(study.settings, study.also, study.earlier),
        *(
            _option(name, str | None, None, typer.Option(metavar=metavar, help=words))
            for name, metavar, words in _SHARED
        ),
        _option(
            "json",
            bool,
            False,
            typer.Option("--json", help="The stored result as one JSON object on stdout."),
        ),
        _option(
            "dry_run",
            bool,
            False,
            typer.Option(
                "--dry-run", help="Only tell the number of runs and what they could decide."
            ),
        ),
        _option("store", str | None, None, typer.Option("--store", hidden=True)),
        _option("page", str | None, None, typer.Option("-o", hidden=True)),
    ]
    return made_command(lambda given: _run(study, given), parameters)


def _option(name: str, kind: Any, default: Any, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, option],
    )


def _run(study: "AbstractStudy[Any]", given: Mapping[str, Any]) -> None:
    _refuse_earlier(study.name, given)
    scheduler, workers = checked_workers(given["scheduler"], given["workers"])
    from lazyscope.study import MissingRunsError, run_study

    _tell_renamed(study.earlier, given)
    settings = study.given(**read_options(study.settings, given, study.earlier))
    if given["dry_run"]:
        _tell_plan(study, study.decided(settings), as_json=given["json"])
        return
    how: dict[str, Any] = {
        "scheduler": scheduler,
        "workers": workers,
        "command": command_line(study, given),
    }
    with claimed_folder(given["output"], ("index.html", f"{study.name}.json")) as folder:
        try:
            with study_progress() as shown:
                done = run_study(study, settings, folder, **how, **shown)
        except MissingRunsError as error:
            typer.echo(f"lazyscope: {error}", err=True)
            raise typer.Exit(CONTRADICTED) from error
    _tell(study, done, as_json=given["json"])


def _tell_plan(study: "AbstractStudy[Any]", settings: Any, *, as_json: bool) -> None:
    """What would be run, and how often the verdict would be right; nothing is run or written."""
    runs = {name: design.num_cells for name, design in study.designs(settings).items()}
    powers = [vars(each) for each in study.power(settings)]
    if as_json:
        print_json({"study": study.name, "runs": runs, "power": powers})
        return
    told = ", ".join(f"{name} {number}" for name, number in runs.items())
    print_answer(
        f"{sum(runs.values())} runs ({told}), none of them made."
        if runs
        else "Networks of your own are not counted as runs; none of them was trained."
    )
    if not powers:
        print_answer("This study cannot say beforehand what it will be able to tell.")
        return
    parts = [
        f"at {each['noise']:.1%} noise {each['supported']:.0%} and {each['contradicted']:.0%}"
        for each in powers
    ]
    print_answer(
        "How often the verdict would be supported where the law is exact, and contradicted where the truth "
        f"is half a step away: {'; '.join(parts)}. Below 80 % a study explores. Noise is the scatter of log "
        "displacements about the law."
    )


def _refuse_earlier(name: str, given: Mapping[str, Any]) -> None:
    """Refuse the options that two-layer and three-layer had before every study had a folder."""
    for option in ("store", "page"):
        if given[option] is not None:
            raise InputError(
                "a study has one folder for its runs, its numbers and its page",
                received=f"{'--store' if option == 'store' else '-o'} {given[option]}",
                cause="the options of an earlier version",
                fix=f"use `lazyscope study {name} --output DIR`: the page is DIR/index.html, and DIR/runs "
                "is the place for an earlier store",
            )


def _tell_renamed(earlier: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Say which options have another name now; both at once are refused."""
    for old, new in earlier.items():
        if given[old] is not None and given[new] is not None:
            raise InputError(
                f"--{old} is an earlier name of --{new}",
                received=f"--{old} {given[old]} with --{new} {given[new]}",
                cause="a command line of an earlier version, with an option added",
                fix=f"leave out --{old}",
            )
        if given[old] is not None:
            typer.echo(f"lazyscope: --{old} is --{new} now; the old name goes with 1.0", err=True)


def command_line(study: "AbstractStudy[Any]", given: Mapping[str, Any]) -> str:
    """The command line that runs the same study again."""
    words = ["lazyscope", "study", study.name, "--output", str(given["output"])]
    told = {name: value for name, value in given.items() if value is not None}
    named = {study.earlier.get(name, name): value for name, value in told.items()}
    for name in read_options(study.settings, given, study.earlier):
        flag, value = "--" + name.replace("_", "-"), named[name]
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        elif name in _arguments(study.settings):
            words.insert(3, value)
        else:
            words += [flag, value]
    return shlex.join(words)


def _arguments(settings: type) -> set[str]:
    return {
        one.name
        for one in option_parameters(settings, {}, {})
        if one.default is inspect.Parameter.empty
    }


def _tell(study: "AbstractStudy[Any]", done: "StudyRun", *, as_json: bool) -> None:
    """Print the answer and end with its exit code."""
    verdict, summary = done.result["verdict"], done.summary
    numbers, page = (done.folder.resolve() / name for name in (f"{study.name}.json", "index.html"))
    if as_json:
        told = {"summary": summary_record(summary)} if done.summaries else {}
        print_json({**done.result, **told, "numbers": str(numbers), "page": str(page)})
    else:
        parts = [
            *(
                table(one.title, one.header, one.rows, one.caption)
                for one in study.tables(done.result)
            ),
            *study.words(done.result),
        ]
        if done.summaries:
            parts.append(summary_sentence(summary))
        for part in parts:
            print_answer(part, "")
        print_verdict(verdict)
        typer.echo(f"Numbers: {numbers}")
        typer.echo(f"Page: {page}")
    complete = all(one.complete for one in done.summaries.values())
    code = exit_code(verdict["answer"], complete=complete)
    if code:
        raise typer.Exit(code)
