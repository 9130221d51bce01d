"""At which widths is a plane of schemes measured, and which of its cells are trained at real ones too?"""

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from lazyscope._checks import (
    FLOW,
    InputError,
    check_count,
    check_known_law,
    optimiser_of,
)
from lazyscope.experiment import run_scheme
from lazyscope.measure import MIN_EXPONENT_WIDTHS
from lazyscope.scaling import Scheme
from lazyscope.study._grid_settings import (
    AbstractGridSettings,
    check_enough_runs,
    check_increasing,
)
from lazyscope.study.random_schemes._settings import MADE_TO_ORDER
from lazyscope.study.random_schemes._virtual import (
    Exponents,
    accuracy_of_run,
    in_own_time,
    small_steps,
    virtual_widths,
)
from lazyscope.sweep import SweepDesign


@dataclass(frozen=True, kw_only=True)
class AbstractPlaneSettings(AbstractGridSettings):
    """A plane of schemes of ReLU networks, at virtual widths unless real ones are given.

    Attributes:
        widths: real widths of every cell in place of virtual ones, at least three; intervals are narrow
            where they span a factor of 30.
        width: units of every hidden layer of the networks that stand for virtual widths.
        num_widths: virtual widths of every cell, chosen from the corrections of the law there.
        shown_cells: cells drawn from the plane that are trained at real widths too.
        shown_widths: real widths of these cells, beside the law and the narrow networks at each of them.
        draw_seed: seed of the draw of these cells.
        method: what trains: flow, or an optimiser, other than adamw, whose decay of the weights the law does
            not know, in steps that move the outputs by at most 0.02 of their gap; `tolerance` is the flow's.
        data: source of the points, unless given four points on a line for the flow. Signs of a gradient do
            not find their way along directions of the data that differ by powers of ten, so that other
            methods have four points of the unit sphere in four dimensions with a small teacher.
        stop: fraction of the initial loss at which training ends, unless given 1e-4 for the flow and 1e-2 for
            other methods.
    """

    depth: ClassVar[int]

    widths: tuple[int, ...] = ()
    width: int = 128
    num_widths: int = 4
    shown_cells: int = 6
    shown_widths: tuple[int, ...] = (64, 256, 1024, 4096)
    draw_seed: int = 1
    method: str = FLOW
    data: str | None = None
    stop: float | None = None

    def __post_init__(self) -> None:
        flows = self.method == FLOW
        if self.data is None:
            object.__setattr__(self, "data", "four-points" if flows else MADE_TO_ORDER)
        if self.stop is None:
            object.__setattr__(self, "stop", 1e-4 if flows else 1e-2)
        super().__post_init__()

    @property
    def is_virtual(self) -> bool:
        """Whether exponents are measured at virtual widths."""
        return not self.widths

    def _check_widths(self) -> None:
        check_known_law(self.method)
        for name in ("width", "num_widths", "shown_cells", "draw_seed"):
            check_count(name, getattr(self, name))
        for width in self.shown_widths:
            check_count("width", width)
        check_increasing("shown_widths", self.shown_widths, minimum=2)
        if not self.is_virtual:
            super()._check_widths()
            self._refuse_virtual()
            return
        if self.num_widths < MIN_EXPONENT_WIDTHS:
            raise InputError(
                f"there must be at least {MIN_EXPONENT_WIDTHS} virtual widths",
                received=str(self.num_widths),
                cause="fewer than an exponent with its corrections needs",
                fix=f"use {MIN_EXPONENT_WIDTHS}, the default, or more",
            )
        check_enough_runs(self.num_widths, self.seeds)

    def _refuse_virtual(self) -> None:
        """Real widths leave no use for what is about virtual ones."""
        own = ("width", "num_widths", "shown_cells", "shown_widths", "draw_seed")
        given = [
            f.name for f in fields(self) if f.name in own and getattr(self, f.name) != f.default
        ]
        if given:
            raise InputError(
                "with real widths there are no settings of virtual ones",
                received=f"widths {list(self.widths)} with {', '.join(given)}",
                cause="two ways to measure at once",
                fix=f"leave out widths, or leave out {', '.join(given)}",
            )

    def design(self) -> SweepDesign:
        """The sweep of which exponents are estimated."""
        name = f"{'two' if self.depth == 1 else 'three'}-layer"
        return self._virtual_design(name) if self.is_virtual else self.sweep(name)

    def designs(self) -> Mapping[str, SweepDesign]:
        """The sweeps by the folders of their stores.

        At virtual widths also ``real`` and ``narrow``: drawn cells on networks of the shown widths, and on
        those that stand for them.
        """
        runs = {"runs": self.design()}
        if not self.is_virtual:
            return runs
        real, narrow = (self._shown_design(stands_for=virtual) for virtual in (False, True))
        return {**runs, "real": real, "narrow": narrow}

    def cells(self) -> list[tuple[float, float]]:
        """Every point (x, y) of the plane, y the fastest."""
        first, second = (getattr(self, axis) for axis in self.axes)
        return [(x, y) for x in first for y in second]

    def drawn_cells(self) -> list[tuple[float, float]]:
        """The points that are trained at real widths too, in the order of the plane."""
        cells = self.cells()
        order = np.random.default_rng(self.draw_seed).permutation(len(cells))
        return [cells[k] for k in sorted(order[: self.shown_cells].tolist())]

    def described(self) -> dict[str, Any]:
        """What all schemes of the plane share, as a sweep names it."""
        return {"depth": self.depth, **self.fixed(), **small_steps(self.method)}

    def scheme(self, x: float, y: float) -> Scheme:
        """The scheme of one point of the plane."""
        first, second = self.axes
        return run_scheme({**self.described(), first: x, second: y})

    def exponents(self, x: float, y: float) -> Exponents:
        """Scale and speed exponents of one point of the plane."""
        scheme = self.scheme(x, y)
        return scheme.scale_exponents, scheme.speed_exponents

    def virtual_widths(self, scheme: Exponents) -> tuple[float, ...]:
        """The virtual widths of a scheme, increasing."""
        return virtual_widths(scheme, self.num_widths, self.optimiser)

    @property
    def optimiser(self) -> str:
        """Whose rates the speeds are; gradient flow has those of descent."""
        return optimiser_of(self.method)

    def problem(self) -> dict[str, Any]:
        """The points, as a sweep names them."""
        if self.data != MADE_TO_ORDER:
            return self._points()
        return {"data": self.data, "num_points": self.num_points or 4, "input_dim": 4}

    def accuracy_of(self, scheme: Exponents) -> float:
        """Relative error of a displacement of one scheme."""
        return accuracy_of_run(self.method, self.tolerance, grows=math.fsum(scheme[0]) < 0)

    def _shared(self) -> dict[str, Any]:
        shared = super()._shared() | self.problem()
        if self.method != FLOW:
            del shared["tolerance"]
        return shared | small_steps(self.method)

    def _virtual_design(self, name: str) -> SweepDesign:
        schemes = [self.exponents(*cell) for cell in self.cells()]
        rows = [
            (list(scheme[0]), in_own_time(scheme, self.optimiser), width, seed)
            for scheme in schemes
            for width in self.virtual_widths(scheme)
            for seed in range(self.seeds)
        ]
        names = ("scale_exponents", "speed_exponents", "virtual_width", "seed")
        own = {"depth": self.depth, "activation": "relu", "width": self.width}
        return SweepDesign(
            name=name,
            axes={},
            points={"columns": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))},
            fixed={**own, **self._shared()},
            record=self.record,
        )

    def _shown_design(self, *, stands_for: bool) -> SweepDesign:
        """The drawn cells at the shown widths, real ones, or those that a narrow network stands for."""
        columns = map(list, zip(*self.drawn_cells(), strict=True))
        own = {"width": self.width} if stands_for else {}
        return SweepDesign(
            name=f"drawn cells at {'virtual' if stands_for else 'real'} widths",
            axes={
                "virtual_width" if stands_for else "width": list(self.shown_widths),
                "seed": list(range(self.seeds)),
            },
            points={"columns": dict(zip(self.axes, columns, strict=True))},
            fixed={**self.described(), **own, **self._shared()},
            record=("displacement",),
        )

    @abc.abstractmethod
    def fixed(self) -> Mapping[str, Any]:
        """What every run at real widths has besides the settings that all grids share."""
