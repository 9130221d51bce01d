"""What of a kappa study fits into a terminal?"""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from lazyscope._entry import checked
from lazyscope.report.parts import Table, decimal, interval, number, shown_verdict
from lazyscope.study.kappa.page._study import read_kappa_study

_STYLES = {"agrees": "green", "disagrees": "bold red", "undecided": "yellow"}

_TONES = {"good": "green", "bad": "bold red", "": "yellow"}


@checked()
def kappa_summary(result: Mapping[str, Any]) -> Group:
    """The verdict, the fitted slopes and the failed runs, for Rich to print.

    Args:
        result: the stored JSON object of a kappa study.

    Returns:
        A renderable; give it to the ``print`` of any Rich console. Names are printed as they are,
        never read as markup.

    Raises:
        InputError: the result is another study or format.
    """
    stored = read_kappa_study(result).stored
    shown = fit_summary(result)
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    for name in shown.header:
        table.add_column(name, justify="left" if name in ("spread", "verdict") else "right")
    for row in shown.rows:
        table.add_row(*(Text(entry, _STYLES.get(entry, "")) for entry in row))
    verdict = shown_verdict(stored["verdict"])
    tone = _TONES[verdict.tone if verdict else ""]
    parts: list[Any] = [Text(stored["verdict"]["sentence"], tone), Text(""), table]
    failed = failed_words(result)
    return Group(*parts, *([Text(""), Text("\n".join(failed))] if failed else []))


def fit_summary(result: Mapping[str, Any]) -> Table:
    """The slope of every spread against the predicted one."""
    rows = [
        [
            fit["shape"],
            decimal(fit["slope"], 3),
            interval(fit["interval"], 3),
            decimal(fit["predicted"], 0),
            fit["verdict"],
            number(fit["num_runs"]),
        ]
        for fit in read_kappa_study(result).stored["fits"]
    ]
    head = ["spread", "slope", "interval", "predicted", "verdict", "runs"]
    return Table("fits", "Slopes of the displacement in kappa", head, rows)


def failed_words(result: Mapping[str, Any]) -> list[str]:
    """Which runs did not converge, a line each."""
    study = read_kappa_study(result)
    failed, num_runs = study.failed, len(study.runs)
    if not failed:
        return []
    lines = [f"{len(failed)} of {num_runs} runs did not converge:"]
    lines += [
        f"  {run['shape']}, width {run['width']}, kappa {number(run['kappa'])}, "
        f"seed {run['seed']}: {run['outcome']}"
        for run in failed[:10]
    ]
    if len(failed) > 10:
        lines.append(f"  and {len(failed) - 10} more")
    return lines
