"""How does an answer reach the terminal?"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = ("meaning", "regime", "by width", "verdict", "parameters", "source")


def print_json(answer: Mapping[str, Any]) -> None:
    """One JSON object on standard output, and nothing else."""
    sys.stdout.write(json.dumps(answer, indent=2, allow_nan=False) + "\n")


def print_answer(*parts: Any) -> None:
    """Texts and tables on standard output; texts are printed as they are, never read as markup."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    wide = Console(highlight=False, markup=False, width=max(console.width, _TABLE))
    for part in parts:
        (console if isinstance(part, str) else wide).print(part)


_TABLE = 72  # columns below which tables would lose entries; a narrower terminal wraps them


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Any:
    """A table of texts; columns of words stand to the left, columns of numbers to the right."""
    from rich.table import Table
    from rich.text import Text

    built = Table(
        title=Text(title, "bold"),
        title_justify="left",
        caption=Text(note, "dim") if note else None,
        caption_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
        padding=(0, 2, 0, 0),
    )
    for place, name in enumerate(head):
        built.add_column(
            Text(name), justify="right" if place and name not in _WORDS else "left", overflow="fold"
        )
    for row in rows:
        built.add_row(*(Text(entry) for entry in row))
    return built


def number(value: float | None, digits: int = 3) -> str:
    """A number for reading; a dash where there is none.

    Example:
        >>> number(0.123456), number(12), number(None), number(3.2e-7)
        ('0.123', '12', '-', '3.2e-07')
    """
    return "-" if value is None else f"{value:.{digits}g}"


def working(what: str) -> Any:
    """A spinner on standard error while something runs; silent where that is no terminal."""
    from rich.console import Console

    return Console(stderr=True).status(what)
