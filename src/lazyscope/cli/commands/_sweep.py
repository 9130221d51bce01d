"""`lazyscope sweep`: many runs from a file into a store, going on where they stopped."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lazyscope.cli._answer import print_answer, print_json, table
from lazyscope.cli._sweep_summary import (
    end_with_exit_code,
    outcome_hint,
    summary_record,
    summary_sentence,
)
from lazyscope.cli._workers import checked_workers


def sweep_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE.toml", help="The sweep, see docs/sweeps.md.")
    ],
    store: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the results; made if absent.")
    ],
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler; threads if absent.")
    ] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="Threads; all usable cores if absent.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only tell runs, expected time and memory, and what exponents can be told.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Do every run of a sweep that the store does not hold yet.

    Interrupted in any way, the same command goes on. Runs that diverge, stall or run out of steps
    are results with an outcome. Exit code 1 says that the store is not complete.

    Example: `lazyscope sweep examples/sweeps/two-layer.toml --store two-layer --dry-run`
    """
    from lazyscope.sweep import SweepDesign

    scheduler, number = checked_workers(scheduler, workers)
    design = SweepDesign.from_file(file)
    if dry_run:
        _tell_cost(design, number, json)
    else:
        _run(design, store, scheduler, number, json)


def _tell_cost(design: Any, workers: int | None, as_json: bool) -> None:
    from lazyscope._plain import plain
    from lazyscope.sweep import estimate_cost

    cost = estimate_cost(design, num_workers=workers)
    powers = _powers(design)
    if as_json:
        power = [asdict(one) for one in powers]
        print_json(
            plain({"name": design.name, "dims": design.dims, **asdict(cost), "power": power})
        )
    else:
        print_answer(cost.sentence, *([_power_sentence(powers)] if powers else []))


_NOISES = (0.02, 0.05, 0.2)
"""Scatter of the logarithm of a run: of centred networks on few points, of others, of wild ones."""
_DRAWS = 60


def _powers(design: Any) -> list[Any]:
    """What exponents of the width could be told, at several sizes of noise; none from few widths."""
    from lazyscope.measure import MIN_SPARE, MIN_WIDTHS, exponent_power

    widths, seeds = (
        sorted(set(design.axes.get("width", ()))),
        len(design.axes.get("seed", ("one",))),
    )
    if len(widths) < MIN_WIDTHS or len(widths) * (seeds - 1) < MIN_SPARE:
        return []
    return [exponent_power(widths, seeds, noise, num_draws=_DRAWS) for noise in _NOISES]


def _power_sentence(powers: list[Any]) -> str:
    parts = [
        f"{one.noise:.0%} noise {one.agrees:.0%} and {one.disagrees:.0%} (±{one.half_width:.2f})"
        for one in powers
    ]
    return (
        "Exponents of the width, how often one would be confirmed to 1/8 and one 1/8 away excluded, were "
        f"power laws exact: at {', at '.join(parts)}. Noise is the scatter of one run between seeds; "
        "crossovers widen intervals further."
    )


def _run(
    design: Any, store: str, scheduler: str | None, workers: int | None, as_json: bool
) -> None:
    from lazyscope.sweep import SchedulerLostError, run_sweep

    shown = typer.get_text_stream("stderr").isatty()
    try:
        summary = run_sweep(
            design, store, scheduler=scheduler, num_workers=workers, show_progress=shown
        )
    except SchedulerLostError as error:
        typer.echo(f"lazyscope: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        print_json({"path": str(summary.path), **summary_record(summary)})
    else:
        ended = {**summary.outcomes, **summary.errors}
        rows = [(name, str(count)) for name, count in ended.items()]
        print_answer(
            summary_sentence(summary),
            *([table("How runs ended", ("", "runs"), rows)] if rows else []),
            *([hint] if (hint := outcome_hint(summary)) else []),
        )
        typer.echo(f"Store: {summary.path}")
    end_with_exit_code(summary)
