"""How are the claims checked one after the other, so that nothing finished is lost or done twice?"""

import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from lazyscope._checks import InputError, check_choice
from lazyscope._entry import checked
from lazyscope._plain import plain
from lazyscope._provenance import code_digest, machine, versions
from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._seed import new_seed
from lazyscope.claims.run._record import (
    RunSettings,
    check_replaceable,
    is_same,
    read_record,
    record_path,
    write_record,
)

State = Literal["running", "done", "failed", "kept"]
"""``kept``: finished by an earlier call with the same code and settings."""

Record = dict[str, Any]
"""One claim as it was checked, ready for JSON."""


@checked()
def check_claims(
    claims: Sequence[Claim],
    folder: str | Path,
    *,
    effort: Effort = "full",
    data: str | None = None,
    seed: int | None = None,
    fresh: bool = False,
    tell: Callable[[Claim, State], None] = lambda claim, state: None,
) -> tuple[Record, ...]:
    """Check every claim and keep its rows in `folder` as soon as it is done.

    They are in ``NAME.json``, those of quick effort in ``NAME-quick.json``.

    A claim that raises becomes a record with its ``error``, and the others go on; it is tried again
    by the next call. A record of the same code, effort, data and seed is not done again.

    Args:
        claims: what to check, in this order; each may use all cores itself.
        folder: where records are kept; must exist.
        effort: ``quick`` or ``full``.
        data: name or path of other data for the claims that can be checked on any; None for each
            claim's own.
        seed: from which claims that draw what they run draw it. Unless given, it is the one of the record in
            `folder`, and where there is none it is drawn now.
        fresh: do again what is there.
        tell: called with every claim and its state, for a progress display.

    Returns:
        One record per claim, see `check_claim`.

    Raises:
        InputError: an effort that does not exist, two claims of one name, or a record that cannot
            be written or would replace another file.
    """
    check_choice("effort", effort, get_args(Effort))
    _check_names(claims)
    for claim in claims:
        check_replaceable(record_path(folder, claim.name, effort))
    found = []
    for claim in claims:
        path = record_path(folder, claim.name, effort)
        before = read_record(path)
        settings = RunSettings(
            effort,
            data if claim.check_on is not None else None,
            code_digest(),
            _seed(before, seed) if claim.check_drawn is not None else None,
        )
        if not fresh and before is not None and is_same(before, settings):
            tell(claim, "kept")
            found.append(before)
            continue
        tell(claim, "running")
        record = check_claim(claim, settings)
        write_record(record, path)
        tell(claim, "failed" if record["error"] else "done")
        found.append(record)
    return tuple(found)


def _seed(before: Record | None, given: int | None) -> int:
    """The seed that was given, else that of the record, else a new one."""
    kept = None if before is None else before.get("seed")
    return next((one for one in (given, kept) if one is not None), new_seed())


@checked()
def check_claim(claim: Claim, settings: RunSettings) -> Record:
    """Check one claim.

    Returns:
        ``name``, ``source``, ``statement``, ``section``; ``findings``, one dict per row with the
        fields of `Finding` and ``as_expected``; ``error``, None unless the check raised, with its
        ``traceback``; ``effort``, ``data``, ``seed``, ``code`` (digest of the sources that make numbers),
        ``versions``, ``machine``, ``date`` (UTC), ``seconds`` and ``processor_seconds`` (of all cores).
    """
    began, worked = time.perf_counter(), time.process_time()
    error, trace, findings = None, None, ()
    try:
        findings = _checked_rows(claim, settings)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
        trace = traceback.format_exc()
    return plain(
        {
            "name": claim.name,
            "source": claim.source,
            "statement": claim.statement,
            "section": claim.section,
            "findings": [row.as_json() for row in findings],
            "error": error,
            "traceback": trace,
            "effort": settings.effort,
            "data": settings.data,
            "seed": settings.seed,
            "code": settings.code,
            "versions": versions(),
            "machine": machine(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": time.perf_counter() - began,
            "processor_seconds": time.process_time() - worked,
        }
    )


def _checked_rows(claim: Claim, settings: RunSettings) -> tuple[Finding, ...]:
    if settings.data is not None and claim.check_on is not None:
        findings = claim.check_on(settings.effort, settings.data)
    elif settings.seed is not None and claim.check_drawn is not None:
        findings = claim.check_drawn(settings.effort, settings.seed)
    else:
        findings = claim.check(settings.effort)
    names = [row.name for row in findings]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a claim needs rows with names of their own, got {names}")
    if claim.rows:
        _check_declared(claim, findings, whole=settings.effort == "full" and settings.data is None)
    return findings


def _check_declared(claim: Claim, findings: Sequence[Finding], *, whole: bool) -> None:
    """Refuse rows that are judged by something else than they declare, and hence than is registered.

    Quick rows and those of other data are some of the rows, and numbers of their own may be predicted.
    """
    declared = {row.name: row for row in claim.rows}
    if whole and [row.name for row in findings] != list(declared):
        raise ValueError(
            f"rows {[row.name for row in findings]} are not those declared: {list(declared)}"
        )
    for row in findings:
        asked = declared.get(row.name)
        if asked is None or row.expected != asked.expected:
            raise ValueError(f"row {row.name} is not declared as it was judged")
        wanted, used = asked.prediction, row.prediction
        if (
            whole
            and wanted is not None
            and used is not None
            and not math.isclose(wanted, used, abs_tol=1e-9)
        ):
            raise ValueError(f"row {row.name} declares {wanted} and was judged by {used}")


@checked()
def select_claims(claims: Sequence[Claim], names: Sequence[str]) -> tuple[Claim, ...]:
    """The claims called `names`, in the order of the table; without names those of half an hour.

    Raises:
        InputError: no claim has this name; the nearest one is named.
    """
    known: Mapping[str, Claim] = {claim.name: claim for claim in claims}
    for name in names:
        check_choice("claim", name, known)
    return tuple(claim for claim in claims if (claim.name in names if names else not claim.by_name))


def _check_names(claims: Sequence[Claim]) -> None:
    names = [claim.name for claim in claims]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(
            "every claim needs a name of its own",
            received=f"{doubled[0]!r} more than once",
            cause="a claim that was added twice to the list",
            fix="rename one of them",
        )
