"""Does the kernel of a lazy network change by the power of its real width that was derived?"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._seed import new_seed
from lazyscope.claims._verdict import SLOPE_ACCURACY
from lazyscope.measure import estimate_exponent
from lazyscope.scaling import kernel_change_exponent
from lazyscope.sweep import SweepDesign, open_store, run_sweep

WIDTHS = (64, 256, 1024, 4096)
WIDE = tuple(16 * width for width in WIDTHS)
DATA_SETS = 6
_LARGEST_SEED = 10**6
_TOLERANCE = 0.05
_ACCURACY = 0.1 * _TOLERANCE
"""Error of log displacements at this tolerance."""
_FIXED: dict[str, Any] = {
    "data": "sphere-teacher",
    "num_points": 8,
    "input_dim": 4,
    "depth": 1,
    "centred": True,
    "tolerance": _TOLERANCE,
    "stop": 1e-2,
}
_RULE = Rule.number(accuracy=SLOPE_ACCURACY)
Changes = Float[np.ndarray, "width seed"]


@final
@dataclass(frozen=True)
class Case:
    """Networks of one rho, both layers of one relative speed and pre-activations of order one.

    Attributes:
        activation: ``relu`` or ``tanh``.
        rho: exponent of kappa.
        kappa: at the smallest width, 16 so that the network is lazy; where the fluctuation leads, the
            drift is small beside it. Where the drift of kinks leads, 8: a larger one makes it the smaller.
        widths: real ones.
        seeds: networks of every width and data set.
    """

    activation: Literal["relu", "tanh"]
    rho: float
    kappa: float = 16.0
    widths: tuple[int, ...] = WIDTHS
    seeds: int = 32

    @property
    def name(self) -> str:
        """Of its row."""
        return f"{self.activation}-{self.rho:g}"

    @property
    def exponents(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of scales and speeds."""
        return (0.5, self.rho - 0.5), (1.0, 2 * self.rho - 1)

    @property
    def predicted(self) -> float:
        """What was registered, of kinks without the drift that was seen after the run."""
        if self.activation == "relu":
            return max(-2 * self.rho, -(1 + self.rho) / 2)
        return kernel_change_exponent(*self.exponents, activation_kind="smooth")

    @property
    def settings(self) -> dict[str, Any]:
        """Of a sweep, without widths, data and seeds."""
        scales, speeds = self.exponents
        return _FIXED | {
            "activation": self.activation,
            "scale_exponents": list(scales),
            "speed_exponents": list(speeds),
            "output_scale": self.kappa / self.widths[0] ** self.rho,
        }


CASES = (
    Case("relu", 0.2, 8.0, WIDE, 16),
    Case("relu", 0.4),
    Case("relu", 0.5),
    Case("relu", 0.75),
    Case("tanh", 0.2, widths=WIDE, seeds=16),
    Case("tanh", 0.4, widths=WIDE, seeds=16),
    Case("tanh", 0.5),
    Case("tanh", 0.75),
)
_CONTROL = CASES[2]


def check_kernel_change(effort: Effort, seed: int | None = None) -> tuple[Finding, ...]:
    """Train networks over widths for several rho, and hold the kernel's change against the law.

    Args:
        effort: ``quick`` takes ReLU at rho = 1/2 alone.
        seed: from which data sets and networks are drawn; a new one unless given.
    """
    seed = new_seed() if seed is None else seed
    if effort == "quick":
        return (case_finding(_CONTROL, measured_changes(_CONTROL, seed), seed),)
    found = {case: measured_changes(case, seed) for case in CASES}
    rows = [case_finding(case, values, seed) for case, values in found.items()]
    return (*rows, control_finding(found[_CONTROL], seed))


def measured_changes(case: Case, seed: int) -> Changes:
    """Relative change of the kernel, geometric mean over data sets; NaN where a run failed."""
    draw = np.random.default_rng([seed, CASES.index(case)])
    axes = {
        "width": list(case.widths),
        "data_seed": draw.integers(_LARGEST_SEED, size=DATA_SETS).tolist(),
        "seed": draw.integers(_LARGEST_SEED, size=case.seeds).tolist(),
    }
    design = SweepDesign(
        name=f"kernel change, {case.name}", axes=axes, fixed=case.settings, record=("kernel",)
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, f"{folder}/runs")
        runs = open_store(f"{folder}/runs").transpose(*axes, ...)
        ended = runs["outcome"].values == "converged"
        changes = np.where(ended, runs["kernel_change"].values, np.nan)
    return np.exp(np.mean(np.log(np.where(changes > 0, changes, np.nan)), axis=1))


