"""How many copies of the parameters does a run hold?

XLA's own account of the compiled run (arguments, results and temporary memory), with nothing run. The
activations of n = 128 points are counted apart: a forward and a backward pass leave input, slope and
signal of every hidden layer, once at the start of a step and once at its middle. With them go the small
square matrices: two Gram matrices over the 2 n rows of a correction; kernel, eigenvectors and their work
space over n.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import compiled
from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem, trace_flow
from lazyscope.model import Dense

NUM_POINTS, INPUT_DIM = 128, 64
SHAPES = (("relu", 2, 2048), ("relu", 3, 1024))
ALLOWED = 3.0
PASSES, KEPT_PER_LAYER = 2, 3
_SQUARES = 2 * (2 * NUM_POINTS) ** 2 + 4 * NUM_POINTS**2


def peak_bytes(activation: str, depth: int, width: int, method: Any) -> dict[str, float]:
    """Bytes of the whole compiled run, argument included, and of what it is made of."""
    model = Dense(INPUT_DIM, 1, width, depth, activation)

    def train(params, x, y):
        problem = dense_problem(model, params, x, y)
        return trace_flow(problem, method, 1e-4, jnp.inf, max_steps=1000)

    params = model.init_from_std(jax.random.key(0), [1.0] + [width**-0.5] * depth)
    x, y = np.ones((NUM_POINTS, INPUT_DIM)), np.ones((NUM_POINTS, 1))
    program = compiled(train, params, x, y)
    account = program.call.memory_analysis()  # type: ignore[attr-defined]
    arguments, results = account.argument_size_in_bytes, account.output_size_in_bytes
    whole = arguments + results + account.temp_size_in_bytes - account.alias_size_in_bytes
    return {
        "parameters": 8.0 * model.num_parameters,
        "activations": 8.0 * (PASSES * KEPT_PER_LAYER * NUM_POINTS * width * depth + _SQUARES),
        "argument": float(arguments),
        "result": float(results),
        "temporary": float(account.temp_size_in_bytes),
        "whole": float(whole),
        "compile_s": program.compile_seconds,
    }


def run() -> dict[str, Any]:
    rows = []
    methods = {"exponential": ExponentialFlow(), "descent": GradientDescent(stability_fraction=0.5)}
    with jax.enable_x64(True):
        for activation, depth, width in SHAPES:
            for name, method in methods.items():
                held = peak_bytes(activation, depth, width, method)
                copies = (held["whole"] - held["activations"]) / held["parameters"]
                rows.append(
                    {
                        "network": f"{activation}, {depth} hidden, m = {width}",
                        "method": name,
                        "parameters_MiB": held["parameters"] / 2**20,
                        "activations_MiB": held["activations"] / 2**20,
                        "argument_MiB": held["argument"] / 2**20,
                        "result_MiB": held["result"] / 2**20,
                        "temporary_MiB": held["temporary"] / 2**20,
                        "whole_MiB": held["whole"] / 2**20,
                        "copies_without_activations": copies,
                        "allowed": ALLOWED,
                        "reached": copies <= ALLOWED,
                        "compile_s": held["compile_s"],
                    }
                )
    return {"rows": rows, "n": NUM_POINTS, "input_dim": INPUT_DIM}
