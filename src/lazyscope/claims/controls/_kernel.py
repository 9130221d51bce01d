"""Does a kernel with a wrong weight give a forecast that training refutes?"""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Effort, Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict_map import joined
from lazyscope.data import Dataset, load_dataset
from lazyscope.experiment import SingleRun, train_run
from lazyscope.forecast import Forecast
from lazyscope.kernel import normalised_limit_kernels
from lazyscope.measure import mean_estimate
from lazyscope.scaling import Scheme

_STOP = 0.1
_FINITE_WIDTH = 0.1  # of the ratio of times, for finite width
POINTS = 16
_SCALES, _SPEEDS = (0.5, 0.25), (0.5, 0.0)  # both layers weigh the same, m; kappa = m^3/4

_EFFORTS = {"quick": (2048, 3), "full": (16384, 5)}


def kernel_rows() -> Iterator[Row]:
    """What `kernel_controls` claims."""
    width, seeds = _EFFORTS["full"]
    design = {
        "data": "digits",
        "num_points": POINTS,
        "target": "parity",
        "scale_exponents": _SCALES,
        "speed_exponents": _SPEEDS,
        "widths": [width],
        "seeds": seeds,
        "stop": _STOP,
        "centred": True,
    }
    rule = Rule.between(1 - _FINITE_WIDTH, 1 + _FINITE_WIDTH)
    yield Row("kernel-right", 1.0, rule, design)
    for name in ("no-speeds", "no-scales", "last-layer"):
        yield Row(f"kernel-{name}", 1.0, rule, design, "disagrees")


def kernel_controls(effort: Effort) -> Iterator[Finding]:
    """Time to a tenth of the loss over the one forecast by four limit kernels.

    The right one weighs Kbar_l by s_l kappa^2 / alpha_l^2. The wrong ones leave out the speeds, the
    scales, or every layer but the last (random features), the last being off by a factor of about three only.
    """
    width, seeds = _EFFORTS[effort]
    data = load_dataset("digits", num_points=POINTS, num_test=0, target="parity")
    scheme = Scheme.from_exponents(_SCALES, _SPEEDS)
    runs = [SingleRun(data, scheme, width, centred=True, seed=seed) for seed in range(seeds)]
    times = np.array([train_run(run, stop=_STOP)["time"] for run in runs], float)
    basis = (
        f"{seeds} runs, two-layer ReLU, scale exponents {joined(_SCALES)}, speed exponents "
        f"{joined(_SPEEDS)}, width {width}, centred, {POINTS} digits with "
        f"parity, flow to {_STOP:g} of the initial loss"
    )
    alpha, speed = scheme.alpha(width), scheme.speed(width)
    square = (np.prod(alpha) / alpha) ** 2
    weights: dict[str, tuple[str, Any, Verdict]] = {
        "kernel-right": ("sum_l s_l kappa^2 / alpha_l^2 Kbar_l", speed * square, "agrees"),
        "kernel-no-speeds": ("the same without the speeds s_l", square, "disagrees"),
        "kernel-no-scales": (
            "the same without 1 / alpha_l^2",
            speed * np.prod(alpha) ** 2,
            "disagrees",
        ),
        "kernel-last-layer": ("the last layer's part only", speed * square * [0, 1], "disagrees"),
    }
    shares = normalised_limit_kernels(data.x_train, depth=1, activation="relu")  # pyright: ignore[reportArgumentType]
    for name, (words, weight, expected) in weights.items():
        forecast = _time(np.einsum("l,lij->ij", weight, shares), data)
        ratio = mean_estimate(np.log(times / forecast)).mapped(np.exp)
        yield Finding(
            name=name,
            claim=f"time to {_STOP:g} of the loss is the limit kernel's, {words}: ratio within "
            f"{_FINITE_WIDTH:.0%} of 1",
            prediction=1.0,
            measured=ratio,
            verdict=ratio.between(1 - _FINITE_WIDTH, 1 + _FINITE_WIDTH),
            basis=basis,
            expected=expected,
            note="Geometric mean and interval over seeds.",
        )


def _time(kernel: Float[np.ndarray, "n n"], data: Dataset) -> float:
    """Time to `_STOP` of the loss from zero output under a fixed kernel."""
    values, vectors = np.linalg.eigh(kernel)
    energies = (vectors.T @ data.y_train[:, 0]) ** 2
    seen = Forecast(
        jnp.asarray(values), jnp.asarray(energies), (), jnp.zeros(0), 0.0, len(data.x_train)
    )
    return seen.time_to(_STOP)
