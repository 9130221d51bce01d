"""What was claimed, what was measured, and do they agree?"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, final

from lazyscope._entry import check_fields
from lazyscope._estimate import Estimate
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Verdict

Effort = Literal["quick", "full"]
"""``quick`` settles each claim as far as seconds allow; ``full`` takes minutes and larger widths."""

Section = Literal["results", "off", "controls"]
"""Where a claim stands on the page: published and derived results, where the law is off, controls."""


@final
@dataclass(frozen=True)
class Finding:
    """One row of the table: a claim as a number or an inequality, and what was measured.

    Attributes:
        name: short and unique, in kebab case.
        claim: what is claimed, as a number or an inequality, in one line of plain text.
        prediction: the number claimed, None for a claim without one.
        measured: the number measured with its 95 % interval, in the same unit; None where no run gave one.
        verdict: whether they agree.
        expected: the verdict that a working instrument gives; another than ``agrees`` marks a
            negative control or a known failure of the theory.
        basis: what was run, with widths, seeds, data and number of runs, in one line.
        note: what a reader has to know to believe the row.
        details: anything else worth keeping, ready for JSON.
        command: what redoes this row alone; empty where only the whole claim is redone.
    """

    name: str
    claim: str
    prediction: float | None
    measured: Estimate | None
    verdict: Verdict
    basis: str
    expected: Verdict = "agrees"
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        check_fields(self, unbounded=("prediction",))

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that a working instrument gives."""
        return self.verdict == self.expected

    def as_json(self) -> dict[str, Any]:
        """A dict ready for JSON: every field, the measurement as ``measured``, ``low`` and ``high``."""
        found = Estimate(None) if self.measured is None else self.measured
        told = {"measured": found.value, "low": found.low, "high": found.high}
        record = {each.name: getattr(self, each.name) for each in fields(self)}
        return record | told | {"as_expected": self.as_expected}


@final
@dataclass(frozen=True)
class Claim:
    """A published or derived statement that the instrument can check.

    Attributes:
        name: what ``lazyscope validate --only`` calls it.
        source: the paper, or where the derivation stands.
        statement: the claim in one or two sentences.
        check: runs the experiment and returns its rows.
        section: where it stands on the page.
        check_on: the same experiment on other data, given by name or path; None for a claim that is
            about its own data.
        check_drawn: the same experiment on what a seed draws; None for a claim that draws nothing anew.
        rows: the rows of full effort as the register has them (see `Row`); empty for a claim that is in
            no register.
        by_name: whether it is checked only where it is named, since it takes many minutes: laws over many
            schemes, and studies at real widths whose question another claim decides at virtual ones.
    """

    name: str
    source: str
    statement: str
    check: Callable[[Effort], tuple[Finding, ...]]
    section: Section = "results"
    check_on: Callable[[Effort, str], tuple[Finding, ...]] | None = None
    check_drawn: Callable[[Effort, int], tuple[Finding, ...]] | None = None
    rows: tuple[Row, ...] = ()
    by_name: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
