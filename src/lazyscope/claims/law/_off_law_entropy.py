"""How far does a network move under cross-entropy, whose loss never reaches zero?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import final

import jax.numpy as jnp
import numpy as np

from lazyscope._loss import SquaredLoss
from lazyscope._types import Scalar
from lazyscope.claims._finding import Finding
from lazyscope.claims._one_run import one_run
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import SLOPE_ACCURACY
from lazyscope.data import sphere_teacher
from lazyscope.flow import (
    AbstractMethod,
    FlowState,
    GradientDescent,
    Problem,
    Stop,
    largest_stable_step,
    one_lapack_thread,
)
from lazyscope.measure import estimate_exponent, mean_estimate
from lazyscope.scaling import displacement_exponents

_SCALES = (0.125, 0.125)
_WIDTHS, _SEEDS = (64, 256, 1024, 4096, 16384), 6
FRACTIONS = (1e-1, 1e-2, 1e-3)
_MAX_STEPS = 100_000
_SAFETY = 0.25
SETTLED = 0.1
"""Largest log ratio of two displacements that count as equal."""


def entropy_rows() -> Iterator[Row]:
    """What `entropy_findings` claims."""
    design = {
        "data": "sphere-teacher, signs of the targets",
        "num_points": 4,
        "loss": "logistic",
        "centred": True,
        "scale_exponents": _SCALES,
        "widths": _WIDTHS,
        "seeds": _SEEDS,
    }
    exponent = design | {"fraction": FRACTIONS[1], "estimator": "exponent"}
    predicted = displacement_exponents(_SCALES)[0]
    rule = Rule.number(accuracy=SLOPE_ACCURACY)
    yield Row("entropy-exponent", predicted, rule, exponent, "disagrees")
    settled = design | {"widths": _WIDTHS[-1:], "fractions": FRACTIONS[1:]}
    yield Row("entropy-goes-on", 0.0, Rule.at_most(SETTLED), settled, "disagrees")


def entropy_findings() -> Iterator[Finding]:
    """Exponent at a fixed loss, and growth of the displacement as the loss falls further."""
    moved = np.array(
        [[_moved(width, seed) for seed in range(_SEEDS)] for width in _WIDTHS]
    )  # width, seed, fraction
    predicted = displacement_exponents(_SCALES)[0]
    found = estimate_exponent(np.array(_WIDTHS, float), moved[..., 1])
    basis = (
        f"{moved[..., 0].size} runs, two layers, ReLU, centred, rho = 1/4, widths {_WIDTHS[0]} to "
        f"{_WIDTHS[-1]}, signs of the targets of four points, logistic loss, descent with steps that "
        "grow as the loss falls"
    )
    yield Finding(
        name="entropy-exponent",
        claim=f"cross-entropy, to {FRACTIONS[1]:g} of the initial loss: layer 1 has the law's exponent "
        f"{predicted:g}",
        prediction=predicted,
        measured=found.estimate,
        verdict=found.estimate.agreement(predicted, accuracy=SLOPE_ACCURACY),
        expected="disagrees",
        basis=basis,
    )
    growth = np.log(moved[-1, :, 2] / moved[-1, :, 1])
    grown = mean_estimate(growth)
    yield Finding(
        name="entropy-goes-on",
        claim="cross-entropy: displacement is settled, as it is for squares; from 1e-2 to 1e-3 of the "
        f"initial loss its log grows by ≤ {SETTLED:g}",
        prediction=0.0,
        measured=grown,
        verdict=grown.at_most(SETTLED),
        expected="disagrees",
        basis=f"{basis}; width {_WIDTHS[-1]}",
        note="Outputs have to grow like the log of the inverse loss; the time at which training ends is "
        "part of the law's gap.",
        details={"moved": moved.tolist()},
    )


def _moved(width: int, seed: int) -> list[float]:
    """Relative displacement of the first layer when the loss first is below each fraction."""
    points = sphere_teacher(num_points=4, input_dim=4, seed=2)
    data = replace(points, y_train=np.sign(points.y_train), y_test=np.sign(points.y_test))
    told = {"width": width, "seed": seed, "scale_exponents": _SCALES, "centred": True}
    told |= {"loss": "cross-entropy", "max_steps": _MAX_STEPS}
    with one_lapack_thread():
        runs = [
            one_run(told | {"stop": each}, data, method=_GrowingDescent(), record=("displacement",))
            for each in FRACTIONS
        ]
    return [float(r["displacement_operator"][0]) if r.outcome.ok else np.nan for r in runs]


@final
class _GrowingDescent(AbstractMethod):
    """Descent whose steps grow as the loss falls, and its curvature with it: the same path in fewer steps.

    At the loss log 2, where the second derivative is 1/4, a step is a quarter of the stability limit.
    """

    @property
    def points_per_record(self) -> int:
        """The loss after the step."""
        return 1

    def start(self, problem: Problem) -> Scalar:
        """The step at the loss log 2."""
        squares = replace(problem, criterion=SquaredLoss())
        return _SAFETY * 4 * largest_stable_step(squares)

    def step(self, problem: Problem, stop: Stop, state: FlowState) -> FlowState:
        """One step down the gradient."""
        descent = GradientDescent(state.memory * jnp.maximum(1.0, np.log(2.0) / state.loss))
        ended = descent.step(problem, stop, replace(state, memory=descent.start(problem)))
        return replace(ended, memory=state.memory)
