"""Which schemes are drawn, and on what are they trained?"""

import math
from dataclasses import dataclass
from typing import Any, final, get_args

import numpy as np

from lazyscope._checks import (
    FLOW,
    InputError,
    check_choice,
    check_count,
    check_fraction,
    check_known_law,
    check_positive,
    optimiser_of,
)
from lazyscope._entry import check_fields
from lazyscope.data import TargetKind, load_dataset
from lazyscope.measure import MIN_EXPONENT_WIDTHS
from lazyscope.study._grid_settings import check_enough_runs, check_increasing
from lazyscope.study.random_schemes._virtual import (
    Exponents,
    accuracy_of_run,
    in_own_time,
    small_steps,
    virtual_widths,
)
from lazyscope.sweep import SweepDesign

MADE_TO_ORDER = "sphere-teacher"
_DIMENSIONS = 4
"""Features of points of the sphere."""

REAL_COUNTS = (24, 24, 16)
REAL_WIDTHS = (
    (64, 256, 1024, 4096, 16384, 65536),
    (64, 128, 256, 512, 1024, 2048),
    (64, 128, 256, 512, 1024, 2048),
)
"""Schemes with one to three hidden layers, and the widths of their networks, where these are real."""

_VIRTUAL = {"replicates": 2, "tolerance": 0.1, "stop": 1e-2}
_REAL = {"replicates": 4, "tolerance": 0.2, "stop": 1e-4, "data_seed": 2}


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
    [-1, 1].

    Every scheme is run at virtual widths of its own on networks of one real width, unless `widths` are
    given: then its networks have these. At virtual widths a seed is the same network at all of them, so
    that its noise shifts a line and does not tilt it. At real widths every run has a seed of its own: a
    ReLU network is the same up to scales for all schemes, so that one seed for all would let one unlucky
    draw count as often as there are schemes.

    Attributes:
        counts: number of schemes of every depth; six of each unless given, 24, 24 and 16 at real widths.
        depths: numbers of hidden layers, increasing; 1 to 4 unless given, from 1 on as many as `counts`.
        width: units of every hidden layer of the networks that stand for virtual widths.
        num_widths: virtual widths of every scheme, four at least.
        widths: real widths for each of the depths, increasing, at least three, in place of virtual ones.
        replicates: seeds of every scheme and width, 2 unless given (4 at real widths); a larger
            number keeps the runs of a smaller.
        draw_seed: seed of the exponents.
        tolerance: tolerance of the exponential flow, 0.1 unless given (0.2 at real widths).
        stop: fraction of the initial loss at which training ends, 1e-2 unless given (1e-4 at real widths):
            exponents do not depend on it, and slow directions of the data, which make corrections large, do.
        num_schemes: number of schemes in all, in place of `counts`; shared out over the depths as those are.
        data: source of the points; by default points of the unit sphere with a small teacher.
        num_points: training points; a few, whose kernels are well conditioned.
        target: kind of target: classes, parity or value; unless given, parity of labels, else the
            values, so that networks have one output.
        data_seed: seed that chooses the points, `draw_seed` unless given. At real widths, where constants
            near one leave exponents to be seen at small width, it is 2: of the seeds 0 to 2 of four points
            of the sphere, the one whose limit kernels have the smallest condition numbers, 2.4 to 2.8.
        input_dim: features of points of the sphere, 4 unless given; other data have their own.
        method: what trains: flow, or an optimiser, other than adamw, whose decay of the weights the law does
            not know, in steps that move the outputs by at most 0.02 of their gap. Those that average over
            steps lag behind their limit of small steps by a factor of order one.

    Trust: intervals as ``docs/estimates.md`` says; how often they contain the law's exponent is what
    ``docs/where-the-law-is-off.md`` is about.
    """

    counts: tuple[int, ...] | None = None
    depths: tuple[int, ...] | None = None
    width: int = 128
    num_widths: int = 6
    widths: tuple[tuple[int, ...], ...] | None = None
    replicates: int | None = None
    draw_seed: int = 1
    tolerance: float | None = None
    stop: float | None = None
    num_schemes: int | None = None
    data: str = MADE_TO_ORDER
    num_points: int = 4
    target: str | None = None
    data_seed: int | None = None
    input_dim: int | None = None
    method: str = FLOW

    @classmethod
    def at_real_widths(cls, **given: Any) -> "RandomSchemesSettings":
        """The study at real widths 64 to 65536, or to 2048 beyond one hidden layer."""
        return cls(**{"counts": REAL_COUNTS, "widths": REAL_WIDTHS, **given})

    def __post_init__(self) -> None:
        check_fields(self)
        self._fill_in()
        check_count("num_points", self.num_points)
        check_count("width", self.width)
        self._check_of_data()
        if self.target is not None:
            check_choice("target", self.target, get_args(TargetKind))
        check_positive("tolerance", self.tolerance)
        check_known_law(self.method)
        if self.method != FLOW and self.widths is not None:
            raise InputError(
                "real widths are for the flow, whose law at one width is known",
                received=f"widths with the method {self.method}",
                cause="a method whose law is measured at virtual widths alone",
                fix="leave out widths, or take the method flow",
            )
        check_fraction("stop fraction", self.stop)
        for count in (*self.all_counts, self.num_seeds):
            check_count("number of schemes and of seeds", count)
        if self.widths is not None:
            self._check_widths(self.widths)
        elif check_count("num_widths", self.num_widths) < MIN_EXPONENT_WIDTHS:
            raise InputError(
                f"there must be at least {MIN_EXPONENT_WIDTHS} virtual widths",
                received=str(self.num_widths),
                cause="fewer than an exponent with its corrections needs",
                fix="use 6, the default",
            )

    def _fill_in(self) -> None:
        """What was not given: the numbers of runs, seeds and points."""
        defaults: dict[str, Any] = dict(_VIRTUAL if self.widths is None else _REAL)
        defaults.setdefault("data_seed", self.draw_seed)
        if self.depths is None:
            few = 4 if self.widths is None else len(self.widths)
            many = few if self.counts is None else len(self.counts)
            defaults["depths"] = tuple(range(1, many + 1))
        depths = defaults.get("depths", self.depths)
        defaults["counts"] = (6,) * len(depths)
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        check_increasing("depths", self.all_depths, minimum=0)
        for depth in self.all_depths:
            check_count("depth", depth)
        if not self.all_depths:
            raise InputError(
                "there must be at least one depth",
                received="no numbers of schemes",
                cause="an empty list",
                fix="give the number of schemes with 1, 2, .. hidden layers",
            )
        if len(self.all_counts) != len(self.all_depths):
            raise InputError(
                "there must be one number of schemes for every depth",
                received=f"{len(self.all_counts)} numbers and depths {list(self.all_depths)}",
                cause="a depth that was added to one of them",
                fix=f"give {len(self.all_depths)} numbers, or num_schemes in their place",
            )
        if self.num_schemes is not None:
            self._share_out(check_count("num_schemes", self.num_schemes))

    def _check_widths(self, lists: tuple[tuple[int, ...], ...]) -> None:
        if len(self.all_counts) != len(lists):
            raise InputError(
                "there must be one list of widths for every depth",
                received=f"{len(self.all_counts)} numbers of schemes and {len(lists)} lists",
                cause="a depth that was added to one of them",
                fix=f"give {len(self.all_counts)} lists of widths",
            )
        for widths in lists:
            check_enough_runs(len(widths), self.num_seeds)
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
        bounds = np.cumsum([0, *self.all_counts]) / max(sum(self.all_counts), 1) * schemes
        counts = np.diff(np.ceil(bounds - 1e-9)).astype(int).tolist()
        kept = [k for k, count in enumerate(counts) if count]
        if self.widths is not None:
            kept = [k for k in kept if k < len(self.widths)]
            object.__setattr__(self, "widths", tuple(self.widths[k] for k in kept))
        object.__setattr__(self, "depths", tuple(self.all_depths[k] for k in kept))
        object.__setattr__(self, "counts", tuple(counts[k] for k in kept))

    @property
    def all_depths(self) -> tuple[int, ...]:
        """Numbers of hidden layers."""
        assert self.depths is not None
        return self.depths

    @property
    def all_counts(self) -> tuple[int, ...]:
        """Schemes of every depth."""
        assert self.counts is not None
        return self.counts

    @property
    def num_seeds(self) -> int:
        """Seeds of every scheme and width."""
        assert self.replicates is not None
        return self.replicates

    def schemes(self, depth: int) -> list[Exponents]:
        """The schemes of this depth; a larger count keeps the ones of a smaller."""
        layers = depth + 1
        drawn = [
            np.random.default_rng([self.draw_seed, depth, number]).uniform(-1, 1, (2, layers))
            for number in range(self.all_counts[self.all_depths.index(depth)])
        ]
        rounded = [(d * [[0.5], [1.0]] + [[0.25 / layers], [0.0]]).round(4) for d in drawn]
        return [(tuple(a.tolist()), tuple(s.tolist())) for a, s in rounded]

    def real_widths(self, depth: int) -> tuple[int, ...]:
        """Widths of the networks of this depth, where they are real."""
        assert self.widths is not None
        return self.widths[self.all_depths.index(depth)]

    @property
    def optimiser(self) -> str:
        """Whose rates the speeds are; gradient flow has those of descent."""
        return optimiser_of(self.method)

    @property
    def accuracy(self) -> float:
        """Relative error of a displacement where no layer grows."""
        assert self.tolerance is not None
        return accuracy_of_run(self.method, self.tolerance)

    def accuracy_of(self, scheme: Exponents) -> float:
        """Relative error of a displacement of one scheme."""
        assert self.tolerance is not None
        return accuracy_of_run(self.method, self.tolerance, grows=math.fsum(scheme[0]) < 0)

    def virtual_widths(self, scheme: Exponents) -> tuple[float, ...]:
        """The virtual widths of a scheme, increasing."""
        return virtual_widths(scheme, self.num_widths, self.optimiser)

    def design(self, depth: int) -> SweepDesign:
        """The sweep over the schemes of this depth."""
        fixed = {
            "depth": depth,
            **self.problem(),
            "activation": "relu",
            "stop": self.stop,
            **small_steps(self.method),
        }
        if self.method == FLOW:
            fixed["tolerance"] = self.tolerance
        seeds = range(self.num_seeds)
        axes: dict[str, Any] = {}
        rows: list[tuple[Any, ...]]
        if self.widths is None:
            names = ("scale_exponents", "speed_exponents", "virtual_width", "seed")
            fixed["width"] = self.width
            rows = [
                (
                    list(scheme[0]),
                    in_own_time(scheme, self.optimiser),
                    width,
                    _seed(number, replicate),
                )
                for number, scheme in enumerate(self.schemes(depth))
                for width in self.virtual_widths(scheme)
                for replicate in seeds
            ]
        else:
            names = ("scale_exponents", "speed_exponents", "seed")
            axes = {"width": list(self.real_widths(depth))}
            rows = [
                (list(scales), list(speeds), _seed(number, replicate))
                for number, (scales, speeds) in enumerate(self.schemes(depth))
                for replicate in seeds
            ]
        return SweepDesign(
            name=f"random schemes, depth {depth}",
            axes=axes,
            points={"columns": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))},
            fixed=fixed,
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
        assert self.data_seed is not None
        if target is None:
            read = load_dataset(
                self.data, num_points=self.num_points, num_test=0, seed=self.data_seed
            )
            target = "parity" if read.labels else "value"
        return {**chosen, "target": target}
