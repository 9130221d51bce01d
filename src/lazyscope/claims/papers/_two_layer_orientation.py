"""Do input weights condense on few directions where they should, and nowhere else?"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._verdict_map import MARGIN
from lazyscope.measure import Agreement, Estimate, condensation, mean_estimate

_CELLS = 24  # of each regime, evenly over the plane
_NULLS = 8


def orientation_findings(
    runs: xr.Dataset, estimates: xr.Dataset, *, basis: str
) -> tuple[Finding, Finding]:
    """How the effective number of directions of the input weights changes with the width.

    Args:
        runs: with the weights of some neurons at the end of every run.
        estimates: with the law's ``predicted`` exponents and ``distance`` from its boundaries.
        basis: what was run.
    """
    predicted, distance = (
        estimates[name].sel(layer=1).transpose("gamma", "gamma_prime").values
        for name in ("predicted", "distance")
    )
    far = distance > MARGIN
    at_random = _random_directions(runs)
    condensed, linear = (_directions(runs, far & side) for side in (predicted > 0, predicted < 0))
    return (
        _growth_finding(
            "orientation-condensed",
            "condensed cells: input weights lie in few directions, no more of them in wider networks: "
            "log of their growth between smallest and largest width ≤ 0",
            condensed,
            Estimate.at_most,
            at_random,
            basis,
        ),
        _growth_finding(
            "orientation-linear",
            "linear cells: the number of directions returns to the random one as the width grows: log "
            "of its growth between smallest and largest width ≥ 0",
            linear,
            Estimate.at_least,
            at_random,
            basis,
        ),
    )


def _growth_finding(
    name: str,
    claim: str,
    directions: Float[np.ndarray, "cells ends seeds"],
    judge: Callable[[Estimate, float], Agreement],
    at_random: float,
    basis: str,
) -> Finding:
    growth = np.log(directions[:, 1] / directions[:, 0]).mean(0)
    grown = mean_estimate(growth)
    narrow, wide = directions.mean((0, 2))
    return Finding(
        name=name,
        claim=claim,
        prediction=None,
        measured=grown,
        verdict=judge(grown, 0.0),
        basis=basis,
        note=f"Effective number of directions of 10 degrees, weights by their norm, mean over "
        f"{len(directions)} cells farther than {MARGIN:g} from the boundary: {narrow:.1f} at the "
        f"smallest width, {wide:.1f} at the largest, {at_random:.1f} at random. Interval from seeds.",
    )


def _directions(
    runs: xr.Dataset, cells: Bool[np.ndarray, "gamma gamma_prime"]
) -> Float[np.ndarray, "cells ends seeds"]:
    """Effective directions of the input weights after training, at the smallest and largest width."""
    places = np.argwhere(cells)
    chosen = places[np.linspace(0, len(places) - 1, min(_CELLS, len(places))).astype(int)]
    weights = runs["input_weights_final"].transpose("gamma", "gamma_prime", "width", "seed", ...)
    picked = weights.values[chosen[:, 0], chosen[:, 1]][:, [0, -1]]
    found = [_count(one) for one in picked.reshape(-1, *picked.shape[-2:])]
    return np.array(found).reshape(picked.shape[:3])


def _random_directions(runs: xr.Dataset) -> float:
    weights = runs["input_weights_initial"].transpose("gamma", "gamma_prime", "width", "seed", ...)
    return _count(weights.values[0, 0, -1, 0])


def _count(weights: Float[np.ndarray, "neurons features"]) -> float:
    known = weights[np.isfinite(weights).all(1)]
    found = condensation(known, np.ones(len(known)), num_null=_NULLS)
    return found.effective_directions.value
