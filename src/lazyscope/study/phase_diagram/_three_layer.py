"""Where does each layer of a three-layer network leave the lazy regime?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np

from lazyscope.study.phase_diagram._plane_settings import AbstractPlaneSettings

TITLE = "Where does each layer of a three-layer network leave the lazy regime?"


def _line() -> tuple[float, ...]:
    return tuple(np.linspace(-0.5, 0.75, 6).tolist())


@final
@dataclass(frozen=True, kw_only=True)
class ThreeLayerSettings(AbstractPlaneSettings):
    """What the study of a plane of three-layer networks runs; all layers have the same speed.

    Attributes:
        scale_exponent_1: exponents of alpha_1, an axis of the plane, increasing.
        scale_exponent_2: exponents of alpha_2, the other axis, increasing.
        scale_exponent_3: exponent of alpha_3, the same for every run; another one is another plane and
            another store.

    Cost: 648 runs by default; at the real widths 64 to 512 432 runs, 36 s of processor time with compilation.

    Trust: by default exponents lie 0.001 (rms) from the law's and every interval contains it; see
    ``docs/sweeps.md``. Real widths from 64 to 512 span a factor of 8: their intervals are wide, and many
    cells near a boundary are undecided. See ``docs/estimates.md``.

    Reference:
        Zhou et al. 2022 (arXiv 2205.12101): every layer has a regime of its own.
    """

    axes = ("scale_exponent_1", "scale_exponent_2")
    depth = 2
    record: ClassVar[tuple[str, ...]] = ("displacement", "loss_curve")

    scale_exponent_1: tuple[float, ...] = field(default_factory=_line)
    scale_exponent_2: tuple[float, ...] = field(default_factory=_line)
    scale_exponent_3: float = 0.25
    shown_cells: int = 12
    shown_widths: tuple[int, ...] = (64, 256, 1024)

    def fixed(self) -> Mapping[str, Any]:
        """A ReLU network with two hidden layers."""
        return {
            "depth": self.depth,
            "scale_exponent_3": self.scale_exponent_3,
            "activation": "relu",
        }
