"""How often do the intervals of thresholds contain the truth, and how wide are they?

Synthetic tables of converged runs: logistic transitions of given steepness, at places that scatter
between schemes: the table of docs/estimates.md.
"""

from typing import Any

import numpy as np

from lazyscope.measure import estimate_threshold

DESIGNS = ((8, 1, 3), (8, 4, 3), (12, 8, 3), (6, 3, 5), (8, 1, 10), (16, 12, 2))
STEEPNESSES = (0.02, 0.1, 0.3)  # s of the transition, in log kappa
SPREADS = (0.0, 0.5)  # of its place between schemes, in log kappa
TOLERATED = 0.05
SEED, NUM_TABLES = 20240917, 100


def row(design, steepness, spread, num_tables):
    """Coverage, median width in log kappa of bounded intervals, share that is unbounded."""
    num_kappa, num_schemes, num_seeds = design
    kappa = np.geomspace(0.1, 10, num_kappa)
    rng = np.random.default_rng([SEED, *design, int(100 * steepness), int(100 * spread)])
    hits, widths = 0, []
    for _ in range(num_tables):
        places = rng.uniform(-1, 1) + spread * rng.standard_normal(num_schemes)
        chance = 1 / (1 + np.exp(-(np.log(kappa)[:, None] - places) / steepness))
        draws = rng.uniform(size=(num_kappa, num_schemes, num_seeds))
        table = (draws < chance[:, :, None]).astype(float)
        truth = np.exp(places.max() + steepness * np.log(1 / TOLERATED - 1))
        low, high = estimate_threshold(kappa, table, tolerated=TOLERATED).interval
        hits += low <= truth <= high
        widths.append(np.log(high / low) if low > 0 else np.inf)
    bounded = np.isfinite(widths)
    median = np.median(np.array(widths)[bounded]) if bounded.any() else np.nan
    return hits / num_tables, median, 1 - bounded.mean()


def run() -> dict[str, Any]:
    rows = []
    for design in DESIGNS:
        for steepness in STEEPNESSES:
            for spread in SPREADS:
                coverage, width, unbounded = row(design, steepness, spread, NUM_TABLES)
                where = {"kappas x schemes x seeds": " x ".join(map(str, design))}
                where |= {"steepness": steepness, "spread": spread}
                rows.append(
                    where
                    | {"coverage": coverage, "median_log_width": width, "unbounded": unbounded}
                )
    mean = float(np.mean([each["coverage"] for each in rows]))
    return {"rows": rows, "coverage": mean, "tables_per_row": NUM_TABLES}
