"""Which settings has every study that trains over axes, widths and seeds, and which make no study?"""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from lazyscope._checks import (
    InputError,
    check_count,
    check_finite,
    check_fraction,
    check_positive,
)
from lazyscope._entry import check_fields
from lazyscope.measure import MIN_SPARE
from lazyscope.sweep import SweepDesign

_FOUR = "four-points"
_NUM_POINTS = 8


@dataclass(frozen=True, kw_only=True)
class AbstractGridSettings(abc.ABC):
    """Axes of one's own, widths and seeds, every combination trained to a fraction of its loss.

    Attributes:
        widths: widths of the hidden layers, at least three; intervals are narrow where they span a factor
            of 30.
        seeds: seeds of every run.
        data: source of the points; four points on a line by default.
        num_points: training points of data by name or path; 8 of them unless given.
        stop: fraction of the initial loss at which training ends.
        tolerance: tolerance of the exponential flow; displacements are off by a third of it at most, their
            slopes in the width by about 0.01.
        max_steps: steps tried at most in a run.
    """

    axes: ClassVar[tuple[str, ...]]
    record: ClassVar[tuple[str, ...]] = ("displacement", "loss_curve", "neurons")

    widths: tuple[int, ...]
    seeds: int = 3
    data: str = _FOUR
    num_points: int | None = None
    stop: float = 1e-4
    tolerance: float = 0.2
    max_steps: int = 10000

    def __post_init__(self) -> None:
        check_fields(self)
        check_count("seeds", self.seeds)
        check_count("max_steps", self.max_steps)
        check_fraction("stop fraction", self.stop)
        check_positive("tolerance", self.tolerance)
        if self.num_points is not None:
            check_count("num_points", self.num_points)
            self._check_has_points()
        for axis in self.axes:
            check_increasing(axis, getattr(self, axis), minimum=2)
        self._check_widths()

    def _check_widths(self) -> None:
        """Refuse widths at which no exponent could have an interval."""
        for width in self.widths:
            check_count("width", width)
        check_increasing("widths", self.widths, minimum=3)
        check_enough_runs(len(self.widths), self.seeds)

    def _check_has_points(self) -> None:
        """Refuse a number of points beside those that are always four."""
        if self.data == _FOUR and type(self).num_points is None:
            raise InputError(
                "num_points is for data by name or path",
                received=f"num_points {self.num_points} with four points on a line",
                cause="data that were left out",
                fix="give data as well, or leave num_points out",
            )

    def _points(self) -> dict[str, Any]:
        """The data, and how many points of them where they have a number to choose."""
        if self.data == _FOUR:
            return {"data": self.data}
        return {"data": self.data, "num_points": self.num_points or _NUM_POINTS}

    def _shared(self) -> dict[str, Any]:
        """What every run has, as a sweep names it."""
        return {
            **self._points(),
            "stop": self.stop,
            "tolerance": self.tolerance,
            "max_steps": self.max_steps,
        }

    @abc.abstractmethod
    def fixed(self) -> Mapping[str, Any]:
        """What every run has besides the settings that all grids share, as a sweep names it."""

    def sweep(self, name: str, **more: Sequence[float]) -> SweepDesign:
        """The sweep over the axes, `more` of them, the widths and the seeds."""
        shared = self._shared()
        own = {axis: list(getattr(self, axis)) for axis in self.axes}
        runs = {"width": list(self.widths), "seed": list(range(self.seeds))}
        axes = own | {axis: list(values) for axis, values in more.items()} | runs
        fixed = {
            k: v for k, v in {**self.fixed(), **shared}.items() if v is not None and k not in axes
        }
        return SweepDesign(name=name, axes=axes, fixed=fixed, record=self.record)


def check_enough_runs(num_widths: int, seeds: int) -> None:
    """Refuse so few runs that no exponent could have an interval, before any of them is made."""
    if num_widths * (seeds - 1) < MIN_SPARE:
        raise InputError(
            f"an interval needs at least {MIN_SPARE} runs beyond one per width",
            received=f"{seeds} {'seed' if seeds == 1 else 'seeds'} at each of {num_widths} widths",
            cause="a single seed, which says nothing about scatter",
            fix=f"use {1 + -(-MIN_SPARE // num_widths)} seeds or more; 3 are better",
        )


def check_increasing(what: str, values: Sequence[float], *, minimum: int) -> None:
    """Refuse values of an axis that are too few, not finite or not increasing."""
    numbers = [check_finite(what, value) for value in values]
    if len(numbers) < minimum or not all(a < b for a, b in pairwise(numbers)):
        raise InputError(
            f"{what} must be {f'at least {minimum} ' if minimum else ''}increasing numbers",
            received=list(values),
            cause="an unsorted or short list, or a value that was typed twice",
            fix="list each value once, the smallest first",
        )
