"""In which ways may a quantity approach its power law as the width grows?

A finite catalogue of shapes h with

    log value = constant + exponent * log m + amplitude * h(m),   slope of h -> 0 as m grows,

and of ripples, smooth factors about a power law. Each stands for one way in which finite width can mislead
a slope. The catalogue, with its prior weights and the typical size of each amplitude, is the whole
assumption behind an interval.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal, TypeAlias, final, get_args

import numpy as np
from jaxtyping import Float, Int

ModelName: TypeAlias = Literal["power-law", "correction", "crossover", "logarithm", "ripple"]
"""The kinds of approach: none, three that bend a line and fade, and factors that wander about one."""

MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)

PRIOR: dict[ModelName, float] = {
    "power-law": 0.66,
    "correction": 0.085,
    "crossover": 0.115,
    "logarithm": 0.025,
    "ripple": 0.115,
}
"""Weight of each kind before the data are seen; equal shares within a kind."""

_CORRECTION_RATES = np.geomspace(0.2, 3.0, 8)  # delta of a correction c m^-delta
_CORRECTION_SIZES = (0.5, 2.5)  # typical sizes of log(1 + c m^-delta) at the smallest width
_BENDS = (0.0, 0.4, 0.7, 0.9)  # how close 1 + c m^-delta comes to zero at the smallest width
_CROSSOVER_RATES = np.geomspace(0.15, 4.0, 8)  # how sharp a crossover is, per unit of log m
_CROSSOVER_CHANGES = ((0.6, 0.7), (1.5, 1.2))  # typical changes of slope, and the most per rate:
# a sum of two powers changes its slope by the rate itself
_SPACING = 0.5  # of the crossing widths tried, in units of 1 / rate,
_SPACINGS = (0.3, 1.0)  # but within these bounds, in log m
_BEYOND = np.log(12.0)  # a crossing may lie beyond the largest width by this much in log m
_BEGUN = 2.0  # and has begun: an eighth of its change of slope has happened at the largest width
_LOGARITHM_POWERS = (0.7, 2.0)  # typical k of a factor (log m)^k
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
    - ``correction``: h = (m / reference)^-rate, or h = log(1 - bend (m / reference)^-rate) where
      `bend` is not zero: the factor 1 + c m^-rate, small or not
    - ``crossover``: h = -log(1 + (reference / m)^rate) / rate: the slope changes by the amplitude
      around the width `reference`, over a range of about 4 / rate in log m
    - ``logarithm``: h = log(log m)
    - ``ripple``: h = 0; the logs of the values wander about the line with standard deviation `bend`, alike
      within a range of `reference` in log m (a normal process with a Gaussian covariance)
    """

    model: ModelName
    rate: float = 0.0
    reference: float = 1.0
    bend: float = 0.0

    def __call__(self, width: Float[np.ndarray, "*n"] | float) -> Float[np.ndarray, "*n"] | float:
        """The values h(width)."""
        width = np.asarray(width, float)
        if self.model in ("power-law", "ripple"):
            return np.zeros_like(width)
        if self.model == "logarithm":
            return np.log(np.log(width))
        decay = -self.rate * np.log(width / self.reference)
        if self.model == "crossover":
            return -np.logaddexp(0.0, decay) / self.rate
        if self.bend == 0:
            return np.exp(decay)
        return np.log1p(-self.bend * np.exp(decay))

    def sentence(self, amplitude: float) -> str:
        """The shape with its amplitude in words, for tables."""
        if self.model == "power-law":
            return "A m^e at every width"
        if self.model == "ripple":
            return f"A m^e with a factor that wanders by {self.bend:.0%}"
        if self.model == "logarithm":
            return f"A m^e (log m)^{amplitude:.2g}"
        if self.model == "crossover":
            return f"slope e{amplitude:+.2g} below and e above m = {self.reference:.3g}"
        at_start = np.expm1(amplitude * float(self(np.asarray(self.reference))))
        return f"A m^e (1 {at_start:+.2g} (m/{self.reference:.3g})^-{self.rate:.2g})"


@final
@dataclass(frozen=True)
class Catalogue:
    """All shapes for one range of widths: what an estimate averages over.

    Attributes:
        shapes: the G shapes, the R ripples last.
        model: (G,) index of each shape's kind in `MODEL_NAMES`.
        amplitude_sd: (G - R,) standard deviation of each amplitude before the data are seen.
        log_prior: (G,) log of each shape's weight before the data are seen; they sum to one.
    """

    shapes: tuple[Shape, ...]
    model: Int[np.ndarray, " G"]
    amplitude_sd: Float[np.ndarray, " B"]
    log_prior: Float[np.ndarray, " G"]

    @property
    def curves(self) -> tuple[Shape, ...]:
        """The shapes that are no ripples."""
        return self.shapes[: len(self.amplitude_sd)]

    @property
    def ripples(self) -> tuple[Shape, ...]:
        """The ripples."""
        return self.shapes[len(self.amplitude_sd) :]

    def table(self, widths: Float[np.ndarray, " W"]) -> Float[np.ndarray, "B W"]:
        """The values of every curve at every width."""
        return np.stack([shape(widths) for shape in self.curves])

    def slopes(self, width: float) -> Float[np.ndarray, " B"]:
        """How much slope every curve has left at a width, per unit of its amplitude."""
        near = self.table(width * np.exp([-_NEAR, _NEAR]))
        return (near[:, 1] - near[:, 0]) / (2 * _NEAR)


_NEAR = 1e-4


def likeness(log_width: Float[np.ndarray, " W"], length: float) -> Float[np.ndarray, "W W"]:
    """Correlation of a ripple between all widths."""
    apart = log_width[:, None] - log_width
    return np.exp(-0.5 * (apart / length) ** 2) if length else (apart == 0).astype(float)


@lru_cache(maxsize=64)
def catalogue(smallest: float, largest: float) -> Catalogue:
    """The shapes for a sweep whose widths run from `smallest` (above 1) to `largest`."""
    found = [(Shape("power-law"), 1e-9, 1.0)]  # shape, size of its amplitude, share within its kind
    for rate, bend, size in product(_CORRECTION_RATES, _BENDS, _CORRECTION_SIZES):
        bent = -np.log1p(-bend) if bend else 1.0
        found.append((Shape("correction", float(rate), smallest, bend), size / bent, 1.0))
    for rate in _CROSSOVER_RATES:
        spacing = float(np.clip(_SPACING / rate, *_SPACINGS))
        end = np.log(largest) + min(_BEYOND, _BEGUN / rate)
        for crossing in np.exp(np.arange(np.log(smallest), end, spacing)):
            shape = Shape("crossover", float(rate), float(crossing))
            sizes = (min(change, most * float(rate)) for change, most in _CROSSOVER_CHANGES)
            found += [(shape, size, spacing) for size in sizes]
    found += [(Shape("logarithm"), size, 1.0) for size in _LOGARITHM_POWERS]
    ripples = [
        Shape("ripple", reference=length, bend=size)
        for length, size in product(_RIPPLE_LENGTHS, _RIPPLE_SIZES)
    ]
    curves, sizes, shares = zip(*found, strict=True)
    shapes = (*curves, *ripples)
    model = np.array([MODEL_NAMES.index(shape.model) for shape in shapes])
    share = np.concatenate([shares, np.ones(len(ripples))])
    prior = np.array([PRIOR[name] for name in MODEL_NAMES]) / np.bincount(model, share)
    return Catalogue(shapes, model, np.array(sizes), np.log(prior[model] * share))
