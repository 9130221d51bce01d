"""What do the runs of a sweep say about the exponent, averaged over every way to approach it?

Model of the runs at x = log m, for one shape h, one noise size sigma and one noise slope b:

    log value = a + e x + D h + noise,   variance of one run sigma^2 m^-b,
    plus a variance f^2 per width that all its seeds share (solver tolerance, imperfect shapes).

Flat priors on a and e, D ~ N(0, D_0^2), flat in log sigma: everything is Gaussian, so each
(shape, sigma, b) has the evidence of a linear model and a normal distribution of e in closed form
(Bishop 2006, Pattern recognition and machine learning, section 3.5), and the posterior of e is
their mixture. The scatter of seeds is pooled over widths: 3 seeds give each width 2 degrees of
freedom, all widths together 8 or more.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from lazyscope.measure.estimate._shapes import Catalogue

_NOISE_SLOPES = (0.0, 0.5, 1.0, 1.5)  # b: 0 for noise of constant size, 1 for self-averaging
_NOISE_FACTORS = np.geomspace(0.55, 8.0, 10)  # sigma over the pooled standard deviation
_SHAPE_ERROR = 0.05  # how far a true curve may be from its shape, relative to its bend
_CHUNK = 64  # cells at once, to bound memory
_CENTRE_BINS, _DEVIATION_BINS = 80, 10  # of a mixture whose neighbours are merged
_NEGLIGIBLE = 1e-6  # components with less weight, relative to the heaviest, are left out


@final
@dataclass(frozen=True)
class Runs:
    """Logs of the values of C cells over W widths, reduced to what the estimate needs.

    Attributes:
        log_width: (W,) x = log m.
        mean: (C, W) mean log value over usable runs, 0 where there is none.
        count: (C, W) number of usable runs.
        scatter: (C, W) sum of squares about the mean.
    """

    log_width: Float[np.ndarray, " W"]
    mean: Float[np.ndarray, "C W"]
    count: Float[np.ndarray, "C W"]
    scatter: Float[np.ndarray, "C W"]

    @classmethod
    def of(cls, log_width, log_value: Float[np.ndarray, "C W S"]) -> "Runs":
        """Reduce log values in which NaN marks a run without a value."""
        usable = ~np.isnan(log_value)
        count = usable.sum(-1)
        mean = np.where(usable, log_value, 0).sum(-1) / np.maximum(count, 1)
        scatter = np.where(usable, (log_value - mean[..., None]) ** 2, 0).sum(-1)
        return cls(log_width, mean, count.astype(float), scatter)

    def cells(self, which) -> "Runs":
        """A part of the cells."""
        return Runs(self.log_width, self.mean[which], self.count[which], self.scatter[which])

    @property
    def spare(self) -> Float[np.ndarray, " C"]:
        """Degrees of freedom of the scatter of seeds."""
        return np.maximum(self.count - 1, 0).sum(-1)

    def pooled_sd(self) -> Float[np.ndarray, " C"]:
        """Standard deviation of the log of one run, pooled over widths."""
        return np.sqrt(self.scatter.sum(-1) / np.maximum(self.spare, 1))


@final
@dataclass(frozen=True)
class Summary:
    """The posterior of the exponent in C cells; M kinds of model, in the order of `MODEL_NAMES`.

    Attributes:
        low, centre, high: (C,) quantiles; `centre` is the median.
        standard_error: (C,) standard deviation.
        weight: (C, M) posterior weight of each kind; sums to one.
        model_exponent, model_error: (C, M) mean and standard deviation within each kind.
        best: (C, M) index of the heaviest shape of each kind.
        amplitude, constant, exponent: (C, M) parameters of the curve of that shape.
    """

    low: Float[np.ndarray, " C"]
    centre: Float[np.ndarray, " C"]
    high: Float[np.ndarray, " C"]
    standard_error: Float[np.ndarray, " C"]
    weight: Float[np.ndarray, "C M"]
    model_exponent: Float[np.ndarray, "C M"]
    model_error: Float[np.ndarray, "C M"]
    best: Float[np.ndarray, "C M"]
    amplitude: Float[np.ndarray, "C M"]
    constant: Float[np.ndarray, "C M"]
    exponent: Float[np.ndarray, "C M"]


def summarise(runs: Runs, shapes: Catalogue, *, level: float, accuracy: float) -> Summary:
    """The posterior of every cell. Cost: about one millisecond per cell.

    Args:
        runs: one cell or more; every cell has at least 3 widths with runs and 3 spare runs.
        shapes: the catalogue for these widths.
        level: coverage of the interval.
        accuracy: relative error of a width's values that all its seeds share.
    """
    table = shapes.table(np.exp(runs.log_width))
    parts = []
    for start in range(0, len(runs.mean), _CHUNK):
        chunk = runs.cells(slice(start, start + _CHUNK))
        parts.append(_summarise_chunk(chunk, shapes, table, level, accuracy))
    fields = Summary.__dataclass_fields__
    return Summary(*(np.concatenate([getattr(p, name) for p in parts]) for name in fields))


def _summarise_chunk(runs, shapes, table, level, accuracy):
    shared = accuracy**2 + (_SHAPE_ERROR * _bend(runs)) ** 2
    parts = []
    for slope in _NOISE_SLOPES:
        relative = np.exp(-slope * (runs.log_width - runs.log_width.mean()))
        pooled = ((runs.scatter / relative).sum(-1) + runs.spare * accuracy**2) / runs.spare
        for factor in _NOISE_FACTORS:
            variance = factor**2 * pooled[:, None] * relative
            scatter_fit = -0.5 * runs.scatter / variance - 0.5 * (runs.count - 1) * np.log(variance)
            per_width = np.where(runs.count > 0, scatter_fit, 0.0).sum(-1, keepdims=True)
            used = runs.count > 0
            precision = np.where(used, 1 / (variance / np.maximum(runs.count, 1) + shared), 0.0)
            fit = fit_shapes(runs.log_width, runs.mean, precision, table, shapes.amplitude_sd)
            parts.append((fit[0] + per_width + shapes.log_prior, *fit[1:]))
    stacked = [np.stack(part, 1) for part in zip(*parts, strict=True)]
    return _reduce(runs, shapes, table, stacked, level)


def fit_shapes(log_width, mean, precision, table, amplitude_sd):
    """Log evidence, exponent, its variance and amplitude, each (C, G), at known precision (C, W).

    Weighted least squares with the constant and the exponent projected out (their prior is flat)
    and the amplitude shrunk towards zero by its own prior.
    """
    total = precision.sum(-1, keepdims=True)
    x = log_width - (precision * log_width).sum(-1, keepdims=True) / total
    y = mean - (precision * mean).sum(-1, keepdims=True) / total
    sxx = (precision * x**2).sum(-1, keepdims=True)
    sxy = (precision * x * y).sum(-1, keepdims=True)
    syy = (precision * y**2).sum(-1, keepdims=True)
    sxh = (precision * x) @ table.T
    shh = precision @ (table**2).T - (precision @ table.T) ** 2 / total
    rhh = np.maximum(shh - sxh**2 / sxx, 0.0)
    rhy = (precision * y) @ table.T - sxh * sxy / sxx
    ryy = np.maximum(syy - sxy**2 / sxx, 0.0)
    stiffness = rhh + amplitude_sd**-2.0
    amplitude = rhy / stiffness
    used = precision > 0
    log_precision = np.where(used, np.log(np.where(used, precision, 1.0)), 0.0)
    log_evidence = -0.5 * (ryy - rhy**2 / stiffness) - 0.5 * np.log(stiffness * amplitude_sd**2)
    log_evidence += 0.5 * log_precision.sum(-1, keepdims=True) - 0.5 * np.log(total * sxx)
    exponent = (sxy - amplitude * sxh) / sxx
    variance = 1 / sxx + (sxh / sxx) ** 2 / stiffness
    return log_evidence, exponent, variance, amplitude


def mixture_quantile(weight, centre, sd, probability: float) -> Float[np.ndarray, " C"]:
    """Quantile of mixtures of normals, one per row of (C, K) arrays."""
    from scipy.special import ndtr  # here, since most commands need no interval

    low = (centre - 9 * sd).min(-1)
    high = (centre + 9 * sd).max(-1)
    for _ in range(32):
        middle = 0.5 * (low + high)
        below = (weight * ndtr((middle[:, None] - centre) / sd)).sum(-1) < probability
        low = np.where(below, middle, low)
        high = np.where(below, high, middle)
    return 0.5 * (low + high)


def merge_neighbours(weight, centre, sd):
    """The same mixtures with far fewer normals: neighbours in centre and in deviation are merged.

    Each merged normal keeps the mass, mean and variance of its members. Centres are binned on a
    scale that is linear near the mean (in units of the smallest deviation) and logarithmic far
    from it, deviations on a logarithmic scale, so that wide components keep their tails.
    """
    cells = len(weight)
    light = weight < _NEGLIGIBLE * weight.max(-1, keepdims=True)
    weight = np.where(light, 0.0, weight)
    weight = weight / weight.sum(-1, keepdims=True)
    middle = (weight * centre).sum(-1, keepdims=True)
    unit = np.where(light, np.inf, sd).min(-1, keepdims=True)
    column = _bin(np.arcsinh((centre - middle) / unit), light, _CENTRE_BINS)
    row = _bin(np.log(sd), light, _DEVIATION_BINS)
    nodes = _CENTRE_BINS * _DEVIATION_BINS
    index = (np.arange(cells)[:, None] * nodes + row * _CENTRE_BINS + column).ravel()

    def total(values):
        return np.bincount(index, values.ravel(), cells * nodes).reshape(cells, nodes)

    mass = total(weight)
    filled = mass > 0
    divisor = np.where(filled, mass, 1.0)
    shift = total(weight * (centre - middle)) / divisor
    spread = total(weight * (centre - middle) ** 2) / divisor - shift**2
    variance = total(weight * sd**2) / divisor + np.maximum(spread, 0.0)
    return mass, middle + shift, np.sqrt(np.where(filled, variance, unit**2))


def _bin(place, light, count: int):
    """Bin number of each place, between the extremes of those that are not light."""
    low = np.where(light, np.inf, place).min(-1, keepdims=True)
    high = np.where(light, -np.inf, place).max(-1, keepdims=True)
    return np.clip((place - low) / np.maximum(high - low, 1e-9) * count, 0, count - 1).astype(int)


def _bend(runs: Runs) -> Float[np.ndarray, "C 1"]:
    """Root mean square deviation of the means from a straight line."""
    used = (runs.count > 0).astype(float)
    total = used.sum(-1, keepdims=True)
    x = runs.log_width - (used * runs.log_width).sum(-1, keepdims=True) / total
    y = runs.mean - (used * runs.mean).sum(-1, keepdims=True) / total
    slope = (used * x * y).sum(-1, keepdims=True) / (used * x**2).sum(-1, keepdims=True)
    return np.sqrt((used * (y - slope * x) ** 2).sum(-1, keepdims=True) / total)


def _reduce(runs, shapes, table, stacked, level) -> Summary:
    """From all components, (C, noise, G) arrays, to what is reported."""
    log_weight, exponent, variance, amplitude = stacked
    log_weight = log_weight - log_weight.max((1, 2), keepdims=True)
    weight = np.exp(log_weight)
    weight /= weight.sum((1, 2), keepdims=True)
    cells = len(weight)
    flat = [part.reshape(cells, -1) for part in (weight, exponent, np.sqrt(variance))]
    nodes = merge_neighbours(*flat)
    tail = 0.5 * (1 - level)
    mean = (weight * exponent).sum((1, 2))
    second = (weight * (variance + (exponent - mean[:, None, None]) ** 2)).sum((1, 2))
    kinds = [
        _reduce_kind(runs, table, weight, exponent, variance, amplitude, shapes.model == k)
        for k in range(shapes.model.max() + 1)
    ]
    return Summary(
        mixture_quantile(*nodes, tail),
        mixture_quantile(*nodes, 0.5),
        mixture_quantile(*nodes, 1 - tail),
        np.sqrt(second),
        *(np.stack(part, -1) for part in zip(*kinds, strict=True)),
    )


def _reduce_kind(
    runs, table, weight, exponent, variance, amplitude, member: Bool[np.ndarray, " G"]
):
    """Weight, mean, deviation, and the curve of the heaviest shape, of one kind of model."""
    index = np.flatnonzero(member)
    weight, exponent = weight[..., index], exponent[..., index]
    variance, amplitude = variance[..., index], amplitude[..., index]
    total = weight.sum((1, 2))
    share = weight / np.maximum(total, 1e-300)[:, None, None]
    mean = (share * exponent).sum((1, 2))
    second = (share * (variance + (exponent - mean[:, None, None]) ** 2)).sum((1, 2))
    cells = np.arange(len(weight))
    best = share.sum(1).argmax(-1)
    noise = share[cells, :, best]
    noise = noise / np.maximum(noise.sum(-1, keepdims=True), 1e-300)
    slope = (noise * exponent[cells, :, best]).sum(-1)
    size = (noise * amplitude[cells, :, best]).sum(-1)
    residual = runs.mean - slope[:, None] * runs.log_width - size[:, None] * table[index[best]]
    constant = (runs.count * residual).sum(-1) / runs.count.sum(-1)
    return total, mean, np.sqrt(second), index[best], size, constant, slope
