"""How much less time does a sweep take than a plain compiled descent loop per cell?

A random tenth of examples/sweeps/two-layer.toml (145 of 1452 cells), drawn with a fixed seed. Descent takes
the step n / lambda_max, with the larger of the kernel's largest eigenvalues at the start and at the end of
the flow, since a step that is stable at the start of a growing network is not stable at its end; it is told
this number for nothing. Its loop is compiled with the step traced and stops at the same fraction of the
initial loss. Accuracy: the relative difference of the displacement from a flow at tolerance 3e-3. Times
are of the processor, in the same process, each run alone and compilation apart; "with compilation"
compiles every loop of descent for its own cell, as a script does that closes over its data, and the flow
once per width.

What bounds the ratio: the four points make a kernel of moderate condition, so descent needs 100 to 2000
steps, each of two passes over the network. Fifty times less is the cost of 2 to 40 steps of descent; the
draw of the weights and the record take about ten at width 10^4.
"""

import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._outcome import Outcome
from lazyscope.experiment._data import run_data
from lazyscope.experiment._parametrisation import run_scheme
from lazyscope.experiment.run._program import COMPILER_OPTIONS, run_inputs
from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem, trace_flow
from lazyscope.kernel import as_matrix
from lazyscope.measure import displacement
from lazyscope.model import Dense
from lazyscope.scaling import regime_report
from lazyscope.sweep import SweepDesign

FILE = Path(__file__).parents[1] / "examples" / "sweeps" / "two-layer.toml"
SEED, SHARE, MOST_STEPS = 7, 10, 1_000_000
ASKED = 50.0


def run() -> dict[str, Any]:
    cells = list(SweepDesign.from_file(FILE).cells())
    drawn = np.random.default_rng(SEED).permutation(len(cells))[: len(cells) // SHARE]
    programs: dict[int, Programs] = {}
    found = []
    with jax.enable_x64(True):
        for cell in (cells[i] for i in drawn):
            inputs = run_inputs(cell.settings, run_data(cell.settings))
            width = int(cell.settings["width"])
            if width not in programs:
                programs[width] = Programs(width, inputs)
            found.append(_compare(programs[width], inputs, cell.settings))
    regimes = sorted({each["regime"] for each in found})
    rows = [
        _row(name, [each for each in found if name in ("all", each["regime"])], programs)
        for name in (*regimes, "all")
    ]
    return {"rows": rows, "cells": found, "unit": "seconds of the processor"}


class Programs:
    """The three loops for one width, compiled, with the seconds of the processor that took."""

    def __init__(self, width: int, inputs: dict) -> None:
        step = np.float64(1.0)
        self.width = width
        self.flow, self.flow_compile = _compiled(_flow, inputs, width, 20_000)
        reference = ExponentialFlow(tolerance=3e-3)
        self.reference, _ = _compiled(_train, inputs, reference, width, 200_000)
        began = time.process_time()
        self.descent = (
            jax.jit(lambda i, h: _train(i, GradientDescent(step_size=h), width, MOST_STEPS))
            .lower(inputs, step)
            .compile(compiler_options=COMPILER_OPTIONS)
        )
        self.descent_compile = time.process_time() - began


def _compiled(function, inputs, *fixed):
    began = time.process_time()
    traced = jax.jit(lambda numbers: function(numbers, *fixed))
    program = traced.lower(inputs).compile(compiler_options=COMPILER_OPTIONS)
    return program, time.process_time() - began


def _flow(numbers, width, most_steps):
    return _train(numbers, ExponentialFlow(tolerance=numbers["control"]), width, most_steps)


def _train(numbers, method, width, most_steps):
    model = Dense(2, 1, width, 1)
    params = model.init_from_std(jax.random.key(numbers["seed"]), numbers["weight_std"])
    problem = dense_problem(model, params, numbers["x"], numbers["y"], speeds=numbers["speeds"])
    result = trace_flow(problem, method, numbers["stop"], jnp.inf, max_steps=most_steps)
    largest = [
        jnp.linalg.eigvalsh(as_matrix(problem.kernel.expand(p, problem.x).kernel(problem.speeds)))[
            -1
        ]
        for p in (params, result.params)
    ]
    moved = displacement(params, result.params).frobenius
    return moved, result.num_steps, result.outcome_code, jnp.maximum(*largest)


def _timed(program, *arguments):
    """Least seconds of the processor of two calls, and the answer."""
    taken = []
    for _ in range(2):
        began = time.process_time()
        values = [np.asarray(value) for value in program(*arguments)]
        taken.append(time.process_time() - began)
    return min(taken), values


def _compare(programs, inputs, settings) -> dict[str, Any]:
    flow_s, (moved, steps, _, largest) = _timed(programs.flow, inputs)
    true, *_ = (np.asarray(value) for value in programs.reference(inputs))
    step_size = len(inputs["x"]) / largest
    descent_s, (descended, descent_steps, outcome, _) = _timed(programs.descent, inputs, step_size)
    told = {name: value for name, value in settings.items() if value is not None}
    report = regime_report(run_scheme(told, input_dim=2, output_dim=1), programs.width)
    return {
        "regime": report["regime"],
        "gamma": settings["gamma"],
        "gamma_prime": settings["gamma_prime"],
        "width": settings["width"],
        "flow_s": flow_s,
        "descent_s": descent_s,
        "flow_steps": int(steps),
        "descent_steps": int(descent_steps),
        "descent_outcome": Outcome(int(outcome)).label,
        "flow_error": float(np.max(np.abs(moved / true - 1))),
        "descent_error": float(np.max(np.abs(descended / true - 1))),
    }


def _row(name: str, cells: list[dict], programs: dict[int, Programs]) -> dict[str, Any]:
    flow, descent = (sum(cell[key] for cell in cells) for key in ("flow_s", "descent_s"))
    compiled_flow = flow + sum(each.flow_compile for each in programs.values())
    compiled_descent = descent + sum(programs[c["width"]].descent_compile for c in cells)
    row = {
        "regime": name,
        "cells": len(cells),
        "flow_s": flow,
        "descent_s": descent,
        "times_less": descent / flow,
        "asked": ASKED,
        "reached": descent / flow >= ASKED,
        "descent_cut": sum(cell["descent_outcome"] == "out-of-steps" for cell in cells),
        "flow_steps_median": float(np.median([cell["flow_steps"] for cell in cells])),
        "descent_steps_median": float(np.median([cell["descent_steps"] for cell in cells])),
        "flow_error_median": float(np.median([cell["flow_error"] for cell in cells])),
        "descent_error_median": float(np.median([cell["descent_error"] for cell in cells])),
    }
    if name == "all":
        row["times_less_with_compilation"] = compiled_descent / compiled_flow
    return row
