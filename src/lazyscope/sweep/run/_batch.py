"""How are runs of one shape done together?"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lazyscope._jax import own_settings
from lazyscope.experiment import data_digests, run_settings
from lazyscope.sweep.design._design import Cell
from lazyscope.sweep.design._units import Unit
from lazyscope.sweep.run._fingerprint import fingerprint, process_name
from lazyscope.sweep.store._batchfile import RunFailure, RunResult

Ended = Sequence[RunResult | RunFailure]
"""What the runs of a unit gave, each for itself."""

RunUnit = Callable[[Unit], Ended]
"""Does all runs of a unit."""


class UnitResult(NamedTuple):
    """What a unit gave in another process, and what decided its numbers there.

    Attributes:
        ended: its runs.
        worker: name of the process.
        fingerprint: of the process, see `fingerprint`.
        data: digests of the data that the runs were given, by the settings that chose them.
    """

    ended: Ended
    worker: str
    fingerprint: Mapping[str, str]
    data: Mapping[str, str]


def run_unit(unit: Unit, record: tuple[str, ...]) -> list[RunResult | RunFailure]:
    """Every run of `unit`, one after the other through one compiled program; each for itself."""
    ended: list[RunResult | RunFailure] = []
    with own_settings():
        for cell in unit:
            try:
                ended.append(_run(cell, record))
            except Exception as error:
                ended.append(failure(cell, error))
    return ended


def failure(cell: Cell, error: BaseException) -> RunFailure:
    """The failure that says what `error` said."""
    told = f"{type(error).__name__}: {error}".strip(": ")
    return RunFailure(cell, told if len(told) < _LONGEST else told[:_LONGEST] + " ...")


def each_for_itself(run: RunUnit, unit: Unit) -> Ended:
    """What the runs of `unit` give; where they raise together, one after the other alone."""
    try:
        return run(unit)
    except Exception as error:
        if len(unit) == 1:
            return [failure(unit[0], error)]
    return [ended for cell in unit for ended in each_for_itself(run, [cell])]


def run_elsewhere(run: RunUnit, unit: Unit) -> UnitResult:
    """`unit` done in this process for another one."""
    digests = data_digests((cell.settings for cell in unit), fresh=True)
    ended = each_for_itself(run, unit)
    return UnitResult(ended, process_name(), fingerprint(), digests)


def _run(cell: Cell, record: tuple[str, ...]) -> RunResult:
    run = run_settings(cell.settings, record)
    return RunResult(cell, run.outcome, run.seconds, run.measurements, run.data)


_LONGEST = 500
"""Characters of the message of an exception that are kept."""
