"""Does the crossover of outputs scaled by alpha depend on alpha and the width through kappa alone?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import xarray as xr

from lazyscope._checks import InputError, check_choice, check_count, check_positive
from lazyscope._entry import checked
from lazyscope._plain import plain
from lazyscope._provenance import versions
from lazyscope.data import TargetKind
from lazyscope.measure import fit_power_law
from lazyscope.model import activation_names
from lazyscope.scaling import scheme_parameters
from lazyscope.study.output_scale._collapse import judge_collapse
from lazyscope.study.phase_diagram._estimates import ACCURACY_OF_TOLERANCE
from lazyscope.study.phase_diagram._run import check_settings, run_settings
from lazyscope.sweep import SweepDesign, SweepSummary, open_store, run_sweep
from lazyscope.sweep.design import run_scheme
from lazyscope.sweep.run import run_data

TITLE = "Do scaled outputs leave the lazy regime at one kappa, whatever the width?"
FORMAT = 1
LEVELS = {"displacement": 0.3, "kernel_change": 0.5, "gap_test": 0.3}
"""Where thresholds are taken; chosen beforehand, inside what a crossover spans."""
LAZY = 0.1
"""Runs whose largest displacement is below this tell the slope of the lazy side."""
_LABELS = {
    "displacement": "largest relative displacement (operator norm)",
    "kernel_change": "relative change of the kernel",
    "gap_test": "distance from the linearised network, test points",
    "gap_train": "distance from the linearised network, training points",
    "test_error": "test error",
}


@dataclass(frozen=True)
class OutputScaleSettings:
    """What `run_output_scale_study` runs.

    Attributes:
        output_scale: values of alpha, the factor in front of the network, increasing.
        widths: widths of the hidden layers, increasing, at least 3.
        seeds: number of seeds of every run.
        scheme: named scheme behind the factor; kappa is alpha times its kappa at the width.
        depth, activation: of the network; smooth by default, as with kinks, which few neurons cross at
            a time, the distance from the linearised network does not collapse.
        data, target, num_points, input_dim, num_test: what it learns, where the data have them; test
            points are for the distance from the linearised network and the test error.
        stop: fraction of the initial loss at which training ends.
        tolerance: of the exponential flow; displacements are off by a third of it at most.
        max_steps: steps tried at most in a run.
    """

    output_scale: tuple[float, ...] = field(
        default_factory=lambda: tuple(2.0**k for k in range(-5, 9))
    )
    widths: tuple[int, ...] = (64, 256, 1024, 4096, 16384)
    seeds: int = 3
    scheme: str = "ntk"
    depth: int = 1
    activation: str = "softplus"
    data: str = "digits"
    target: str | None = "parity"
    num_points: int = 32
    input_dim: int | None = None
    num_test: int = 256
    stop: float = 1e-3
    tolerance: float = 0.1
    max_steps: int = 10000

    def __post_init__(self) -> None:
        check_settings(self, ("output_scale",))
        for scale in self.output_scale:
            check_positive("output_scale", scale)
        check_choice("activation", self.activation, activation_names())
        if self.target is not None:
            check_choice("target", self.target, get_args(TargetKind))
        for name in ("depth", "num_points"):
            check_count(name, getattr(self, name))
        if self.input_dim is not None:
            check_count("input_dim", self.input_dim)
        scheme_parameters(self.scheme)

    def design(self) -> SweepDesign:
        """The sweep that the study runs; that of ``examples/sweeps/output-scale.toml`` by default."""
        optional = {"target": self.target, "input_dim": self.input_dim}
        return SweepDesign(
            name="output-scale",
            axes={
                "output_scale": list(self.output_scale),
                "width": list(self.widths),
                "seed": list(range(self.seeds)),
            },
            fixed={
                "scheme": self.scheme,
                "depth": self.depth,
                "activation": self.activation,
                "centred": True,
                "num_points": self.num_points,
                "num_test": self.num_test,
                **{name: value for name, value in optional.items() if value is not None},
                **run_settings(self),
            },
            record=("displacement", "kernel", "linearisation"),
        )


@dataclass(frozen=True)
class OutputScaleResult:
    """A study of the output scale as it was run and judged.

    Attributes:
        record: a dict ready for JSON, see `judge_output_scale`.
        summary: what this call did; runs that were in the store before are not counted as done.
    """

    record: dict[str, Any]
    summary: SweepSummary


@checked()
def run_output_scale_study(
    settings: OutputScaleSettings, store: str | Path, *, show_progress: bool = False
) -> OutputScaleResult:
    """Train alpha (f - f_0) over scales alpha and widths, and find what the crossover depends on.

    Every quantity that tells lazy from rich training is compared between widths at equal alpha and at
    equal alpha m^p; p is estimated from the alpha at which the quantity comes down through a level,
    and is predicted to be the exponent of the scheme's kappa: 1/2 for NTK scaling. On the lazy side
    the displacement is predicted to fall like 1/alpha. Runs go into a store and are not repeated.

    Args:
        settings: what to run.
        store: folder of the runs; made where there is none.
        show_progress: draw a progress bar on standard error.

    Returns:
        An `OutputScaleResult`; ``lazyscope.study.write_output_scale_page(result.record, path)``.

    Raises:
        StoreError: the store is in use, holds another sweep, or its disk is full.
        InputError: data, scheme or scales that cannot be run.

    Cost: 210 runs by default, 68 s of processor time with compilation.

    Trust: the theory is about m -> infinity at fixed kappa. At width 64 the operator norm of the
    first layer still holds sqrt(d) beside sqrt(m); the intervals include such corrections. At
    tolerance 0.1 the distance from the linearised network is the solver's where it is below 1e-3 (at
    width 1024 it wanders between 3e-4 and 2e-3, where it falls evenly to 2e-4 at tolerance 1e-3).

    Reference:
        Geiger, Spigler, Jacot & Wyart 2020 (arXiv 1906.08034), figures of the collapse on
        alpha sqrt(h); Chizat, Oyallon & Bach 2019 (arXiv 1812.07956), theorem 2.4 and figures.
        Their loss is divided by alpha^2, which only changes the unit of time.
    """
    summary = run_sweep(settings.design(), store, show_progress=show_progress)
    return OutputScaleResult(judge_output_scale(open_store(store)), summary)


@checked()
def judge_output_scale(runs: xr.Dataset) -> dict[str, Any]:
    """What stored runs over (output_scale, width, seed) say about the collapse.

    Returns:
        A dict ready for JSON: ``settings``; the grid ``output_scale``, ``widths``, ``kappa`` (W, A);
        ``quantities`` by name with ``label`` and ``values`` (W, A, S), null where a run did not
        converge; ``collapse`` by name, see `judge_collapse`; ``lazy_slope``; ``outcomes``;
        ``verdict`` with ``supported`` and ``sentence``.

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
            "study": "output-scale",
            "format": FORMAT,
            "title": TITLE,
            "lazyscope": versions()["lazyscope"],
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": {**settings, "versions": versions()},
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
        return {"supported": None, "sentence": "No width has a threshold: widen the scales tried."}
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
    return {"supported": supported, "sentence": words}


def _percent(log_spread: float) -> str:
    return f"{100 * np.expm1(log_spread):.0f} %"
