"""How far are limit kernels from arbitrary precision, for every activation?

    python -m benchmarks limit_accuracy

One hidden layer between two points of different norms, correlations from -1 to 1: the largest absolute
error of E sigma(u) sigma(v) and of q12 E sigma'(u) sigma'(v) against tests/naive/limit.py (20 digits).
"""

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope.kernel import limit_tangent_kernel_by_layer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from naive.limit import FUNCTIONS, average, mp, pair_average

CORRELATIONS = (-1.0, 0.0, 0.6, 1.0)
OTHERS = {
    "elu": jax.nn.elu,
    "hard_tanh": jax.nn.hard_tanh,
    "ramp": lambda u: jnp.maximum(u - 0.3, 0.0),
}
BY_QUADRATURE = {"tanh", "softplus", *OTHERS}


def run(correlations: tuple[float, ...] = CORRELATIONS) -> dict[str, Any]:
    """The largest errors of every activation of the twin."""
    return {"rows": [_row(name, correlations) for name in FUNCTIONS]}


def _row(name: str, correlations: tuple[float, ...]) -> dict[str, Any]:
    errors = np.max([_errors(name, correlation) for correlation in correlations], axis=0)
    return {
        "activation": name,
        "how": "quadrature" if name in BY_QUADRATURE else "closed form",
        "error_of_values": float(errors[0]),
        "error_of_slopes": float(errors[1]),
    }


def _errors(name: str, correlation: float) -> np.ndarray:
    sigma, slope, kinks = FUNCTIONS[name]
    x = np.array([[1.3 * 2**0.5, 0.0]])
    y = 0.9 * 2**0.5 * np.array([[correlation, (1 - correlation**2) ** 0.5]])
    q1, q2, q12 = (mp.mpf(float((a * b).sum() / 2)) for a, b in ((x, x), (y, y), (x, y)))
    if correlation == 0:
        pair = [average(f, kinks, q1**0.5) * average(f, kinks, q2**0.5) for f in (sigma, slope)]
    else:
        pair = pair_average((sigma, slope), kinks, q1, q2, q12)
    shares = limit_tangent_kernel_by_layer(x, y, depth=1, activation=OTHERS.get(name, name))
    exact = float(pair[0]), float(q12 * pair[1])
    return np.abs(shares[::-1, 0, 0] - exact)
