"""What is kept of one run of a kappa study, as plain numbers?"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from lazyscope.data import Dataset
from lazyscope.experiment import Observation
from lazyscope.forecast import Forecast
from lazyscope.measure import Displacement
from lazyscope.model import AbstractNetwork

MAX_TEST_POINTS_SHOWN = 64


class GroupScales(NamedTuple):
    """Scale, speed and leverage of every group of parameters."""

    alpha: Float[np.ndarray, " groups"]
    speed: Float[np.ndarray, " groups"]
    leverage: Float[np.ndarray, " groups"]

    @classmethod
    def of(
        cls,
        model: AbstractNetwork,
        alpha: Float[np.ndarray, " layers"],
        speeds: Float[ArrayLike, " groups"],
    ) -> "GroupScales":
        """Those of a network whose layers have the scales `alpha`."""
        return cls(model.group_alpha(alpha), np.asarray(speeds), model.leverage(alpha))

    def law(self, kappa: float) -> Float[np.ndarray, " groups"]:
        """Relative displacements by scales alone, (1/kappa) (s phi/alpha^2) / sum (s phi^2/alpha^2).

        Up to a constant for each group that depends on neither scales nor width, see docs/networks.md.
        """
        shares = self.speed * (self.leverage / self.alpha) ** 2
        return shares / self.leverage / shares.sum() / kappa


def run_record(
    groups: GroupScales,
    kappa: float,
    foreseen: tuple[Forecast, Displacement] | None,
    bound: float | None,
    observed: Observation,
    seconds: float,
) -> dict[str, Any]:
    result = observed.result
    ended = result.outcome.ok
    moved = np.asarray(observed.displacement.operator)
    initial, final = float(result.initial_loss), float(result.loss)
    elapsed = float(result.time)
    return forecast_record(foreseen, groups.leverage) | {
        "alpha": groups.alpha.tolist(),
        "speed": groups.speed.tolist(),
        "leverage": groups.leverage.tolist(),
        "largest_by_law": float(groups.law(kappa).max()),
        "largest_weighed_by_law": float((groups.leverage * groups.law(kappa)).max()),
        "outcome": result.outcome.label,
        "steps": int(result.num_steps),
        "time": elapsed,
        "loss_initial": initial,
        "loss_final": final,
        "displacement": {
            "operator": _numbers(moved, ended),
            "frobenius": _numbers(observed.displacement.frobenius, ended),
        },
        "largest_displacement": _number(moved.max(), ended),
        "largest_weighed": _number((groups.leverage * moved).max(), ended),
        "kernel_change": _number(observed.kernel_change, ended),
        "linearisation_gap": {
            "train": _number(observed.gap_train, ended),
            "test": _number(observed.gap_test, ended),
        },
        "decay_rate": {
            "measured": _number(np.log(initial / final) / elapsed, ended) if elapsed > 0 else None,
            "bound": bound,
            "kernel": foreseen[0].rate if foreseen else None,
        },
        "test_error": {
            "network": _number(observed.error, ended),
            "kernel": _number(observed.linearised_error, ended),
        },
        "wall_seconds": seconds,
    }


def forecast_record(
    foreseen: tuple[Forecast, Displacement] | None, leverage: Float[np.ndarray, " groups"]
) -> dict[str, Any]:
    """What was said before training; nulls for a network without gradient."""
    if foreseen is None:
        nothing = [None] * len(leverage)
        forecast = {"operator": nothing, "frobenius": nothing}
        return {"forecast": forecast} | dict.fromkeys(
            ("largest_forecast", "largest_weighed_forecast", "lambda_min", "lambda_max")
        )
    seen, moved = foreseen
    return {
        "forecast": {
            "operator": _numbers(moved.operator),
            "frobenius": _numbers(seen.displacement),
        },
        "largest_forecast": float(np.max(np.asarray(moved.operator))),
        "largest_weighed_forecast": float(np.max(leverage * np.asarray(moved.operator))),
        "lambda_min": seen.lambda_min,
        "lambda_max": seen.lambda_max,
    }


def curve_record(bound: float | None, observed: Observation) -> dict[str, Any]:
    result = observed.result
    times, losses = result.curve()
    all_times = np.asarray(result.curve_time).ravel()
    inside = all_times < float(result.time)
    linear = np.asarray(observed.linearised_curve).ravel()[inside]
    start = float(result.initial_loss)
    return {
        "time": times.tolist(),
        "loss": losses.tolist(),
        "bound": None if bound is None else (start * np.exp(-bound * times)).tolist(),
        "linearised": _numbers(np.concatenate([[start], linear, [np.nan]])),
    }


def test_record(observed: Observation, data: Dataset) -> dict[str, Any]:
    first = slice(0, MAX_TEST_POINTS_SHOWN)
    return {
        "network": np.asarray(observed.test_outputs)[first, 0].tolist(),
        "kernel": np.asarray(observed.linearised_test_outputs)[first, 0].tolist(),
        "target": data.y_test[first, 0].tolist(),
    }


def _number(value: Any, known: bool = True) -> float | None:
    number = float(value)
    return number if known and np.isfinite(number) else None


def _numbers(values: Any, known: bool = True) -> list[float | None]:
    return [_number(v, known) for v in np.asarray(values)]
