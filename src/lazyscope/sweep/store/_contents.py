"""What is in the folder of a store, and is all of it what was written?"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lazyscope._checks import InputError
from lazyscope.experiment import quantities, record_names
from lazyscope.sweep.design._design import SweepDesign
from lazyscope.sweep.store._batchfile import FORMAT, SUFFIX, Batch, read_batch, zip_entries
from lazyscope.sweep.store._earlier import EARLIER_FORMAT, read_earlier_batch
from lazyscope.sweep.store._error import StoreError, reading_refusal
from lazyscope.sweep.store._folder import Folder
from lazyscope.sweep.store._group import read_group
from lazyscope.sweep.store._tables import SUM, check_sum, damaged, parse_table

MARKER = "store.json"
DESIGNS = "designs"
RUNS = "runs"

_BATCH = re.compile(r"([0-9]{6,})" + re.escape(SUFFIX))
_DESIGN = re.compile(r"[0-9]{4,}\.json")


class Contents(NamedTuple):
    """What a store holds.

    Attributes:
        marker: format, name and random numbers of the store.
        design: the sweep; none before the first.
        batches: finished runs, oldest first, by the numbers of their files.
    """

    marker: dict[str, Any]
    design: SweepDesign | None
    batches: dict[int, Batch]

    @property
    def held(self) -> list[str]:
        """Hashes of the cells whose runs are there."""
        return [cell for batch in self.batches.values() for cell in batch.attrs["cells"]]


@contextmanager
def opened_store(path: Path) -> Iterator[Folder]:
    """The folder of the store at `path`, open for reading.

    Raises:
        StoreError: no store is there, or it may not be read.
    """
    with ExitStack() as held:
        try:
            folder = held.enter_context(Folder.opened(path))
        except FileNotFoundError as error:
            raise _no_store(path) from error
        except OSError as error:
            raise reading_refusal(error, path) from error
        yield folder


def read_contents(folder: Folder) -> Contents:
    """Everything in the store in `folder`.

    Raises:
        StoreError: no store is there, its format is unknown, a file cannot be read, is damaged, has
            another name or belongs to another store, or runs are there twice or belong nowhere.
    """
    marker = read_marker(folder)
    try:
        with folder.below(RUNS) as runs, folder.below(DESIGNS) as designs:
            record = _stored_record(designs, marker)
            batches = _read_batches(runs, marker, record)
            # after the batches: a sweep that grows meanwhile has all of their cells
            design = stored_design(designs, marker)
    except OSError as error:
        raise reading_refusal(error, folder.path) from error
    contents = Contents(marker, design, batches)
    _check_held_once(folder.path, batches)
    if design is not None:
        check_cells(folder.path, design, contents.held)
    return contents


def read_marker(folder: Folder) -> dict[str, Any]:
    """What ``store.json`` says.

    Raises:
        StoreError: no store is there, or one in a format that this version does not read.
    """
    path = folder.path / MARKER
    if not folder.holds(MARKER):
        raise _no_store(folder.path)
    marker = parse_table(folder.read(MARKER), path)
    found = marker.get("format")
    if found not in (EARLIER_FORMAT, FORMAT) or isinstance(found, bool):
        newer = isinstance(found, int) and found > FORMAT
        raise StoreError(
            f"this version of lazyscope reads stores of format {EARLIER_FORMAT} and {FORMAT}",
            received=f"{folder.path}, of format {str(found)[:40]}",
            cause=f"a store written by {'a newer' if newer else 'an older'} version",
            fix="use the version that wrote it" if not newer else "upgrade lazyscope",
        )
    check_sum(marker, path)
    if found == FORMAT and not {SUM, "store", "random"} <= marker.keys():
        raise damaged(path, "entries are missing")
    return marker


def batch_names(runs: Folder) -> list[str]:
    """Names of the batch files, oldest first. What other programs leave beside them is passed over.

    Raises:
        StoreError: a batch that is not there under its own name, but under another.
    """
    found = [name for name in runs.names() if _is_batch(name)]
    for name in runs.names():
        visible = not name.startswith(".") and name.lower().endswith(SUFFIX)
        if visible and not _is_batch(name):
            _check_is_copy(runs, name, found)
    return sorted(found, key=number_of)


def batch_name(number: int) -> str:
    """Name of the file of the batch with this number."""
    return f"{number:06d}{SUFFIX}"


def number_of(name: str) -> int:
    """Number of the batch in the file of this name."""
    return int(name.removesuffix(SUFFIX))


def design_names(designs: Folder) -> list[str]:
    """Names of the files of all designs, oldest first."""
    found = [name for name in designs.names() if _DESIGN.fullmatch(name)]
    return sorted(found, key=lambda name: int(name.removesuffix(".json")))


def stored_design(designs: Folder, marker: Mapping[str, Any]) -> SweepDesign | None:
    """The latest design of the store with this `marker`; ``None`` before the first.

    Raises:
        StoreError: its file is damaged, or holds no design.
    """
    names = design_names(designs)
    if not names:
        return None
    table = _design_table(designs, names[-1], marker)
    try:
        return SweepDesign(**table)
    except (InputError, ValueError, TypeError) as error:
        raise damaged(designs.path / names[-1], str(error)[:300]) from error


def check_cells(path: Path, design: SweepDesign, held: Collection[str]) -> None:
    """Refuse a store with runs that are no cell of the design that it stores.

    Args:
        path: folder of the store, for the message.
        design: of the store.
        held: hashes of the runs.

    Raises:
        StoreError: with how many runs belong nowhere.
    """
    if not held:
        return
    known = {cell.hash for cell in design.cells()}
    strange = [cell for cell in held if cell not in known]
    if strange:
        raise StoreError(
            "every run in a store must be a cell of the sweep that it stores",
            received=f"{path}, where {len(strange)} of {len(held)} runs belong to no cell",
            cause="a version of lazyscope that told runs apart in another way, or files of another "
            "store",
            fix="read it with the version that wrote it, which every batch file names, or run the "
            "sweep into a new folder",
        )


def _stored_record(designs: Folder, marker: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What the sweep records, which no added cell changes."""
    names = design_names(designs)
    if not names:
        return None
    record = _design_table(designs, names[-1], marker).get("record")
    if not isinstance(record, list) or not set(map(str, record)) <= set(record_names()):
        raise damaged(designs.path / names[-1], "it has no list of records")
    return tuple(record)


