"""Where in the plane of Luo et al. 2021 does each layer of a two-layer network leave the lazy regime?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from lazyscope.study.phase_diagram._plane_settings import AbstractPlaneSettings

TITLE = "Where does a two-layer network leave the lazy regime?"


def _line(start: float, stop: float) -> tuple[float, ...]:
    return tuple(np.linspace(start, stop, 11).tolist())


@final
@dataclass(frozen=True, kw_only=True)
class TwoLayerSettings(AbstractPlaneSettings):
    """What the study of the (gamma, gamma') plane runs.

    gamma = 1 - rho, and gamma' is half the difference of the layers' relative speed exponents, see
    `lazyscope.scaling.phase_point`.

    Attributes:
        gamma: values of gamma, increasing.
        gamma_prime: values of gamma', increasing.

    Cost: 1596 runs by default, 27 s of processor time; at the real
    widths 300 to 10000 of ``examples/sweeps/two-layer.toml`` 1452 runs, 30 to 50 seconds on two cores.

    Trust: by default exponents lie 0.009 (rms) from the law's and every interval contains it; see
    ``docs/sweeps.md``. Real widths see crossovers: on
    the default data output weights grow fifteen times beyond what powers of the width alone say, so
    that one such as ``(15 m^-0.4)^2`` ends beyond width 10^5: local slopes there are -0.32 below 10^4,
    -0.50 below 10^5 and -0.59 below 3 10^5, where the law says -0.8.

    Reference:
        Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497), figures of the phase diagram:
        layer 1 is linear where gamma < 1 or gamma' > gamma - 1, condensed beyond.
    """

    axes = ("gamma", "gamma_prime")
    depth = 1

    gamma: tuple[float, ...] = field(default_factory=lambda: _line(0.25, 1.75))
    gamma_prime: tuple[float, ...] = field(default_factory=lambda: _line(-0.5, 1.0))

    def fixed(self) -> Mapping[str, Any]:
        """A ReLU network."""
        return {"activation": "relu"}
