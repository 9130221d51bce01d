"""Where do the results of a sweep live, and what is already there?

A store is a folder::

    store.json            format version; written once
    designs/0001.json     the sweep; a sweep that adds cells adds a file
    runs/000001.zarr.zip  finished runs, one Zarr group per batch; written once, never changed
    lock                  held by the process that writes

A batch file appears under its name only when it is complete and on the disk, so a store can be read
at any moment, and a process that dies leaves nothing but a file that the next one removes.
"""

import json
import os
import platform
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from lazyscope.sweep._batchfile import SUFFIX, UNFINISHED, RunResult, batch_attributes, write_batch
from lazyscope.sweep._design import Cell, SweepDesign
from lazyscope.sweep._error import StoreError, os_refusal
from lazyscope.sweep._lock import writing_lock
from lazyscope.sweep._record import quantities

FORMAT = 2
"""Version of the layout above, of the batch files and of what the hash of a cell is made of.

1: settings that no run reads took part in the hash at first, later not; two definitions of one number.
2: they do not; data sets are known by their number of test points too.
"""


class SweepStore:
    """A store that this process may add finished runs to. Made by `writing_store`.

    Attributes:
        path: its folder.
        design: the sweep.
        data: digests of the data of the runs that it holds, by the settings that chose them.
    """

    def __init__(self, path: Path, design: SweepDesign) -> None:
        self.path = path
        self.design = design
        self._kept = quantities(design.record)
        batches = batch_paths(path)
        self._next = 1 + max((_number(batch) for batch in batches), default=0)
        told = [batch_attributes(batch) for batch in batches]
        self._finished = {cell for batch in told for cell in batch["cells"]}
        check_cells(path, design, self._finished)
        self.data = {key: digest for batch in told for key, digest in batch.get("data", {}).items()}

    @property
    def finished(self) -> frozenset[str]:
        """Hashes of the cells whose runs are in the store."""
        return frozenset(self._finished)

    def missing(self) -> list[Cell]:
        """Cells of the design whose runs are not in the store, in the design's order."""
        return [cell for cell in self.design.cells() if cell.hash not in self._finished]

    def write(self, results: Sequence[RunResult], **provenance: Any) -> None:
        """Add finished runs as one batch; they are on the disk when this returns.

        Raises:
            StoreError: a run that is already there, a full disk, a folder that cannot be written.
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
        attributes = {"format": FORMAT, **_provenance(), **provenance}
        path = self.path / "runs" / f"{self._next:06d}{SUFFIX}"
        write_batch(path, results, self._kept, attributes)
        self._next += 1
        self._finished.update(hashes)

    @classmethod
    def _prepared(cls, path: Path, design: SweepDesign) -> Self:
        """The store at `path` for `design`, made where there is none; the lock is held."""
        try:
            if not (path / "store.json").exists():
                _refuse_other_files(path)
                (path / "designs").mkdir(exist_ok=True)
                (path / "runs").mkdir(exist_ok=True)
                _write_once(path / "store.json", {"format": FORMAT, **_provenance()})
            check_format(path)
            for left in [*path.glob(f"*{UNFINISHED}"), *path.glob(f"*/*{UNFINISHED}")]:
                left.unlink()
            _admit(path, design)
        except OSError as error:
            raise os_refusal(error, path) from error
        return cls(path, design)


@contextmanager
def writing_store(path: str | Path, design: SweepDesign) -> Iterator[SweepStore]:
    """Hold the store at `path` open for the finished runs of `design`.

    A store that holds runs of an earlier version of the sweep is taken over if `design` has all of
    its cells and records the same quantities.

    Args:
        path: folder of the store; made where there is none.
        design: the sweep.

    Raises:
        StoreError: another process writes to it, the sweep was changed otherwise than by adding
            cells, the folder holds something else or cannot be written, or the format is unknown.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise os_refusal(error, folder) from error
    with writing_lock(folder / "lock"):
        yield SweepStore._prepared(folder, design)


def batch_paths(path: Path) -> list[Path]:
    """The complete batch files of the store at `path`, oldest first."""
    return sorted((path / "runs").glob(f"*{SUFFIX}"))


def stored_design(path: Path) -> SweepDesign | None:
    """The latest design of the store at `path`; ``None`` before the first."""
    designs = sorted((path / "designs").glob("*.json"))
    return SweepDesign(**json.loads(designs[-1].read_text())) if designs else None


def check_format(path: Path) -> None:
    """Refuse what is no store, or a store in a format that this version does not read.

    Raises:
        StoreError: with what was found.
    """
    try:
        found = json.loads((path / "store.json").read_text())["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "a store is a folder that a sweep has written",
            received=f"{path}, without a readable store.json",
            cause="a wrong path",
            fix="name the folder that was given as --store",
        ) from error
    if found != FORMAT:
        newer = isinstance(found, int) and found > FORMAT
        raise StoreError(
            f"this version of lazyscope reads stores of format {FORMAT}",
            received=f"{path}, of format {found}",
            cause=f"a store written by {'a newer' if newer else 'an older'} version",
            fix="use the version that wrote it" if not newer else "upgrade lazyscope",
        )


def check_cells(path: Path, design: SweepDesign, held: Collection[str]) -> None:
    """Refuse a store with runs that are no cell of the design that it stores.

    Args:
        path: folder of the store, for the message.
        design: read after the batches, so that a sweep that grows meanwhile has all of their cells.
        held: hashes of the runs.

    Raises:
        StoreError: with how many runs belong nowhere.
    """
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


def _admit(path: Path, design: SweepDesign) -> None:
    """Take `design` as the store's latest, if it only adds cells."""
    old = stored_design(path)
    if old == design:
        return
    if old is not None:
        _check_only_adds(path, old, design)
    number = 1 + len(list((path / "designs").glob("*.json")))
    _write_once(path / "designs" / f"{number:04d}.json", design.to_table())


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


def _refuse_other_files(path: Path) -> None:
    ours = {"lock", "designs", "runs", "store.json" + UNFINISHED}
    others = sorted(entry.name for entry in path.iterdir() if entry.name not in ours)
    if others:
        raise StoreError(
            "a new store needs an empty folder",
            received=f"{path}, which holds {', '.join(others[:3])}",
            cause="a folder that is used for something else",
            fix="name a new folder",
        )


def _write_once(path: Path, table: dict[str, Any]) -> None:
    unfinished = path.with_name(path.name + UNFINISHED)
    with unfinished.open("w") as file:
        json.dump(table, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _number(path: Path) -> int:
    return int(path.name.removesuffix(SUFFIX))


def _provenance() -> dict[str, str]:
    return {
        "lazyscope_version": _version("lazyscope"),
        "jax_version": _version("jax"),
        "numpy_version": _version("numpy"),
        "python_version": platform.python_version(),
        "host": socket.gethostname(),
        "written_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
