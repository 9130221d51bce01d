"""How is a checked claim kept on disk, and when does it count as done?"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyscope._checks import InputError
from lazyscope.claims._finding import Effort

_KEYS = ("name", "section", "findings", "error", "effort", "data", "code", "date", "seconds")


@dataclass(frozen=True)
class RunSettings:
    """What decides whether a claim has to be checked again.

    Attributes:
        effort: ``quick`` or ``full``.
        data: other data than the claim's own, or None.
        code: digest of the sources that make numbers.
    """

    effort: Effort
    data: str | None
    code: str


def is_same(record: dict[str, Any], settings: RunSettings) -> bool:
    """Whether `record` is a finished check with these settings."""
    made = (record["effort"], record["data"], record["code"])
    return record["error"] is None and made == (settings.effort, settings.data, settings.code)


def record_path(folder: str | Path, name: str, effort: Effort) -> Path:
    """Where the record of a claim lies; quick ones never replace full ones."""
    return Path(folder) / (f"{name}.json" if effort == "full" else f"{name}-{effort}.json")


def read_record(path: Path) -> dict[str, Any] | None:
    """The record at `path`; None where there is none or it is no record."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_record = isinstance(record, dict) and all(key in record for key in _KEYS)
    return record if is_record else None


def read_records(folder: str | Path, effort: Effort) -> dict[str, dict[str, Any]]:
    """Every record of one effort in `folder`, by the name of its claim."""
    found = (read_record(path) for path in sorted(Path(folder).glob("*.json")))
    return {one["name"]: one for one in found if one is not None and one["effort"] == effort}


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a record whole or not at all.

    Raises:
        InputError: it cannot be written; what was there before is left as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InputError(
            "the rows of a claim need a folder that can be written",
            received=f"{path} ({error.strerror or error})",
            cause="a folder that was removed or is read-only, or a full disk",
            fix="make room or give another folder; what was finished is kept",
        ) from error
