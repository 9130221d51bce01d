"""Where in the plane of Luo et al. 2021 does each layer of a two-layer network leave the lazy regime?"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lazyscope._entry import checked
from lazyscope.study.phase_diagram._run import (
    MapResult,
    check_settings,
    run_map_study,
    run_settings,
)
from lazyscope.sweep import SweepDesign

TITLE = "Where does a two-layer network leave the lazy regime?"


def _line(start: float, stop: float) -> tuple[float, ...]:
    return tuple(np.linspace(start, stop, 11).tolist())


@dataclass(frozen=True)
class TwoLayerSettings:
    """What `run_two_layer_study` runs.

    Attributes:
        gamma, gamma_prime: values of the two axes of the plane, increasing.
        widths: widths of the hidden layer, increasing; an interval needs at least 3, and is narrow
            where they span a factor of 30.
        seeds: number of seeds of every run.
        data: the points; four points on a line by default.
        stop: fraction of the initial loss at which training ends.
        tolerance: of the exponential flow; displacements are off by a third of it at most, their
            slopes in the width by about 0.01.
        max_steps: steps tried at most in a run.
    """

    gamma: tuple[float, ...] = field(default_factory=lambda: _line(0.25, 1.75))
    gamma_prime: tuple[float, ...] = field(default_factory=lambda: _line(-0.5, 1.0))
    widths: tuple[int, ...] = (300, 965, 3107, 10000)
    seeds: int = 3
    data: str = "four-points"
    stop: float = 1e-4
    tolerance: float = 0.2
    max_steps: int = 10000

    def __post_init__(self) -> None:
        check_settings(self, ("gamma", "gamma_prime"))

    def design(self) -> SweepDesign:
        """The sweep that the study runs; that of ``examples/sweeps/two-layer.toml`` by default."""
        return SweepDesign(
            name="two-layer",
            axes={
                "gamma": list(self.gamma),
                "gamma_prime": list(self.gamma_prime),
                "width": list(self.widths),
                "seed": list(range(self.seeds)),
            },
            fixed={"activation": "relu", **run_settings(self)},
            record=("displacement", "loss_curve", "neurons"),
        )


@checked()
def run_two_layer_study(
    settings: TwoLayerSettings, store: str | Path, *, show_progress: bool = False
) -> MapResult:
    """Train over the (gamma, gamma') plane and estimate the exponent of every layer's displacement.

    gamma = 1 - rho, and gamma' is half the difference of the layers' relative speed exponents, see
    `lazyscope.scaling.phase_point`. Runs go into a store and are not repeated: the same call goes on
    where it was interrupted, and more values of an axis cost only the runs that are new.

    Args:
        settings: what to run.
        store: folder of the runs; made where there is none.
        show_progress: draw a progress bar on standard error.

    Returns:
        A `MapResult`: runs, estimates with the law's prediction and boundaries, and what was done.
        ``lazyscope.study.write_map_page(result.runs, result.estimates, path)`` draws it.

    Raises:
        StoreError: the store is in use, holds another sweep, or its disk is full.
        InputError: too few runs succeeded for any estimate.

    Cost: 1452 runs by default, 30 to 50 seconds on two cores, compilation included.

    Trust: intervals as in ``docs/estimates.md``. Near the law's boundaries and where two layers tie
    (gamma' near 0) the exponent is reached slowly. On the default data output weights grow fifteen
    times beyond what powers of the width alone say, so a crossover such as ``(15 m^-0.4)^2`` ends
    beyond width 10^5: local slopes there are -0.32 below 10^4, -0.50 below 10^5 and -0.59
    below 3 10^5, where the law says -0.8.
    Of 19 signs that are undecided at 10^4, widths up to 10^5 decide 18, all as the law says.

    Reference:
        Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497), figures of the phase diagram:
        layer 1 is linear where gamma < 1 or gamma' > gamma - 1, condensed beyond.
    """
    return run_map_study(settings.design(), store, title=TITLE, show_progress=show_progress)
