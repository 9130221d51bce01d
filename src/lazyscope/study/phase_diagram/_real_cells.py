"""What do real widths show of cells of a plane, and was their crossover to be expected?"""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope.experiment import default_settings, run_data
from lazyscope.scaling import displacement_exponents
from lazyscope.study.phase_diagram._plane_settings import AbstractPlaneSettings
from lazyscope.study.random_schemes._law import law_at_widths

Layers = Float[np.ndarray, "cell layer W"]


def beside_the_law(
    settings: AbstractPlaneSettings, real: xr.Dataset, narrow: xr.Dataset
) -> dict[str, Any]:
    """Drawn cells at real widths, beside narrow networks and the law at each width; nothing is fitted.

    Args:
        settings: what was run.
        real: runs of the drawn cells at the shown widths.
        narrow: the same on networks that stand for these widths.

    Returns:
        ``widths``; ``cells``, each with its place on both axes and ``layers``: ``layer``, ``measured`` and
        ``narrow`` (geometric means over seeds), ``smallest`` and ``largest`` seed at real widths, ``law``
        at each width, ``slope``, ``narrow_slope`` and ``law_slope`` of straight lines through all widths,
        ``exponent`` of the law in the limit; ``rms_of_narrow``, ``rms_of_law`` and ``rms_of_limit``: of the
        slope at real widths minus the three others.
    """
    data = run_data({**default_settings(), **settings.problem()})
    widths, cells = np.array(settings.shown_widths), settings.drawn_cells()
    seeds = _displacements(real, "width")
    law: Layers = np.stack([law_at_widths(settings.scheme(*c), widths, data) for c in cells])
    optimiser = settings.optimiser
    limit = np.array(
        [displacement_exponents(*settings.exponents(*c), optimiser=optimiser) for c in cells]
    )
    curves: dict[str, Layers] = {
        "measured": _middle(seeds),
        "narrow": _middle(_displacements(narrow, "virtual_width")),
        "law": law,
        "smallest": seeds.min(-1),
        "largest": seeds.max(-1),
    }
    slope, narrow_slope, law_slope = (
        _slopes(widths, curves[name]) for name in ("measured", "narrow", "law")
    )
    numbers = {
        "slope": slope,
        "narrow_slope": narrow_slope,
        "law_slope": law_slope,
        "exponent": limit,
    }
    layers = range(seeds.shape[1])
    told = [
        {
            **dict(zip(settings.axes, cell, strict=True)),
            "layers": [
                {
                    "layer": layer + 1,
                    **{name: held[k, layer] for name, held in (curves | numbers).items()},
                }
                for layer in layers
            ],
        }
        for k, cell in enumerate(cells)
    ]
    return {
        "widths": widths,
        "cells": told,
        "rms_of_narrow": _rms(slope - narrow_slope),
        "rms_of_law": _rms(slope - law_slope),
        "rms_of_limit": _rms(slope - limit),
    }


def _displacements(runs: xr.Dataset, width: str) -> Float[np.ndarray, "cell layer W seed"]:
    """Relative displacements in operator norm, NaN where a run did not converge."""
    values = runs["displacement_operator"].transpose("point", "layer", width, "seed").values
    ended = runs["outcome"].transpose("point", width, "seed").values.astype(str) == "converged"
    return np.where(ended[:, None] & (values > 0) & np.isfinite(values), values, np.nan)


def _middle(values: Float[np.ndarray, "cell layer W seed"]) -> Layers:
    """Geometric mean over seeds."""
    return np.exp(np.log(values).mean(-1))


def _slopes(widths: np.ndarray, values: Layers) -> Float[np.ndarray, "cell layer"]:
    x = np.log(widths) - np.log(widths).mean()
    return np.log(values) @ x / (x @ x)


def _rms(values: np.ndarray) -> float:
    """Root mean square of what is known; NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(known**2))) if known.size else float("nan")
