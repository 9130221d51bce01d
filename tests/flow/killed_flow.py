"""A run that kills itself (signal 9) after some steps; run by a test with a path and a number."""

import os
import signal
import sys

import jax
import numpy as np

from lazyscope._file import _checkpoint
from lazyscope.flow import ExponentialFlow, dense_problem, solve_flow
from lazyscope.model import Dense

QUICK = ExponentialFlow(0.02)
PRODUCTS = ExponentialFlow(0.02, "products", products=4)


def problem(scale=1.0):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    model = Dense(4, 2, 12, 1, "tanh")
    with jax.enable_x64(True):
        params = model.init_from_std(jax.random.key(1), np.array([0.5, 0.3]))
        return dense_problem(model, params, x, scale * y, speeds=[1.0, 2.0])


def solve(checkpoint=None, progress=None, given=None, method=QUICK, **asked):
    asked = {"stop": 0.02, **asked}
    run = problem() if given is None else given
    return solve_flow(run, method, checkpoint=checkpoint, progress=progress, **asked)


if __name__ == "__main__":
    _checkpoint.SECONDS_BETWEEN = 0.0
    last = int(sys.argv[2])

    def die(progress):
        if progress.num_tried >= last:
            os.kill(os.getpid(), signal.SIGKILL)

    solve(sys.argv[1], die, method=PRODUCTS)
