"""How does one claim with its rows look on the page?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from lazyscope.report.parts import MISSING, is_number, number, seconds

_HEAD = ("row", "claim", "prediction", "measured", "95 % interval", "power", "verdict")


def claim_lines(record: Mapping[str, Any]) -> list[str]:
    """Source, statement, command, rows, and what every row rests on."""
    lines = [
        f"### {record['name']}",
        "",
        f"{record['statement']} *{record['source']}.*",
        "",
        f"Again: `{redo_command(record)}` ({seconds(record['seconds'])}).",
        "",
    ]
    if record["error"]:
        lines += [f"**The check ended with an error**: {_cell(record['error'])}", ""]
    if record["findings"]:
        lines += [*in_table(_HEAD, [_row(row) for row in record["findings"]]), ""]
    return lines + list(_remarks(record["findings"]))


def redo_command(record: Mapping[str, Any]) -> str:
    """The command line that checks one claim again.

    Example:
        >>> redo_command({"name": "two-layer", "effort": "quick", "data": None})
        'lazyscope validate --quick --only two-layer'
    """
    words = ["lazyscope validate"]
    words += ["--quick"] if record["effort"] == "quick" else []
    words += ["--only", record["name"]]
    words += ["--data", record["data"]] if record["data"] is not None else []
    return " ".join(words)


def in_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines of a Markdown table; bars inside a cell are escaped.

    Example:
        >>> in_table(["a", "b"], [[1, "x"]])
        ['| a | b |', '|---|---|', '| 1 | x |']
    """
    lines = [list(head), *([_cell(entry) for entry in row] for row in rows)]
    drawn = [f"| {' | '.join(line)} |" for line in lines]
    return [drawn[0], "|" + "---|" * len(head), *drawn[1:]]


def verdict_words(row: Mapping[str, Any]) -> str:
    """The verdict, and whether it is the one that was expected.

    Example:
        >>> verdict_words({"verdict": "disagrees", "expected": "disagrees"})
        'disagrees, as it must'
        >>> verdict_words({"verdict": "agrees", "expected": "outside"})
        '**agrees**, but must be outside'
        >>> verdict_words({"verdict": "disagrees", "expected": "agrees"})
        '**disagrees**'
        >>> verdict_words({"verdict": "disagrees", "expected": "disagrees", "expected_first": "agrees"})
        '**disagrees** (since then expected)'
        >>> verdict_words({"verdict": "agrees", "expected": "agrees", "counted": False})
        'agrees, not counted'
        >>> verdict_words({"verdict": "disagrees", "expected": "agrees", "explained": "the norm"})
        '**disagrees**, explained'
    """
    first = row.get("expected_first", row["expected"])
    words = _against(row.get("verdict_first", row["verdict"]), first)
    if row.get("verdict_first", row["verdict"]) != row["verdict"]:
        words += f" by the first rule, {row['verdict']} by the present one"
    if first != row["expected"]:
        words += " (since then expected)" if row["verdict"] == row["expected"] else ""
    words += ", explained" if row.get("explained") else ""
    return words if row.get("counted", True) else f"{words.replace('**', '')}, not counted"


def _against(verdict: str, expected: str) -> str:
    if verdict == expected:
        return verdict if expected == "agrees" else f"{verdict}, as it must"
    if expected == "agrees":
        return f"**{verdict}**" if verdict != "undecided" else verdict
    must = "be outside" if expected == "outside" else expected.removesuffix("s")
    return f"**{verdict}**, but must {must}"


def _row(row: Mapping[str, Any]) -> list[str]:
    return [
        _code(row),
        row["claim"],
        number(row["prediction"]),
        number(row["measured"]),
        _interval(row["low"], row["high"]),
        _power(row.get("power")),
        verdict_words(row),
    ]


def _interval(low: Any, high: Any) -> str:
    """An interval; an end that is not known is left open."""
    if not is_number(low) and not is_number(high):
        return MISSING
    return (
        f"[{number(low) if is_number(low) else '−∞'}, {number(high) if is_number(high) else '∞'}]"
    )


def _power(power: Mapping[str, float] | None) -> str:
    """To agree where the law is exact, and to disagree half a step away."""
    return f"{power['agrees']:.2f}, {power['disagrees']:.2f}" if power else MISSING


def _remarks(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was run, once for neighbouring rows that share it, and the remarks on each of them."""
    for basis, group in groupby(rows, key=lambda row: row["basis"]):
        shared = list(group)
        yield f"- {', '.join(_code(row) for row in shared)}: {_cell(basis).rstrip('.')}."
        for row in shared:
            parts = [_cell(row["note"])] if row["note"] else []
            parts += [f"{_cell(row['role'])}."] if row.get("role") else []
            if row.get("explained"):
                parts += [f"Against the first expectation, explained: {_cell(row['explained'])}."]
            parts += (
                [f"Not counted: {_cell(row['uncounted']).rstrip('.')}."]
                if row.get("uncounted")
                else []
            )
            parts += [f"Alone: `{row['command']}`."] if row.get("command") else []
            if parts:
                yield f"  - {_code(row)}: {' '.join(parts)}"


def _code(row: Mapping[str, Any]) -> str:
    return f"`{row['name']}`"


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
