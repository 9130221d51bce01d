"""Which quantities of a run can be kept, along which dims and in which units?"""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Quantity:
    """One stored variable: its dims beyond those of the run, its units and what it is.

    Attributes:
        dims: for instance ``("layer",)``. Sizes may differ between runs; shorter ones are padded.
        units: as stored with the variable; ``1`` for pure numbers, ``flow time`` for the time of
            gradient flow at the scheme's speeds.
        meaning: one line, stored as ``long_name``.
    """

    dims: tuple[str, ...]
    units: str
    meaning: str


_LOSS = "loss, 1/(2n) sum |f - y|^2 unless the setting loss is another,"
_TEST_ERROR = Quantity((), "1", "share of test points with the wrong class")

ALWAYS = {
    "steps": Quantity((), "1", "steps taken"),
    "time": Quantity(
        (), "flow time", "time at the end of the run; sum of the steps of an optimiser"
    ),
    "loss_initial": Quantity((), "1", f"{_LOSS} before training"),
    "loss_final": Quantity((), "1", f"{_LOSS} at the end of the run"),
}
"""Kept from every run, whatever is asked for."""

_FORECAST_NORMS = {
    "forecast_operator": Quantity(
        ("layer",), "1", "displacement of the linearised network at the stop, operator norm"
    ),
    "forecast_frobenius": Quantity(
        ("layer",), "1", "displacement of the linearised network at the stop, Frobenius norm"
    ),
    "forecast_bound": Quantity(
        ("layer",), "1", "its Frobenius norm over the operator norm of the start"
    ),
}
"""Of the linearised network, by the flow's closed form or an optimiser's steps."""

_RECORDS = {
    "displacement": {
        "displacement_operator": Quantity(
            ("layer",), "1", "|W[l](T) - W[l](0)| / |W[l](0)| in operator norm"
        ),
        "displacement_frobenius": Quantity(
            ("layer",), "1", "|W[l](T) - W[l](0)| / |W[l](0)| in Frobenius norm"
        ),
    },
    "total": {
        "displacement_total": Quantity(
            (), "1", "|theta(T) - theta(0)| / |theta(0)| over all parameters"
        ),
    },
    "loss_curve": {
        "curve_time": Quantity(("record",), "flow time", "times at which the loss was recorded"),
        "curve_loss": Quantity(("record",), "1", "loss at those times"),
    },
    "kernel": {
        "kernel_change": Quantity(
            (), "1", "|K(T) - K(0)| / |K(0)|, Frobenius norms of the kernel averaged over outputs"
        ),
        "kernel_min": Quantity((), "1 / flow time", "smallest eigenvalue of K(0)"),
        "kernel_max": Quantity((), "1 / flow time", "largest eigenvalue of K(0)"),
    },
    "rates": {
        "rate_initial": Quantity(
            (), "1 / flow time", "2 lambda_min(K(0)) / n, zero where lambda_min is rounding"
        ),
        "rate_final": Quantity(
            (), "1 / flow time", "2 lambda_min(K(T)) / n, zero where lambda_min is rounding"
        ),
    },
    "forecast": {
        **_FORECAST_NORMS,
        "forecast_rate": Quantity(
            (), "1 / flow time", "2 lambda_min(K(0)) / n of the forecast, zero where it is rounding"
        ),
        "lambda_min": Quantity((), "1 / flow time", "smallest eigenvalue of K(0)"),
        "lambda_max": Quantity((), "1 / flow time", "largest eigenvalue of K(0)"),
    },
    "forecast_kernel": {
        "forecast_kernel_change": Quantity(
            (),
            "1",
            "|K - K(0)| / |K(0)| where the linearised network stops, of the kernel averaged over outputs",
        ),
    },
    "forecast_steps": {
        **_FORECAST_NORMS,
        "forecast_num_steps": Quantity(
            (), "1", "steps in which the same optimiser brings the linearised network to the stop"
        ),
        "forecast_time": Quantity((), "1", "sum of these steps"),
        "forecast_kernel_change": Quantity(
            (), "1", "|K - K(0)| / |K(0)| where it ends, of the kernel averaged over outputs"
        ),
    },
    "spectrum": {
        "eigenvalues": Quantity(("mode",), "1 / flow time", "eigenvalues of K(0), ascending"),
        "energies": Quantity(
            ("mode",), "1", "squared components of the initial residual along its eigenvectors"
        ),
    },
    "start": {
        "residual_size": Quantity((), "1", "largest entry of the initial residual"),
        "target_size": Quantity((), "1", "largest entry of the targets"),
    },
    "linearisation": {
        "gap_train": Quantity(
            (), "1", "rms distance from the linearised network on training points, in rms targets"
        ),
        "gap_test": Quantity(
            (), "1", "rms distance from the linearised network on test points, in rms targets"
        ),
        "test_error": _TEST_ERROR,
        "linearised_test_error": Quantity(
            (), "1", "share of test points with the wrong class, linearised network"
        ),
    },
    "test_error": {"test_error": _TEST_ERROR},
    "linearised_curve": {
        "linearised_loss": Quantity(
            ("record",), "1", "loss of the linearised network at the times of the loss curve"
        ),
    },
    "outputs": {
        "test_outputs": Quantity(
            ("test_point", "output"), "1", "outputs on the test points at the end of the run"
        ),
        "linearised_test_outputs": Quantity(
            ("test_point", "output"), "1", "the same of the linearised network"
        ),
        "test_loss": Quantity((), "1", "loss 1/(2n) sum |f - y|^2 on the test points"),
        "linearised_test_loss": Quantity((), "1", "the same of the linearised network"),
    },
    "neurons": {
        "input_weights_initial": Quantity(
            ("neuron", "feature"), "1", "first-layer weights before training, a fixed subset"
        ),
        "input_weights_final": Quantity(
            ("neuron", "feature"), "1", "first-layer weights of the same neurons at the end"
        ),
        "output_weights_initial": Quantity(
            ("neuron", "output"), "1", "last-layer weights of the same neurons before training"
        ),
        "output_weights_final": Quantity(
            ("neuron", "output"), "1", "last-layer weights of the same neurons at the end"
        ),
    },
}

OF_START = ("forecast", "forecast_kernel", "spectrum", "start")
"""What is known before training."""

OF_STEPS = ("forecast_steps", "start")
"""The same where an optimiser trains whose linearised network has no closed form."""

DEFAULT_RECORD = ("displacement", "loss_curve")
"""Kept where a sweep does not say."""


def record_names() -> tuple[str, ...]:
    """Names that a sweep may ask for under ``record``."""
    return tuple(_RECORDS)


def quantities(record: tuple[str, ...]) -> dict[str, Quantity]:
    """Every variable that a sweep with this `record` stores.

    Example:
        >>> "displacement_operator" in quantities(("displacement",))
        True
    """
    kept = dict(ALWAYS)
    for name in record:
        kept.update(_RECORDS[name])
    return kept
