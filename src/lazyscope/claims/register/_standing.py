"""Where does a row stand: what was expected first and now, and does it count?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, final

from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope._plain import plain
from lazyscope.claims._finding import Claim
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

    @property
    def role(self) -> str:
        """What the row is for, where that is not what its claim says; empty for most."""
        return str(self.now.get("role", ""))

    def explained(self, verdict: Verdict) -> str:
        """Why the row comes out as `verdict` against its first expectation; empty where nobody knows.

        An explanation is of one verdict: a row that comes out in yet another way is unexplained.
        """
        known = self.now.get("explained", {})
        return str(known.get("why", "")) if known.get("verdict") == verdict else ""

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
            **self.told(),
            "prediction": now["prediction"],
            "threshold_first": first["rule"],
            "threshold": now["rule"],
            "design_first": first["design"],
            "design": now["design"],
            "noise": now.get("noise"),
            "retired": self.retired or None,
        }

    def told(self) -> dict[str, Any]:
        """What is said of the row beside its measurement."""
        first, now = self.first, self.now
        return {
            "registered": self.entries[0].date,
            "expected_first": first["expected"],
            "expected_now": now["expected"],
            "prediction_first": first["prediction"],
            "changes": [
                {"date": one.date, "commit": one.commit, "set": dict(one.set), "reason": one.reason}
                for one in self.changes
            ],
            "power": now.get("power"),
            "counted": not self.uncounted,
            "uncounted": self.uncounted or None,
            "role": self.role or None,
        }

    def _reason(self, name: str) -> str:
        """The reason of the last entry that set `name`, where it took the row out."""
        said = [one for one in self.entries if name in one.set]
        out = said and said[-1].set[name] == (name == "retired")
        return said[-1].reason if out else ""


def standings(claim: str) -> dict[str, Standing]:
    """Every row of the register of one claim, retired ones too; empty where there is no register."""
    return dict(_read(claim))


@checked()
def expectations(claims: Sequence[Claim]) -> tuple[dict[str, Any], ...]:
    """Every row in the register of some claims, retired ones too; nothing is run.

    Returns:
        For each row ``claim``, ``row``, ``registered`` (date), ``expected_first`` and ``expected_now``,
        ``prediction_first`` and ``prediction``, ``threshold_first`` and ``threshold``, ``design_first``
        and ``design``, ``changes`` with their dates and reasons, ``power`` (to agree where the law is exact,
        to disagree half a step away) with its ``noise``, ``counted``, and why not in ``uncounted`` and
        ``retired``; ``role``, for a row that is there for something else than its claim.
    """
    found = (one for claim in claims for one in standings(claim.name).values())
    return tuple(plain(one.as_json()) for one in found)


def with_expectations(claim: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was measured, with what its register says, judged against what was expected first."""
    known = standings(claim).get(finding["name"])
    if known is None:
        told = {"expected_first": finding["expected"], "expected_now": finding["expected"]}
        told |= {"changes": [], "counted": True, "uncounted": None, "power": None, "role": None}
        return {**finding, "verdict_first": finding["verdict"], **told, "explained": None}
    told, judged = known.told(), known.first_verdict(finding)
    as_expected = judged == told["expected_first"]
    told["explained"] = None if as_expected else known.explained(judged) or None
    return {**finding, "verdict_first": judged, **told, "as_expected": as_expected}


@cache
def _read(claim: str) -> tuple[tuple[str, Standing], ...]:
    if f"{claim}.jsonl" not in {path.name for path in _FOLDER.iterdir()}:
        return ()
    text = (_FOLDER / f"{claim}.jsonl").read_text(encoding="utf-8")
    entries = read_entries(text, name=claim)
    return tuple((row, Standing(claim, row, found)) for row, found in entries.items())


def _shares(power: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return (("agree", power["agrees"]), ("disagree", power["disagrees"]))
