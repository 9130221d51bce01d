"""Where do the results of a sweep live, and how are more of them added?

A store is a folder::

    store.json            format, name and random numbers of the store; written once
    designs/0001.json     the sweep; a sweep that adds cells adds a file
    runs/000001.zarr.zip  finished runs, one Zarr group per batch; written once, never changed
    lock                  held by the process that writes

A batch file appears under its name only when it is complete and on the disk, so a store can be read
at any moment, and a process that dies leaves nothing but a file that the next one removes. The process
that writes holds the folder itself: its files do not follow a path that leads elsewhere meanwhile. Two
processes would claim the same next number, and no file is ever replaced, so no run can be there twice.
"""

import platform
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, final

from lazyscope._entry import checked
from lazyscope._provenance import timestamp, versions
from lazyscope.experiment import quantities
from lazyscope.sweep.design._design import Cell, SweepDesign
from lazyscope.sweep.run._fingerprint import random_settings
from lazyscope.sweep.store._batchfile import FORMAT, RunResult, batch_file
from lazyscope.sweep.store._contents import (
    DESIGNS,
    MARKER,
    RUNS,
    batch_name,
    batch_names,
    design_names,
    read_contents,
    read_marker,
    stored_design,
)
from lazyscope.sweep.store._error import StoreError, os_refusal
from lazyscope.sweep.store._folder import UNFINISHED, Folder
from lazyscope.sweep.store._lock import LOCK, StoreLock, writing_lock
from lazyscope.sweep.store._place import store_path
from lazyscope.sweep.store._tables import write_table

_LITTER = ("._", ".DS_Store", ".Trash", ".nfs", ".fuse_hidden", "Thumbs.db", "desktop.ini")
_LITTER += ("lost+found", "System Volume Information", ".Spotlight", ".fseventsd")


@final
class SweepStore:
    """A store that this process may add finished runs to. Made by `writing_store`.

    Attributes:
        path: its folder.
        design: the sweep.
        data: digests of the data of the runs that it holds, by the settings that chose them.
    """

    def __init__(self, folder: Folder, runs: Folder, lock: StoreLock, design: SweepDesign) -> None:
        self.path = folder.path
        self.design = design
        self._folder, self._runs, self._lock = folder, runs, lock
        self._kept = quantities(design.record)
        contents = read_contents(folder)
        self._name = contents.marker["store"]
        self._next = 1 + max(contents.batches, default=0)
        self._finished = set(contents.held)
        told = [batch.attrs.get("data", {}) for batch in contents.batches.values()]
        self.data = {key: digest for data in told for key, digest in data.items()}

    @property
    def finished(self) -> frozenset[str]:
        """Hashes of the cells whose runs are in the store."""
        return frozenset(self._finished)

    def holds(self, cell: Cell) -> bool:
        """Whether the run of `cell` is in the store."""
        return cell.hash in self._finished

    def missing(self) -> list[Cell]:
        """Cells of the design whose runs are not in the store, in the design's order."""
        return [cell for cell in self.design.cells() if cell.hash not in self._finished]

    def write(self, results: Sequence[RunResult], **provenance: Any) -> None:
        """Add finished runs as one batch; they are on the disk when this returns.

        Raises:
            StoreError: a run that is already there, a full disk, a folder that cannot be written or
                was moved, a lock that was removed; the store is as before.
        """
        hashes = [result.cell.hash for result in results]
        if len(set(hashes)) < len(hashes) or self._finished.intersection(hashes):
            raise StoreError(
                "every run is written once",
                received="a batch with a run that the store already holds",
                cause="a runner that repeated work",
                fix="run only the cells that missing() returns",
            )
        if not results:
            return
        own = {"store": self._name, "batch": self._next}
        content = batch_file(results, self._kept, {**_provenance(), **provenance, **own})
        self._lock.check()
        if not self._folder.is_same(RUNS, self._runs.handle):
            raise _replaced(self._runs)
        self._runs.place(batch_name(self._next), content)
        self._next += 1
        self._finished.update(hashes)


@checked()
@contextmanager
def writing_store(path: str | Path, design: SweepDesign) -> Iterator[SweepStore]:
    """Hold the store at `path` open for the finished runs of `design`.

    A store that holds runs of an earlier version of the sweep is taken over if `design` has all of
    its cells and records the same quantities.

    Args:
        path: folder of the store; made where there is none. What the path leads to later is of no
            account: the folder that it leads to now is held.
        design: the sweep.

    Raises:
        StoreError: another process writes to it, the sweep was changed otherwise than by adding
            cells, the folder holds something else or cannot be written, the format is unknown or an
            earlier one, or its runs had other random numbers.
        InputError: a path that is none of a folder.
    """
    place = store_path(path)
    with ExitStack() as held:
        try:
            place.mkdir(parents=True, exist_ok=True)
            folder = held.enter_context(Folder.opened(place))
        except OSError as error:
            raise os_refusal(error, place) from error
        lock = held.enter_context(writing_lock(folder))
        try:
            _prepare(folder)
            designs = held.enter_context(folder.below(DESIGNS))
            runs = held.enter_context(folder.below(RUNS))
            for each in (folder, designs, runs):
                each.clear_unfinished()
            _admit(folder, designs, design)
        except OSError as error:
            raise os_refusal(error, place) from error
        yield SweepStore(folder, runs, lock, design)


