"""Which exponents does every named scheme have, as a table for the documentation?

``python tools/scheme_table.py`` writes the table into ``docs/depth.md``, between its two marks.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from lazyscope.scaling import (
    Scheme,
    named_scheme,
    regime_report,
    scheme_names,
    scheme_parameters,
    to_abc,
)

PAGE = Path(__file__).parents[1] / "docs" / "depth.md"
BEGIN, END = "<!-- written by tools/scheme_table.py -->", "<!-- to here -->"
OPTIMISERS = ("sgd", "adam", "muon")
BEHIND_MULTIPLIERS = ("ntk", "mean-field")
DEPTH = 3
HEAD = (
    "scheme",
    "optimiser",
    "first layer",
    "hidden layers",
    "last layer",
    "branches: multiplier, start, rate",
    "rate over widths",
    "rate over depths",
)


def table() -> str:
    """Every scheme without free exponents, for one optimiser of each kind, as a table of Markdown."""
    rows = [HEAD, ("---",) * len(HEAD), *_rows()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def page_with(text: str, made: str) -> str:
    """The text of the page with this table between the marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}"


def _rows() -> Iterator[tuple[str, ...]]:
    for name in scheme_names():
        if None not in scheme_parameters(name).values():
            for optimiser in OPTIMISERS:
                yield _row(named_scheme(name, depth=DEPTH, input_dim=1, optimiser=optimiser))


def _row(scheme: Scheme) -> tuple[str, ...]:
    form = to_abc(scheme, fix="inits" if scheme.name in BEHIND_MULTIPLIERS else "multipliers")
    report, branches = regime_report(scheme), scheme.branches
    layers = [f"{_told(form.a[i])}, {_told(form.b[i])}, {_told(form.c[i])}" for i in (0, 1, -1)]
    deep = (
        ("", "")
        if branches is None
        else (
            ", ".join(
                _power("L", x)
                for x in (
                    branches.multiplier_exponent,
                    branches.scale_exponent,
                    branches.speed_exponent,
                )
            ),
            _power("L", report["over_depth"]["rate_exponent"]),
        )
    )
    return (
        f"`{scheme.name}`",
        str(scheme.optimiser),
        *layers,
        deep[0],
        _power("m", report["rate_exponent"]),
        deep[1],
    )


def _told(exponent: float) -> str:
    return str(Fraction(exponent).limit_denominator(64))


def _power(base: str, exponent: float) -> str:
    return f"{base}^{_told(exponent)}" if exponent else "1"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), table()), encoding="utf-8")
