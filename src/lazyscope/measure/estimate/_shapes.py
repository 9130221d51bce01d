"""In which ways may a quantity approach its power law as the width grows?

A finite catalogue of shapes h with

    log value = constant + exponent * log m + amplitude * h(m),   slope of h -> 0 as m grows.

Each shape stands for one way in which finite width can mislead a slope. The catalogue, with its
prior weights and the typical size of each amplitude, is the whole assumption behind an interval.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, final, get_args

import numpy as np
from jaxtyping import Float, Int

ModelName: TypeAlias = Literal["power-law", "correction", "crossover", "logarithm"]
"""The four kinds of approach, from none to the slowest."""

MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)

PRIOR: dict[ModelName, float] = {
    "power-law": 0.40,
    "correction": 0.20,
    "crossover": 0.30,
    "logarithm": 0.10,
}
"""Weight of each kind before the data are seen; equal shares within a kind."""

_CORRECTION_RATES = np.geomspace(0.15, 3.2, 12)  # delta of a correction c m^-delta
_CORRECTION_SIZE = 0.5  # typical size of log(1 + c m^-delta) at the smallest width
_BENDS = (0.0, 0.4, 0.7, 0.9)  # how close 1 + c m^-delta comes to zero at the smallest width
_CROSSOVER_RATES = np.geomspace(0.08, 4.0, 12)  # how sharp a crossover is, per unit of log m
_CROSSOVER_CHANGE = 0.6  # typical change of slope across a crossover
_CHANGE_PER_RATE = 0.7  # typical; a sum of two powers changes its slope by the rate itself
_CROSSOVER_SPACING = 0.3  # of the crossing widths tried, in log m
_BEYOND = np.log(6.0)  # a crossing may lie beyond the largest width by this much in log m
_BEGUN = 2.0  # and has begun: an eighth of its change of slope has happened at the largest width
_LOGARITHM_POWER = 0.7  # typical k of a factor (log m)^k


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
    """

    model: ModelName
    rate: float = 0.0
    reference: float = 1.0
    bend: float = 0.0

    def __call__(self, width: Float[np.ndarray, "*n"] | float) -> Float[np.ndarray, "*n"] | float:
        """The values h(width)."""
        width = np.asarray(width, float)
        if self.model == "power-law":
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
        shapes: the G shapes.
        model: (G,) index of each shape's kind in `MODEL_NAMES`.
        amplitude_sd: (G,) standard deviation of each amplitude before the data are seen.
        log_prior: (G,) log of each shape's weight before the data are seen; they sum to one.
    """

    shapes: tuple[Shape, ...]
    model: Int[np.ndarray, " G"]
    amplitude_sd: Float[np.ndarray, " G"]
    log_prior: Float[np.ndarray, " G"]

    def table(self, widths: Float[np.ndarray, " W"]) -> Float[np.ndarray, "G W"]:
        """The values of every shape at every width."""
        return np.stack([shape(widths) for shape in self.shapes])


@lru_cache(maxsize=64)
def catalogue(smallest: float, largest: float) -> Catalogue:
    """The shapes for a sweep whose widths run from `smallest` (above 1) to `largest`."""
    shapes, sizes = [Shape("power-law")], [1e-9]
    for rate in _CORRECTION_RATES:
        for bend in _BENDS:
            shapes.append(Shape("correction", float(rate), smallest, bend))
            sizes.append(_CORRECTION_SIZE / (-np.log1p(-bend) if bend else 1.0))
    crossings = np.arange(np.log(smallest), np.log(largest) + _BEYOND, _CROSSOVER_SPACING)
    for rate in _CROSSOVER_RATES:
        begun = crossings <= np.log(largest) + _BEGUN / rate
        for crossing in np.exp(crossings[begun]):
            shapes.append(Shape("crossover", float(rate), float(crossing)))
            sizes.append(min(_CROSSOVER_CHANGE, _CHANGE_PER_RATE * float(rate)))
    shapes.append(Shape("logarithm"))
    sizes.append(_LOGARITHM_POWER)
    model = np.array([MODEL_NAMES.index(shape.model) for shape in shapes])
    prior = np.array([PRIOR[name] for name in MODEL_NAMES]) / np.bincount(model)
    return Catalogue(tuple(shapes), model, np.array(sizes), np.log(prior[model]))
