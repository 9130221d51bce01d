"""How often would a design of widths and seeds tell an exponent from its neighbours, before it is run?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from lazyscope._checks import check_count, check_positive
from lazyscope._entry import check_fields, checked
from lazyscope._estimate import RESOLUTION
from lazyscope.measure.estimate._exponent import estimate_exponents
from lazyscope.measure.estimate._record import ExponentMap


@final
@dataclass(frozen=True)
class ExponentPower:
    """What a design can decide about an exponent of the width.

    Attributes:
        noise: scatter of the logarithm of a run that was assumed.
        agrees: how often the interval confirms the exponent where a power law holds exactly.
        disagrees: how often it excludes an exponent that is one resolution away from the true one.
        half_width: median half-width of the interval.
    """

    noise: float
    agrees: float
    disagrees: float
    half_width: float

    def __post_init__(self) -> None:
        check_fields(self)


@checked()
def exponent_power(
    widths: Sequence[int],
    num_seeds: int,
    noise: float,
    *,
    resolution: float = RESOLUTION,
    accuracy: float = 1e-3,
    num_draws: int = 200,
) -> ExponentPower:
    """What `estimate_exponent` would decide from `num_seeds` runs at each width.

    Args:
        widths: widths of the design, increasing.
        num_seeds: runs at each width.
        noise: scatter of the logarithm of one run, such as 0.05 for five per cent.
        resolution: half-width up to which an interval confirms, and distance of the exponent that has to
            be excluded: half the step between the exponents that are to be told apart.
        accuracy: error of the logarithm that the seeds of a width share, as in `estimate_exponent`.
        num_draws: simulated designs.

    Returns:
        Shares of the simulated designs. Power laws are exact in them: crossovers make intervals wider.

    Raises:
        InputError: widths or seeds that `estimate_exponent` would refuse.

    Cost: a few milliseconds per draw.

    Example:
        >>> fine = exponent_power([64, 512, 4096, 32768], 5, noise=0.02, num_draws=60)
        >>> fine.agrees > 0.9, fine.disagrees > 0.9
        (True, True)
        >>> exponent_power([64, 128, 256], 3, noise=0.3, num_draws=20).agrees
        0.0
    """
    found = simulated_exponents(widths, num_seeds, noise, accuracy=accuracy, num_draws=num_draws)
    resolution = check_positive("resolution", resolution)
    half = (found.high - found.low) / 2
    contains = (found.low <= 0.0) & (found.high >= 0.0)
    return ExponentPower(
        noise=noise,
        agrees=float(np.mean(contains & (half <= resolution))),
        disagrees=float(np.mean(found.high < resolution)),
        half_width=float(np.median(half)),
    )


@checked(unbounded=("exponent",))
def simulated_exponents(
    widths: Sequence[int],
    num_seeds: int,
    noise: float,
    *,
    exponent: float = 0.0,
    accuracy: float = 1e-3,
    num_draws: int = 200,
    seed: int = 0,
) -> ExponentMap:
    """Estimates of an exact power law from runs whose logarithms scatter by `noise`, one cell a draw.

    Args:
        widths: widths of the design, increasing.
        num_seeds: runs at each width.
        noise: scatter of the logarithm of one run.
        exponent: the true one.
        accuracy: as in `estimate_exponent`.
        num_draws: simulated designs.
        seed: of the scatter.

    Example:
        >>> found = simulated_exponents([64, 512, 4096], 4, 0.01, exponent=-0.5, num_draws=5)
        >>> bool(np.all(np.abs(found.exponent + 0.5) < 0.05))
        True
    """
    size = (check_count("num_draws", num_draws), len(widths), check_count("num_seeds", num_seeds))
    scatter = check_positive("noise", noise) * np.random.default_rng(seed).standard_normal(size)
    sizes = np.asarray(widths, float)
    values = sizes[:, None] ** exponent * np.exp(scatter)
    return estimate_exponents(sizes, values, accuracy=accuracy)
