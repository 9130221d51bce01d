"""How are runs of one shape done together?"""

import time

import jax
import numpy as np

from lazyscope._outcome import Outcome
from lazyscope.sweep._batchfile import RunResult
from lazyscope.sweep._data import run_data
from lazyscope.sweep._design import Cell
from lazyscope.sweep._program import compiled_program, run_inputs
from lazyscope.sweep._quantities import without_gaps
from lazyscope.sweep._units import Unit


def run_unit(unit: Unit, record: tuple[str, ...]) -> list[RunResult]:
    """Every run of `unit`, one after the other through one compiled program."""
    with jax.enable_x64(True):
        return [_run(cell, record) for cell in unit]


def _run(cell: Cell, record: tuple[str, ...]) -> RunResult:
    inputs = run_inputs(cell.settings, run_data(cell.settings))
    program = compiled_program(cell.settings, record, inputs)
    began = time.perf_counter()
    values = {name: np.asarray(value) for name, value in program(inputs).items()}
    seconds = time.perf_counter() - began
    outcome = Outcome(int(values.pop("outcome")))
    return RunResult(cell, outcome, seconds, without_gaps(values))
