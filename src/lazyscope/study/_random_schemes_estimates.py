"""Which exponent does every layer of every random scheme have, and which does the law give?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lazyscope.data import Dataset
from lazyscope.measure import estimate_exponents
from lazyscope.scaling import Scheme, displacement_exponents, slowest_correction
from lazyscope.study._map_estimates import ACCURACY_OF_TOLERANCE
from lazyscope.study._random_schemes_law import law_at_widths


@dataclass(frozen=True)
class LayerEstimate:
    """One layer of one scheme: measured beside the law.

    Attributes:
        scale_exponents, speed_exponents: the scheme, layers 1 to L + 1.
        layer: which layer this is about, from 1.
        predicted: exponent of the law.
        correction: exponent of the law's slowest correction; 0 at a tie.
        exponent, low, high: estimate from the runs alone, extrapolated, with its 95 % interval.
        slope: straight line through all runs.
        excess, excess_low, excess_high: exponent of the measured displacement divided by the law at
            each width, in which the law's crossovers cancel; 0 where the law is right.
        ratio: the measured displacement over the law at each width, geometric mean over seeds.
        failed: runs that did not converge.
    """

    scale_exponents: tuple[float, ...]
    speed_exponents: tuple[float, ...]
    layer: int
    predicted: float
    correction: float
    exponent: float
    low: float
    high: float
    slope: float
    excess: float
    excess_low: float
    excess_high: float
    ratio: tuple[float, ...]
    failed: int

    @property
    def error(self) -> float:
        """Estimate from the runs alone minus the law's exponent."""
        return self.exponent - self.predicted

    @property
    def contained(self) -> bool:
        """Whether the interval of the runs alone contains the law's exponent."""
        return self.low <= self.predicted <= self.high

    @property
    def excess_contained(self) -> bool:
        """Whether the interval of the excess contains zero."""
        return self.excess_low <= 0 <= self.excess_high


def estimate_layers(
    schemes: Sequence[tuple[tuple[float, ...], tuple[float, ...]]],
    widths: Float[np.ndarray, " W"],
    displacements: Float[np.ndarray, "scheme layer W seed"],
    data: Dataset,
    *,
    tolerance: float,
) -> list[LayerEstimate]:
    """Estimates of every layer, by the runs alone and beside the law at each width.

    Args:
        schemes: scale and speed exponents.
        widths: the W widths.
        displacements: relative, operator norm; NaN where a run failed.
        data: what the networks were trained on.
        tolerance: of the flow; a tenth of it is taken as an error that seeds share.
    """
    num_layers, num_widths = displacements.shape[1:3]
    law = np.stack(
        [law_at_widths(Scheme.from_exponents(*scheme), widths, data) for scheme in schemes]
    )
    accuracy = max(1e-3, ACCURACY_OF_TOLERANCE * tolerance)
    flat = (-1, num_widths, displacements.shape[-1])
    alone = estimate_exponents(widths, displacements.reshape(flat), accuracy=accuracy)
    beside = estimate_exponents(
        widths, (displacements / law[..., None]).reshape(flat), accuracy=accuracy
    )
    log_mean = np.where(np.isfinite(alone.log_mean), alone.log_mean, np.nan)
    found = []
    for number, (scales, speeds) in enumerate(schemes):
        predicted = displacement_exponents(scales, speeds)
        correction = slowest_correction(scales, speeds)
        for layer in range(num_layers):
            cell = number * num_layers + layer
            known = np.isfinite(log_mean[cell])
            found.append(
                LayerEstimate(
                    scales,
                    speeds,
                    layer + 1,
                    predicted[layer],
                    correction,
                    float(alone.exponent[cell]),
                    float(alone.low[cell]),
                    float(alone.high[cell]),
                    float(np.polyfit(np.log(widths[known]), log_mean[cell][known], 1)[0]),
                    float(beside.exponent[cell]),
                    float(beside.low[cell]),
                    float(beside.high[cell]),
                    tuple(np.exp(beside.log_mean[cell]).tolist()),
                    int(alone.failed[cell].sum()),
                )
            )
    return found
