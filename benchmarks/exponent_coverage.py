"""How often do the intervals of exponents contain the truth, and how wide are they?

Synthetic sweeps with known exponents (tests/naive/crossovers.py): nine families, seven designs of
widths and seeds, two kinds of noise, a number of cases fixed beforehand: the table of docs/estimates.md.
The seed of the published table is not one that the catalogue of shapes was tuned on.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from lazyscope.measure import estimate_exponents

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from naive.crossovers import FAMILIES, sweeps

DESIGNS = ((4, 3), (4, 5), (5, 3), (5, 4), (6, 3), (7, 3), (7, 5))  # widths, seeds
AVERAGING = (0, 1)  # noise of constant size, and noise that falls like m^-1/2
SEED, NUM_CASES = 20240917, 100


@dataclass(frozen=True)
class Score:
    """What happened to the intervals of one family."""

    truth: np.ndarray
    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray
    plain: np.ndarray
    plain_reach: np.ndarray

    def row(self) -> dict[str, float]:
        width = self.high - self.low
        covered = (self.low <= self.truth) & (self.truth <= self.high)
        wrong_sign = ((self.low > 0) & (self.truth <= 0)) | ((self.high < 0) & (self.truth >= 0))
        return {
            "cases": len(width),
            "coverage": covered.mean(),
            "median width": np.median(width),
            "90 % of widths below": np.quantile(width, 0.9),
            "sign undecided": ((self.low <= 0) & (self.high >= 0)).mean(),
            "sign wrong": wrong_sign.mean(),
            "rms error": np.sqrt(np.mean((self.centre - self.truth) ** 2)),
            "line: coverage": (np.abs(self.plain - self.truth) <= self.plain_reach).mean(),
            "line: median width": np.median(2 * self.plain_reach),
            "line: rms error": np.sqrt(np.mean((self.plain - self.truth) ** 2)),
        }


def study(num_cases: int, seed: int = SEED, *, level: float = 0.95) -> dict[str, Score]:
    """Scores per family, `num_cases` for every design and kind of noise, and ``all`` together."""
    scores = {}
    for number, family in enumerate(FAMILIES):
        parts = []
        for design, (num_widths, num_seeds) in enumerate(DESIGNS):
            widths = np.round(np.geomspace(64, 10_000, num_widths))
            for averaging in AVERAGING:
                rng = np.random.default_rng([seed, number, design, averaging])
                truth, values = sweeps(
                    family, rng, widths, num_cases, num_seeds, averaging=averaging
                )
                found = estimate_exponents(widths, values, level=level)
                line = straight_line(widths, values, level)
                parts.append((truth, found.exponent, found.low, found.high, *line))
        scores[family.__name__] = Score(*(np.concatenate(p) for p in zip(*parts, strict=True)))
    fields = Score.__dataclass_fields__
    whole = [np.concatenate([getattr(s, name) for s in scores.values()]) for name in fields]
    return {**scores, "all": Score(*whole)}


def straight_line(widths, values, level: float):
    """Slope through all runs and half-width of its interval: the usual practice, to compare."""
    x = np.repeat(np.log(widths) - np.log(widths).mean(), values.shape[-1])
    y = np.log(values).reshape(len(values), -1)
    slope = y @ x / (x @ x)
    residual = y - y.mean(-1, keepdims=True) - slope[:, None] * x
    error = np.sqrt((residual**2).sum(-1) / (len(x) - 2) / (x @ x))
    return slope, student.ppf(0.5 + level / 2, len(x) - 2) * error


def run() -> dict[str, Any]:
    rows = [{"family": name} | score.row() for name, score in study(NUM_CASES).items()]
    return {"rows": rows, "cases_per_family_design_and_noise": NUM_CASES}
