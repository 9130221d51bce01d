"""Are exponential steps as fast as descent where kernels change by orders of magnitude?

Luo et al.'s plane at gamma = 1.5, gamma' = 0 (condensed), four points in one dimension, ReLU, m = 1000,
double precision, stop at 1e-4 of the initial loss. Equal accuracy: the reference is descent with very
short steps; the contestant takes the longest step, among powers of 2^(1/2), whose final displacement is
as close to it as that of the exponential flow. Its steps are fractions of the stability limit at the
*end* of training, where the kernel is largest. Tighter tolerances show where the exponential flow loses:
units that sit on the kink of a point are pushed back from both sides, which no step can follow with more
than order one.
"""

from typing import Any

import jax
import numpy as np

from benchmarks.contestants import plain_descent
from benchmarks.exponential_flow import displacements, worst_difference
from benchmarks.timing import compiled, interleaved, ratio
from lazyscope.data import four_points
from lazyscope.flow import (
    ExponentialFlow,
    Problem,
    dense_problem,
    in_double,
    largest_stable_step,
    solve_flow,
)
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme

STOP, WIDTH = 1e-4, 1000
TOLERANCES = (0.15, 0.05, 0.01)
SEEDS = (0,)
MOST_STEPS = 10**7
REFERENCE_FRACTION, SHORTEST_FRACTION, REPEATS = 2.0**-10, 2.0**-6, 9


def run() -> dict[str, Any]:
    rows, samples = [], {}
    with jax.enable_x64(True):
        for seed in SEEDS:
            problem = condensed_problem(seed)
            for row, taken in compare(problem):
                rows.append({"seed": seed} | row)
                samples[f"seed {seed}, tolerance {row['tolerance']}"] = taken
    return {"rows": rows, "samples": samples, "unit": "seconds"}


def condensed_problem(seed: int) -> Problem:
    data = four_points()
    model = Dense(2, 1, WIDTH, 1, "relu")
    scheme = named_scheme("luo", depth=1, gamma=1.5, gamma_prime=0.0)
    params = model.init(jax.random.key(seed), scheme)
    return in_double(dense_problem(model, params, data.x_train, data.y_train))


def compare(problem: Problem) -> list[tuple[dict[str, Any], dict[str, list[float]]]]:
    """One row for every tolerance."""
    flow = solve_flow(problem, stop=STOP)
    level, most = STOP * flow.initial_loss, np.int32(MOST_STEPS)
    limit = min(stable_step_at(problem, p) for p in (problem.params, flow.params))
    descent = compiled(plain_descent(problem), problem.params, limit, level, most)

    def descend(fraction: float):
        return descent.call(problem.params, fraction * limit, level, most)

    reference, *_ = descend(REFERENCE_FRACTION)
    fractions, errors = [], []
    fraction = 0.9
    while fraction >= SHORTEST_FRACTION:
        end, *_ = descend(fraction)
        fractions.append(fraction)
        errors.append(worst_difference(problem, end, reference))
        fraction /= np.sqrt(2)
    return [
        _row(problem, tolerance, reference, descend, fractions, errors) for tolerance in TOLERANCES
    ]


def _row(problem, tolerance, reference, descend, fractions, errors):
    method = ExponentialFlow(tolerance=tolerance)
    flow = solve_flow(problem, method, max_steps=1_000_000)
    error = worst_difference(problem, flow.params, reference)
    good = [f for f, e in zip(fractions, errors, strict=True) if e <= error]
    fraction = good[0] if good else fractions[-1]
    taken = interleaved(
        {
            "flow": lambda: solve_flow(problem, method, max_steps=1_000_000).params,
            "descent": lambda: descend(fraction),
        },
        REPEATS,
    )
    times = ratio(taken["descent"], taken["flow"])
    row = {
        "tolerance": tolerance,
        "flow_ms": 1e3 * min(taken["flow"]),
        "flow_steps": f"{int(flow.num_steps)} of {int(flow.num_tried)} tried",
        "flow_error": error,
        "descent_ms": 1e3 * min(taken["descent"]),
        "descent_steps": int(descend(fraction)[1]),
        "descent_error": errors[fractions.index(fraction)],
        "descent_step_over_limit": fraction,
        "times_faster_minima": times["minima"],
        "times_faster_medians": times["medians"],
        "asked": 1.0,
        "reached": times["minima"] >= 1.0,
        "as_accurate": bool(good),
        "displacement": displacements(problem, flow.params),
        "outcome": flow.outcome.label,
    }
    return row, taken


def stable_step_at(problem: Problem, params: Any) -> jax.Array:
    """The stability limit of the network linearised at `params`."""
    moved = Problem(problem.model, problem.kernel, params, problem.x, problem.y, problem.speeds)
    return largest_stable_step(moved)