def _prepare(folder: Folder) -> None:
    """Make an empty store in `folder` unless there is one; refuse one that takes no more runs."""
    if not folder.holds(MARKER):
        _refuse_other_files(folder)
        for name in (DESIGNS, RUNS):
            with folder.below(name, make=True) as made:
                _refuse_orphans(folder, made)
        marker = {"format": FORMAT, "store": uuid.uuid4().hex, "random": random_settings()}
        write_table(folder, MARKER, {**marker, **_provenance()})
    marker = read_marker(folder)
    if marker["format"] != FORMAT:
        raise StoreError(
            f"runs are added to stores of format {FORMAT}",
            received=f"{folder.path}, of format {marker['format']}",
            cause="a store written by an older version, which does not say what random numbers its "
            "runs had",
            fix="read it as it is, and run the sweep into a new folder",
        )
    now, then = random_settings(), marker["random"]
    if now != then:
        raise StoreError(
            "all runs of a store must have the random numbers that a seed means there",
            received=f"{folder.path}, written with {_told(then)}, where this process has {_told(now)}",
            cause="another version of JAX",
            fix="go on with the version that began the store, or name a new folder",
        )


def _admit(folder: Folder, designs: Folder, design: SweepDesign) -> None:
    """Take `design` as the store's latest, if it only adds cells."""
    old = stored_design(designs, read_marker(folder))
    if old == design:
        return
    if old is not None:
        _check_only_adds(folder.path, old, design)
    taken = [int(name.removesuffix(".json")) for name in design_names(designs)]
    write_table(designs, f"{1 + max(taken, default=0):04d}.json", design.to_table())


def _check_only_adds(path: Path, old: SweepDesign, new: SweepDesign) -> None:
    if old.record != new.record:
        received = f"record {list(new.record)} where {path} has {list(old.record)}"
    else:
        kept = {cell.hash for cell in new.cells()}
        lost = [cell for cell in old.cells() if cell.hash not in kept]
        if not lost:
            return
        received = f"{len(lost)} of the {old.num_cells} cells of {path} are no longer in the sweep"
        changed = _changed_settings(old, new)
        received += f"; changed: {', '.join(changed)}" if changed else ""
    raise StoreError(
        "a sweep with a store may only add cells",
        received=received,
        cause="a sweep file that was changed after its first run",
        fix="undo the change, or name a new folder for the changed sweep",
    )


def _changed_settings(old: SweepDesign, new: SweepDesign) -> list[str]:
    """Settings of which the old design has values that the new one has not."""
    taken = [{}, {}]
    for values, design in zip(taken, (old, new), strict=True):
        for cell in design.cells():
            for name, value in cell.settings.items():
                values.setdefault(name, set()).add(value)
    return [name for name, values in taken[0].items() if values - taken[1].get(name, set())]


def _refuse_other_files(folder: Folder) -> None:
    ours = {LOCK, DESIGNS, RUNS, MARKER + UNFINISHED}
    others = [name for name in folder.names() if name not in ours and not name.startswith(_LITTER)]
    if others:
        raise StoreError(
            "a new store needs an empty folder",
            received=f"{folder.path}, which holds {', '.join(others[:3])}",
            cause="a folder that is used for something else",
            fix="name a new folder",
        )


def _refuse_orphans(folder: Folder, made: Folder) -> None:
    """Refuse what was a store before its first file was lost."""
    if design_names(made) or batch_names(made):
        raise StoreError(
            f"a store must have its {MARKER}",
            received=f"{folder.path}, which holds {made.path.name} without it",
            cause="a file that was removed, or a copy that left it out",
            fix=f"bring {MARKER} back, or name a new folder",
        )


def _replaced(folder: Folder) -> StoreError:
    return StoreError(
        "the folders of a store must stay where they are while a sweep writes to it",
        received=f"{folder.path}, whose folder is now {folder.whereabouts()}",
        cause="a folder that was moved or removed by hand",
        fix="bring it back; the same command goes on from what is there",
    )


def _told(random: Any) -> str:
    if not isinstance(random, dict):
        return str(random)[:60]
    return ", ".join(f"{name} {value}" for name, value in random.items())[:200]


@cache
def _versions() -> dict[str, str]:
    named = versions("lazyscope", "jax", "numpy") | {"python": platform.python_version()}
    return {f"{name}_version": told for name, told in named.items()} | {
        "host": socket.gethostname()
    }


def _provenance() -> dict[str, str]:
    return {**_versions(), "written_at": timestamp()}
