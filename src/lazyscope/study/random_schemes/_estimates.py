"""Which exponent does every layer of every random scheme have, and which does the law give?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Self, final

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope._estimate import Estimate
from lazyscope.data import Dataset
from lazyscope.measure import (
    MIN_EXPONENT_WIDTHS,
    estimate_exponents,
    expected_with_corrections,
    extrapolated_exponent,
)
from lazyscope.scaling import (
    Scheme,
    displacement_exponents,
    slowest_correction,
)
from lazyscope.study._sweep_exponents import ACCURACY_OF_TOLERANCE
from lazyscope.study.random_schemes._corrections import correction_sizes
from lazyscope.study.random_schemes._law import law_at_widths
from lazyscope.study.random_schemes._virtual import Exponents


@final
@dataclass(frozen=True)
class LayerEstimate:
    """One layer of one scheme: measured beside the law.

    Attributes:
        scale_exponents, speed_exponents: the scheme, layers 1 to L + 1.
        layer: which layer this is about, from 1.
        predicted: exponent of the law.
        correction: exponent of the law's slowest correction; 0 at a tie.
        exponent, low, high: estimate from the runs alone, extrapolated, with its 95 % interval; at real
            widths each run is levelled by its own first loss, see `estimate_layers`.
        unlevelled: the same estimate from the displacements as they are.
        slope: straight line through all runs, at real widths levelled.
        excess, excess_low, excess_high: exponent of the measured displacement divided by the law at
            each width, in which the law's crossovers cancel; 0 where the law is right. NaN at virtual
            widths, which see no crossovers.
        ratio: the measured displacement over the law at each width, geometric mean over seeds; none at
            virtual widths.
        failed: runs that did not converge.
        widths: the virtual widths; none at real ones.
        largest: what the largest virtual width shows, and between which ends the others expect it; none where
            they are too few, and at real widths.
    """

    scale_exponents: tuple[float, ...]
    speed_exponents: tuple[float, ...]
    layer: int
    predicted: float
    correction: float
    exponent: float
    low: float
    high: float
    unlevelled: float
    slope: float
    excess: float
    excess_low: float
    excess_high: float
    ratio: tuple[float, ...]
    failed: int
    widths: tuple[float, ...] = ()
    largest: tuple[float, ...] = ()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The estimate that a stored result holds; null is NaN."""
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else nan if value is None else value
            for name, value in record.items()
        }
        return cls(**read)

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
    losses: Float[np.ndarray, "scheme W seed"],
    data: Dataset,
    *,
    tolerance: float,
) -> list[LayerEstimate]:
    """Estimates of every layer, by the runs alone and beside the law at each width.

    Where kappa is large the gap is the output at the start, a random number of a few degrees of
    freedom, and its scatter is most of the noise. Its mean square is known exactly for ReLU,
    ``E R(0) = (|y|^2 + C sum_i |x_i|^2 kappa^2 / (m 2^L)) / (2 n)``, so every displacement is levelled
    by ``sqrt(E R(0) / R(0))`` of its run: a control variate, which moves no exponent.

    Args:
        schemes: scale and speed exponents.
        widths: the W widths.
        displacements: relative, operator norm; NaN where a run failed.
        losses: R(0) of every run.
        data: what the networks were trained on.
        tolerance: of the flow; a tenth of it is taken as an error that seeds share.
    """
    num_layers, num_widths = displacements.shape[1:3]
    drawn = [Scheme.from_exponents(*scheme) for scheme in schemes]
    law = np.stack([law_at_widths(scheme, widths, data) for scheme in drawn])
    means = np.stack([_mean_first_loss(scheme, widths, data) for scheme in drawn])
    levelled = displacements * np.sqrt(means[..., None] / losses)[:, None]
    accuracy = max(1e-3, ACCURACY_OF_TOLERANCE * tolerance)
    flat = (-1, num_widths, displacements.shape[-1])
    unlevelled, alone, beside = (
        estimate_exponents(widths, values.reshape(flat), accuracy=accuracy)
        for values in (displacements, levelled, levelled / law[..., None])
    )
    found = []
    for number, (scales, speeds) in enumerate(schemes):
        predicted = displacement_exponents(scales, speeds)
        correction = slowest_correction(scales, speeds)
        for layer in range(num_layers):
            cell = number * num_layers + layer
            known = np.isfinite(alone.log_mean[cell])
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
                    float(unlevelled.exponent[cell]),
                    float(np.polyfit(np.log(widths[known]), alone.log_mean[cell][known], 1)[0]),
                    float(beside.exponent[cell]),
                    float(beside.low[cell]),
                    float(beside.high[cell]),
                    tuple(np.exp(beside.log_mean[cell]).tolist()),
                    int(alone.failed[cell].sum()),
                )
            )
    return found


