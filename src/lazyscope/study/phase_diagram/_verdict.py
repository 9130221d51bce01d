"""Do the measured exponents of a phase diagram have the sign and the size that the law predicts?"""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from lazyscope.measure import RESOLUTION, agreement


def verdict(estimates: xr.Dataset) -> Shaped[np.ndarray, "x y layer"]:
    """``agrees``, ``disagrees`` or ``undecided`` of every cell about its ``predicted`` exponent.

    Undecided where too few runs ended for an interval.
    """
    rows = zip(
        *(estimates[name].values.ravel().tolist() for name in ("low", "high", "predicted")),
        strict=True,
    )
    told = [
        "undecided" if np.isnan([low, high]).any() else agreement(low, high, predicted, RESOLUTION)
        for low, high, predicted in rows
    ]
    return np.array(told).reshape(estimates["predicted"].shape)


def sign_check(estimates: xr.Dataset, *, margin: float) -> dict[str, Any]:
    """Signs of measured exponents against the law's, in cells away from its boundaries.

    Args:
        estimates: with ``sign``, ``slope``, ``predicted`` and ``distance`` over (x, y, layer).
        margin: cells within this distance of a boundary of their layer are left out.

    Returns:
        Counts of cells and layers: ``far`` (judged), ``agree``, ``undecided`` (the interval contains
        zero), ``opposite``, and ``slope_opposite`` (the straight-line slope has the other sign);
        ``cells`` lists those that do not agree; ``supported`` is True where all agree, False
        where one is opposite, else None; ``sentence`` says it in words.
    """
    sign, slope = estimates["sign"].values.astype(str), estimates["slope"].values
    predicted = estimates["predicted"].values
    law = np.where(predicted < 0, "negative", "positive")
    far = (estimates["distance"].values > margin) & (predicted != 0)
    undecided = far & (sign == "undecided")
    opposite = far & ~undecided & (sign != law)
    slope_opposite = far & np.isfinite(slope) & (np.sign(slope) != np.sign(predicted))
    counts = {
        "margin": margin,
        "far": int(far.sum()),
        "agree": int((far & (sign == law)).sum()),
        "undecided": int(undecided.sum()),
        "opposite": int(opposite.sum()),
        "slope_opposite": int(slope_opposite.sum()),
    }
    unclear = undecided | opposite | slope_opposite
    supported = False if opposite.any() else None if undecided.any() or not far.any() else True
    return {
        **counts,
        "cells": [_told(estimates, place) for place in np.argwhere(unclear)],
        "supported": supported,
        "sentence": _sentence(counts),
    }


def _told(estimates: xr.Dataset, place: np.ndarray) -> dict[str, Any]:
    dims = estimates["exponent"].dims
    where = {
        str(dim): estimates[dim].values[index].item()
        for dim, index in zip(dims, place, strict=True)
    }
    names = ("predicted", "exponent", "low", "high", "slope", "last_slope", "distance")
    values = {name: float(estimates[name].values[tuple(place)]) for name in names}
    finite = {name: value if np.isfinite(value) else None for name, value in values.items()}
    return where | finite | {"sign": str(estimates["sign"].values[tuple(place)])}


def _sentence(counts: dict[str, Any]) -> str:
    if not counts["far"]:
        return f"No cell is farther than {counts['margin']:g} from a predicted boundary."
    agree, far = counts["agree"], counts["far"]
    others = [f"{counts[name]} {what}" for name, what in _OTHERWISE.items() if counts[name]]
    sentence = (
        f"Farther than {counts['margin']:g} from a boundary of the law, "
        f"{'all' if agree == far else f'{agree} of'} {far} exponents (cells times layers) have the sign that "
        "it predicts"
    )
    return f"{sentence}; {', '.join(others)}." if others else f"{sentence}."


_OTHERWISE = {
    "undecided": "with an interval that contains zero",
    "opposite": "with the other sign",
    "slope_opposite": "with a straight line of the other sign",
}
