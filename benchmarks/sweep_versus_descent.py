"""How much less time does a sweep take than a plain compiled descent loop per cell?

    python benchmarks/sweep_versus_descent.py [cells] [steps at most]

A random tenth (145 cells unless told otherwise) of examples/sweeps/two-layer.toml, drawn with a fixed
seed. Descent takes the step n / lambda_max, with the larger of the kernel's largest eigenvalues at the
start and at the end of the flow, since a step that is stable at the start of a growing network is not
stable at its end. The loop is compiled with the step traced, stops at the same fraction of the initial
loss, and is cut at a number of steps: what it would have taken beyond that is not counted, in its
favour. Accuracy: the relative difference of the displacement from a flow at tolerance 3e-3. Processor
times, compilation not included, in the same process.
"""

import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._outcome import Outcome
from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem, trace_flow
from lazyscope.kernel import as_matrix
from lazyscope.measure import displacement
from lazyscope.model import Dense
from lazyscope.sweep import SweepDesign
from lazyscope.sweep._data import run_data
from lazyscope.sweep._program import COMPILER_OPTIONS, run_inputs

FILE = Path(__file__).parents[1] / "examples" / "sweeps" / "two-layer.toml"
SEED = 7


class Programs:
    """The three loops for one width, compiled."""

    def __init__(self, width: int, inputs: dict, most_steps: int) -> None:
        step = np.float64(1.0)
        self.flow = _compiled(_flow, inputs, width, 20_000)
        self.reference = _compiled(_train, inputs, ExponentialFlow(tolerance=3e-3), width, 200_000)
        self.descent = (
            jax.jit(lambda i, h: _train(i, GradientDescent(step_size=h), width, most_steps))
            .lower(inputs, step)
            .compile(compiler_options=COMPILER_OPTIONS)
        )


def _compiled(function, inputs, *fixed):
    traced = jax.jit(lambda numbers: function(numbers, *fixed))
    return traced.lower(inputs).compile(compiler_options=COMPILER_OPTIONS)


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
    began = time.process_time()
    values = [np.asarray(value) for value in program(*arguments)]
    return time.process_time() - began, values


def main() -> None:
    """Print a row per regime and the ratio of the total times."""
    num_cells = int(sys.argv[1]) if len(sys.argv) > 1 else 145
    most_steps = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    cells = list(SweepDesign.from_file(FILE).cells())
    drawn = np.random.default_rng(SEED).permutation(len(cells))[:num_cells]
    programs: dict[int, Programs] = {}
    rows = []
    with jax.enable_x64(True):
        for cell in (cells[i] for i in drawn):
            inputs = run_inputs(cell.settings, run_data(cell.settings))
            width = int(cell.settings["width"])
            if width not in programs:
                programs[width] = Programs(width, inputs, most_steps)
            rows.append(_row(programs[width], inputs, cell.settings))
            print(rows[-1], flush=True)
    flow, descent = (sum(row[name] for row in rows) for name in ("flow_s", "descent_s"))
    cut = sum(row["descent_outcome"] == "out-of-steps" for row in rows)
    print(
        f"{num_cells} cells: flow {flow:.1f} s, descent {descent:.1f} s, ratio {descent / flow:.0f}"
    )
    print(f"descent was cut at {most_steps} steps in {cut} cells: the ratio is a lower bound")
    for name in ("flow_error", "descent_error"):
        errors = np.array([row[name] for row in rows if row["descent_outcome"] == "converged"])
        print(
            f"{name}, cells where both converged: median {np.median(errors):.1e}, {errors.max():.1e}"
        )


def _row(programs, inputs, settings) -> dict:
    flow_s, (moved, steps, _, largest) = _timed(programs.flow, inputs)
    _, (true, *_) = _timed(programs.reference, inputs)
    step_size = len(inputs["x"]) / largest
    descent_s, (descended, descent_steps, outcome, _) = _timed(programs.descent, inputs, step_size)
    return {
        "gamma": settings["gamma"],
        "gamma_prime": settings["gamma_prime"],
        "width": settings["width"],
        "flow_s": round(flow_s, 4),
        "descent_s": round(descent_s, 3),
        "flow_steps": int(steps),
        "descent_steps": int(descent_steps),
        "descent_outcome": Outcome(int(outcome)).label,
        "flow_error": float(np.max(np.abs(moved / true - 1))),
        "descent_error": float(np.max(np.abs(descended / true - 1))),
    }


if __name__ == "__main__":
    main()