def _design_table(designs: Folder, name: str, marker: Mapping[str, Any]) -> dict[str, Any]:
    path = designs.path / name
    table = parse_table(designs.read(name), path)
    if marker["format"] == FORMAT and SUM not in table:
        raise damaged(path, "its checksum is missing")
    check_sum(table, path)
    return {key: value for key, value in table.items() if key != SUM}


def _read_batches(
    runs: Folder, marker: dict[str, Any], record: tuple[str, ...] | None
) -> dict[int, Batch]:
    names = batch_names(runs)
    if names and record is None:
        raise damaged(runs.path.parent / DESIGNS, "the design of the sweep is missing")
    kept = quantities(record or ())
    batches = {}
    for name in names:
        content, path, number = runs.read(name), runs.path / name, number_of(name)
        if marker["format"] == EARLIER_FORMAT:
            batches[number] = read_earlier_batch(content, kept, path)
        else:
            expected = {"format": FORMAT, "store": marker["store"], "batch": number}
            batches[number] = read_batch(content, kept, expected, path)
    return batches


def _check_held_once(path: Path, batches: dict[int, Batch]) -> None:
    holder: dict[str, int] = {}
    for number, batch in batches.items():
        for cell in batch.attrs["cells"]:
            if cell in holder:
                raise StoreError(
                    "every run is in a store once",
                    received=f"{path / RUNS}, where {batch_name(holder[cell])} and "
                    f"{batch_name(number)} hold the same run {cell}",
                    cause="a batch file that was copied under another name, or two processes that "
                    "wrote to one store",
                    fix="move one of the two files away; the same sweep then repeats what is missing",
                )
            holder[cell] = number


def _is_batch(name: str) -> bool:
    found = _BATCH.fullmatch(name)
    return found is not None and batch_name(int(found[1])) == name


def _check_is_copy(runs: Folder, name: str, batches: list[str]) -> None:
    """Refuse a batch under a name that is none, unless the batch is there under its own as well."""
    try:
        number = read_group(zip_entries(runs.read(name))).get("batch")
    except StoreError:
        raise
    except Exception as error:
        raise damaged(
            runs.path / name, "its name is none of a batch, nor is its content"
        ) from error
    if not isinstance(number, int) or batch_name(number) not in batches:
        raise damaged(runs.path / name, f"it is batch {number}, whose own file is missing")


def _no_store(path: Path) -> StoreError:
    return StoreError(
        "a store is a folder that a sweep has written",
        received=f"{path}, without a readable store.json",
        cause="a wrong path",
        fix="name the folder that was given as --store",
    )
