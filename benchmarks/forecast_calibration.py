"""How far can a forecast be trusted: of networks called lazy, how many are, and does its bound hold?

Networks are drawn: depth, activation, data, points, spread of the scales, kappa from 1 to 10 000 evenly
in the logarithm, centred or not, initial weights and subsets of the data. Each is forecast, and trained
to a thousandth of its loss by gradient flow. The seed was the clock's when the table was first made.

    python -m benchmarks.forecast_calibration adam

does the same for dense ReLU networks on digits that an optimiser trains in small steps, to a hundredth.
"""

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope.experiment import bound_of_displacements, forecast_verdict
from lazyscope.measure import LAZY, NOT_LAZY
from lazyscope.scaling import growth_power
from lazyscope.sweep import SweepDesign, run_sweep

SEED, NUM_EACH = 1764357000, 10
KINDS = [
    (data, depth, activation)
    for depth in (1, 2, 3)
    for activation in ("gelu", "relu", "tanh")
    for data in ("diabetes", "digits")
]
OF_FLOW = ["forecast", "forecast_kernel"]
SPREADS = ("balanced", "ntk-like", "small-readout", "small-input")
VERDICTS = ("lazy", "borderline", "not-lazy")
LEAST, STOP = 1e-6, 1e-3
STOP_OF_STEPS = 1e-2
KINDS_OF_STEPS = [KINDS.index(("digits", depth, "relu")) for depth in (1, 2)]


def run() -> dict[str, Any]:
    """Shares of right verdicts, and of bounds that hold, by what was forecast."""
    networks = [one for number in range(len(KINDS)) for one in drawn_networks(number)]
    return {"seed": SEED, "networks": len(networks), "rows": calibration(networks)}


def run_steps(optimiser: str) -> dict[str, Any]:
    """The same for networks that an optimiser trains, and how many steps they took of those forecast."""
    how = {"method": optimiser, "max_steps": 20_000}
    networks = [one for kind in KINDS_OF_STEPS for one in drawn_networks(kind, SEED + 1, **how)]
    rows = calibration(networks, growth_power(optimiser))
    return {"optimiser": optimiser, "seed": SEED + 1, "networks": len(networks), "rows": rows}


def drawn_networks(
    kind: int, seed: int = SEED, num_each: int = NUM_EACH, **how: Any
) -> list[dict[str, Any]]:
    """One row for every network of one kind: what was forecast and what training did."""
    points = list(_points(KINDS[kind], np.random.default_rng(seed + kind), num_each))
    design = SweepDesign(
        points={"columns": {name: [one[name] for one in points] for name in points[0]}},
        fixed={"stop": STOP_OF_STEPS if how else STOP, **how},
        record=["displacement", "kernel", *(["forecast_steps"] if how else OF_FLOW)],
    )
    with tempfile.TemporaryDirectory() as folder:
        done = run_sweep(design, Path(folder) / "store").opened().load()
    return [point | _told(done.isel(point=number)) for number, point in enumerate(points)]


def calibration(networks: Iterable[dict[str, Any]], power: int = 2) -> list[dict[str, Any]]:
    """By verdict of the forecast: how training ended, and whether bound and displacements held."""
    rows = []
    ended = [one for one in networks if one["ended"] == "converged"]
    judged = [_judged(one, power) for one in ended if np.isfinite(one["forecast_kernel"])]
    for verdict in VERDICTS:
        seen = [one for one in judged if one["forecast"] == verdict]
        if seen:
            ratios = np.array([one["ratio"] for one in seen])
            bounded = [one["bound_held"] for one in seen if one["bound_held"] is not None]
            rows.append(
                {
                    "forecast": verdict,
                    "networks": len(seen),
                    **{
                        f"trained {end}": sum(one["trained"] == end for one in seen)
                        for end in VERDICTS
                    },
                    "without the kernel: called lazy": sum(one["by_moves"] for one in seen),
                    "bounds": len(bounded),
                    "bounds that held": sum(bounded),
                    "measured / forecast, least": ratios.min(),
                    "measured / forecast, median": np.median(ratios),
                    "measured / forecast, largest": ratios.max(),
                    **_steps([one["steps"] for one in seen if one["steps"] is not None]),
                }
            )
    return rows


def _steps(ratios: list[float]) -> dict[str, float]:
    if not ratios:
        return {}
    ends = {"least": min(ratios), "median": float(np.median(ratios)), "largest": max(ratios)}
    return {f"steps / forecast, {name}": value for name, value in ends.items()}


def _points(
    kind: tuple[str, int, str], source: np.random.Generator, num_each: int
) -> Iterator[dict[str, Any]]:
    data, depth, activation = kind
    shape = {
        "data": data,
        "depth": depth,
        "activation": activation,
        "num_points": int(source.choice([8, 16, 24])),
        "width": int(source.choice([64, 128])),
        "target": "parity" if data == "digits" else "value",
    }
    for _ in range(num_each):
        yield {
            **shape,
            "kappa": float(10 ** source.uniform(0.0, 4.0)),
            "spread": str(source.choice(SPREADS)),
            "centred": bool(source.integers(2)),
            "seed": int(source.integers(2**31)),
            "data_seed": int(source.integers(2**31)),
        }


def _told(run: Any) -> dict[str, Any]:
    """Displacements and kernel changes of one run, forecast and measured."""
    return {
        "ended": str(run["outcome"].item()),
        "moved": run["displacement_operator"].values.tolist(),
        "bound": run["forecast_bound"].values.tolist(),
        "frobenius": run["displacement_frobenius"].values.tolist(),
        "forecast_frobenius": run["forecast_frobenius"].values.tolist(),
        "kernel": float(run["kernel_change"]),
        "forecast_kernel": float(run["forecast_kernel_change"]),
        "steps": float(run["steps"] / run["forecast_num_steps"])
        if "forecast_num_steps" in run
        else None,
    }


def _judged(one: dict[str, Any], power: int) -> dict[str, Any]:
    layers = slice(one["depth"] + 1)
    moved, linear = np.array(one["moved"][layers]), np.array(one["bound"][layers])
    bound = bound_of_displacements(linear, one["forecast_kernel"], power)
    shares = np.array(one["frobenius"][layers]) / np.array(one["forecast_frobenius"][layers])
    changed = max(float(moved.max()), one["kernel"])
    return {
        "forecast": forecast_verdict(linear, one["forecast_kernel"], power),
        "steps": one["steps"],
        "trained": VERDICTS[int(changed >= LAZY) + int(changed >= NOT_LAZY)],
        "by_moves": bool(linear.max() < LAZY),
        "bound_held": bool((moved <= bound * (1 + LEAST)).all())
        if np.isfinite(bound).all()
        else None,
        "ratio": float(shares[np.argmax(linear)]),
    }


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(run_steps(name), indent=1, default=float), flush=True)