def case_finding(case: Case, values: Changes, seed: int) -> Finding:
    """The row of one activation and rho."""
    words = f"{case.activation}, rho = {case.rho:g}: the kernel changes by m^{case.predicted:g} of itself"
    return _finding(case.name, words, case, values, seed, predicted=case.predicted)


def control_finding(values: Changes, seed: int) -> Finding:
    """ReLU judged by the law of smooth activations."""
    law = kernel_change_exponent(*_CONTROL.exponents, activation_kind="smooth")
    words = f"control, false: kinks change nothing, ReLU at rho = {_CONTROL.rho:g} has m^{law:g}"
    found = _finding("control-kinks-as-smooth", words, _CONTROL, values, seed, predicted=law)
    return Finding(**{**vars(found), "expected": "disagrees", "note": "Negative control."})


def _finding(
    name: str, claim: str, case: Case, values: Changes, seed: int, *, predicted: float
) -> Finding:
    basis = (
        f"one hidden layer, {case.activation}, kappa {case.kappa:g} at the first width, widths "
        f"{', '.join(map(str, case.widths))}, {DATA_SETS} sets of 8 points of a sphere, {case.seeds} seeds "
        f"drawn with {seed}, centred, flow to 0.01 of the initial loss"
    )
    if not np.isfinite(values).any(axis=1).all():
        return Finding(name, claim, predicted, None, "undecided", basis, note="Runs failed.")
    found = estimate_exponent(np.array(case.widths, float), values, accuracy=_ACCURACY)
    slopes = ", ".join(f"{slope:.3f}" for slope in found.local_slopes)
    return Finding(
        name=name,
        claim=claim,
        prediction=predicted,
        measured=found.estimate,
        verdict=_RULE.judge(found.estimate, predicted) or "undecided",
        basis=basis,
        note=f"Local slopes {slopes}.",
        details={"changes": values.tolist(), "local_slopes": list(found.local_slopes)},
    )


def _registered() -> Iterator[Row]:
    for case in CASES:
        yield Row(case.name, case.predicted, _RULE, _design(case), noise=_noise(case))
    law = kernel_change_exponent(*_CONTROL.exponents, activation_kind="smooth")
    design = _design(_CONTROL)
    yield Row("control-kinks-as-smooth", law, _RULE, design, "disagrees", _noise(_CONTROL))


def _design(case: Case) -> dict[str, Any]:
    return case.settings | {
        "kappa_at_smallest": case.kappa,
        "widths": case.widths,
        "seeds": case.seeds,
        "data_sets": DATA_SETS,
        "estimator": "exponent",
        "accuracy": _ACCURACY,
        "draw_seed": "drawn at the first run",
    }


def _noise(case: Case) -> dict[str, Any]:
    sd = _PILOT[case.name]
    source = "scatter of the logarithm over seeds in pilots on draws of their own (9001 to 9003)"
    return {"model": "runs", "sd": sd, "source": source}


_PILOT = {
    "relu-0.2": 0.06,
    "relu-0.4": 0.115,
    "relu-0.5": 0.115,
    "relu-0.75": 0.15,
    "tanh-0.2": 0.07,
    "tanh-0.4": 0.155,
    "tanh-0.5": 0.155,
    "tanh-0.75": 0.155,
}
"""Scatter of a geometric mean over data sets, from draws 9001 to 9003 and 901 to 904."""

KERNEL_CHANGE = Claim(
    name="kernel-change",
    source="derived in docs/theory.md, How much the kernel changes",
    statement=(
        "The kernel of a lazy network changes by a drift like m^-2rho and by a fluctuation that real widths "
        "alone decide: like m^-(rho + 1/2), and like m^-(1 + rho)/2 where the activation has kinks, since "
        "the number of units that change side fluctuates. Rows of ReLU were registered without the drift "
        "m^-rho of units that leave more points than they come to, see docs/theory.md. Data and networks "
        "are drawn when the claim is "
        "first checked."
    ),
    check=check_kernel_change,
    check_drawn=check_kernel_change,
    rows=tuple(_registered()),
)