def estimate_virtual_layers(
    scheme: Exponents,
    widths: Sequence[float],
    displacements: Float[np.ndarray, "layer W seed"],
    *,
    accuracy: float,
    optimiser: str = "sgd",
) -> list[LayerEstimate]:
    """Estimates of every layer of one scheme at virtual widths, see `correction_sizes`; no law is fitted.

    Args:
        scheme: scale and speed exponents.
        widths: the W virtual widths; a seed is one network at all of them.
        displacements: relative, operator norm; NaN where a run failed.
        accuracy: relative error of every run.
        optimiser: whose rates the speeds are.
    """
    m = np.array(widths)
    predicted = displacement_exponents(*scheme, optimiser=optimiser)
    correction = slowest_correction(*scheme, optimiser=optimiser)
    ended = np.isfinite(displacements).all((0, 2))
    enough = int(ended.sum()) >= MIN_EXPONENT_WIDTHS
    middle = np.exp(np.log(displacements[:, ended]).mean(2))
    sizes = correction_sizes(scheme, m[ended], middle, optimiser) if enough else None
    found = []
    for layer, values in enumerate(displacements):
        seen, line, largest = Estimate(None, basis="too few runs"), nan, None
        if sizes is not None:
            given = m[ended], values[ended], sizes
            seen = extrapolated_exponent(*given, accuracy=accuracy)
            largest = expected_with_corrections(*given, accuracy=accuracy)
            line = np.polyfit(np.log(m[ended]), np.log(middle[layer]), 1)[0]
        centre, low, high = (
            nan if part is None else part for part in (seen.value, seen.low, seen.high)
        )
        found.append(
            LayerEstimate(
                *scheme,
                layer=layer + 1,
                predicted=predicted[layer],
                correction=correction,
                exponent=centre,
                low=low,
                high=high,
                unlevelled=centre,
                slope=float(line),
                excess=nan,
                excess_low=nan,
                excess_high=nan,
                ratio=(),
                failed=int((~np.isfinite(values)).sum()),
                widths=tuple(widths),
                largest=() if largest is None else (largest.measured, *largest.expected),
            )
        )
    return found


def _mean_first_loss(
    scheme: Scheme, widths: Float[np.ndarray, " W"], data: Dataset
) -> Float[np.ndarray, " W"]:
    """Mean of R(0) over draws of a ReLU network, exact at every width."""
    x, y = data.x_train, data.y_train
    kappa = np.array([scheme.kappa(int(width)) for width in widths])
    start = y.shape[1] * np.sum(x**2) * kappa**2 / (widths * 2**scheme.depth)
    return (np.sum(y**2) + start) / (2 * len(y))


def measured(
    runs: xr.Dataset, replicates: int
) -> tuple[Float[np.ndarray, "scheme layer W seed"], Float[np.ndarray, "scheme W seed"]]:
    """Relative displacements in operator norm, NaN where a run did not converge, and first losses."""
    values = runs["displacement_operator"].transpose("point", "layer", "width").values
    ended = runs["outcome"].transpose("point", "width").values == "converged"
    values = np.where(ended[:, None] & (values > 0) & np.isfinite(values), values, np.nan)
    losses = runs["loss_initial"].transpose("point", "width").values
    displacements, first = (
        np.moveaxis(part.reshape(-1, replicates, *part.shape[1:]), 1, -1)
        for part in (values, losses)
    )
    return displacements, first


def measured_virtual(
    runs: xr.Dataset, num_widths: int, replicates: int
) -> Float[np.ndarray, "scheme layer W seed"]:
    """Relative displacements in operator norm at virtual widths, NaN where a run did not converge."""
    values = runs["displacement_operator"].transpose("point", "layer").values
    ended = runs["outcome"].transpose("point").values == "converged"
    values = np.where(ended[:, None] & (values > 0) & np.isfinite(values), values, np.nan)
    return np.moveaxis(values.reshape(-1, num_widths, replicates, values.shape[1]), 3, 1)
