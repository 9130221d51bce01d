"""What do the runs of a sweep say about the exponent, averaged over every way to approach it?

Model of the runs at x = log m, for one shape h, one noise size sigma and one noise slope b:

    log value = a + e x + D h(x) + g(x) + noise,   variance of one run sigma^2 m^-b,
    plus a variance f^2 per width that all its seeds share (the solver's tolerance).

g is a normal process: the error of an imperfect shape, 0.15 of the bend that is seen, a series of
corrections, or a ripple. Flat
priors on a and e, D normal, flat in log sigma: everything is Gaussian at known sigma and b, so that
each (shape, sigma, b) has the evidence of a linear model and a normal distribution of e in closed form
(Bishop 2006, Pattern recognition and machine learning, section 3.5), and the posterior of e is their
mixture. What slope a curve still has at the largest width, D h', is known up to 0.3 of itself: it rests
on the shape alone. The scatter of seeds is pooled over widths: 3 seeds give each width 2 degrees of freedom,
all widths together 8 or more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from lazyscope.measure.estimate._shapes import MODEL_NAMES, Catalogue, likeness

_NOISE_SLOPES = (0.0, 1.0)  # b: 0 for noise of constant size, 1 for self-averaging
_NOISE_NODES = 4  # quantiles of sigma that stand for its distribution
_SHAPE_ERROR = 0.15  # how far a true curve may be from its shape, relative to its bend
_SHAPE_LENGTH = 1.5  # in log m, over which that error stays alike
_BEYOND_ERROR = 0.3  # of the slope that a curve has left at the largest width
_ABSENT = 1e8  # variance of a mean without runs
_CHUNK = 64  # cells at once, to bound memory
_CENTRE_BINS, _DEVIATION_BINS = 80, 10  # of a mixture whose neighbours are merged
_NEGLIGIBLE = 1e-6  # components with less weight, relative to the heaviest, are left out
_FADING = [
    MODEL_NAMES.index(name) for name in ("correction", "crossover", "sum", "logarithm", "step")
]


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
        bent_low, bent_high: (C,) quantiles if the line is bent, by a kind whose bend fades.
        weight: (C, M) posterior weight of each kind; sums to one.
        model_exponent, model_error: (C, M) mean and standard deviation within each kind.
        best: (C, M) index of the heaviest shape of each kind.
        amplitude, constant, exponent: (C, M) parameters of the curve of that shape.
    """

    low: Float[np.ndarray, " C"]
    centre: Float[np.ndarray, " C"]
    high: Float[np.ndarray, " C"]
    standard_error: Float[np.ndarray, " C"]
    bent_low: Float[np.ndarray, " C"]
    bent_high: Float[np.ndarray, " C"]
    weight: Float[np.ndarray, "C M"]
    model_exponent: Float[np.ndarray, "C M"]
    model_error: Float[np.ndarray, "C M"]
    best: Float[np.ndarray, "C M"]
    amplitude: Float[np.ndarray, "C M"]
    constant: Float[np.ndarray, "C M"]
    exponent: Float[np.ndarray, "C M"]


@final
@dataclass(frozen=True)
class Place:
    """A width at which the mean of `count` (C,) runs is predicted."""

    log_width: float
    count: Float[np.ndarray, " C"]


class Components(NamedTuple):
    """The parts of C mixtures, (C, N, G) for N noises and G shapes."""

    log_weight: Float[np.ndarray, "C N G"]
    centre: Float[np.ndarray, "C N G"]
    variance: Float[np.ndarray, "C N G"]
    amplitude: Float[np.ndarray, "C N G"]


def summarise(runs: Runs, shapes: Catalogue, *, level: float, accuracy: float) -> Summary:
    """The posterior of every cell. Cost: some milliseconds per cell.

    Args:
        runs: one cell or more; every cell has at least 3 widths with runs and 3 spare runs.
        shapes: the catalogue for these widths.
        level: coverage of the interval.
        accuracy: relative error of a width's values that all its seeds share.
    """
    parts = []
    for start in range(0, len(runs.mean), _CHUNK):
        chunk = runs.cells(slice(start, start + _CHUNK))
        parts.append(_reduce(chunk, shapes, components(chunk, shapes, accuracy), level))
    fields = Summary.__dataclass_fields__
    return Summary(*(np.concatenate([getattr(p, name) for p in parts]) for name in fields))


def predict(
    runs: Runs, shapes: Catalogue, place: Place, *, level: float, accuracy: float
) -> tuple[Float[np.ndarray, " C"], Float[np.ndarray, " C"]]:
    """Between which ends the mean log value of every cell is expected at a further width."""
    tail, parts = 0.5 * (1 - level), []
    for start in range(0, len(runs.mean), _CHUNK):
        part = slice(start, start + _CHUNK)
        there = Place(place.log_width, place.count[part])
        found = components(runs.cells(part), shapes, accuracy, there)
        nodes = merge_neighbours(*_flat(_shares(found.log_weight), found))
        parts.append([mixture_quantile(*nodes, p) for p in (tail, 1 - tail)])
    low, high = (np.concatenate(ends) for ends in zip(*parts, strict=True))
    return low, high


