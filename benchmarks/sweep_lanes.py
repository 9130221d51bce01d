"""Is it better to train runs side by side under vmap, or one after the other?

Sixteen runs over the (gamma, gamma') plane at each of three widths: one after the other through the
program of a sweep, and all of them as lanes of one vmapped program, which steps until the slowest has
ended. Times of the processor, so that a busy machine disturbs little; "balanced" is what lanes would
take if none of them ever waited for another.
"""

import time
from functools import partial
from typing import Any

import jax
import numpy as np

from lazyscope.experiment._data import run_data
from lazyscope.experiment.run._program import COMPILER_OPTIONS, run_inputs, trace_run
from lazyscope.sweep import SweepDesign


def run() -> dict[str, Any]:
    rows = []
    with jax.enable_x64(True):
        for width in (100, 1000, 10_000):
            alone, together, balanced = compare(width)
            row = {"width": width, "one_by_one_s": alone, "lanes_s": together}
            rows.append(row | {"lanes_if_balanced_s": balanced})
    return {"rows": rows, "unit": "seconds of the processor"}


def compare(width: int) -> tuple[float, float, float]:
    """Seconds one by one, as lanes, and as lanes that never wait."""
    design = SweepDesign(
        axes={"gamma": [0.25, 0.75, 1.25, 1.75], "gamma_prime": [-0.5, 0.0, 0.5, 1.0]},
        fixed={"width": width},
    )
    cells = list(design.cells())
    inputs = [run_inputs(cell.settings, run_data(cell.settings)) for cell in cells]
    stacked = {name: np.stack([one[name] for one in inputs]) for name in inputs[0]}
    traced = partial(trace_run, cells[0].settings, design.record)
    single, lanes = compiled(traced, inputs[0]), compiled(jax.vmap(traced), stacked)
    alone, results = timed(lambda: [single(one) for one in inputs])
    together, _ = timed(lambda: lanes(stacked))
    steps = np.array([int(result["steps"]) for result in results])
    return alone, together, together * steps.mean() / steps.max()


def compiled(function, inputs):
    """The program of `function`, compiled as a sweep compiles it."""
    return jax.jit(function).lower(inputs).compile(compiler_options=COMPILER_OPTIONS)


def timed(work):
    """Best processor time of three calls, and the result."""
    times = []
    for _ in range(3):
        began = time.process_time()
        result = jax.block_until_ready(work())
        times.append(time.process_time() - began)
    return min(times), result
