"""Which exponent does every cell of a plane have at virtual widths, and is it the law's?"""

import numpy as np
import xarray as xr

from lazyscope._estimate import sign_of
from lazyscope._outcome import Outcome
from lazyscope.measure import LargestWidth
from lazyscope.study.phase_diagram._estimates import largest_variables, with_law
from lazyscope.study.phase_diagram._law import PlaneLaw
from lazyscope.study.phase_diagram._plane_settings import AbstractPlaneSettings
from lazyscope.study.random_schemes._estimates import LayerEstimate, estimate_virtual_layers


def virtual_estimates(
    settings: AbstractPlaneSettings, runs: xr.Dataset, law: PlaneLaw, *, title: str
) -> xr.Dataset:
    """Exponents over a plane from runs at virtual widths, as `map_estimates` gives them at real ones.

    Args:
        settings: what was run.
        runs: as `runs_on_plane` gives them.
        law: over the same plane.
        title: of the page.

    Returns:
        The variables of `map_estimates` with ``correction`` beside them, exponent of the slowest correction
        to the law; ``fit`` and ``fit_widths`` are over (x, y, layer, end) and (x, y, end): the power of the
        estimate through the mean of the runs, between the ends of a cell's own widths; there is no
        ``straight_p``, since what bends is known.

    Cost: a millisecond per cell.
    """
    x, y = settings.axes
    dims = (x, y, "layer")
    moved = runs["displacement_operator"].transpose(x, y, "layer", "width", "seed").values
    ended = (
        runs["outcome"].transpose(x, y, "width", "seed").values.astype(str)
        == Outcome.CONVERGED.label
    )
    good = ended[:, :, None] & (moved > 0) & np.isfinite(moved)
    moved, shape = np.where(good, moved, np.nan), moved.shape[:3]
    found: list[LayerEstimate] = []
    for number, cell in enumerate(settings.cells()):
        scheme = settings.exponents(*cell)
        widths, values = settings.virtual_widths(scheme), moved[np.unravel_index(number, shape[:2])]
        how = {"accuracy": settings.accuracy_of(scheme), "optimiser": settings.optimiser}
        found += estimate_virtual_layers(scheme, widths, values, **how)
    exponent, low, high, slope, correction = (
        np.array([getattr(one, name) for one in found]).reshape(shape)
        for name in ("exponent", "low", "high", "slope", "correction")
    )
    logs, logw = np.log(moved), np.log(runs["virtual_width"].values)
    ends = logw[:, :, [0, -1]]
    off = (ends - logw.mean(-1, keepdims=True))[:, :, None]
    fit = np.exp(logs.mean((-1, -2))[..., None] + exponent[..., None] * off)
    last = np.diff(logs.mean(-1)[..., -2:])[..., 0] / np.diff(logw[..., -2:])
    signs = np.array([sign_of(one.low, one.high) for one in found]).reshape(shape)
    return with_law(
        xr.Dataset(
            {
                "exponent": (dims, exponent),
                "low": (dims, low),
                "high": (dims, high),
                "sign": (dims, signs),
                "fit": ((*dims, "end"), fit),
                "fit_widths": ((x, y, "end"), np.exp(ends)),
                "slope": (dims, slope, {"long_name": "straight-line slope over all widths"}),
                "last_slope": (dims, last, {"long_name": "slope between the two largest widths"}),
                "correction": (
                    dims,
                    correction,
                    {"long_name": "exponent of the slowest correction"},
                ),
                "failed": (dims, (~good).sum((-1, -2)), {"long_name": "failed runs"}),
                "assumption": (dims, np.array([_assumption(one) for one in found]).reshape(shape)),
                **largest_variables(dims, shape, [_largest(one) for one in found]),
            },
            {name: runs[name] for name in dims},
            {"level": 0.95, "title": title, "quantity": "displacement_operator"},
        ),
        law,
        (x, y),
    )


def _assumption(one: LayerEstimate) -> str:
    """What the interval takes for granted beyond the virtual widths; empty where there is none."""
    if np.isnan(one.exponent):
        return ""
    slowest = (
        "none of which decays, since layers tie"
        if one.correction == 0
        else f"of which the slowest is like m^-{one.correction:.3g}"
    )
    return f"The interval rests on the corrections of the displacement law being all there are, {slowest}."


def _largest(one: LayerEstimate) -> LargestWidth | None:
    if not one.largest:
        return None
    measured, low, high = one.largest
    return LargestWidth(one.widths[-1], measured, (low, high))
