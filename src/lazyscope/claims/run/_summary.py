"""What do all checked claims say together?"""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyscope._entry import checked
from lazyscope._provenance import machine, versions
from lazyscope.claims._finding import Claim, Effort
from lazyscope.claims.register._standing import expectations, with_expectations


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
        changed in between), ``dates`` (first and last, UTC), ``seconds``, ``retired`` (rows of the
        register that are no longer run, see `expectations`) and ``summary``, see `counts`. Every row has
        what the register says of it: ``expected_first``, ``expected_now``, ``prediction_first``,
        ``changes``, ``power``, ``counted``, ``uncounted``, ``role`` and ``explained``; ``verdict_first`` is
        its verdict by the rule that was registered first, and ``as_expected`` holds that against
        ``expected_first``.
    """
    found = [_registered(records[claim.name]) for claim in claims if claim.name in records]
    dates = sorted(record["date"] for record in found)
    return {
        "effort": effort,
        "versions": versions(),
        "machine": machine(),
        "codes": sorted({record["code"] for record in found}),
        "dates": dates[:: max(len(dates) - 1, 1)],
        "seconds": sum(record["seconds"] for record in found),
        "summary": counts(found),
        "retired": [row for row in expectations(claims) if row["retired"]],
        "missing": [claim.name for claim in claims if claim.name not in records],
        "claims": [dict(record) | {"counts": counts([record])} for record in found],
    }


@checked()
def counts(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Rows of records by what they mean, against what was expected of them first.

    Returns:
        ``rows``, and ``counted`` of them: rows whose number could have refuted them and whose design had
        the power to; of these, ``agree``; ``expected``: other verdicts that are as expected (controls and
        known failures of the theory); ``undecided`` rows that were expected to be decided;
        ``unexpected``: rows that came out in another way than expected first, undecided ones excepted,
        and ``explained`` of them: the register says why they do.
        ``changed``: rows, counted or not, whose prediction, expected verdict, rule or design was changed
        after they were registered. ``errors``: claims whose check raised.
    """
    every = [row for record in records for row in _registered(record)["findings"]]
    rows = [row for row in every if row["counted"]]
    met = [row for row in rows if row["as_expected"]]
    missed = [row for row in rows if not row["as_expected"]]
    undecided = sum(row["verdict_first"] == "undecided" for row in missed)
    explained = sum(
        row["explained"] is not None and row["verdict_first"] != "undecided" for row in missed
    )
    agree = sum(row["verdict_first"] == "agrees" for row in met)
    return {
        "rows": len(every),
        "counted": len(rows),
        "agree": agree,
        "expected": len(met) - agree,
        "undecided": undecided,
        "unexpected": len(missed) - undecided,
        "explained": explained,
        "changed": sum(bool(row["changes"]) for row in every),
        "errors": sum(record["error"] is not None for record in records),
    }


@checked()
def is_sound(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every check ran, and every counted row is as expected first or undecided.

    A row that came out against its first expectation is not sound for being explained.
    """
    found = counts(records)
    return found["unexpected"] == 0 and found["errors"] == 0


def _registered(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose rows say what was expected of them."""
    rows = [with_expectations(record["name"], row) for row in record["findings"]]
    return {**record, "findings": rows}
