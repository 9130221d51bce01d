"""Over which plane is condensation of the input weights looked for?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from lazyscope._checks import InputError, check_count, check_fraction
from lazyscope.study._grid_settings import AbstractGridSettings
from lazyscope.sweep import SweepDesign


def _line(start: float, stop: float) -> tuple[float, ...]:
    return tuple(np.linspace(start, stop, 7).tolist())


@final
@dataclass(frozen=True, kw_only=True)
class CondensationSettings(AbstractGridSettings):
    """What the study of condensation runs.

    Every run is made twice: to the end of the initial stage, when the loss has just begun to fall, and
    to the end of training.

    Attributes:
        gamma: values of gamma, increasing.
        gamma_prime: values of gamma', increasing.
        early_stop: fraction of the initial loss at which the initial stage ends; the loss has just begun
            to fall.
        num_directions: leading directions whose mass counts; on the four points small ReLU networks
            condense on four, as the effective number of directions shows.

    Cost: 882 runs by default, 23 s of processor time with compilation.

    Trust: order parameters are those of one width; they step at the boundary in the limit of large
    width. At width 3000 a cell on the boundary has about one half after training.

    Reference:
        Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497), figures of orientation against
        amplitude; Chen et al. 2023 (arXiv 2303.06561), condensation in the initial stage: gamma > 1
        and gamma' < gamma - 1 condense, the other side does not.
    """

    axes = ("gamma", "gamma_prime")

    gamma: tuple[float, ...] = field(default_factory=lambda: _line(0.5, 2.0))
    gamma_prime: tuple[float, ...] = field(default_factory=lambda: _line(-0.5, 1.0))
    widths: tuple[int, ...] = (300, 1000, 3000)
    early_stop: float = 0.9
    num_directions: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("early stop fraction", self.early_stop)
        check_count("num_directions", self.num_directions)
        if self.early_stop <= self.stop:
            raise InputError(
                "the initial stage must end before training does",
                received=f"early_stop {self.early_stop:g} with stop {self.stop:g}",
                cause="the two fractions exchanged",
                fix="choose an early_stop nearer to 1, such as 0.9",
            )

    def fixed(self) -> Mapping[str, Any]:
        """A ReLU network."""
        return {"activation": "relu"}

    def design(self) -> SweepDesign:
        """The sweep that the study runs; that of ``examples/sweeps/condensation.toml`` by default."""
        return self.sweep("condensation", stop=(self.stop, self.early_stop))
