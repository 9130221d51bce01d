"""In which ways may a quantity approach its power law as the width grows?

A finite catalogue of curves h with

    log value = constant + exponent * log m + amplitude * h(m),   slope of h -> 0 as m grows,

and of normal processes in place of amplitude * h: series of corrections, and ripples about a power law.
Each stands for one way in which finite width can mislead a slope, and none knows which exponent it has: a
power of m more shifts every answer by that power. The catalogue, with its prior weights and the typical size
of each amplitude, is the whole assumption behind an interval.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Literal, TypeAlias, final, get_args

import numpy as np
from jaxtyping import Float, Int

ModelName: TypeAlias = Literal[
    "power-law", "correction", "crossover", "sum", "logarithm", "step", "ripple"
]
"""The kinds of approach: none, five that bend a line and fade, and factors that wander about one."""

MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)

PRIOR: dict[ModelName, float] = {
    "power-law": 0.785,
    "correction": 0.05,
    "crossover": 0.05,
    "sum": 0.01,
    "logarithm": 0.02,
    "step": 0.065,
    "ripple": 0.02,
}
"""Weight of each kind before the data are seen; equal shares within a kind."""

WANDERING: tuple[ModelName, ...] = ("correction", "ripple")
"""The kinds that are normal processes."""

_CORRECTION_RATES = np.geomspace(0.2, 3.0, 8)  # delta of a series in m^-delta
_CORRECTION_SIZES = (0.5, 2.5)  # typical first coefficient, at the smallest width
_ORDERS = np.arange(1, 7)  # powers of that series; coefficients fall as those of a logarithm
_CROSSOVER_RATES = np.geomspace(0.15, 4.0, 8)  # how sharp a crossover is, per unit of log m
_CROSSOVER_CHANGES = ((0.6, 0.7), (1.5, 1.2))  # typical changes of slope, and the most per rate:
# a sum of two powers changes its slope by the rate itself
_SPACING = 0.5  # of the crossing widths tried, in units of 1 / rate,
_SPACINGS = (0.3, 1.0)  # but within these bounds, in log m
_BEYOND = np.log(12.0)  # a crossing may lie beyond the largest width by this much in log m
_BEGUN = 2.0  # and has begun: an eighth of its change of slope has happened at the largest width
_SUM_RATES = np.linspace(0.25, 1.5, 6)  # by how much the exponents of two powers differ
_SUM_BEYOND = np.log(20.0)  # they may be equal beyond the largest width by this much in log m,
_SUM_BEGUN = 3.0  # where the larger power is a twentieth of the sum
_SUM_ERROR = 0.3  # how far the amplitude may be from one, that of a sum
_LOGARITHM_POWERS = (0.7, 2.0)  # typical k of a factor log(m / m0)^k
_LOGARITHM_ORIGINS = (1 / 16, 1 / 4, 1 / 2)  # m0 in smallest widths, beside m0 = 1
_STEP_RATES = np.geomspace(0.4, 2.0, 6)  # how sharp a step is, per unit of log m
_STEP_BENDS = (-0.7, 0.0, 4.0)  # c of a factor 1 + c s, s the step
_STEP_SIZE = 1.0  # typical log of that factor
_STEP_SPACING = 0.6  # of the places of steps, in log m,
_STEP_BEYOND = np.log(3.0)  # which may lie beyond the largest width by this much
_RIPPLE_LENGTHS = (
    0.0,
    1.0,
    2.0,
    4.0,
)  # in log m, over which a ripple stays alike; 0 at no two widths
_RIPPLE_SIZES = (0.01, 0.04, 0.15, 0.5)  # standard deviation of its logarithm


@final
@dataclass(frozen=True)
class Shape:
    """One way to approach a power law, with its parameters.

    - ``power-law``: h = 0
    - ``correction``: a series D_1 u + D_2 u^2 + ... of u = (m / reference)^-rate, D_k normal with standard
      deviation bend / k: the logarithm of any factor that is smooth in u
    - ``crossover``: h = -log(1 + (reference / m)^rate) / rate: the slope changes by the amplitude
      around the width `reference`, over a range of about 4 / rate in log m
    - ``sum``: h = log(1 + (reference / m)^rate): a sum of two powers where the amplitude is one
    - ``logarithm``: h = log(log(m / reference))
    - ``step``: s = 1 / (1 + (reference / m)^rate), a change around the width `reference`; h = s, or
      h = log(1 + bend s) where `bend` is not zero
    - ``ripple``: the logs of the values wander about the line with standard deviation `bend`, alike
      within a range of `reference` in log m (a normal process with a Gaussian covariance)
    """

    model: ModelName
    rate: float = 0.0
    reference: float = 1.0
    bend: float = 0.0
    pull: tuple[tuple[float, float], ...] = ()
    """Of a process: log widths and what data there pull at it."""

    def __call__(self, width: Float[np.ndarray, "*n"] | float) -> Float[np.ndarray, "*n"] | float:
        """The values h(width); zero for a process that no data have told about."""
        width = np.asarray(width, float)
        if self.model in WANDERING:
            places, pulls = np.array(self.pull or ((0.0, 0.0),)).T
            return self.covariance(np.log(width), places) @ pulls
        if self.model == "power-law":
            return np.zeros_like(width)
        if self.model == "logarithm":
            return np.log(np.log(width / self.reference))
        decay = -self.rate * np.log(width / self.reference)
        if self.model == "sum":
            return np.logaddexp(0.0, decay)
        if self.model == "step":
            step = np.exp(-np.logaddexp(0.0, decay))
            return np.log1p(self.bend * step) if self.bend else step
        return -np.logaddexp(0.0, decay) / self.rate

    def covariance(
        self, one: Float[np.ndarray, "*n"], other: Float[np.ndarray, " W"]
    ) -> Float[np.ndarray, "*n W"]:
        """Of a process at some log widths with itself at others."""
        if self.model == "ripple":
            return self.bend**2 * likeness(one, other, self.reference)
        terms = [
            np.exp(-self.rate * _ORDERS * (x[..., None] - np.log(self.reference))) / _ORDERS
            for x in (one, other)
        ]
        return self.bend**2 * terms[0] @ terms[1].T

    def given(
        self, log_width: Float[np.ndarray, " W"], rest: Float[np.ndarray, " W"], noise: float
    ) -> "tuple[Shape, float]":
        """A process, and a constant beside it, that were at `rest` up to errors of variance `noise`."""
        spread = self.covariance(log_width, log_width) + noise * np.eye(len(log_width))
        pulled = np.linalg.solve(spread, np.stack([rest, np.ones_like(rest)], -1))
        constant = float(pulled[:, 0].sum() / pulled[:, 1].sum())
        pull = pulled @ [1.0, -constant]
        told = replace(self, pull=tuple(zip(log_width.tolist(), pull.tolist(), strict=True)))
        return told, constant

    def sentence(self, amplitude: float) -> str:
        """The shape with its amplitude in words, for tables."""
        if self.model == "power-law":
            return "A m^e at every width"
        if self.model == "ripple":
            return f"A m^e with a factor that wanders by {self.bend:.0%}"
        if self.model == "correction":
            return f"A m^e with corrections in powers of (m/{self.reference:.3g})^-{self.rate:.2g}"
        if self.model == "logarithm":
            origin = "m" if self.reference == 1 else f"m/{self.reference:.3g}"
            return f"A m^e log({origin})^{amplitude:.2g}"
        if self.model == "sum":
            slope = -self.rate * amplitude
            return f"two powers: slope e{slope:+.2g} below and e above m = {self.reference:.3g}"
        if self.model == "step":
            factor = np.exp(amplitude * float(self(np.inf)))
            return f"A m^e with a factor {factor:.2g} that comes in around m = {self.reference:.3g}"
        return f"slope e{amplitude:+.2g} below and e above m = {self.reference:.3g}"


@final
@dataclass(frozen=True)
class Catalogue:
    """All shapes for one range of widths: what an estimate averages over.

    Attributes:
        shapes: the G shapes, the R processes last.
        model: (G,) index of each shape's kind in `MODEL_NAMES`.
        amplitude_mean: (G - R,) mean of each amplitude before the data are seen: 1 for sums, 0 for others.
        amplitude_sd: (G - R,) its standard deviation.
        log_prior: (G,) log of each shape's weight before the data are seen; they sum to one.
    """

    shapes: tuple[Shape, ...]
    model: Int[np.ndarray, " G"]
    amplitude_mean: Float[np.ndarray, " B"]
    amplitude_sd: Float[np.ndarray, " B"]
    log_prior: Float[np.ndarray, " G"]

    @property
    def curves(self) -> tuple[Shape, ...]:
        """The shapes that are no processes."""
        return self.shapes[: len(self.amplitude_sd)]

    @property
    def processes(self) -> tuple[Shape, ...]:
        """The series of corrections and the ripples."""
        return self.shapes[len(self.amplitude_sd) :]

    def table(self, widths: Float[np.ndarray, " W"]) -> Float[np.ndarray, "B W"]:
        """The values of every curve at every width."""
        return np.stack([shape(widths) for shape in self.curves])

    def slopes(self, width: float) -> Float[np.ndarray, " B"]:
        """How much slope every curve has left at a width, per unit of its amplitude."""
        near = self.table(width * np.exp([-_NEAR, _NEAR]))
        return (near[:, 1] - near[:, 0]) / (2 * _NEAR)


_NEAR = 1e-4


def likeness(
    one: Float[np.ndarray, "*n"], other: Float[np.ndarray, " W"], length: float
) -> Float[np.ndarray, "*n W"]:
    """Correlation of a ripple between log widths and others."""
    apart = one[..., None] - other
    return np.exp(-0.5 * (apart / length) ** 2) if length else (apart == 0).astype(float)


@lru_cache(maxsize=64)
def catalogue(smallest: float, largest: float) -> Catalogue:
    """The shapes for a sweep whose widths run from `smallest` (above 1) to `largest`."""
    found = [(Shape("power-law"), 1e-9, 1.0)]  # shape, size of its amplitude, share within its kind
    for rate in _CROSSOVER_RATES:
        spacing = float(np.clip(_SPACING / rate, *_SPACINGS))
        end = np.log(largest) + min(_BEYOND, _BEGUN / rate)
        for crossing in np.exp(np.arange(np.log(smallest), end, spacing)):
            shape = Shape("crossover", float(rate), float(crossing))
            sizes = (min(change, most * float(rate)) for change, most in _CROSSOVER_CHANGES)
            found += [(shape, size, spacing) for size in sizes]
    for rate in _SUM_RATES:
        spacing = float(np.clip(_SPACING / rate, *_SPACINGS))
        end = np.log(largest) + min(_SUM_BEYOND, _SUM_BEGUN / rate)
        for crossing in np.exp(np.arange(np.log(smallest), end, spacing)):
            found.append((Shape("sum", float(rate), float(crossing)), _SUM_ERROR, spacing))
    origins = (1.0, *(smallest * share for share in _LOGARITHM_ORIGINS))
    logarithms = [Shape("logarithm", reference=origin) for origin in origins]
    found += [(shape, size, 1.0) for shape in logarithms for size in _LOGARITHM_POWERS]
    places = np.arange(np.log(smallest), np.log(largest) + _STEP_BEYOND, _STEP_SPACING)
    for rate, place, bend in product(_STEP_RATES, np.exp(places), _STEP_BENDS):
        shape = Shape("step", float(rate), float(place), bend)
        found.append((shape, _STEP_SIZE / abs(np.log1p(bend)) if bend else _STEP_SIZE, 1.0))
    processes = [
        Shape("correction", float(rate), smallest, size)
        for rate, size in product(_CORRECTION_RATES, _CORRECTION_SIZES)
    ]
    processes += [
        Shape("ripple", reference=length, bend=size)
        for length, size in product(_RIPPLE_LENGTHS, _RIPPLE_SIZES)
    ]
    curves, sizes, shares = zip(*found, strict=True)
    shapes = (*curves, *processes)
    model = np.array([MODEL_NAMES.index(shape.model) for shape in shapes])
    share = np.concatenate([shares, np.ones(len(processes))])
    prior = np.array([PRIOR[name] for name in MODEL_NAMES]) / np.bincount(model, share)
    means = np.array([float(shape.model == "sum") for shape in curves])
    return Catalogue(shapes, model, means, np.array(sizes), np.log(prior[model] * share))
