"""Which lines must be appended so that the register says what the rows now are?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lazyscope.claims._finding import Claim
from lazyscope.claims.register._entry import FACTS, Entry, difference, digest
from lazyscope.claims.register._power import power_of
from lazyscope.claims.register._standing import Standing, standings


def differences(claim: Claim) -> dict[str, dict[str, Any]]:
    """What differs between every row of a claim and the last entries of its register, by row.

    A row that is in the register alone, and not retired, has to be retired.
    """
    known, declared = standings(claim.name), {row.name: row.as_json() for row in claim.rows}
    found = {}
    for name, facts in declared.items():
        before = known[name].now if name in known else {}
        changed = difference({key: before[key] for key in facts if key in before}, facts)
        if before.get("retired"):
            changed["retired"] = False
        if changed:
            found[name] = changed
    gone = [name for name, one in known.items() if name not in declared and not one.retired]
    return found | {name: {"retired": True} for name in gone}


def new_entries(claims: Sequence[Claim], reason: str, *, date: str) -> Iterator[tuple[str, Entry]]:
    """An entry with `reason` for every row that differs, and the power of its design, by claim."""
    for claim in claims:
        known = standings(claim.name)
        for row, changed in differences(claim).items():
            yield claim.name, next_entry(known.get(row), row, changed, reason, date=date)


def next_entry(
    before: Standing | None, row: str, changed: Mapping[str, Any], reason: str, *, date: str
) -> Entry:
    """The entry that follows `before`; with the power of the design wherever its facts or noise change."""
    draft = Entry(
        row, date, changed, reason, "", digest(before.entries[-1].line()) if before else ""
    )
    after = Standing("", row, (*(before.entries if before else ()), draft)).now
    if not any(name in changed for name in (*FACTS, "noise")) or not after.get("noise"):
        return draft
    return Entry(row, date, {**changed, "power": power_of(after)}, reason, "", draft.previous)
