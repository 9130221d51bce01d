"""Do the directions of input weights grow in number while a small ReLU network trains?

A network whose loss does not fall any more, since all its units that are on share a few directions and the
others are on at no point, keeps the number that it has.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.papers.directions._multiplicity import judged
from lazyscope.claims.papers.directions._training import Trained, numbered, train
from lazyscope.data import Dataset

SEEDS, UNITS, POINTS = 40, 100, 40
FIRST_SEED = 100
STD = 1e-4
"""Of all weights, the square root of the published variance m^-4."""
STOPS = (0.9, 0.1, 0.01, 1e-3, 1e-4)
_LEAST, _APART = 0.01, np.pi / 36
_TOLERANCE = 0.05
_RULES = {"staircase-rises": Rule.at_least(1.0), "staircase-monotone": Rule.at_least(0.8)}
_NOISE = {
    "staircase-rises": {"model": "mean", "sd": 2.1, "exact": 2.3, "away": 0.0},
    "staircase-monotone": {"model": "mean", "sd": 0.1, "exact": 0.95, "away": 0.5},
}


def staircase_rows() -> Iterator[Row]:
    """What `staircase_findings` claims."""
    source = "a pilot of six other networks (seeds 9000 to 9005), three of which stall"
    design = {
        "activation": "relu",
        "width": UNITS,
        "std": STD,
        "points": f"{POINTS} even ones of one input in [-1, 1] and a bias, targets of four units",
        "stops": STOPS,
        "least": _LEAST,
        "apart": _APART,
        "seeds": SEEDS,
        "first_seed": FIRST_SEED,
        "unfinished": "counted as they are after 6000 steps",
    }
    for name, rule in _RULES.items():
        yield Row(name, None, rule, design, noise=_NOISE[name] | {"source": source})


def staircase_findings(seeds: range) -> Iterator[Finding]:
    """How much the number grows, and how often it does not fall from one fraction of the loss to the next."""
    found = [[_trained(stop, seed) for stop in STOPS] for seed in seeds]
    counts = np.array([[directions_of(each) for each in row] for row in found])
    stalled = sum(row[-1].stalled for row in found)
    values = {
        "staircase-rises": counts[:, -1] - counts[:, 0],
        "staircase-monotone": np.where(
            np.isfinite(counts).all(axis=1), (np.diff(counts, axis=1) >= 0).mean(axis=1), np.nan
        ),
    }
    claims = {
        "staircase-rises": "one input, 100 ReLU units, weights of variance m^-4: between the first tenth of "
        "the loss and its last ten-thousandth the number of directions of input weights rises: at least by 1",
        "staircase-monotone": "there, the share of steps between neighbouring fractions of the loss in which "
        "the number does not fall: at least 0.8",
    }
    told = ", ".join(
        f"{mean:.1f} at {stop:g}" for mean, stop in zip(counts.mean(0), STOPS, strict=True)
    )
    basis = (
        f"{POINTS} even points in [-1, 1] with a bias, targets of four ReLU units, {len(seeds)} networks, "
        "centred, flow to where the loss falls no more; a direction holds units of a hundredth of the "
        "largest and more, five degrees apart"
    )
    for name, rises in values.items():
        yield judged(
            name,
            claims[name],
            rises,
            _RULES[name],
            None,
            basis,
            f"Means by loss: {told}; {stalled} of {len(seeds)} networks stalled.",
        )


def published_target() -> Dataset:
    """The four units whose sum is the published example."""
    x = np.linspace(-1.0, 1.0, POINTS)
    units = np.maximum(np.stack([x, 2.0 * (x + 0.3), 1.5 * (x - 0.4), 0.5 * (x - 0.8)]), 0.0)
    y = np.array([-1.0, 1.0, -1.0, 1.0]) @ units
    return numbered(np.stack([x, np.ones(POINTS)], axis=1), y, "four units of one input")


def _trained(stop: float, seed: int) -> Trained:
    alpha = (STD * UNITS**0.5,) * 2
    told = {"width": UNITS, "activation": "relu", "seed": seed}
    return train(published_target(), alpha, **told, stop=stop, tolerance=_TOLERANCE)


def directions_of(found: Trained) -> float:
    """Groups of units around the circle with gaps between them; NaN where a run did not end.

    Example:
        >>> weights = np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.0, -1e-6]])
        >>> directions_of(Trained(weights, weights, np.ones(4), 1.0, converged=True))
        2.0
    """
    if not (found.converged or found.stalled):
        return float("nan")
    mass = np.abs(found.output) * np.linalg.norm(found.after, axis=1)
    return float(_groups(found.after[mass > _LEAST * mass.max()]))


def _groups(weights: Float[np.ndarray, "k 2"]) -> int:
    angles = np.sort(np.arctan2(weights[:, 1], weights[:, 0]))
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    return max(int((gaps > _APART).sum()), 1)
