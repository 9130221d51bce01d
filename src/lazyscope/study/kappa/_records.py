"""What is told of the runs of a kappa study, as plain numbers read from its store?"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import ArrayLike, Float

from lazyscope._checks import optimiser_of
from lazyscope.data import Dataset
from lazyscope.experiment import look_ahead
from lazyscope.model import AbstractNetwork
from lazyscope.scaling import growth_power, update_norms
from lazyscope.study._guarantee import Bound
from lazyscope.study._stored import StoredRuns, number, numbers
from lazyscope.study.kappa._settings import FLOW, KappaSettings

MAX_TEST_POINTS_SHOWN = 64

Seen = Mapping[str, Any]
"""Quantities of one run by name."""


class RunParts(NamedTuple):
    """What is told of one run: its record, its curve and its outputs on test points."""

    run: dict[str, Any]
    curve: dict[str, Any]
    test_outputs: dict[str, Any]


def law_of_scales(
    alpha: Float[ArrayLike, " groups"],
    speed: Float[ArrayLike, " groups"],
    leverage: Float[ArrayLike, " groups"],
    kappa: float,
) -> Float[np.ndarray, " groups"]:
    """Relative displacements by scales alone, (1/kappa) (s phi/alpha^2) / sum (s phi^2/alpha^2).

    Up to a constant for each group that depends on neither scales nor width, see docs/networks.md.
    """
    shares = np.asarray(speed) * (np.asarray(leverage) / np.asarray(alpha)) ** 2
    return shares / np.asarray(leverage) / shares.sum() / kappa


def law_of_updates(
    network: AbstractNetwork,
    alpha: Float[np.ndarray, " layers"],
    rate: Float[np.ndarray, " layers"],
    kappa: float,
    method: str,
) -> Float[np.ndarray, " layers"]:
    """The same of a dense network and steps that do not know the gradient: (1/kappa) q / sum q."""
    dims = {"input_dim": network.shapes[0][1], "output_dim": network.shapes[-1][0]}
    norms = update_norms(method, network.width, depth=len(network.shapes) - 1, **dims)
    relative = rate * norms / alpha
    return relative / relative.sum() / kappa


def told_runs(
    settings: KappaSettings, data: Dataset, bound: Bound | None, runs: xr.Dataset
) -> Iterator[RunParts]:
    """Every run of the study, by spread, width, kappa and seed; those without a run as ``missing``."""
    stored = StoredRuns.of(runs, ("spread", "width", "kappa", "seed"))
    widths = sorted(enumerate(settings.widths), key=lambda each: each[1])
    kappas = sorted(enumerate(settings.ladder), key=lambda each: each[1])
    for (i, name), (j, width), (k, kappa) in product(enumerate(settings.spreads), widths, kappas):
        network, scheme = settings.network(data, name, kappa, width)
        scales = scales_of(network, scheme.alpha(width), kappa, settings.method)
        rate = None if bound is None else bound.rate(scheme, width)
        for seed in range(settings.seeds):
            seen = stored.at(i, j, k, seed)
            where = {"spread": name, "width": width, "kappa": kappa, "seed": seed}
            yield RunParts(
                where | scales | run_record(seen, np.asarray(scales["leverage"]), rate),
                where | _curve_record(seen, rate),
                where | _test_record(seen, data),
            )


def scales_of(
    network: AbstractNetwork, alpha: Float[np.ndarray, " layers"], kappa: float, method: str
) -> dict[str, Any]:
    """Scale, speed and leverage of every group, and what they alone predict."""
    scale, leverage = network.group_alpha(alpha), network.leverage(alpha)
    speed = np.ones(len(scale))
    if growth_power(optimiser_of(method)) == 2:
        law = law_of_scales(scale, speed, leverage, kappa)
    else:
        law = law_of_updates(network, scale, speed, kappa, method)
    return {
        "alpha": scale.tolist(),
        "speed": speed.tolist(),
        "leverage": leverage.tolist(),
        "largest_by_law": float(law.max()),
        "largest_weighed_by_law": float((leverage * law).max()),
    }


def run_record(
    seen: Seen, leverage: Float[np.ndarray, " groups"], bound: float | None
) -> dict[str, Any]:
    """One run as its quantities tell it."""
    ended = seen["outcome"] == "converged"
    groups = slice(0, len(leverage))
    moved = seen["displacement_operator"][groups]
    initial, final, elapsed = (seen[n] for n in ("loss_initial", "loss_final", "time"))
    measured = np.log(initial / final) / elapsed if ended and elapsed > 0 else np.nan
    ahead = forecast_record(seen, leverage)
    return ahead | {
        "outcome": str(seen["outcome"]),
        "steps": None if np.isnan(seen["steps"]) else int(seen["steps"]),
        "time": number(elapsed),
        "loss_initial": number(initial),
        "loss_final": number(final),
        "displacement": {
            "operator": numbers(moved, ended),
            "frobenius": numbers(seen["displacement_frobenius"][groups], ended),
        },
        "largest_displacement": number(moved.max(), ended),
        "largest_weighed": number((leverage * moved).max(), ended),
        "kernel_change": number(seen["kernel_change"], ended),
        "linearisation_gap": {
            "train": number(seen.get("gap_train", np.nan), ended),
            "test": number(seen.get("gap_test", np.nan), ended),
        },
        "decay_rate": {
            "measured": number(measured),
            "bound": bound,
            "kernel": number(seen.get("forecast_rate", np.nan), ahead["lambda_max"] is not None),
        },
        "test_error": {
            "network": number(seen["test_error"], ended),
            "kernel": number(seen.get("linearised_test_error", np.nan), ended),
        },
        "wall_seconds": number(seen["seconds"]),
    }


def forecast_cell(
    settings: KappaSettings, data: Dataset, name: str, kappa: float, width: int, seed: int
) -> dict[str, Any]:
    """What the initial network of one run says before any training."""
    record = "forecast" if settings.method == FLOW else "forecast_steps"
    seen = look_ahead(settings.run_settings(name, kappa, width, seed), (record,), data=data)
    network, scheme = settings.network(data, name, kappa, width)
    return forecast_record(seen, network.leverage(scheme.alpha(width)))


def forecast_record(seen: Seen, leverage: Float[np.ndarray, " groups"]) -> dict[str, Any]:
    """What was said before training; nulls for a network without gradient."""
    known = bool(seen.get("lambda_max", 1.0) > 0)
    operator, frobenius = (
        numbers(seen[f"forecast_{norm}"][: len(leverage)], known)
        for norm in ("operator", "frobenius")
    )
    largest = np.asarray(seen["forecast_operator"][: len(leverage)])
    return {
        "forecast": {"operator": operator, "frobenius": frobenius},
        "largest_forecast": number(largest.max(), known),
        "largest_weighed_forecast": number((leverage * largest).max(), known),
        "lambda_min": number(seen.get("lambda_min", np.nan), known),
        "lambda_max": number(seen.get("lambda_max", np.nan), known),
    }


def _curve_record(seen: Seen, bound: float | None) -> dict[str, Any]:
    inside = ~np.isnan(seen["curve_time"])
    times, losses = seen["curve_time"][inside], seen["curve_loss"][inside]
    falling = None if bound is None else seen["loss_initial"] * np.exp(-bound * times)
    return {
        "time": times.tolist(),
        "loss": numbers(losses),
        "bound": None if falling is None else numbers(falling),
        "linearised": numbers(seen["linearised_loss"][inside])
        if "linearised_loss" in seen
        else None,
    }


def _test_record(seen: Seen, data: Dataset) -> dict[str, Any]:
    first = slice(0, min(MAX_TEST_POINTS_SHOWN, len(data.x_test)))
    if "test_outputs" not in seen:
        return {"network": [], "kernel": [], "target": []}
    return {
        "network": numbers(seen["test_outputs"][first, 0]),
        "kernel": numbers(seen["linearised_test_outputs"][first, 0]),
        "target": data.y_test[first, 0].tolist(),
    }
