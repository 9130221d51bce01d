"""What does a row of the table claim and run, before anything is measured?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from lazyscope._entry import check_fields
from lazyscope._plain import plain
from lazyscope.claims._rule import Rule, Verdict


@final
@dataclass(frozen=True)
class Row:
    """What a row of full effort is, from the constants that its check uses.

    A test holds it to the last entry of the register, so that none of it changes without an entry that
    says why.

    Attributes:
        name: of the row, as in its `Finding`.
        prediction: the number claimed, None for a claim without one and where it is of the run's data.
        rule: what makes the verdict.
        design: what is run and estimated: widths, seeds, data and the like, ready for JSON.
        expected: the verdict that a working instrument gives.
        noise: what the row's power is computed from, see `lazyscope.claims.register`; empty where the
            register has it.
    """

    name: str
    prediction: float | None
    rule: Rule
    design: Mapping[str, Any]
    expected: Verdict = "agrees"
    noise: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)

    def as_json(self) -> dict[str, Any]:
        """What the register keeps of it."""
        told = plain(
            {
                "prediction": self.prediction,
                "expected": self.expected,
                "rule": self.rule.as_json(),
                "design": {name: each for name, each in self.design.items() if each is not None},
            }
        )
        return told | ({"noise": plain(dict(self.noise))} if self.noise else {})


def design_of(settings: Any, *names: str, **more: Any) -> dict[str, Any]:
    """A design from fields of settings, and what else belongs to it."""
    return {name: getattr(settings, name) for name in names} | more
