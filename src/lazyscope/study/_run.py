"""How does any study get from its settings to stores, a judgement, a file and a page, and back?"""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import MISSING, asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, final

import xarray as xr

from lazyscope._checks import InputError, check_instance
from lazyscope._entry import checked
from lazyscope._file import local_path, read_json, unreadable, write_text_whole
from lazyscope._plain import plain
from lazyscope._portable import PortableError
from lazyscope._provenance import versions
from lazyscope._result import AbstractResult
from lazyscope.experiment import seconds_compiling
from lazyscope.observe import MISSHAPEN
from lazyscope.study._protocol import AbstractStudy, S
from lazyscope.study._registry import studies
from lazyscope.sweep import SweepSummary, open_store, run_sweep

if TYPE_CHECKING:
    import pandas as pd

_LOG = logging.getLogger(__name__)
FOLDER_FORMAT = 1
PAGE = "index.html"


@final
class MissingRunsError(PortableError, RuntimeError):
    """So many runs ended with an exception that nothing could be judged; the same call goes on."""


@final
@dataclass(frozen=True, repr=False)
class StudyRun(AbstractResult):
    """A study as it was run and judged.

    Attributes:
        result: what was judged, ready for JSON, as the file of the study holds it.
        runs: what the stores hold, by their name.
        summaries: what this call did in each store; runs that were there before are not counted as done.
        folder: of the stores.
    """

    result: dict[str, Any]
    runs: Mapping[str, xr.Dataset]
    summaries: Mapping[str, SweepSummary]
    folder: Path

    def quantities(self) -> dict[str, Any]:
        """The answer first, then what the file of the study holds."""
        verdict = self.result.get("verdict", {})
        first = {name: verdict[name] for name in ("answer", "sentence") if name in verdict}
        return {"study": self.result.get("study", ""), **first, **self.result}

    def to_json(self) -> dict[str, Any]:
        """What the file of the study holds."""
        return self.result

    def to_dataset(self) -> xr.Dataset:
        """The runs; of several stores, variables and axes are called ``STORE.NAME``.

        A study without stores gives the numbers of its result.
        """
        if not self.runs:
            return AbstractResult.to_dataset(self)
        if len(self.runs) == 1:
            return next(iter(self.runs.values()))
        parts = [
            runs.rename({str(n): f"{store}.{n}" for n in (*runs.variables, *runs.dims)})
            for store, runs in self.runs.items()
        ]
        return xr.merge(parts, combine_attrs="drop")

    def to_dataframe(self) -> "pd.DataFrame":
        """One row for each run, with what is one number or text of it."""
        if not self.runs:
            return AbstractResult.to_dataframe(self)
        import pandas as pd

        parts = []
        for store, runs in self.runs.items():
            axes = set(runs["outcome"].dims)
            names = [name for name, each in runs.data_vars.items() if set(each.dims) == axes]
            parts.append(runs[names].to_dataframe().reset_index().assign(store=store))
        return pd.concat(parts, ignore_index=True)

    @property
    def summary(self) -> SweepSummary:
        """What this call did in all stores together."""
        return _together(self.folder, list(self.summaries.values()))


@checked(own=("scheduler", "workers"))
def judge_study(
    study: AbstractStudy[S],
    settings: S,
    folder: str | Path,
    *,
    scheduler: Any = None,
    workers: int | None = None,
    show_progress: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
    command: str = "",
) -> StudyRun:
    """Do every run of a study that its stores do not hold yet, and judge them all.

    Interrupted in any way, the same call goes on from what was finished.

    Args:
        study: which, see `find_study`.
        settings: what to run, made by `AbstractStudy.given`.
        folder: of the stores; made where there is none.
        scheduler: address of a Dask scheduler, or a client of one; threads of this process without it.
        workers: threads of this process, all usable cores unless given.
        show_progress: draw a progress bar on standard error.
        progress: called with (runs in the stores, runs in all) before the first and as they end.
        command: what runs the same study from the shell, kept beside the settings; the call of Python unless
            given.

    Raises:
        MissingRunsError: runs ended with an exception, and without them nothing could be judged.
        StoreError: a store is in use, holds another sweep or other data, or its disk is full.
        InputError: settings or data that make no study.
    """
    check_instance("settings", settings, study.settings)
    place = local_path("the folder of a study", folder)
    again = command or _call(study, settings, place)
    settings = study.decided(settings)
    stores = {name: place / name for name in study.designs(settings)}
    how = {"scheduler": scheduler, "num_workers": workers, "show_progress": show_progress}
    done = judge_stores(study, settings, stores, progress=progress, folder=place, **how)
    done.result["settings"]["command"] = again
    return replace(done, folder=place)


def _call(study: AbstractStudy[S], settings: S, folder: Path) -> str:
    """The call from Python that runs the same study, with the settings that are not the defaults."""
    known = fields(cast(Any, settings))
    needed = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]
    usual = study.given(**{name: getattr(settings, name) for name in needed})
    given = {f.name: getattr(settings, f.name) for f in known}
    told = {n: v for n, v in given.items() if n in needed or v != getattr(usual, n)}
    return f"lazyscope.run_{study.name.replace('-', '_')}_study({told!r}, {str(folder)!r})"


