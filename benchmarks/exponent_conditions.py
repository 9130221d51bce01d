"""What happens to the coverage of exponents outside the conditions of the main study?

Fewer widths and seeds, heavy tails, shared noise, much and hardly any noise, a narrow range: the second
table of docs/estimates.md.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from lazyscope.measure import estimate_exponents

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from naive.crossovers import FAMILIES

SEED, NUM_CASES = 20240917, 50


def size(rng, shape):
    """1 to 10 percent, one size per cell."""
    return np.exp(rng.uniform(np.log(0.01), np.log(0.1), shape[0]))[:, None, None]


def normal(rng, shape):
    return size(rng, shape) * rng.standard_normal(shape)


def heavy(rng, shape):
    return size(rng, shape) * rng.standard_t(3, shape) / np.sqrt(3)


def shared(rng, shape):
    common = rng.standard_normal((shape[0], 1, shape[2]))
    return size(rng, shape) * (rng.standard_normal(shape) + common) / np.sqrt(2)


def much(rng, shape):
    return 0.3 * rng.standard_normal(shape)


def little(rng, shape):
    return 0.001 * rng.standard_normal(shape)


CONDITIONS = {
    "3 widths, 2 seeds": (((3, 2),), normal, 10_000),
    "Student-t noise, 3 degrees of freedom": (((5, 3), (6, 4)), heavy, 10_000),
    "half of the noise shared by a seed": (((5, 3), (6, 4)), shared, 10_000),
    "30 % noise": (((5, 3), (6, 4)), much, 10_000),
    "0.1 % noise": (((5, 3), (9, 3)), little, 10_000),
    "widths 64 to 512": (((4, 3), (5, 5)), normal, 512),
}


def coverage(family, designs, noise, largest, num_cases):
    """Share of intervals with the truth, and their widths."""
    hits, spans = [], []
    for num_widths, num_seeds in designs:
        rng = np.random.default_rng([SEED, FAMILIES.index(family), num_widths, num_seeds])
        widths = np.round(np.geomspace(64, largest, num_widths))
        truth, curves = zip(*(family(rng) for _ in range(num_cases)), strict=True)
        values = np.array([curve(widths) for curve in curves])[:, :, None]
        values = values * np.exp(noise(rng, (num_cases, num_widths, num_seeds)))
        found = estimate_exponents(widths, values)
        hits.append((found.low <= truth) & (truth <= found.high))
        spans.append(found.high - found.low)
    return np.mean(hits), np.median(np.concatenate(spans))


def run() -> dict[str, Any]:
    rows = []
    for condition, settings in CONDITIONS.items():
        found = [coverage(family, *settings, NUM_CASES) for family in FAMILIES]
        by_family = {family.__name__: hit for family, (hit, _) in zip(FAMILIES, found, strict=True)}
        mean = float(np.mean([hit for hit, _ in found]))
        rows.append(
            {"condition": condition, "all": mean, **by_family, "median_width_clean": found[0][1]}
        )
    return {"rows": rows, "cases_per_family_and_design": NUM_CASES}
