"""Which schemes are drawn, and on what are they trained?"""

from dataclasses import dataclass
from typing import Any, final, get_args

import numpy as np

from lazyscope._checks import (
    InputError,
    check_choice,
    check_count,
    check_fraction,
    check_positive,
)
from lazyscope._entry import check_fields
from lazyscope.data import TargetKind, load_dataset
from lazyscope.study._grid_settings import check_enough_runs
from lazyscope.sweep import SweepDesign

Exponents = tuple[tuple[float, ...], tuple[float, ...]]
"""Scale and speed exponents of all layers."""


MADE_TO_ORDER = "sphere-teacher"
_DIMENSIONS = 4
"""Features of points of the sphere."""


def _seed(number: int, replicate: int) -> int:
    """The seed of a replicate of scheme `number`, whatever the number of both."""
    block, place = divmod(replicate, _BLOCK)
    return block * _SCHEMES * _BLOCK + number * _BLOCK + place


_BLOCK = 4  # replicates side by side
_SCHEMES = 10**6  # of one depth, more than anybody draws


@final
@dataclass(frozen=True)
class RandomSchemesSettings:
    """What the study of random schemes runs.

    Scale exponents are uniform in [-1/2, 1/2] plus 1 / (4 (L + 1)), so that rho, their sum, lies
    around 1/4, half way between the places where the law changes; speed exponents are uniform in
    [-1, 1]. Every run has a seed of its own: a ReLU network is the same up to scales for all schemes,
    so that one seed for all would let one unlucky draw count as often as there are schemes.

    Attributes:
        counts: number of schemes of every depth, from one hidden layer on.
        widths: widths for each of these depths, increasing, at least three.
        replicates: seeds of every scheme and width; a larger number keeps the runs of a smaller.
        draw_seed: seed of the exponents.
        tolerance: tolerance of the exponential flow.
        stop: fraction of the initial loss at which training ends.
        num_schemes: number of schemes in all, in place of `counts`; shared out over the depths as those are.
        data: source of the points; by default points of the unit sphere with a small teacher.
        num_points: training points.
        target: kind of target: classes, parity or value; unless given, parity of labels, else the
            values, so that networks have one output.
        data_seed: seed that chooses the points; the default is, of the seeds 0 to 2 of four points of the
            sphere, the one whose limit kernels have the smallest condition numbers, 2.4 to 2.8.
            Constants near one leave exponents to be seen at small width.
        input_dim: features of points of the sphere, 4 unless given; other data have their own.

    Trust: intervals as ``docs/estimates.md`` says; how often they contain the law's exponent is what
    ``docs/where-the-law-is-off.md`` is about.
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
    num_schemes: int | None = None
    data: str = MADE_TO_ORDER
    num_points: int = 4
    target: str | None = None
    data_seed: int = 2
    input_dim: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        check_count("num_points", self.num_points)
        self._check_of_data()
        if self.target is not None:
            check_choice("target", self.target, get_args(TargetKind))
        if self.num_schemes is not None:
            self._share_out(check_count("num_schemes", self.num_schemes))
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

    def _share_out(self, schemes: int) -> None:
        """Counts in the ratios of those given, and no depth without a scheme."""
        bounds = np.cumsum([0, *self.counts]) / max(sum(self.counts), 1) * schemes
        counts = np.diff(np.ceil(bounds - 1e-9)).astype(int).tolist()
        kept = [k for k, count in enumerate(counts) if count and k < len(self.widths)]
        object.__setattr__(self, "counts", tuple(counts[k] for k in kept))
        object.__setattr__(self, "widths", tuple(self.widths[k] for k in kept))

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
            (list(scales), list(speeds), _seed(number, replicate))
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
                **self.problem(),
                "activation": "relu",
                "stop": self.stop,
                "tolerance": self.tolerance,
            },
            record=("displacement",),
        )

    def _check_of_data(self) -> None:
        """Refuse settings that the data do not have."""
        if self.input_dim is not None:
            check_count("input_dim", self.input_dim)
        made = self.data == MADE_TO_ORDER
        name, value = ("target", self.target) if made else ("input_dim", self.input_dim)
        if value is not None:
            raise InputError(
                f"{name} must be left out with the data {self.data}",
                received=repr(value),
                cause="a setting of other data"
                if made
                else "data that have a number of features of their own",
                fix=f"leave out {name}, or name other data",
            )

    def problem(self) -> dict[str, Any]:
        """The points, as a sweep names them."""
        chosen = {"data": self.data, "num_points": self.num_points, "data_seed": self.data_seed}
        if self.data == MADE_TO_ORDER:
            return {
                **chosen,
                "input_dim": _DIMENSIONS if self.input_dim is None else self.input_dim,
            }
        target = self.target
        if target is None:
            read = load_dataset(
                self.data, num_points=self.num_points, num_test=0, seed=self.data_seed
            )
            target = "parity" if read.labels else "value"
        return {**chosen, "target": target}