def judge_stores(
    study: AbstractStudy[S],
    settings: S,
    stores: Mapping[str, Path],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    folder: Path | None = None,
    **how: Any,
) -> StudyRun:
    """`judge_study` of decided settings, every store at a place of its own; `how` is that of `run_sweep`."""
    began, compiled = time.perf_counter(), seconds_compiling()
    study.look_ahead(settings)
    summaries, runs, before = {}, {}, 0
    designs = study.designs(settings)
    total = sum(design.num_cells for design in designs.values())
    if total:
        progress(0, total)
    for name, design in designs.items():
        tell = partial(_tell, progress, before, total)
        summaries[name] = run_sweep(design, stores[name], progress=tell, **how)
        before += design.num_cells
        runs[name] = summaries[name].opened()
    try:
        with _told_that_it_judges(shown=bool(how.get("show_progress") and runs)):
            judged = study.judge_in(settings, runs, folder)
    except InputError as error:
        if all(summary.complete for summary in summaries.values()):
            if not summaries:
                raise
            raise MissingRunsError(f"too few runs reached an end to judge: {error}") from error
        failed = _together(Path(), list(summaries.values())).errors
        told = "; ".join(f"{count} runs: {what}" for what, count in failed.items())
        raise MissingRunsError(f"too few runs to judge ({told}): {error}") from error
    timing = {
        "compile_seconds": seconds_compiling() - compiled,
        "total_seconds": time.perf_counter() - began,
    }
    record = {**_header(study, settings), **judged}
    record["timing"] = {**record.get("timing", {}), **timing}
    return StudyRun(plain(record), runs, summaries, Path())


def _tell(tell: Callable[[int, int], None], before: int, total: int, done: int, _: int) -> None:
    tell(before + done, total)


@contextmanager
def _told_that_it_judges(*, shown: bool) -> Iterator[None]:
    from rich.console import Console

    with Console(stderr=True).status("judging the runs") if shown else nullcontext():
        yield


@checked()
def run_study(study: AbstractStudy[S], settings: S, folder: str | Path, **how: Any) -> StudyRun:
    """Run and judge a study, and leave its result as ``<name>.json`` and its page as ``index.html``.

    Args:
        study: as `judge_study`.
        settings: as `judge_study`.
        folder: of the stores, the file and the page.
        **how: the other arguments of `judge_study`.

    Raises:
        MissingRunsError: as `judge_study`.
        StoreError: as `judge_study`.
        InputError: as `judge_study`, or a folder that cannot be written.
    """
    done = judge_study(study, settings, folder, **how)
    done.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(done.result, allow_nan=False)
    write_text_whole("a result needs a folder to go to", text, done.folder / f"{study.name}.json")
    study.page(done.result, done.runs, done.folder / PAGE)
    _LOG.info("%s: %s, page %s", study.name, done.result["verdict"]["answer"], done.folder / PAGE)
    return done


@checked()
def redraw_study(folder: str | Path, page: str | Path | None = None) -> dict[str, Any]:
    """Write the page of a study again from what its folder holds; nothing is run or judged.

    Args:
        folder: of a study, with its JSON file and its stores.
        page: where the page goes, ``index.html`` in the folder unless given.

    Returns:
        The stored result.

    Raises:
        InputError: no study in the folder, several of them, or a file that was damaged or edited.
    """
    place = local_path("the folder of a study", folder)
    names = stored_studies(place)
    if len(names) != 1:
        raise InputError(
            "a page is that of one study",
            received=f"{place} with {', '.join(f'{name}.json' for name in names) or 'no study'}",
            cause="several studies in one folder" if names else "the folder of something else",
            fix="give every study a folder of its own" if names else "give the --output of a study",
        )
    study, stored = studies()[names[0]], place / f"{names[0]}.json"
    rule = f"{stored.name} must hold the JSON object of a study"
    try:
        result = read_json(stored)
    except (OSError, ValueError) as error:
        raise unreadable(rule, stored, error, fix="run the study again") from error
    stores = sorted(path.parent for path in place.glob("*/store.json"))
    runs = {store.name: open_store(store) for store in stores}
    try:
        _ = str(result["verdict"]["sentence"])
        study.page(result, runs, local_path("a page", page or place / PAGE))
    except InputError:
        raise
    except MISSHAPEN as error:
        raise InputError(
            rule,
            received=f"{stored} ({type(error).__name__}: {error})",
            cause="a file that was edited, or the result of another version",
            fix="run the study again",
        ) from error
    return result


def stored_studies(folder: Path) -> list[str]:
    """Names of the studies whose results a folder holds."""
    return [name for name in studies() if (folder / f"{name}.json").exists()]


def _header(study: AbstractStudy[Any], settings: Any) -> dict[str, Any]:
    stamp = versions()
    return {
        "study": study.name,
        "format": FOLDER_FORMAT,
        "lazyscope": stamp["lazyscope"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": {**asdict(settings), "versions": stamp},
    }


def _together(folder: Path, summaries: list[SweepSummary]) -> SweepSummary:
    outcomes: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for summary in summaries:
        outcomes.update(summary.outcomes)
        errors.update(summary.errors)
    return SweepSummary(
        folder,
        sum(summary.num_cells for summary in summaries),
        sum(summary.num_before for summary in summaries),
        dict(outcomes),
        dict(errors),
        sum(summary.seconds for summary in summaries),
    )
