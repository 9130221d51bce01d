"""What did a sweep do, as keys of an answer, and with which exit code does its command end?"""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from lazyscope.sweep import SweepSummary


def summary_record(summary: "SweepSummary") -> dict[str, Any]:
    """The summary, ready for JSON."""
    return {
        "num_cells": summary.num_cells,
        "num_before": summary.num_before,
        "num_done": summary.num_done,
        "complete": summary.complete,
        "outcomes": dict(summary.outcomes),
        "errors": dict(summary.errors),
        "seconds": summary.seconds,
    }


def summary_sentence(summary: "SweepSummary") -> str:
    """What was done, what was there before, and whether anything is missing."""
    whole = "complete" if summary.complete else "not complete; the same command goes on"
    return (
        f"{summary.num_done} runs done in {summary.seconds:.3g} s, {summary.num_before} were "
        f"there before, of {summary.num_cells}: {whole}."
    )


def outcome_hint(summary: "SweepSummary") -> str:
    """What to do where half of the runs or more ran out of steps; empty where they did not."""
    short = summary.outcomes.get("out-of-steps", 0)
    if 2 * short < max(1, sum(summary.outcomes.values())):
        return ""
    return (
        "Runs out of steps did not come to the loss that was asked for, and have no exponents: ask for a "
        "larger stop or more max_steps. Points that are nearly alike, as from columns of very different "
        "sizes, take very many steps."
    )


def end_with_exit_code(summary: "SweepSummary") -> None:
    """End the command with exit code 1 where runs are missing."""
    if not summary.complete:
        raise typer.Exit(1)
