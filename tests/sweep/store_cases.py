"""Small sweeps with made-up results, for tests of the store."""

import numpy as np

from lazyscope._outcome import Outcome
from lazyscope.sweep import RunResult, SweepDesign


def small_design(num_widths=3, num_seeds=4, **fixed):
    """Widths times seeds, with per-layer records and loss curves."""
    return SweepDesign(
        axes={"width": list(range(1, num_widths + 1)), "seed": list(range(num_seeds))},
        fixed={"scheme": "ntk", **fixed},
    )


def made_up(cell):
    """Results that only the hash of the cell decides, of sizes that differ between cells."""
    rng = np.random.default_rng(int(cell.hash, 16))
    layers = int(cell.settings["depth"]) + 1
    length = int(rng.integers(1, 9))
    return RunResult(
        cell,
        Outcome(int(rng.integers(1, 5))),
        seconds=float(rng.random()),
        values={
            "steps": int(rng.integers(1, 100)),
            "time": float(rng.random()),
            "loss_initial": float(rng.random()),
            "loss_final": float(rng.random()),
            "displacement_operator": rng.random(layers),
            "displacement_frobenius": rng.random(layers),
            "curve_time": rng.random(length),
            "curve_loss": rng.random(length),
        },
    )
