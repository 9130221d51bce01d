"""How are the small tables of a store written and read, so that damage is seen?"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyscope.sweep.store._error import StoreError
from lazyscope.sweep.store._folder import Folder

SUM = "sum"
"""Key of the checksum of all other entries."""


def write_table(folder: Folder, name: str, table: Mapping[str, Any]) -> None:
    """Write `table` as the new file `name`, with its checksum.

    Raises:
        StoreError: as `Folder.place`.
    """
    whole = {**table, SUM: checksum(table)}
    folder.place(name, json.dumps(whole, indent=1).encode())


def check_sum(table: Mapping[str, Any], path: Path) -> None:
    """Refuse a table that does not have the checksum that it holds; earlier versions wrote none.

    Raises:
        StoreError: the file was damaged or changed.
    """
    others = {name: value for name, value in table.items() if name != SUM}
    if SUM in table and table[SUM] != checksum(others):
        raise damaged(path, "its content does not have its checksum")


def parse_table(text: bytes, path: Path) -> dict[str, Any]:
    """The JSON table `text`, which stands in the file `path`."""
    try:
        table = json.loads(text)
    except RecursionError as error:
        raise damaged(path, "brackets nested too deeply") from error
    except ValueError as error:
        raise damaged(path, str(error)[:200]) from error
    if not isinstance(table, dict):
        raise damaged(path, f"a {type(table).__name__} where a table belongs")
    return table


def checksum(value: Any) -> str:
    """Sixteen hexadecimal digits of the bytes of `value`, or of its JSON in one order of keys."""
    if not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(value).hexdigest()[:16]


def damaged(path: Path, reason: str) -> StoreError:
    """The refusal of a file whose content is not what was written."""
    return StoreError(
        "every file of a store must be whole, under its own name",
        received=f"{path} ({reason})",
        cause="a damaged disk, a copy that was cut short, or a file that was changed by hand",
        fix="copy the file again; a batch file may be moved away: the same sweep then repeats its "
        "runs",
    )
