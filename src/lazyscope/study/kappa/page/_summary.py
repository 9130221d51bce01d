"""What of a kappa study fits into a terminal?"""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lazyscope._entry import checked
from lazyscope.report.parts import decimal, interval, number
from lazyscope.study.kappa.page._study import read_kappa_study

_STYLES = {"agrees": "green", "disagrees": "bold red", "undecided": "yellow"}


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
    study = read_kappa_study(result)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("shape", "slope", "interval", "predicted", "verdict", "runs"):
        table.add_column(name, justify="left" if name in ("shape", "verdict") else "right")
    for fit in study.stored["fits"]:
        table.add_row(
            Text(fit["shape"]),
            decimal(fit["slope"], 3),
            Text(interval(fit["interval"], 3)),
            decimal(fit["predicted"], 0),
            Text(fit["verdict"], _STYLES.get(fit["verdict"], "")),
            number(fit["num_runs"]),
        )
    verdict = study.stored["verdict"]
    tone = {True: "green", False: "bold red"}.get(verdict["supported"], "yellow")
    parts: list[Any] = [Text(verdict["sentence"], tone), Text(""), table]
    if study.failed:
        parts += [Text(""), _failed(study.failed, len(study.runs))]
    return Group(*parts)


def _failed(failed: Any, num_runs: int) -> Text:
    lines = [f"{len(failed)} of {num_runs} runs did not converge:"]
    lines += [
        f"  {run['shape']}, width {run['width']}, kappa {number(run['kappa'])}, "
        f"seed {run['seed']}: {run['outcome']}"
        for run in failed[:10]
    ]
    if len(failed) > 10:
        lines.append(f"  and {len(failed) - 10} more")
    return Text("\n".join(lines), "yellow")
