"""Where does a row stand: what was expected first and now, and does it count?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, final

from lazyscope._estimate import Estimate
from lazyscope.claims._rule import Rule, Verdict
from lazyscope.claims.register._entry import FACTS, Entry, read_entries, state_after

_FOLDER = files("lazyscope.claims.register")
LEAST_POWER = 0.8
"""A row below this, in either direction, is exploratory: it is shown and counts nowhere."""


@final
@dataclass(frozen=True)
class Standing:
    """A row of the register.

    Attributes:
        claim: name of the claim.
        row: name of the row.
        entries: its lines, the registration first.
    """

    claim: str
    row: str
    entries: tuple[Entry, ...]

    @property
    def first(self) -> dict[str, Any]:
        """What was registered."""
        return state_after(self.entries[:1])

    @property
    def now(self) -> dict[str, Any]:
        """What holds after all entries."""
        return state_after(self.entries)

    @property
    def changes(self) -> tuple[Entry, ...]:
        """Later entries that changed the prediction, the expected verdict, the rule or the design."""
        return tuple(one for one in self.entries[1:] if any(name in one.set for name in FACTS))

    @property
    def retired(self) -> str:
        """Why the row is no longer run; empty for one that is."""
        return self._reason("retired")

    @property
    def uncounted(self) -> str:
        """Why the row counts nowhere; empty for one that counts."""
        if self.retired:
            return f"no longer run: {self.retired}"
        if not self.now.get("counted", True):
            return f"cannot fail, or hardly: {self._reason('counted')}"
        power = self.now.get("power")
        if power is None:
            return "exploratory: nothing is known about what its design can decide"
        weak = [f"{share:.2f} to {verb}" for verb, share in _shares(power) if share < LEAST_POWER]
        return f"exploratory: power {' and '.join(weak)}" if weak else ""

    def first_verdict(self, finding: Mapping[str, Any]) -> Verdict:
        """The verdict by the prediction and the rule that were registered first.

        Where these were changed and the rule asks for the interval alone, the measurement is judged again
        by the first ones; a design that was changed cannot be undone without running it.
        """
        first, now = self.first, self.now
        if all(first.get(name) == now.get(name) for name in ("prediction", "rule")):
            return finding["verdict"]
        found = Estimate(finding["measured"], finding["low"], finding["high"])
        judged = Rule.from_json(first["rule"]).judge(found, first["prediction"])
        return finding["verdict"] if judged is None else judged

    def as_json(self) -> dict[str, Any]:
        """A dict ready for JSON: what `lazyscope validate --list --json` says of a row."""
        first, now = self.first, self.now
        return {
            "claim": self.claim,
            "row": self.row,
            "registered": self.entries[0].date,
            "expected_first": first["expected"],
            "expected_now": now["expected"],
            "prediction_first": first["prediction"],
            "prediction": now["prediction"],
            "threshold_first": first["rule"],
            "threshold": now["rule"],
            "design_first": first["design"],
            "design": now["design"],
            "changes": [
                {"date": one.date, "commit": one.commit, "set": dict(one.set), "reason": one.reason}
                for one in self.changes
            ],
            "noise": now.get("noise"),
            "power": now.get("power"),
            "counted": not self.uncounted,
            "uncounted": self.uncounted or None,
            "retired": self.retired or None,
        }

    def _reason(self, name: str) -> str:
        """The reason of the last entry that set `name`, where it took the row out."""
        said = [one for one in self.entries if name in one.set]
        out = said and said[-1].set[name] == (name == "retired")
        return said[-1].reason if out else ""


def standings(claim: str) -> dict[str, Standing]:
    """Every row of the register of one claim, retired ones too; empty where there is no register."""
    return dict(_read(claim))


def standings_of(claims: Sequence[str]) -> tuple[Standing, ...]:
    """Every row of the register of some claims, in their order."""
    return tuple(one for claim in claims for one in standings(claim).values())


@cache
def _read(claim: str) -> tuple[tuple[str, Standing], ...]:
    if f"{claim}.jsonl" not in {path.name for path in _FOLDER.iterdir()}:
        return ()
    text = (_FOLDER / f"{claim}.jsonl").read_text(encoding="utf-8")
    entries = read_entries(text, name=claim)
    return tuple((row, Standing(claim, row, found)) for row, found in entries.items())


def _shares(power: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return (("agree", power["agrees"]), ("disagree", power["disagrees"]))
