"""How does a page show what was changed in rows after they were registered?"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from lazyscope.report.validation._table import in_table

_HEAD = ("date", "rows", "what", "why")
_WHAT = (
    "Rows are counted against what was registered first. Dates before 2026-11-28, when the register was "
    "restored from the history, are those of commits; what had been run before a commit is not on record. "
    "Everything that is registered: `lazyscope validate --list --json`."
)
_WORDS = {"expected": "expected verdict", "prediction": "prediction"}


def change_lines(validation: Mapping[str, Any]) -> list[str]:
    """The section on changes of mind; empty where nothing was changed and no row was taken out."""
    changed = [
        (f"{record['name']}/{row['name']}", change)
        for record in validation["claims"]
        for row in record["findings"]
        for change in row.get("changes", ())
    ]
    changed.sort(key=lambda one: one[1]["date"])
    rows = [
        (date[:10], _names(name for name, _ in group), _what(said), reason)
        for (date, reason, said), group in _alike(changed)
    ]
    gone = [
        (f"`{row['claim']}/{row['row']}`", row["expected_first"], row["retired"])
        for row in validation.get("retired", ())
    ]
    if not rows and not gone:
        return []
    lines = ["## Changes of mind", "", _WHAT]
    if rows:
        lines += ["", *in_table(_HEAD, rows)]
    if gone:
        head = ("no longer run", "expected first", "why")
        lines += ["", *in_table(head, gone)]
    return [*lines, ""]


def _alike(changed: list[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[Any, list[Any]]]:
    """Neighbours that were changed at one time, in one way, for one reason."""
    for key, group in groupby(
        changed, key=lambda one: (one[1]["date"], one[1]["reason"], one[1]["set"])
    ):
        yield key, list(group)


def _names(names: Iterator[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _what(said: Mapping[str, Any]) -> str:
    """What an entry set, in words: `design: seeds 6`."""
    parts = []
    for name, value in said.items():
        if isinstance(value, Mapping) and name in ("design", "rule"):
            told = (f"{key} {_short(each)}" for key, each in value.items())
            parts.append(f"{name}: {', '.join(told)}")
        elif name in _WORDS:
            parts.append(f"{_WORDS[name]} {_short(value)}")
    return "; ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(each, list) for each in value):
        return "; ".join(map(_short, value))
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
