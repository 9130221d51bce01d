"""What does the table of validated claims look like as a page to read?"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lazyscope._entry import checked
from lazyscope.report.parts import seconds, write_whole
from lazyscope.report.validation._changes import change_lines
from lazyscope.report.validation._table import claim_lines, in_table

_OFF = (
    "How far the displacement law misses where its assumptions end. A row that is expected to "
    "disagree measures a known failure of the theory; its number says how large it is."
)
_CONTROLS = (
    "Wrong laws, wrong kernels and networks outside the assumptions, put through the same code as "
    "the rows above. Each must come out as refuted or outside; one that agreed would discredit "
    "every row of this page."
)
_SECTIONS = {
    "results": ("Published and derived results", ""),
    "off": ("Where the law is off", _OFF),
    "controls": ("Negative controls", _CONTROLS),
}
_READING = """\
- **Interval**: 95 %, over seeds and what finite width hides, unless the row says otherwise. One of twenty
  correct intervals misses; claims about many cells are judged by the share of intervals that hold.
- **agrees**: the prediction lies in an interval that is narrow enough to tell it from its neighbours, or the
  whole interval satisfies the inequality. **disagrees**: the prediction lies outside, or no part of the
  interval satisfies it. **undecided**: the interval does not settle it.
  **outside**: the network does not satisfy the claim's assumptions, by a check that the code makes.
- *as it must*: the verdict that a control or a known failure of the theory is expected to give.
- **What was expected** is what was expected *first*, when the row was registered; where its rule was loosened
  since, the interval is judged again by the first one. Every later change stands under
  [changes of mind](#changes-of-mind).
- *explained* stands where a row comes out against its first expectation and the register says why. It
  counts against expectation all the same.
- **power**: how often the design says *agrees* where the law is exact, and *disagrees* where the truth is
  half a step away, at the noise that was met. A row below 0.8 in either is exploratory; it and rows that
  could not have failed are shown and count nowhere.
"""


@checked()
def validation_page(validation: Mapping[str, Any]) -> str:
    """The page of a stored validation, in Markdown.

    Args:
        validation: what `lazyscope.claims.validation` returns, or the same read from its JSON file.
    """
    lines = [
        "# Validation",
        "",
        _opening(validation),
        "",
        *_summary_table(validation),
        "",
        *_provenance(validation),
        "",
        "## How to read a row",
        "",
        _READING,
    ]
    for section, (title, words) in _SECTIONS.items():
        records = [one for one in validation["claims"] if one["section"] == section]
        if records:
            lines += [f"## {title}", ""] + ([words, ""] if words else [])
            for record in records:
                lines += [*claim_lines(record), ""]
    lines += change_lines(validation)
    return "\n".join(lines).rstrip() + "\n"


@checked()
def write_validation_page(validation: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write `validation_page` whole or not at all.

    Raises:
        InputError: the path cannot be written.
    """
    return write_whole(validation_page(validation), path)


@checked()
def summary_sentence(summary: Mapping[str, int]) -> str:
    """The counts of a validation in one sentence.

    Example:
        >>> told = dict(rows=9, counted=9, agree=6, expected=2, undecided=1, unexpected=0, errors=0)
        >>> summary_sentence(told)
        'Of 9 rows 6 agree, 2 fail as they must, 1 is undecided and none came out against expectation.'
        >>> summary_sentence(told | {"rows": 12, "changed": 2}).partition(". ")[2]
        '3 more rows count nowhere. 2 rows were changed after they were registered.'
    """
    undecided, unexpected = summary["undecided"], summary["unexpected"]
    counted, changed = summary.get("counted", summary["rows"]), summary.get("changed", 0)
    which = "the first expectation" if changed else "expectation"
    more = summary["rows"] - counted
    sentence = (
        f"Of {counted} rows {'that count ' if more else ''}{summary['agree']} agree, "
        f"{summary['expected']} fail as they must, {undecided} {'is' if undecided == 1 else 'are'} "
        f"undecided and {unexpected or 'none'} came out against {which}."
    )
    explained = summary.get("explained", 0)
    if explained:
        which = (
            "That one is"
            if unexpected == 1
            else f"{explained} of these {'is' if explained == 1 else 'are'}"
        )
        sentence += f" {which} explained below."
    if more:
        sentence += f" {more} more row{'s count' if more > 1 else ' counts'} nowhere."
    if changed:
        sentence += (
            f" {changed} row{'s were' if changed > 1 else ' was'} changed after "
            f"{'they were' if changed > 1 else 'it was'} registered."
        )
    errors = summary["errors"]
    if errors:
        sentence += f" {errors} check{'s' if errors > 1 else ''} ended with an error."
    return sentence


def _opening(validation: Mapping[str, Any]) -> str:
    text = summary_sentence(validation["summary"])
    missing = validation["missing"]
    if missing:
        text += f" Not checked: {_names(missing)}."
    return text


def _summary_table(validation: Mapping[str, Any]) -> list[str]:
    head = (
        "claim",
        "source",
        "rows",
        "count",
        "agree",
        "fail as they must",
        "undecided",
        "against expectation",
        "time",
    )
    rows = []
    for record in validation["claims"]:
        found = record["counts"]
        against = found["unexpected"] or ("error" if record["error"] else 0)
        rows.append(
            (
                f"[{record['name']}](#{record['name']})",
                record["source"],
                found["rows"],
                found.get("counted", found["rows"]),
                found["agree"],
                found["expected"],
                found["undecided"],
                f"**{against}**" if against else against,
                seconds(record["seconds"]),
            )
        )
    return in_table(head, rows)


def _provenance(validation: Mapping[str, Any]) -> list[str]:
    machine, versions = validation["machine"], validation["versions"]
    dates = " to ".join(
        date.replace("T", " ").replace("+00:00", "") for date in validation["dates"]
    )
    codes = validation["codes"]
    command = "lazyscope validate" + (" --quick" if validation["effort"] == "quick" else "")
    lines = [
        f"Made by `{command}` ({validation['effort']} effort), {dates} UTC, "
        f"{seconds(validation['seconds'])} in all, on {machine['cores']} cores of "
        f"{machine['processor']}, {machine['memory_gib']:g} GiB, Python {machine['python']}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + "."
    ]
    if len(codes) == 1:
        lines.append(f"Digest of the code that made the numbers: `{codes[0]}`.")
    elif codes:
        lines.append(
            f"The claims were checked by {len(codes)} states of the code ({_names(codes)}); "
            f"`{command} --fresh` checks all with one."
        )
    return lines


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
