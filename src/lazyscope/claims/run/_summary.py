"""What do all checked claims say together?"""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyscope._entry import checked
from lazyscope._provenance import machine, versions
from lazyscope.claims._finding import Claim, Effort


@checked()
def validation(
    claims: Sequence[Claim], records: Mapping[str, Mapping[str, Any]], *, effort: Effort
) -> dict[str, Any]:
    """Records of checked claims in the order of the table, counted; what a page is written from.

    Args:
        claims: every claim of the table.
        records: what `check_claims` made, by the name of the claim, of one effort.
        effort: ``quick`` or ``full``.

    Returns:
        ``effort``, ``versions``, ``machine``, ``claims`` (the records), ``missing`` (names of claims
        that were not checked), ``codes`` (digests of the code that made them; more than one where it
        changed in between), ``dates`` (first and last, UTC), ``seconds`` and ``summary``, see
        `counts`.
    """
    found = [records[claim.name] for claim in claims if claim.name in records]
    dates = sorted(record["date"] for record in found)
    return {
        "effort": effort,
        "versions": versions(),
        "machine": machine(),
        "codes": sorted({record["code"] for record in found}),
        "dates": dates[:: max(len(dates) - 1, 1)],
        "seconds": sum(record["seconds"] for record in found),
        "summary": counts(found),
        "missing": [claim.name for claim in claims if claim.name not in records],
        "claims": [dict(record) | {"counts": counts([record])} for record in found],
    }


@checked()
def counts(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Rows of records by what they mean.

    Returns:
        ``rows``; ``agree``; ``expected``: other verdicts that are as expected (controls and known
        failures of the theory); ``undecided`` rows that were expected to be decided;
        ``unexpected``: rows that came out in another way than expected, undecided ones excepted;
        ``errors``: claims whose check raised.
    """
    rows = [row for record in records for row in record["findings"]]
    met = [row for row in rows if row["as_expected"]]
    missed = [row for row in rows if not row["as_expected"]]
    undecided = sum(row["verdict"] == "undecided" for row in missed)
    agree = sum(row["verdict"] == "agrees" for row in met)
    return {
        "rows": len(rows),
        "agree": agree,
        "expected": len(met) - agree,
        "undecided": undecided,
        "unexpected": len(missed) - undecided,
        "errors": sum(record["error"] is not None for record in records),
    }


@checked()
def is_sound(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every check ran, and every row is as expected or undecided."""
    found = counts(records)
    return found["unexpected"] == 0 and found["errors"] == 0