def components(
    runs: Runs, shapes: Catalogue, accuracy: float, place: Place | None = None
) -> Components:
    """The posterior of the exponent, or of the mean log value at a `place`, part by part."""
    x, cells = runs.log_width, len(runs.mean)
    every = x if place is None else np.append(x, place.log_width)
    table = shapes.table(np.exp(every))
    slopes = shapes.slopes(float(np.exp(x[-1])))
    reach = slopes if place is None else slopes * (place.log_width - x[-1])
    error = (_SHAPE_ERROR * _bend(runs)) ** 2
    own_error = error[..., None] * likeness(every, every, _SHAPE_LENGTH)
    wander = np.stack([shape.covariance(every, every) for shape in shapes.processes])
    curves, parts = len(slopes), []
    for log_weight, variance in _noises(runs, accuracy, place):
        diagonal = variance[..., None] * np.eye(len(every))
        priors = shapes.amplitude_sd, shapes.amplitude_mean
        bent = fit_lines(every, runs.mean, diagonal + own_error, table, *priors)
        beyond = (_BEYOND_ERROR * reach) ** 2 * (bent.amplitude**2 + bent.amplitude_variance)
        many = (diagonal[:, None] + wander).reshape(-1, *diagonal.shape[1:])
        means = np.repeat(runs.mean, len(wander), axis=0)
        straight = fit_lines(every, means, many)
        straight = [part.reshape(cells, -1) for part in straight]
        joined = [np.concatenate(pair, 1) for pair in zip(bent, straight, strict=True)]
        evidence, centre, spread, amplitude, _ = joined
        spread[:, :curves] += beyond
        parts.append((evidence + log_weight[:, None] + shapes.log_prior, centre, spread, amplitude))
    return Components(*(np.stack(part, 1) for part in zip(*parts, strict=True)))


def _noises(runs: Runs, accuracy: float, place: Place | None) -> Iterator[tuple]:
    """Sizes and slopes of the noise, as their log weights (C,) and the variances of means (C, W).

    Given the slope b, sigma^2 over the scatter's sum of squares is an inverse chi-square: quantiles of it
    that carry the weights of Gauss's rule stand for it.
    """
    from scipy.special import chdtri  # here, since most commands need no interval

    spare, x, count = runs.spare, runs.log_width, runs.count
    if place is not None:
        x = np.append(x, place.log_width)
        count = np.concatenate([count, place.count[:, None]], 1)
    nodes, weights = np.polynomial.legendre.leggauss(_NOISE_NODES)
    for slope in _NOISE_SLOPES:
        relative = np.exp(-slope * (x - runs.log_width.mean()))
        seen = relative[: len(runs.log_width)]
        squares = (runs.scatter / seen).sum(-1) + spare * accuracy**2
        freedom = np.maximum(runs.count - 1, 0)
        told = -0.5 * (freedom * np.log(seen)).sum(-1) - 0.5 * spare * np.log(squares)
        for node, weight in zip(0.5 + 0.5 * nodes, 0.5 * weights, strict=True):
            one_run = (squares / chdtri(spare, node))[:, None] * relative
            variance = one_run / np.maximum(count, 1) + accuracy**2
            yield told + np.log(weight), np.where(count > 0, variance, _ABSENT)


class Fit(NamedTuple):
    """Lines with one curve each, all (C, B): log evidence, result with its variance, amplitude with its."""

    log_evidence: Float[np.ndarray, "C B"]
    centre: Float[np.ndarray, "C B"]
    variance: Float[np.ndarray, "C B"]
    amplitude: Float[np.ndarray, "C B"]
    amplitude_variance: Float[np.ndarray, "C B"]


