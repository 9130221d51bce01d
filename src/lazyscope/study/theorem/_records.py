"""How fast did every run of a theorem study lose its loss, beside what the theorem guarantees?"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from lazyscope.data import Dataset
from lazyscope.study._guarantee import Bound
from lazyscope.study._stored import StoredRuns, number
from lazyscope.study.theorem._settings import TheoremCell, TheoremSettings


def told_runs(
    settings: TheoremSettings, data: Dataset, bound: Bound, stores: Mapping[str, xr.Dataset]
) -> Iterator[dict[str, Any]]:
    """Every run in the order of the cells, those without one as ``missing``."""
    named = StoredRuns.of(stores["schemes"], ("scheme", "width", "seed"))
    spread = StoredRuns.of(stores["spreads"], ("spread", "kappa", "width", "seed"))
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for cell in settings.cells():
        place = cell.kind, cell.name, cell.kappa, cell.width
        if place not in known:
            network, scheme = settings.network(data, cell)
            kappa = float(network.kappa(scheme.alpha(cell.width)))
            rates = bound.rates(scheme, cell.width)
            known[place] = {"kappa": kappa if cell.kappa is None else cell.kappa, **rates}
        if cell.kappa is None:
            at = settings.schemes.index(cell.name), settings.widths.index(cell.width)
            seen = named.at(*at, cell.seed)
        else:
            seen = spread.at(*_place(settings, cell), cell.seed)
        yield {**cell._asdict(), **known[place], **run_record(seen)}


def run_record(seen: Mapping[str, Any]) -> dict[str, Any]:
    """The rate at which the loss of one run falls.

    The rate is the largest r with ``R(t) <= exp(-r t) R(0)`` at *every* time, which is what the
    theorem is about: the smaller of ``average``, the smallest log(R(0)/R(t))/t on record, and
    ``final``, 2 lambda_min(K(T))/n at the end, at which the rest decays since the kernel hardly
    moves any more. So it hardly depends on where training was stopped: between 1e-4 and 1e-8 of the loss
    it changes by a per cent where training is lazy and by a quarter where it is not, while ``average``
    falls by a factor of four and more.

    Args:
        seen: quantities of the run by name.

    Returns:
        ``outcome``, ``steps``, ``time``, ``loss_fraction``, ``kernel`` (2 lambda_min(K(0))/n),
        ``average``, ``final``, ``rate``, ``largest_displacement`` (operator norm), the ``curve`` and
        ``wall_seconds``. Rates of a run that did not converge are None.
    """
    ended = seen["outcome"] == "converged"
    inside = ~np.isnan(seen["curve_time"])
    times, losses = seen["curve_time"][inside], seen["curve_loss"][inside]
    later = times > 0
    average = final = None
    if ended and later.any():
        average = float(np.min(np.log(losses[0] / losses[later]) / times[later]))
        final = float(seen["rate_final"])
    return {
        "outcome": str(seen["outcome"]),
        "steps": None if np.isnan(seen["steps"]) else int(seen["steps"]),
        "time": number(seen["time"]),
        "loss_fraction": number(seen["loss_final"] / seen["loss_initial"]),
        "kernel": number(seen["rate_initial"]),
        "average": average,
        "final": final,
        "rate": None if average is None or final is None else min(average, final),
        "largest_displacement": number(seen["displacement_operator"].max(), ended),
        "curve": {"time": times.tolist(), "loss": losses.tolist()},
        "wall_seconds": number(seen["seconds"]),
    }


def _place(settings: TheoremSettings, cell: TheoremCell) -> tuple[int, int, int]:
    return (
        settings.spreads.index(cell.name),
        settings.kappas.index(cell.kappa),  # pyright: ignore[reportArgumentType]
        settings.threshold_widths.index(cell.width),
    )
