"""How does an answer reach the terminal?"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

_WORDS = ("meaning", "regime", "by width", "verdict", "parameters", "source")


def print_json(answer: Mapping[str, Any]) -> None:
    """One JSON object on standard output, and nothing else."""
    sys.stdout.write(json.dumps(answer, indent=2, allow_nan=False) + "\n")


def print_answer(*parts: Any) -> None:
    """Texts and tables on standard output; texts are printed as they are, never read as markup."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    for part in parts:
        if isinstance(part, _Rows) and part.narrowest > console.width:
            part.print_as_lists(console)
        else:
            console.print(part.as_table(console.width) if isinstance(part, _Rows) else part)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Any:
    """A table of texts; columns of words stand to the left, columns of numbers to the right.

    Where the terminal has no room for it, every row becomes a list.
    """
    return _Rows(title, tuple(head), tuple(tuple(row) for row in rows), note)


@final
class _Rows(NamedTuple):
    """What a table says."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str

    @property
    def narrowest(self) -> int:
        """Columns in which no word and no name of a row is broken."""
        return sum(self._least(place) for place in range(len(self.head))) + 2 * len(self.head)

    def _least(self, place: int) -> int:
        told = [self.head[place], *(row[place] for row in self.rows)]
        words = told if place == 0 else [word for text in told for word in text.split()]
        return max(1, *(len(word) for word in words))

    def _widths(self, room: int) -> list[int]:
        """Of the columns: as they are, or the widest narrowed until all fit."""
        places = range(len(self.head))
        least = [self._least(place) for place in places]
        widths = [max(len(row[place]) for row in (self.head, *self.rows)) for place in places]
        while sum(widths) + 2 * len(widths) > room:
            loose = [place for place in places if widths[place] > least[place]]
            widths[max(loose, key=widths.__getitem__)] -= 1
        return widths

    def as_table(self, room: int) -> Any:
        from rich.table import Table
        from rich.text import Text

        built = Table(
            title=Text(self.title, "bold"),
            title_justify="left",
            caption=Text(self.note, "dim") if self.note else None,
            caption_justify="left",
            box=None,
            pad_edge=False,
            header_style="bold",
            padding=(0, 2, 0, 0),
        )
        for place, (name, width) in enumerate(zip(self.head, self._widths(room), strict=True)):
            justify = "right" if place and name not in _WORDS else "left"
            built.add_column(Text(name), justify=justify, width=width)
        for row in self.rows:
            built.add_row(*(Text(entry) for entry in row))
        return built

    def print_as_lists(self, console: Any) -> None:
        from rich.text import Text

        console.print(Text(self.title, "bold"))
        for row in self.rows:
            console.print(Text(row[0], "bold"))
            for name, entry in zip(self.head[1:], row[1:], strict=True):
                if entry:
                    lines = Text(f"{name}: {entry}").wrap(console, console.width - 2)
                    console.print(*(Text("  ").append_text(line) for line in lines), sep="\n")
        if self.note:
            console.print(Text(self.note, "dim"))


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
