"""How far can a forecast be trusted: of networks called lazy, how many are, and does its bound hold?

Networks are drawn: depth, activation, data, points, spread of the scales, kappa from 1 to 10 000 evenly
in the logarithm, centred or not, initial weights and subsets of the data. Each is forecast, and trained
to a thousandth of its loss by gradient flow. The seed was the clock's when the table was first made.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope.experiment import bound_of_displacements, forecast_verdict
from lazyscope.measure import LAZY, NOT_LAZY
from lazyscope.sweep import SweepDesign, run_sweep

SEED, NUM_EACH = 1764357000, 10
KINDS = [
    (data, depth, activation)
    for depth in (1, 2, 3)
    for activation in ("gelu", "relu", "tanh")
    for data in ("diabetes", "digits")
]
SPREADS = ("balanced", "ntk-like", "small-readout", "small-input")
VERDICTS = ("lazy", "borderline", "not-lazy")
LEAST, STOP = 1e-6, 1e-3


def run() -> dict[str, Any]:
    """Shares of right verdicts, and of bounds that hold, by what was forecast."""
    networks = [one for number in range(len(KINDS)) for one in drawn_networks(number)]
    return {"seed": SEED, "networks": len(networks), "rows": calibration(networks)}


def drawn_networks(kind: int, seed: int = SEED, num_each: int = NUM_EACH) -> list[dict[str, Any]]:
    """One row for every network of one kind: what was forecast and what training did."""
    points = list(_points(KINDS[kind], np.random.default_rng(seed + kind), num_each))
    design = SweepDesign(
        points={"columns": {name: [one[name] for one in points] for name in points[0]}},
        fixed={"stop": STOP},
        record=["displacement", "kernel", "forecast", "forecast_kernel"],
    )
    with tempfile.TemporaryDirectory() as folder:
        done = run_sweep(design, Path(folder) / "store").opened().load()
    return [point | _told(done.isel(point=number)) for number, point in enumerate(points)]


def calibration(networks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By verdict of the forecast: how training ended, and whether bound and displacements held."""
    rows = []
    judged = [_judged(one) for one in networks if one["ended"] == "converged"]
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
                }
            )
    return rows


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
    }


def _judged(one: dict[str, Any]) -> dict[str, Any]:
    layers = slice(one["depth"] + 1)
    moved, linear = np.array(one["moved"][layers]), np.array(one["bound"][layers])
    bound = bound_of_displacements(linear, one["forecast_kernel"])
    shares = np.array(one["frobenius"][layers]) / np.array(one["forecast_frobenius"][layers])
    changed = max(float(moved.max()), one["kernel"])
    return {
        "forecast": forecast_verdict(linear, one["forecast_kernel"]),
        "trained": VERDICTS[int(changed >= LAZY) + int(changed >= NOT_LAZY)],
        "by_moves": bool(linear.max() < LAZY),
        "bound_held": bool((moved <= bound * (1 + LEAST)).all())
        if np.isfinite(bound).all()
        else None,
        "ratio": float(shares[np.argmax(linear)]),
    }
