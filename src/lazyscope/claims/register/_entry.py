"""What is one line of the register of expectations, and what do the lines of a row say together?"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

from lazyscope._checks import InputError

FACTS = ("prediction", "expected", "rule", "design")
"""What a row registers; a later change of one of them is a change of mind."""
_DIGITS = 16


@final
@dataclass(frozen=True)
class Entry:
    """One line: what is set, when and why.

    Attributes:
        row: name of the row.
        date: of the commit, or of the entry where none is named; ISO format, UTC.
        commit: where it was done, as far as it was done before there was a register.
        set: what is new: in the first line of a row its prediction, expected verdict, rule and design,
            later what differs from before. Of ``design``, ``rule`` and ``noise`` only the keys that changed
            are there, with None for a key that is gone. ``counted`` is false for a row that is not counted
            whatever its power, ``retired`` true for one that is no longer run. ``role`` says what a row is
            for, where that is not what its claim says; ``explained`` has the ``verdict`` against its first
            expectation that is understood by now, and ``why`` it comes out so. Neither changes a count.
        reason: why, in a sentence; where the history gives none, that it does.
        previous: digest of the row's line before; empty in its first.
    """

    row: str
    date: str
    set: Mapping[str, Any]
    reason: str
    commit: str = ""
    previous: str = ""

    def line(self) -> str:
        """The line as it stands in the file."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)


def digest(line: str) -> str:
    """What the next line of a row says about this one."""
    return hashlib.sha256(line.encode()).hexdigest()[:_DIGITS]


def read_entries(text: str, *, name: str) -> dict[str, tuple[Entry, ...]]:
    """The entries of a file by row, every one held to the digest that its successor has of it.

    Raises:
        InputError: a line was changed, left out or put between others after it was written.
    """
    lines: dict[str, list[tuple[str, Entry]]] = {}
    for line in filter(None, text.splitlines()):
        entry = Entry(**json.loads(line))
        before = lines.setdefault(entry.row, [])
        if entry.previous != (digest(before[-1][0]) if before else ""):
            raise InputError(
                "the register of expectations is appended to and never rewritten",
                received=f"{name}.jsonl, where an entry of {entry.row} before {entry.date} is another one",
                cause="a line that was edited, removed or put between others",
                fix="restore the file from the history, and append an entry with a reason",
            )
        before.append((line, entry))
    return {row: tuple(entry for _, entry in found) for row, found in lines.items()}


def state_after(entries: Sequence[Entry]) -> dict[str, Any]:
    """What all entries of a row set together.

    Example:
        >>> first = Entry("a", "2026-11-24", {"expected": "agrees", "design": {"seeds": 4}}, "new")
        >>> state_after([first, Entry("a", "2026-11-25", {"design": {"seeds": 6}}, "noise")])
        {'expected': 'agrees', 'design': {'seeds': 6}}
    """
    state: dict[str, Any] = {}
    for entry in entries:
        for key, value in entry.set.items():
            merged = {**state.get(key, {}), **value} if isinstance(value, Mapping) else value
            state[key] = _without_none(merged) if isinstance(merged, Mapping) else merged
    return state


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry has to set so that `before` becomes `after`.

    Example:
        >>> difference({"design": {"seeds": 4, "data": "digits"}}, {"design": {"seeds": 6}})
        {'design': {'seeds': 6, 'data': None}}
    """
    found: dict[str, Any] = {}
    for key, value in after.items():
        old = before.get(key)
        if old == value and key in before:
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            changed = {name: new for name, new in value.items() if old.get(name) != new}
            found[key] = changed | {name: None for name in old if name not in value}
        else:
            found[key] = value
    return found


def _without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in value.items() if entry is not None}
