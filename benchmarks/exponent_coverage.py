"""How often do the intervals of exponents contain the truth, and how wide are they?

Synthetic sweeps with known exponents, five and six widths, three and four seeds, three sizes of noise. Three
lists of families (tests/naive/departures.py): those that the estimator was adjusted on first, those that had
been held out and were looked at since, and those held out for this table. The number of draws and their
seeds are fixed; the seed of the table is not one of adjusting.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import t as student

from lazyscope.measure import estimate_exponents

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from naive.departures import HELD_OUT, LOOKED_AT, TUNED

DESIGNS = ((5, 3, 4096), (5, 4, 16384), (6, 3, 16384), (6, 4, 4096))  # widths, seeds, the largest
NOISES = (0.01, 0.03, 0.1)  # of the logarithm of a run
SEED, NUM_DRAWS = 20261129, 50  # per design
SHOWS = 0.8  # a departure shows where a straight line is rejected in so many draws


@dataclass(frozen=True)
class Score:
    """What happened to the intervals of the draws of one family at one noise."""

    truth: np.ndarray
    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray
    line: np.ndarray
    line_reach: np.ndarray
    rejected: np.ndarray

    @property
    def covered(self) -> np.ndarray:
        return (self.low <= self.truth) & (self.truth <= self.high)

    @property
    def wrong_sign(self) -> np.ndarray:
        return ((self.low > 0) & (self.truth <= 0)) | ((self.high < 0) & (self.truth >= 0))

    def row(self) -> dict[str, float]:
        half = (self.high - self.low) / 2
        seen = self.rejected
        return {
            "draws": len(half),
            "line rejected": seen.mean(),
            "coverage": self.covered.mean(),
            "coverage where rejected": self.covered[seen].mean() if seen.any() else np.nan,
            "coverage where not": self.covered[~seen].mean() if (~seen).any() else np.nan,
            "sign wrong": self.wrong_sign.mean(),
            "sign undecided": ((self.low <= 0) & (self.high >= 0)).mean(),
            "half-width": np.median(half),
            "90 % below": np.quantile(half, 0.9),
            "half-width over line's": np.median(half / self.line_reach),
            "rms error": np.sqrt(np.mean((self.centre - self.truth) ** 2)),
            "line: coverage": (np.abs(self.line - self.truth) <= self.line_reach).mean(),
            "line: rms error": np.sqrt(np.mean((self.line - self.truth) ** 2)),
        }


def draws(family, noise: float, design, num_draws: int, seed):
    """Widths, true exponents and noisy values (draws, widths, seeds) of one family."""
    num_widths, num_seeds, largest = design
    rng = np.random.default_rng(seed)
    widths = np.round(np.geomspace(64, largest, num_widths))
    truths, curves = zip(*(family(rng) for _ in range(num_draws)), strict=True)
    values = np.array([curve(widths) for curve in curves])[:, :, None]
    scatter = rng.standard_normal((num_draws, num_widths, num_seeds))
    return widths, np.array(truths), values * np.exp(noise * scatter)


def score(family, noise: float, num_draws: int, seed: int, estimate=estimate_exponents) -> Score:
    """All designs of one family at one noise."""
    parts = []
    for number, design in enumerate(DESIGNS):
        name = sum(family.__name__.encode())
        key = [seed, name, number, round(1e4 * noise)]
        widths, truth, values = draws(family, noise, design, num_draws, key)
        found = estimate(widths, values)
        line = straight_line(widths, values)
        parts.append((truth, found.exponent, found.low, found.high, *line))
    return Score(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def straight_line(widths, values, level: float = 0.95):
    """Slope through all runs, half-width of its interval, and whether the line is rejected at 5 %."""
    num_widths, num_seeds = values.shape[1:]
    x = np.log(widths) - np.log(widths).mean()
    y = np.log(values)
    means = y.mean(-1)
    slope = means @ x / (x @ x)
    misfit = means - means.mean(-1, keepdims=True) - slope[:, None] * x
    pure = ((y - means[..., None]) ** 2).sum((-1, -2))
    lack = num_seeds * (misfit**2).sum(-1)
    spare, dof = num_widths * (num_seeds - 1), num_widths * num_seeds - 2
    error = np.sqrt((pure + lack) / dof / (num_seeds * x @ x))
    ratio = (lack / (num_widths - 2)) / (pure / spare)
    rejected = ratio > fisher.ppf(0.95, num_widths - 2, spare)
    return slope, student.ppf(0.5 + level / 2, dof) * error, rejected


def study(num_draws: int, seed: int = SEED, *, families=None, noises=NOISES, **settings):
    """Rows of the table, a family and a noise in each."""
    lists = families or {"held out": HELD_OUT, "looked at since": LOOKED_AT, "adjusted on": TUNED}
    for name, members in lists.items():
        for family in members:
            for noise in noises:
                found = score(family, noise, num_draws, seed, **settings).row()
                yield {"list": name, "family": family.__name__, "noise": noise} | found


def run() -> dict[str, Any]:
    rows = list(study(NUM_DRAWS))
    return {"rows": rows, "draws_per_family_noise_and_design": NUM_DRAWS, "seed": SEED}
