"""How often do intervals of Monte Carlo limits contain the limit?

    python -m benchmarks limit_coverage
    python -m benchmarks.limit_coverage NUMBER         one row, kept in results/limit_coverage_rows.json

ReLU networks of the NTK parametrisation on 4 points of 3 features, whose limit is known in closed form; some
with variances 2 + c m^-1/2, so that kernels have corrections of that order. Kernels of draws are computed
here, layer by layer in NumPy; what is said of them is `limit_kernel_estimate`'s own. Widths 16 to 128, level
95 %. Entries of one estimate are not independent: a share of 100 estimates is known to about two points.
"""

import json
import sys
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.__main__ import machine
from lazyscope.kernel import limit_tangent_kernel
from lazyscope.monte_carlo._limit_kernel import estimate_of

POINTS, FEATURES, WIDTHS, LEVEL, REPS = 4, 3, (16, 32, 64, 128), 0.95, 100
TARGETS = np.array([1.0, -1.0])
ROWS = Path(__file__).parent / "results" / "limit_coverage_rows.json"


class Case(NamedTuple):
    """Networks of so many hidden layers with variances 2 + drift m^-1/2, and how they are asked about."""

    depth: int
    drift: float
    draws: int
    orders: str


CASES = (
    Case(2, 0.6, 64, "any"),
    Case(2, 0.3, 64, "any"),
    Case(2, 2.0, 64, "any"),
    Case(1, 0.0, 64, "any"),
    Case(3, 0.0, 64, "any"),
    Case(3, 0.0, 64, "whole"),
    Case(3, 0.0, 16, "any"),
)


def kernels(x: np.ndarray, case: Case, width: int, rng: np.random.Generator) -> np.ndarray:
    """Tangent kernels (draws, n, n) of one output."""
    square = 2.0 + case.drift * width**-0.5
    sizes = [x.shape[1], *[width] * case.depth, 1]
    signals, slopes, weights = [np.broadcast_to(x, (case.draws, *x.shape))], [], []
    for fan_in, fan_out in pairwise(sizes):
        weights.append(rng.standard_normal((case.draws, fan_in, fan_out)))
        scale = (square if fan_in == width else 2.0) ** 0.5 * fan_in**-0.5
        z = signals[-1] @ weights[-1] * scale
        slopes.append(z > 0)
        signals.append(np.maximum(z, 0))
    pushed, found = np.ones((case.draws, len(x), 1)), 0.0
    for layer in reversed(range(case.depth + 1)):
        factor = (square if sizes[layer] == width else 2.0) / sizes[layer]
        h = signals[layer]
        found = found + factor * (h @ h.swapaxes(1, 2)) * (pushed @ pushed.swapaxes(1, 2))
        if layer:
            back = pushed @ weights[layer].swapaxes(1, 2) * factor**0.5
            pushed = back * slopes[layer - 1]
    return found  # pyright: ignore[reportReturnType]


def measured(case: Case, reps: int = REPS) -> dict[str, Any]:
    """Shares covered, and the half-width of an entry over its value, of one case."""
    processor = time.process_time()
    x = np.random.default_rng(1).standard_normal((POINTS, FEATURES))
    limit = limit_tangent_kernel(x, depth=case.depth, activation="relu", weight_std=2**0.5)
    ahead = limit[2:, :2] @ np.linalg.solve(limit[:2, :2], TARGETS)
    inside: dict[str, list[Any]] = {n: [] for n in ("entries", "trace", "lambda_min", "prediction")}
    half, weights = [], []
    for rep in range(reps):
        rng = np.random.default_rng([rep, case.depth, case.draws, int(10 * case.drift)])
        drawn = np.stack([kernels(x, case, width, rng) for width in WIDTHS])
        groups = drawn.reshape(len(WIDTHS), min(32, case.draws), -1, POINTS, POINTS).mean(2)
        found = estimate_of(groups, WIDTHS, case.draws, "tangent", LEVEL, case.orders)  # pyright: ignore[reportArgumentType]
        if found.convergence in ("grows", "vanishes"):
            for name in inside:
                inside[name].append(0.0)
            continue
        low, high = found.entries.low, found.entries.high
        inside["entries"].append(np.mean((low <= limit) & (limit <= high)))
        half.append(np.mean((high - low) / 2 / np.abs(limit)))
        weights.append([found.corrections.get(name, 0.0) for name in ("none", "1/m", "m^-1/2")])
        inside["trace"].append(found.trace().contains(np.trace(limit)))
        inside["lambda_min"].append(found.lambda_min().contains(np.linalg.eigvalsh(limit)[0]))
        bounds = found.prediction(TARGETS)
        inside["prediction"].append(np.mean((bounds.low <= ahead) & (ahead <= bounds.high)))
    return {
        "case": f"depth {case.depth}, variances 2 + {case.drift:g} m^-1/2",
        "draws": case.draws,
        "orders": case.orders,
        **{name: float(np.mean(shares)) for name, shares in inside.items()},
        "half_width": float(np.mean(half)),
        **dict(zip(("none", "1/m", "m^-1/2"), np.mean(weights, 0).tolist(), strict=True)),
        "estimates": reps,
        "processor_seconds": time.process_time() - processor,
    }


def run() -> dict[str, Any]:
    return {"rows": [measured(case) for case in CASES], "widths": WIDTHS, "level": LEVEL}


if __name__ == "__main__":
    row = measured(CASES[int(sys.argv[1])])
    rows = json.loads(ROWS.read_text())["rows"] if ROWS.exists() else []
    told = {"benchmark": "limit_coverage", "date": datetime.now(UTC).isoformat(timespec="seconds")}
    kept = {**told, "machine": machine(), "rows": [*rows, row]}
    ROWS.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(row))
