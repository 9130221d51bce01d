"""What does freezing the kernel's mean over ten outputs save over freezing all of it?

128 images of digits, ten outputs, double precision, stop at 1e-4 of the initial loss: a decomposition
of 128 x 128 in every step instead of 1280 x 1280. Both follow the same flow, so the final displacements
have to agree.
"""

import time
from typing import Any

import jax
import numpy as np

from benchmarks.contestants import ntk_like_problem
from benchmarks.exponential_flow import displacements, worst_difference
from lazyscope.data import load_dataset
from lazyscope.flow import ExponentialFlow, solve_flow

WIDTH, DEPTH = 512, 1
REPEATS = {"mean": 5, "full": 1}


def run() -> dict[str, Any]:
    data = load_dataset("digits", num_points=128, num_test=0, target="classes")
    rows, samples, ends = [], {}, {}
    with jax.enable_x64(True):
        problem = ntk_like_problem(data, width=WIDTH, depth=DEPTH, activation="tanh")
        for frozen, repeats in REPEATS.items():
            method = ExponentialFlow(frozen=frozen)
            taken = []
            for _ in range(1 + repeats):
                begin = time.perf_counter()
                result = jax.block_until_ready(solve_flow(problem, method))
                taken.append(time.perf_counter() - begin)
            ends[frozen], samples[frozen] = result.params, taken
            rows.append(
                {
                    "frozen": frozen,
                    "run_s": min(taken[1:]),
                    "median_s": float(np.median(taken[1:])),
                    "compile_s": taken[0] - float(np.median(taken[1:])),
                    "steps": f"{int(result.num_steps)} of {int(result.num_tried)} tried",
                    "displacement": displacements(problem, result.params),
                    "flow_time": float(result.time),
                    "outcome": result.outcome.label,
                }
            )
        difference = worst_difference(problem, ends["mean"], ends["full"])
    for row in rows:
        row["times_faster_than_full"] = rows[-1]["run_s"] / row["run_s"]
        row["difference_of_displacement"] = difference
    return {"rows": rows, "samples": samples, "unit": "seconds, the first with compilation"}
