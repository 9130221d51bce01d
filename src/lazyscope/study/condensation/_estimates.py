"""How condensed are the input weights in every cell of a plane, and is it where theory says?"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope._outcome import Outcome
from lazyscope.measure import condensation
from lazyscope.study._protocol import answer_of, stated
from lazyscope.study.phase_diagram._estimates import MARGIN, map_estimates
from lazyscope.study.phase_diagram._law import zero_lines

HALF = 0.5
"""Order parameter above which a cell is called condensed: half way from chance to all mass."""
_NULL_DRAWS = 8
STAGES = {"initial": "before training", "early": "initial stage", "final": "after training"}
"""When input weights are looked at, and in which words."""


def condensation_estimates(runs: xr.Dataset, *, num_directions: int, title: str = "") -> xr.Dataset:
    """Order parameters over a plane of runs, beside the exponents of `map_estimates`.

    The order parameter is the share of mass in the `num_directions` heaviest directions, set to 0 for
    what random directions with the same masses give and to 1 for all of it, see
    `lazyscope.measure.condensation`. The mass of a neuron is the norm |w| of its input weights, so
    that neurons that grew count for more and the output layer, which may grow alone, does not enter.

    Args:
        runs: over (x, y, width, seed) with the weights of all three stages, as the study makes them.
        num_directions: how many leading directions count.
        title: of the page.

    Returns:
        The estimates of ``docs/report.md`` with more: over (x, y, stage, width, seed)
        ``order`` and ``directions`` (effective number); over (x, y), means over seeds at the largest
        width, ``order_final``, ``order_early``, ``order_initial``, ``directions_final`` and
        ``directions_null``, and ``trend``: change of the final order parameter from the smallest to
        the largest width. Boundaries are those of layer 1, and where ``order_final`` is one half;
        ``verdict`` is about the sides of the boundary of layer 1.

    Cost: about ten milliseconds per run and stage.
    """
    estimates = map_estimates(runs, title=title)
    x, y = (str(dim) for dim in estimates["exponent"].dims if dim != "layer")
    runs = runs.transpose(x, y, "width", "seed", ...)
    measured = _measure(runs, num_directions)
    stages = list(STAGES)
    order, directions, null = np.moveaxis(measured, -1, 0)
    largest = {stage: np.nanmean(order[..., -1, :], -1)[:, :, k] for k, stage in enumerate(stages)}
    final = stages.index("final")
    by_width = np.nanmean(order[:, :, final], -1)
    words = f"order parameter {{}}, width {int(runs['width'].values[-1])}"
    plane = (x, y)
    estimates = estimates.assign(
        order_final=(plane, largest["final"], {"long_name": words.format(STAGES["final"])}),
        order_early=(plane, largest["early"], {"long_name": words.format(STAGES["early"])}),
        order_initial=(plane, largest["initial"], {"long_name": words.format(STAGES["initial"])}),
        directions_final=(
            plane,
            np.nanmean(directions[:, :, final, -1], -1),
            {"long_name": "effective directions after training"},
        ),
        directions_null=(
            plane,
            np.nanmean(null[:, :, final, -1], -1),
            {"long_name": "effective directions by chance"},
        ),
        trend=(
            plane,
            by_width[..., -1] - by_width[..., 0],
            {"long_name": "change of the order parameter from the smallest width to the largest"},
        ),
        order=((x, y, "stage", "width", "seed"), order),
        directions=((x, y, "stage", "width", "seed"), directions),
    ).assign_coords(stage=stages, width=runs["width"].values, seed=runs["seed"].values)
    return _with_sides(estimates, (x, y), num_directions)


def _measure(runs: xr.Dataset, num_directions: int) -> Float[np.ndarray, "x y stage width seed 3"]:
    """Order parameter, effective directions and their null of every run and stage."""
    shape = runs["outcome"].shape
    ended = runs["outcome"].values.astype(str) == Outcome.CONVERGED.label
    begun = runs["outcome_early"].values.astype(str) == Outcome.CONVERGED.label
    known = {"initial": ended, "early": begun, "final": ended}
    found = np.full((*shape[:2], len(STAGES), *shape[2:], 3), np.nan)
    jobs = [
        (stage, runs[f"input_weights_{stage}"].values[place], (*place[:2], k, *place[2:]))
        for k, stage in enumerate(STAGES)
        for place in np.ndindex(*shape)
        if known[stage][place]
    ]

    def measure(job: tuple[str, np.ndarray, tuple[int, ...]]) -> None:
        _, weights, place = job
        found[place] = _condensed(weights, num_directions)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(measure, jobs))
    return found


def _condensed(weights: Float[np.ndarray, "m d"], num_directions: int) -> tuple[float, ...]:
    """Order parameter, effective directions and their null; NaN where no two neurons have weights."""
    size = np.linalg.norm(weights, axis=1)
    rows = np.isfinite(size) & (size > 0)
    if rows.sum() < 2:
        return (np.nan,) * 3
    weights = weights[rows]
    result = condensation(
        weights, np.ones(len(weights)), num_directions=num_directions, num_null=_NULL_DRAWS
    )
    count = result.effective_directions
    return result.order_parameter, count.value, count.null


def _with_sides(estimates: xr.Dataset, plane: tuple[str, str], num_directions: int) -> xr.Dataset:
    """Lines of layer 1 and of the order parameter, and what they say about each other."""
    lines = [
        line
        for line in json.loads(estimates.attrs["boundaries"])
        if line["name"] in ("law, layer 1", "measured, layer 1")
    ]
    x, y = (estimates[name].values for name in plane)
    words = {
        "final": ("measured", "order parameter 1/2 after training"),
        "early": ("early", "order parameter 1/2 in the initial stage"),
    }
    for stage, (kind, name) in words.items():
        values = estimates[f"order_{stage}"].values - HALF
        lines += [
            {"name": name, "kind": kind, "x": line[:, 0].tolist(), "y": line[:, 1].tolist()}
            for line in zero_lines(x, y, values)
        ]
    check = side_check(estimates, margin=MARGIN)
    told = stated(answer_of(check["supported"]), check["sentence"])
    return estimates.assign_attrs(
        boundaries=json.dumps([line for line in lines if line["name"] != "measured, layer 1"]),
        side_check=json.dumps(check),
        verdict=json.dumps(told),
        shown="order_final",
        num_directions=num_directions,
    )


def side_check(estimates: xr.Dataset, *, margin: float) -> dict[str, Any]:
    """Which cells are condensed, against the sign of layer 1's exponent in the displacement law.

    Args:
        estimates: with ``predicted`` and ``distance`` over (x, y, layer), ``order_final``,
            ``order_early`` and ``trend``.
        margin: cells within this distance of the boundary of layer 1 are left out.

    Returns:
        Counts of cells far from the boundary: ``condensed`` and ``lazy`` (predicted),
        ``above`` of the first with an order parameter above one half, ``below`` of the second; the
        same for the initial stage; ``rising`` and ``falling`` with the width (or at most 0.05 from
        chance); ``lowest_condensed`` and ``highest_lazy`` order parameters; ``sentence``.
        ``supported`` is True where all condensed cells lie above all lazy ones in the initial stage,
        and False otherwise; None without cells on both sides.
    """
    if "predicted" not in estimates:
        return {"supported": None, "sentence": "No law is known for this plane."}
    predicted = estimates["predicted"].sel(layer=1).values
    far = estimates["distance"].sel(layer=1).values > margin
    condensed, lazy = far & (predicted > 0), far & (predicted < 0)
    final, early = estimates["order_final"].values, estimates["order_early"].values
    trend = estimates["trend"].values
    if not condensed.any() or not lazy.any():
        return {"supported": None, "sentence": "All cells lie on one side of the boundary."}
    lowest, highest = float(early[condensed].min()), float(early[lazy].max())
    counts = {
        "margin": margin,
        "condensed": int(condensed.sum()),
        "lazy": int(lazy.sum()),
        "above": int((condensed & (final > HALF)).sum()),
        "below": int((lazy & (final < HALF)).sum()),
        "early_above": int((condensed & (early > HALF)).sum()),
        "early_below": int((lazy & (early < HALF)).sum()),
        "rising": int((condensed & (trend > 0)).sum()),
        "falling": int((lazy & ((trend < 0) | (final < 0.05))).sum()),
        "lowest_condensed": lowest,
        "highest_lazy": highest,
    }
    sentence = (
        f"Farther than {margin:g} from the boundary of layer 1, the order parameter after training "
        f"is above 1/2 in {counts['above']} of {counts['condensed']} cells that the law calls "
        f"condensed and below it in {counts['below']} of {counts['lazy']} lazy ones; at the end of "
        f"the initial stage it is at least {lowest:.2f} in the first and at most {highest:.2f} in "
        "the second, where random weights give 0."
    )
    return {**counts, "supported": bool(lowest > highest), "sentence": sentence}
