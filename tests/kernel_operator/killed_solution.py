"""A solution that kills itself (signal 9) after some iterations; run by a test with FOLDER and a number."""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from lazyscope._file import _checkpoint
from lazyscope.operator import (
    PreconditionerSettings,
    kernel_operator,
    solve_kernel_regression,
)


def kernel(a, b):
    return np.exp(a @ b.T / 10)


def problem(folder):
    x = np.random.default_rng(0).standard_normal((60, 6))
    operator = kernel_operator(kernel, x, folder=folder / "tiles", tile=16, memory=2.0**14)
    return operator, np.sin(x[:, :2])


def solve(folder, progress=None):
    operator, y = problem(folder)
    return solve_kernel_regression(
        operator,
        y,
        ridge=1e-3,
        tolerance=1e-8,
        preconditioner=PreconditionerSettings(rank=10),
        checkpoint=folder / "solution.npz",
        progress=progress,
    )


if __name__ == "__main__":
    _checkpoint.SECONDS_BETWEEN = 0.0
    last = int(sys.argv[2])

    def die(progress):
        if progress.stage == "iterations" and progress.done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    solve(Path(sys.argv[1]), die)
