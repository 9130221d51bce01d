"""Where does each layer of a three-layer network leave the lazy regime?"""

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

TITLE = "Where does each layer of a three-layer network leave the lazy regime?"


def _line() -> tuple[float, ...]:
    return tuple(np.linspace(-0.5, 0.75, 6).tolist())


@dataclass(frozen=True)
class ThreeLayerSettings:
    """What `run_three_layer_study` runs.

    Attributes:
        scale_exponent_1, scale_exponent_2: values of the two axes of the plane, the exponents of
            alpha_1 and alpha_2, increasing.
        scale_exponent_3: exponent of alpha_3, the same for every run.
        widths: widths of both hidden layers, increasing, at least 3.
        seeds: number of seeds of every run.
        data: the points; four points on a line by default.
        stop: fraction of the initial loss at which training ends.
        tolerance: of the exponential flow; displacements are off by a third of it at most, their
            slopes in the width by about 0.01.
        max_steps: steps tried at most in a run.
    """

    scale_exponent_1: tuple[float, ...] = field(default_factory=_line)
    scale_exponent_2: tuple[float, ...] = field(default_factory=_line)
    scale_exponent_3: float = 0.25
    widths: tuple[int, ...] = (64, 128, 256, 512)
    seeds: int = 3
    data: str = "four-points"
    stop: float = 1e-4
    tolerance: float = 0.2
    max_steps: int = 10000

    def __post_init__(self) -> None:
        check_settings(self, ("scale_exponent_1", "scale_exponent_2"))

    def design(self) -> SweepDesign:
        """The sweep that the study runs."""
        return SweepDesign(
            name="three-layer",
            axes={
                "scale_exponent_1": list(self.scale_exponent_1),
                "scale_exponent_2": list(self.scale_exponent_2),
                "width": list(self.widths),
                "seed": list(range(self.seeds)),
            },
            fixed={
                "depth": 2,
                "scale_exponent_3": self.scale_exponent_3,
                "activation": "relu",
                **run_settings(self),
            },
            record=("displacement", "loss_curve"),
        )


@checked()
def run_three_layer_study(
    settings: ThreeLayerSettings, store: str | Path, *, show_progress: bool = False
) -> MapResult:
    """Train over a plane of scale exponents and estimate each layer's displacement exponent.

    All layers have the same speed. Each layer has a map of its own, with the law's boundary of that
    layer. Runs go into a store and are not repeated, as in `run_two_layer_study`.

    Args:
        settings: what to run; another output exponent is another plane and another store.
        store: folder of the runs; made where there is none.
        show_progress: draw a progress bar on standard error.

    Returns:
        A `MapResult`; ``lazyscope.study.write_map_page(result.runs, result.estimates, path)``.

    Raises:
        StoreError: the store is in use, holds another sweep, or its disk is full.
        InputError: too few runs succeeded for any estimate.

    Cost: 432 runs by default, 36 s of processor time with compilation.

    Trust: widths from 64 to 512 span a factor of 8; the intervals are wide, and many cells near a
    boundary are undecided. See ``docs/estimates.md``.

    Reference:
        Zhou et al. 2022 (arXiv 2205.12101): every layer has a regime of its own.
    """
    return run_map_study(settings.design(), store, title=TITLE, show_progress=show_progress)
