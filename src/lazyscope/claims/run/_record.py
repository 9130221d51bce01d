"""How is a checked claim kept on disk, and when does it count as done?"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from lazyscope._checks import InputError
from lazyscope._entry import check_fields, checked
from lazyscope._file import read_json, unreadable, write_text_whole
from lazyscope.claims._finding import Effort

_KEYS = ("name", "section", "findings", "error", "effort", "data", "code", "date", "seconds")


@final
@dataclass(frozen=True)
class RunSettings:
    """What decides whether a claim has to be checked again.

    Attributes:
        effort: ``quick`` or ``full``.
        data: other data than the claim's own, or None.
        code: digest of the sources that make numbers.
        seed: from which a claim draws what it runs; None for one that draws nothing.
    """

    effort: Effort
    data: str | None
    code: str
    seed: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)


def is_same(record: dict[str, Any], settings: RunSettings) -> bool:
    """Whether `record` is a finished check with these settings."""
    made = (record["effort"], record["data"], record["code"], record.get("seed"))
    asked = (settings.effort, settings.data, settings.code, settings.seed)
    return record["error"] is None and made == asked


def record_path(folder: str | Path, name: str, effort: Effort) -> Path:
    """Where the record of a claim lies; quick ones never replace full ones."""
    return Path(folder) / (f"{name}.json" if effort == "full" else f"{name}-{effort}.json")


def read_record(path: Path) -> dict[str, Any] | None:
    """The record at `path`; None where there is none or it is no record."""
    try:
        record = read_json(path)
    except (OSError, ValueError):
        return None
    return record if _is_record(record) else None


@checked()
def read_records(folder: str | Path, effort: Effort) -> dict[str, dict[str, Any]]:
    """Every record of one effort in `folder`, by the name of its claim."""
    try:
        paths = sorted(Path(folder).glob("*.json"))
    except OSError as error:
        rule = "the folder of the rows of claims must be readable"
        raise unreadable(rule, Path(folder), error, fix="give another folder") from error
    found = map(read_record, paths)
    return {one["name"]: one for one in found if one is not None and one["effort"] == effort}


def check_replaceable(path: Path) -> None:
    """Refuse to replace a JSON file that is whole and no record; a record that was cut off is redone.

    Raises:
        InputError: another file is in the way.
    """
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return
    if not _is_record(found):
        raise InputError(
            "the rows of a claim must not replace another file",
            received=f"{path}, which is no record of a claim",
            cause="a folder that holds other results",
            fix="give another folder, or move the file away",
        )


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and all(key in value for key in _KEYS)


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a record whole or not at all.

    Raises:
        InputError: it cannot be written; what was there before is left as it was.
    """
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    write_text_whole("the rows of a claim need a folder that can be written", text, path)
