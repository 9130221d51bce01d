"""Where in the plane of Luo et al. 2021 do the input weights condense on a few directions?"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from lazyscope._checks import InputError, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope.study.condensation._estimates import condensation_estimates
from lazyscope.study.phase_diagram._run import MapResult, check_settings, run_settings
from lazyscope.sweep import SweepDesign, open_store, run_sweep

TITLE = "Where do the input weights condense on a few directions?"


def _line(start: float, stop: float) -> tuple[float, ...]:
    return tuple(np.linspace(start, stop, 7).tolist())


@dataclass(frozen=True)
class CondensationSettings:
    """What `run_condensation_study` runs.

    Attributes:
        gamma, gamma_prime: values of the two axes of the plane, increasing.
        widths: widths of the hidden layer, increasing, at least 3.
        seeds: number of seeds of every run.
        data: the points; four points on a line by default.
        early_stop: fraction of the initial loss at which the initial stage ends: the loss has just
            begun to fall.
        stop: fraction of the initial loss at which training ends.
        num_directions: leading directions whose mass counts; on the four points small ReLU networks
            condense on four, as the effective number of directions shows.
        tolerance: of the exponential flow.
        max_steps: steps tried at most in a run.
    """

    gamma: tuple[float, ...] = field(default_factory=lambda: _line(0.5, 2.0))
    gamma_prime: tuple[float, ...] = field(default_factory=lambda: _line(-0.5, 1.0))
    widths: tuple[int, ...] = (300, 1000, 3000)
    seeds: int = 3
    data: str = "four-points"
    early_stop: float = 0.9
    stop: float = 1e-4
    num_directions: int = 4
    tolerance: float = 0.2
    max_steps: int = 10000

    def __post_init__(self) -> None:
        check_settings(self, ("gamma", "gamma_prime"))
        check_fraction("early stop fraction", self.early_stop)
        check_count("num_directions", self.num_directions)
        if self.early_stop <= self.stop:
            raise InputError(
                "the initial stage must end before training does",
                received=f"early_stop {self.early_stop:g} with stop {self.stop:g}",
                cause="the two fractions exchanged",
                fix="choose an early_stop nearer to 1, such as 0.9",
            )

    def design(self) -> SweepDesign:
        """The sweep that the study runs; that of ``examples/sweeps/condensation.toml`` by default."""
        fixed = run_settings(self)
        stop = fixed.pop("stop")
        return SweepDesign(
            name="condensation",
            axes={
                "gamma": list(self.gamma),
                "gamma_prime": list(self.gamma_prime),
                "stop": [stop, self.early_stop],
                "width": list(self.widths),
                "seed": list(range(self.seeds)),
            },
            fixed={"activation": "relu", **fixed},
            record=("displacement", "loss_curve", "neurons"),
        )


@checked()
def run_condensation_study(
    settings: CondensationSettings, store: str | Path, *, show_progress: bool = False
) -> MapResult:
    """Train over the (gamma, gamma') plane and measure how few directions the input weights take.

    Every run is made twice: to the end of the initial stage, when the loss has just begun to fall, and
    to the end of training. Runs go into a store and are not repeated, as in `run_two_layer_study`.

    Args:
        settings: what to run.
        store: folder of the runs; made where there is none.
        show_progress: draw a progress bar on standard error.

    Returns:
        A `MapResult`: the runs after training over (gamma, gamma_prime, width, seed), with the weights
        of the initial stage as ``input_weights_early``; estimates as `condensation_estimates` gives
        them. ``lazyscope.study.write_condensation_page(result.runs, result.estimates, path)``.

    Raises:
        StoreError: the store is in use, holds another sweep, or its disk is full.
        InputError: too few runs succeeded for any estimate.

    Cost: 882 runs by default, 23 s of processor time with compilation.

    Trust: order parameters are those of one width; they step at the boundary in the limit of large
    width. At width 3000 a cell on the boundary has about one half after training.

    Reference:
        Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497), figures of orientation against
        amplitude; Chen et al. 2023 (arXiv 2303.06561), condensation in the initial stage: gamma > 1
        and gamma' < gamma - 1 condense, the other side does not.
    """
    summary = run_sweep(settings.design(), store, show_progress=show_progress)
    runs = staged_runs(open_store(store))
    estimates = condensation_estimates(
        runs, num_directions=settings.num_directions, title=TITLE, show_progress=show_progress
    )
    return MapResult(runs, estimates, summary)


def staged_runs(runs: xr.Dataset) -> xr.Dataset:
    """The runs after training, with what the initial stage left beside them.

    Args:
        runs: over (gamma, gamma_prime, width, seed) and two values of ``stop``.

    Returns:
        The same without ``stop``; ``input_weights_early``, ``output_weights_early`` and
        ``outcome_early`` are those of the runs that stopped first.
    """
    if "stop" not in runs.dims or runs.sizes["stop"] != 2:
        raise InputError(
            "a study of condensation needs runs with two values of stop",
            received=f"the axes {', '.join(map(str, runs['outcome'].dims))}",
            cause="the store of another sweep",
            fix="name the store of `lazyscope study condensation`",
        )
    ended = runs.sel(stop=runs["stop"].values.min())
    early = runs.sel(stop=runs["stop"].values.max())
    return ended.assign(
        input_weights_early=early["input_weights_final"].drop_vars("stop"),
        output_weights_early=early["output_weights_final"].drop_vars("stop"),
        outcome_early=early["outcome"].drop_vars("stop"),
    ).assign_attrs(early_stop=float(early["stop"]))