def fit_lines(
    log_width, mean, covariance, table=None, amplitude_sd=None, amplitude_mean: Any = 0.0
) -> Fit:
    """Generalised least squares of `mean` (C, W) on a line and a curve, for each of the B curves.

    The constant and the exponent are projected out (their prior is flat); the amplitude is shrunk towards
    the mean of its own prior. The result is the exponent, or, where `log_width` has one width more than
    `mean`, the mean log value there.
    """
    seen = mean.shape[-1]
    table = np.zeros((1, len(log_width))) if table is None else table
    sd = np.full(1, 1e-9) if amplitude_sd is None else amplitude_sd
    precision = np.linalg.inv(covariance[:, :seen, :seen])
    of_one = precision.sum(-1)
    total = of_one.sum(-1, keepdims=True)
    centre_x = of_one @ log_width[:seen, None] / total
    centre_y = (of_one * mean).sum(-1, keepdims=True) / total
    centre_h = of_one @ table[:, :seen].T / total
    x, y, h = log_width[:seen] - centre_x, mean - centre_y, table[:, :seen]
    px, py = (np.einsum("cvw,cw->cv", precision, part) for part in (x, y))
    sxx, sxy, syy = ((a * b).sum(-1, keepdims=True) for a, b in ((px, x), (px, y), (py, y)))
    sxh, syh = px @ h.T, py @ h.T
    outer = (h[:, :, None] * h[:, None]).reshape(len(h), -1)
    shh = precision.reshape(len(precision), -1) @ outer.T - centre_h**2 * total
    stiffness = np.maximum(shh - sxh**2 / sxx, 0.0) + sd**-2.0
    rhy = syh - sxh * sxy / sxx + amplitude_mean / sd**2
    ryy = np.maximum(syy - sxy**2 / sxx, 0.0)
    amplitude = rhy / stiffness
    misfit = ryy + (amplitude_mean / sd) ** 2 - rhy**2 / stiffness
    evidence = -0.5 * misfit - 0.5 * np.log(stiffness * sd**2)
    evidence += 0.5 * (np.linalg.slogdet(precision)[1][:, None] - np.log(total * sxx))
    exponent = (sxy - amplitude * sxh) / sxx
    if len(log_width) == seen:
        variance = 1 / sxx + (sxh / sxx) ** 2 / stiffness
        return Fit(evidence, exponent, variance, amplitude, 1 / stiffness)
    cross = covariance[:, :seen, -1]
    weights = np.einsum("cvw,cw->cv", precision, cross)
    level = 1 - weights.sum(-1, keepdims=True)
    step = log_width[-1] - weights @ log_width[:seen, None] - level * centre_x
    lift = table[:, -1] - weights @ h.T - level * centre_h
    there = (weights * mean).sum(-1, keepdims=True) + level * centre_y
    there = there + step * exponent + lift * amplitude
    own = covariance[:, -1, -1, None] - (weights * cross).sum(-1, keepdims=True)
    variance = own + level**2 / total + step**2 / sxx + (lift - step * sxh / sxx) ** 2 / stiffness
    return Fit(evidence, there, variance, amplitude, 1 / stiffness)


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
    kept = np.argsort(-mass, axis=-1)[:, : filled.sum(-1).max()]
    deviation = np.sqrt(np.where(filled, variance, unit**2))
    mass, centre, deviation = (
        np.take_along_axis(part, kept, -1) for part in (mass, middle + shift, deviation)
    )
    return mass, centre, deviation


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


def _shares(log_weight: Float[np.ndarray, "C N G"]) -> Float[np.ndarray, "C N G"]:
    weight = np.exp(log_weight - log_weight.max((1, 2), keepdims=True))
    return weight / weight.sum((1, 2), keepdims=True)


def _flat(weight, found: Components) -> list[np.ndarray]:
    """Weights, centres and deviations with one axis of components."""
    cells = len(weight)
    return [part.reshape(cells, -1) for part in (weight, found.centre, np.sqrt(found.variance))]


def _reduce(runs: Runs, shapes: Catalogue, found: Components, level: float) -> Summary:
    """From all components to what is reported."""
    weight = _shares(found.log_weight)
    nodes = merge_neighbours(*_flat(weight, found))
    fading = np.isin(shapes.model, _FADING)
    bent = Components(*(part[..., fading] for part in found))
    bent_nodes = merge_neighbours(*_flat(_shares(bent.log_weight), bent))
    tail = 0.5 * (1 - level)
    mean = (weight * found.centre).sum((1, 2))
    second = (weight * (found.variance + (found.centre - mean[:, None, None]) ** 2)).sum((1, 2))
    processes = np.zeros((len(shapes.processes), len(runs.log_width)))
    table = np.concatenate([shapes.table(np.exp(runs.log_width)), processes])
    kinds = [
        _reduce_kind(runs, table, weight, found, shapes.model == k) for k in range(len(MODEL_NAMES))
    ]
    return Summary(
        mixture_quantile(*nodes, tail),
        mixture_quantile(*nodes, 0.5),
        mixture_quantile(*nodes, 1 - tail),
        np.sqrt(second),
        mixture_quantile(*bent_nodes, tail),
        mixture_quantile(*bent_nodes, 1 - tail),
        *(np.stack(part, -1) for part in zip(*kinds, strict=True)),
    )


def _reduce_kind(runs, table, weight, found: Components, member: Bool[np.ndarray, " G"]):
    """Weight, mean, deviation, and the curve of the heaviest shape, of one kind of model."""
    index = np.flatnonzero(member)
    weight, exponent = weight[..., index], found.centre[..., index]
    variance, amplitude = found.variance[..., index], found.amplitude[..., index]
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
