"""How much faster are exponential steps than descent and an explicit solver in the lazy regime?

128 images of digits, parity of the digit as the target, double precision, stop at 1e-4 of the initial
loss. Descent takes the classical step n / lambda_max. One full run of it counts its steps; its time is
that count times the time of a step, measured in turns with the exponential flow. Accuracy is compared
by the final displacement of every layer (Frobenius norm), which descent follows as well.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants import explicit_solver, ntk_like_problem, plain_descent
from benchmarks.timing import compiled, interleaved
from lazyscope.data import load_dataset
from lazyscope.flow import Problem, largest_stable_step, solve_flow

STOP = 1e-4
CASES = (("tanh", 1, 1024, 500.0), ("relu", 2, 512, 60.0))
REPEATS, DESCENT_SAMPLE_STEPS, EXPLICIT_BUDGET = 15, 60, 8.0


def run() -> dict[str, Any]:
    data = load_dataset("digits", num_points=128, num_test=0, target="parity")
    with jax.enable_x64(True):
        answers = [compare(data, *case) for case in CASES]
    return {
        "rows": [row for row, _ in answers],
        "samples": {row["network"]: samples for row, samples in answers},
        "unit": "seconds",
        "notes": [
            "descent: steps of a full run, times the seconds per step measured in turns with the flow",
            "Tsit5: rtol 1e-3 in parameter space, extrapolated from the share of the flow time done",
        ],
    }


def compare(data: Any, activation: str, depth: int, width: int, asked: float) -> tuple[dict, dict]:
    problem = ntk_like_problem(data, width=width, depth=depth, activation=activation)
    begin = time.perf_counter()
    flow = jax.block_until_ready(solve_flow(problem, stop=STOP))
    first = time.perf_counter() - begin
    eta, level = 0.5 * largest_stable_step(problem), STOP * flow.initial_loss
    descent = compiled(plain_descent(problem), problem.params, eta, level, np.int32(0))
    begin = time.perf_counter()
    end, steps, loss = jax.block_until_ready(
        descent.call(problem.params, eta, level, np.int32(10**7))
    )
    full = time.perf_counter() - begin
    some = np.int32(DESCENT_SAMPLE_STEPS)
    samples = interleaved(
        {
            "flow": lambda: solve_flow(problem, stop=STOP).params,
            "descent_sample": lambda: descent.call(problem.params, eta, level, some),
        },
        REPEATS,
    )
    explicit = explicit_solver(problem, float(flow.time), budget=EXPLICIT_BUDGET)
    per_step = {k: f(samples["descent_sample"]) / int(some) for k, f in _CENTRES.items()}
    flow_time = {k: f(samples["flow"]) for k, f in _CENTRES.items()}
    times = {k: int(steps) * per_step[k] / flow_time[k] for k in _CENTRES}
    row = {
        "network": f"{activation}, {depth} hidden, m = {width}",
        "flow_s": flow_time["minima"],
        "flow_steps": f"{int(flow.num_steps)} of {int(flow.num_tried)} tried",
        "flow_compile_s": first - flow_time["medians"],
        "descent_s": int(steps) * per_step["minima"],
        "descent_steps": int(steps),
        "descent_full_run_s": full,
        "times_faster_minima": times["minima"],
        "times_faster_medians": times["medians"],
        "asked": asked,
        "reached": times["minima"] >= asked,
        "tsit5_s": explicit.seconds,
        "tsit5_steps": int(explicit.steps),
        "tsit5_share_done": explicit.share_done,
        "times_faster_than_tsit5": explicit.seconds / flow_time["medians"],
        "flow_displacement": displacements(problem, flow.params),
        "descent_displacement": displacements(problem, end),
        "worst_difference": worst_difference(problem, flow.params, end),
        "flow_time_over_descent": float(flow.time) / (float(eta) * int(steps)),
        "loss_over_asked": [float(flow.loss / level), float(loss / level)],
    }
    return row, samples | {"first_call": [first], "descent_full_run": [full]}


_CENTRES = {"minima": min, "medians": lambda values: float(np.median(values))}


def displacements(problem: Problem, params: Any) -> list[float]:
    """|W(T) - W(0)| / |W(0)| for every layer, Frobenius norm."""
    return [
        float(jnp.linalg.norm(now.weight - start.weight) / jnp.linalg.norm(start.weight))
        for now, start in zip(params, problem.params, strict=True)
    ]


def worst_difference(problem: Problem, params: Any, reference: Any) -> float:
    """Largest relative difference of a layer's displacement from that of a reference."""
    found = np.array(displacements(problem, params))
    expected = np.array(displacements(problem, reference))
    return float(np.max(np.abs(found / expected - 1)))
