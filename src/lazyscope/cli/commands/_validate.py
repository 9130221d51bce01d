"""`lazyscope validate`: does the theory hold, claim by claim?"""

import json as json_module
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyscope._checks import InputError
from lazyscope.cli._answer import print_json
from lazyscope.cli._exit_codes import CONTRADICTED, SUPPORTED, UNDECIDED
from lazyscope.cli._output import claimed_folder, write_whole
from lazyscope.cli._values import read_names


def validate_command(
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller experiments; about two minutes on two cores.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="The long claims too; an hour and a half on two cores.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Check this claim only; may be given again."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="Other data for claims that hold on any."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**31 - 1,
            metavar="SEED",
            help="Seed of claims that draw what they run, else that of the rows in DIR, or a new one.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the page and the rows of every claim.")
    ] = Path("lazyscope-validation"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Check again what is there already.")
    ] = False,
    list_rows: Annotated[
        bool,
        typer.Option("--list", help="Say what is registered of every row; nothing is run."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check the claims of the theory: prediction, measurement, interval, verdict.

    Published results, the displacement law, where it is off, and negative controls. Laws over many schemes
    and studies at real widths take many minutes and are checked by name (--only) or with --all. The page is
    validation.md, the numbers behind it validation.json. Interrupted, the same command goes on with
    what is missing. What every row can decide is told before it is run. Rows count against what was
    expected of them first, those that could not fail or had no power to be decided count nowhere
    (--list). Exit code: 0 no counted row came out against its first expectation (rows may be undecided,
    as those of quick effort are), 1 one did, explained or not, or a check failed, 2 bad input, 3 no row
    that counts and was meant to be decided is.

    Example: `lazyscope validate --quick`

    Example: `lazyscope validate --only two-layer --only controls --output lazyscope-validation`
    """
    names = [name for text in only or () for name in read_names(text)]
    if only and not names:
        raise InputError(
            "--only needs the name of a claim",
            received=", ".join(map(repr, only)),
            cause="an empty text, for instance of a variable of the shell that is not set",
            fix="name a claim, or leave out --only to check all",
        )
    if every and only:
        raise InputError(
            "--all and --only say which claims are checked, and one of them is enough",
            received=f"--all with --only {', '.join(names)}",
            cause="options of two commands in one",
            fix="leave out one of them",
        )
    from lazyscope.claims import CLAIMS, check_claims, read_records, select_claims
    from lazyscope.claims import validation as gather
    from lazyscope.report import summary_sentence, write_validation_page

    effort = "quick" if quick else "full"
    whole = not names and (every or quick or list_rows)
    chosen = CLAIMS if whole else select_claims(CLAIMS, names)
    if list_rows:
        given = [("--quick", quick), ("--fresh", fresh)]
        given += [("--data", data is not None), ("--seed", seed is not None)]
        _check_nothing_runs([name for name, told in given if told])
        _list(chosen, json=json)
        return
    _check_data(data, chosen)
    _check_seed(seed, chosen)
    with claimed_folder(output, ("validation.md", "validation.json")) as folder:

        def keep() -> dict[str, Any]:
            found = gather(CLAIMS, read_records(folder, effort), effort=effort)
            write_whole(json_module.dumps(found, allow_nan=False), folder / "validation.json")
            write_validation_page(found, folder / "validation.md")
            return found

        with _progress(len(chosen), keep) as tell:
            records = check_claims(
                chosen, folder, effort=effort, data=data, seed=seed, fresh=fresh, tell=tell
            )
        found = keep()
    names_of_chosen = {record["name"] for record in records}
    records = [record for record in found["claims"] if record["name"] in names_of_chosen]
    if json:
        print_json(found)
    else:
        typer.echo(summary_sentence(found["summary"]))
        for record in records:
            for line in _surprises(record):
                typer.echo(line)
        typer.echo(f"Page: {(folder / 'validation.md').resolve()}")
        typer.echo(f"Numbers: {(folder / 'validation.json').resolve()}")
    code = _exit_code(records)
    if code:
        raise typer.Exit(code)


def _exit_code(records: Sequence[Any]) -> int:
    """The one table, about first expectations: they hold, one does not, or none was tried."""
    from lazyscope.claims import is_sound

    if not is_sound(records):
        return CONTRADICTED
    rows = [row for one in records for row in one["findings"] if row["counted"]]
    if not rows:  # nothing that could have failed
        return UNDECIDED
    meant = [row for row in rows if row["expected_first"] != "undecided"]
    undecided = [row for row in meant if row["verdict_first"] == "undecided"]
    return UNDECIDED if meant and len(undecided) == len(meant) else SUPPORTED


def _surprises(record: dict[str, Any]) -> Iterator[str]:
    """A line for the error of a claim and for every row that came out against expectation."""
    if record["error"]:
        yield f"{record['name']}: {record['error']}"
    for row in record["findings"]:
        if not row["as_expected"] and row["verdict_first"] != "undecided":
            told = f"{row['verdict_first']}, expected {row['expected_first']}{_since(row)}"
            counts = f" (counts nowhere: {row['uncounted']})" if row["uncounted"] else ""
            why = f" (explained: {row['explained']})" if row["explained"] else ""
            yield f"{record['name']}, {row['name']}: {told}{counts}{why}"


def _since(row: dict[str, Any]) -> str:
    """When another verdict came to be expected, for a row whose expectation was changed."""
    if row["expected_first"] == row["expected_now"]:
        return ""
    dates = [change["date"] for change in row["changes"] if "expected" in change["set"]]
    return f" first, {row['expected_now']} since {dates[-1][:10]}"


def _check_data(data: str | None, claims: Any) -> None:
    """Refuse data that cannot be read, or that no chosen claim can use."""
    if data is None:
        return
    if not any(claim.check_on for claim in claims):
        raise InputError(
            "other data needs a claim that can be checked on any",
            received=f"--data {data} with {', '.join(claim.name for claim in claims)}",
            cause="claims about data of their own",
            fix="leave out --data, or choose other claims",
        )
    from lazyscope.data import load_dataset

    load_dataset(data, num_points=8, num_test=0)


def _check_seed(seed: int | None, claims: Any) -> None:
    """Refuse a seed that no chosen claim draws from."""
    if seed is not None and not any(claim.check_drawn for claim in claims):
        raise InputError(
            "a seed needs a claim that draws what it runs",
            received=f"--seed {seed} with {', '.join(claim.name for claim in claims)}",
            cause="claims whose networks and data are fixed by their design",
            fix="leave out --seed, or choose law",
        )


def _check_nothing_runs(given: Sequence[str]) -> None:
    if given:
        raise InputError(
            "a list of rows runs nothing",
            received=f"--list with {' and '.join(given)}",
            cause="options of a run",
            fix="leave them out, or leave out --list",
        )


def _list(claims: Any, *, json: bool) -> None:
    """What is registered of every row, one line each, and what was changed."""
    from lazyscope.claims import expectations

    rows = expectations(claims)
    summary = {
        "rows": len(rows),
        "counted": sum(row["counted"] for row in rows),
        "changed": sum(bool(row["changes"]) for row in rows),
        "retired": sum(row["retired"] is not None for row in rows),
    }
    if json:
        print_json({"rows": list(rows), "summary": summary})
        return
    wide = max(len(_name(row)) for row in rows)
    typer.echo(f"{'row':{wide}}  registered  {'expected':24}  {'predicts':>8}  agrees  disagrees")
    for row in rows:
        typer.echo(_line(row, wide))
    typer.echo(
        f"{summary['rows']} rows, {summary['counted']} count, {summary['changed']} were changed after they "
        f"were registered, {summary['retired']} are no longer run. Rows in brackets count nowhere; --json "
        "says why, and what was changed when and for which reason.\n"
        "agrees: how often the design says so where the law is exact; disagrees: where the truth is half a "
        "step away."
    )


def _designs(claim: Any) -> Iterator[str]:
    """What every row of a claim can decide, or why it counts nowhere, before it is run."""
    from lazyscope.claims import expectations

    for row in expectations((claim,)):
        if row["retired"]:
            continue
        power = row["power"]
        told = (
            f"agrees in {power['agrees']:.0%} if exact, "
            f"disagrees in {power['disagrees']:.0%} half a step away"
            if power
            else "power not known"
        )
        out = "" if row["counted"] else f"; counts nowhere ({row['uncounted'].partition(':')[0]})"
        yield f"lazyscope:          {row['row']}: {told}{out}"


def _name(row: Any) -> str:
    name = f"{row['claim']}/{row['row']}"
    return name if row["counted"] else f"({name})"


def _line(row: Any, wide: int) -> str:
    first, now, power = row["expected_first"], row["expected_now"], row["power"]
    expected = first if now == first else f"{first}, now {now}"
    number = "" if row["prediction"] is None else f"{row['prediction']:g}"
    agrees, disagrees = (f"{power[verb]:.2f}" if power else "-" for verb in ("agrees", "disagrees"))
    power_words = f"{agrees:>6}  {disagrees:>9}"
    return (
        f"{_name(row):{wide}}  {row['registered'][:10]}  {expected:24}  {number:>8}  {power_words}"
    )


@contextmanager
def _progress(total: int, keep: Callable[[], Any]) -> Iterator[Callable[[Any, str], None]]:
    """Which claim is being checked, on standard error: a bar on a terminal, lines elsewhere.

    The page is written again after every claim, so that an interrupted run leaves one.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("claims", total=total)

        def tell(claim: Any, state: str) -> None:
            bar.update(task, description=claim.name, advance=0 if state == "running" else 1)
            if not console.is_terminal:
                elapsed = time.monotonic() - began
                typer.echo(f"lazyscope: {elapsed:5.0f} s  {claim.name}: {state}", err=True)
            if state == "running":
                for line in _designs(claim):
                    console.print(line, markup=False, highlight=False, soft_wrap=True)
            if state in ("done", "failed"):
                keep()

        yield tell
