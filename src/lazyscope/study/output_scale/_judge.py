"""Does the crossover of outputs scaled by alpha depend on alpha and the width through kappa alone?"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._plain import plain
from lazyscope.experiment import run_data, run_scheme
from lazyscope.measure import LAZY, fit_power_law
from lazyscope.study._protocol import answer_of, stated
from lazyscope.study._sweep_exponents import ACCURACY_OF_TOLERANCE
from lazyscope.study.output_scale._collapse import judge_collapse

TITLE = "Do scaled outputs leave the lazy regime at one kappa, whatever the width?"
LEVELS = {"displacement": 0.3, "kernel_change": 0.5, "gap_test": 0.3}
"""Where thresholds are taken; chosen beforehand, inside what a crossover spans."""
_LABELS = {
    "displacement": "largest relative displacement (operator norm)",
    "kernel_change": "relative change of the kernel",
    "gap_test": "distance from the linearised network, test points",
    "gap_train": "distance from the linearised network, training points",
    "test_error": "test error",
}


@checked()
def judge_output_scale(runs: xr.Dataset) -> dict[str, Any]:
    """What stored runs over (output_scale, width, seed) say about the collapse.

    Returns:
        A dict ready for JSON: the grid ``output_scale``, ``widths``, ``kappa`` (W, A);
        ``quantities`` by name with ``label`` and ``values`` (W, A, S), null where a run did not
        converge; ``collapse`` by name, see `judge_collapse`; ``lazy_slope``; ``outcomes``;
        ``verdict``.

    Raises:
        InputError: runs over other axes, without a named scheme, or on data that are gone.
    """
    dims = ("width", "output_scale", "seed")
    if set(runs["outcome"].dims) != set(dims):
        raise InputError(
            "a study of the output scale needs runs over output_scale, width and seed",
            received=f"the axes {', '.join(map(str, runs['outcome'].dims))}",
            cause="the store of another sweep",
            fix="name the store of `lazyscope study output-scale`",
        )
    runs = runs.transpose(*dims, ...)
    settings = json.loads(runs.attrs["settings"])
    scales, widths = runs["output_scale"].values, runs["width"].values
    told = {name: value for name, value in settings.items() if value is not None}
    data = run_data(told)  # constants of schemes depend on its sizes
    sizes = {"input_dim": data.x_train.shape[1], "output_dim": data.y_train.shape[1]}
    scheme = run_scheme(told, **sizes)
    kappa = np.array([scheme.kappa(int(m)) for m in widths])[:, None] * scales
    outcome = runs["outcome"].values.astype(str)
    quantities = _quantities(runs, outcome == "converged")
    accuracy = max(1e-3, ACCURACY_OF_TOLERANCE * float(settings["tolerance"]))
    predicted = float(scheme.kappa_exponent)
    collapse = {
        name: judge_collapse(
            scales, widths, values, level=LEVELS[name], predicted=predicted, accuracy=accuracy
        )
        for name, values in quantities.items()
        if name in LEVELS and np.isfinite(values).any()
    }
    slope = _lazy_slope(kappa, quantities["displacement"])
    names, counts = np.unique(outcome, return_counts=True)
    return plain(
        {
            "title": TITLE,
            "output_scale": scales,
            "widths": widths,
            "kappa": kappa,
            "kappa_exponent": predicted,
            "quantities": {
                name: {"label": _LABELS[name], "values": values}
                for name, values in quantities.items()
            },
            "collapse": collapse,
            "lazy_slope": slope,
            "outcomes": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            "verdict": _verdict(collapse, slope, predicted),
        }
    )


def _quantities(runs: xr.Dataset, ended: np.ndarray) -> dict[str, np.ndarray]:
    """(W, A, S) arrays, NaN where a run did not converge."""
    found = {"displacement": runs["displacement_operator"].max("layer").values}
    found |= {name: runs[name].values for name in _LABELS if name in runs}
    return {name: np.where(ended, values, np.nan) for name, values in found.items()}


def _lazy_slope(kappa: np.ndarray, displacement: np.ndarray) -> dict[str, Any]:
    """Slope of log displacement in log kappa over lazy runs, one intercept per width and seed."""
    lazy = displacement < LAZY
    place = np.broadcast_to(kappa[..., None], displacement.shape)[lazy]
    num_seeds = displacement.shape[-1]
    group = np.arange(len(kappa))[:, None, None] * num_seeds + np.arange(num_seeds)
    groups = np.broadcast_to(group, displacement.shape)[lazy]
    record: dict[str, Any] = {"predicted": -1.0, "below": LAZY, "num_runs": int(lazy.sum())}
    try:
        fit = fit_power_law(place, displacement[lazy], groups=groups, intercepts="per-group")
    except (InputError, ValueError, np.linalg.LinAlgError) as error:
        return {**record, "slope": None, "interval": [None, None], "note": f"No fit: {error}"}
    return {**record, "slope": fit.slope, "interval": list(fit.interval), "note": fit.note}


def _verdict(
    collapse: Mapping[str, Mapping[str, Any]], slope: Mapping[str, Any], predicted: float
) -> dict[str, Any]:
    """The answer is that of the displacement; the other quantities stand beside it."""
    found = collapse.get("displacement", {"verdict": "undecided", "power": None})
    supported = {"agrees": True, "disagrees": False}.get(found["verdict"])
    if found["power"] is None:
        return stated("undecided", "No width has a threshold: widen the scales tried.")
    low, high = found["interval"]
    words = (
        f"The displacement comes down through {found['level']:g} at a scale alpha that falls like "
        f"m^-p with p = {found['power']:.2f} [{low:.2f}, {high:.2f}], where {predicted:g} is "
        f"predicted; curves of all widths lie {_percent(found['spread_at_predicted_power'])} apart "
        f"at equal alpha m^{predicted:g} and {_percent(found['spread_at_equal_scale'])} at equal "
        "alpha."
    )
    if slope["slope"] is not None:
        words += f" Where training is lazy it goes like kappa^{slope['slope']:.2f}."
    return stated(answer_of(supported), words)


def _percent(log_spread: float) -> str:
    return f"{100 * np.expm1(log_spread):.0f} %"
