"""Does the displacement law hold for schemes that nobody chose?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_count, check_fraction, check_positive
from lazyscope._entry import check_fields, checked
from lazyscope.data import sphere_teacher
from lazyscope.study.phase_diagram._run import check_enough_runs
from lazyscope.study.random_schemes._estimates import LayerEstimate, estimate_layers
from lazyscope.sweep import SweepDesign, open_store, run_sweep

DATA = {"num_points": 4, "input_dim": 4, "data_seed": 2}
"""Four points of the unit sphere: of the seeds 0 to 2, the one whose limit kernels have the smallest
condition numbers, 2.4 to 2.8. Constants near one leave exponents to be seen at small width."""

Exponents = tuple[tuple[float, ...], tuple[float, ...]]
"""Scale and speed exponents of all layers."""


@dataclass(frozen=True)
class RandomSchemesSettings:
    """What `run_random_schemes` runs.

    Scale exponents are uniform in [-1/2, 1/2] plus 1 / (4 (L + 1)), so that rho, their sum, lies
    around 1/4, half way between the places where the law changes; speed exponents are uniform in
    [-1, 1]. Every run has a seed of its own: a ReLU network is the same up to scales for all schemes,
    so that one seed for all would let one unlucky draw count as often as there are schemes.

    Attributes:
        counts: number of schemes with 1, 2, .. hidden layers.
        widths: for each of these depths, the widths, increasing, at least 3.
        replicates: seeds of every scheme and width.
        draw_seed: of the exponents.
        tolerance: of the exponential flow.
        stop: fraction of the initial loss at which training ends.
    """

    counts: tuple[int, ...] = (24, 24, 16)
    widths: tuple[tuple[int, ...], ...] = (
        (64, 256, 1024, 4096, 16384, 65536),
        (64, 128, 256, 512, 1024, 2048),
        (64, 128, 256, 512, 1024, 2048),
    )
    replicates: int = 4
    draw_seed: int = 1
    tolerance: float = 0.2
    stop: float = 1e-4

    def __post_init__(self) -> None:
        check_fields(self)
        check_positive("tolerance", self.tolerance)
        check_fraction("stop fraction", self.stop)
        for count in (*self.counts, self.replicates):
            check_count("number of schemes and of seeds", count)
        if len(self.counts) != len(self.widths):
            raise InputError(
                "there must be one list of widths for every depth",
                received=f"{len(self.counts)} numbers of schemes and {len(self.widths)} lists",
                cause="a depth that was added to one of them",
                fix=f"give {len(self.counts)} lists of widths",
            )
        if not self.counts:
            raise InputError(
                "there must be at least one depth",
                received="no numbers of schemes",
                cause="an empty list",
                fix="give the number of schemes with 1, 2, .. hidden layers",
            )
        for widths in self.widths:
            check_enough_runs(len(widths), self.replicates)
            for width in widths:
                check_count("width", width)
            if len(widths) < 3 or list(widths) != sorted(set(widths)):
                raise InputError(
                    "widths must be at least 3 increasing numbers for every depth",
                    received=list(widths),
                    cause="an unsorted or short list, or a width that was typed twice",
                    fix="list each width once, the smallest first",
                )

    @property
    def depths(self) -> tuple[int, ...]:
        """Numbers of hidden layers, from 1."""
        return tuple(range(1, len(self.counts) + 1))

    def schemes(self, depth: int) -> list[Exponents]:
        """The schemes of this depth; a larger count keeps the ones of a smaller."""
        layers = depth + 1
        drawn = [
            np.random.default_rng([self.draw_seed, depth, number]).uniform(-1, 1, (2, layers))
            for number in range(self.counts[depth - 1])
        ]
        rounded = [(d * [[0.5], [1.0]] + [[0.25 / layers], [0.0]]).round(4) for d in drawn]
        return [(tuple(a.tolist()), tuple(s.tolist())) for a, s in rounded]

    def design(self, depth: int) -> SweepDesign:
        """The sweep over the schemes of this depth."""
        rows = [
            (list(scales), list(speeds), number * self.replicates + replicate)
            for number, (scales, speeds) in enumerate(self.schemes(depth))
            for replicate in range(self.replicates)
        ]
        names = ("scale_exponents", "speed_exponents", "seed")
        return SweepDesign(
            name=f"random schemes, depth {depth}",
            axes={"width": list(self.widths[depth - 1])},
            points={"columns": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))},
            fixed={
                "depth": depth,
                "data": "sphere-teacher",
                **DATA,
                "activation": "relu",
                "stop": self.stop,
                "tolerance": self.tolerance,
            },
            record=("displacement",),
        )


@checked()
def run_random_schemes(
    settings: RandomSchemesSettings, folder: str | Path, *, show_progress: bool = False
) -> tuple[LayerEstimate, ...]:
    """Train networks of random schemes and hold every layer's exponent against the law.

    Args:
        settings: what to run.
        folder: holds one store for each depth; runs that are there are not repeated.
        show_progress: draw a progress bar on standard error.

    Returns:
        One `LayerEstimate` for each scheme and layer, with the estimate that knows no theory, the
        law's exponent, and the exponent of the measured displacement over the law at each width.

    Raises:
        StoreError: a store is in use, holds another sweep, or its disk is full.

    Trust: intervals as ``docs/estimates.md`` says; how often they contain the law's exponent is what
    ``docs/where-the-law-is-off.md`` is about.
    """
    found: list[LayerEstimate] = []
    data = sphere_teacher(
        num_points=DATA["num_points"], input_dim=DATA["input_dim"], seed=DATA["data_seed"]
    )
    for depth in settings.depths:
        store = Path(folder) / f"depth-{depth}"
        run_sweep(settings.design(depth), store, show_progress=show_progress)
        displacements, losses = _measured(store, settings.replicates)
        found += estimate_layers(
            settings.schemes(depth),
            np.array(settings.widths[depth - 1]),
            displacements,
            losses,
            data,
            tolerance=settings.tolerance,
        )
    return tuple(found)


def _measured(
    store: Path, replicates: int
) -> tuple[Float[np.ndarray, "scheme layer W seed"], Float[np.ndarray, "scheme W seed"]]:
    """Relative displacements in operator norm, NaN where a run did not converge, and first losses."""
    runs = open_store(store)
    values = runs["displacement_operator"].transpose("point", "layer", "width").values
    ended = runs["outcome"].transpose("point", "width").values == "converged"
    values = np.where(ended[:, None] & (values > 0) & np.isfinite(values), values, np.nan)
    losses = runs["loss_initial"].transpose("point", "width").values
    displacements, first = (
        np.moveaxis(part.reshape(-1, replicates, *part.shape[1:]), 1, -1)
        for part in (values, losses)
    )
    return displacements, first
