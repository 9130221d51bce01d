"""Does the loss decay exponentially in the linear regime, at the rate of the initial kernel?"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope.claims._finding import Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict_map import joined
from lazyscope.measure import decay_rate, estimate_exponent, mean_estimate
from lazyscope.sweep import SweepDesign, open_store, run_sweep

_GAMMA, _GAMMA_PRIME = (0.25, 0.5), 0.0
_STOP, _TOLERANCE = 1e-12, 0.01
CURVE_AND_KERNEL = ("displacement", "loss_curve", "kernel")
"""What is recorded; sweeps that record the same share their compiled programs."""
_UNEVEN = 0.1  # rates of the four quarters of a curve agree within one tenth
_POINTS = 4
_EFFORTS = {"quick": ((100, 562, 3162), 3), "full": ((300, 1000, 3000, 10000, 30000), 5)}


def decay_rows() -> Iterator[Row]:
    """What `decay_findings` claims."""
    widths, seeds = _EFFORTS["full"]
    design = {
        "gamma": _GAMMA,
        "gamma_prime": _GAMMA_PRIME,
        "widths": widths,
        "seeds": seeds,
        "data": "four-points",
        "stop": _STOP,
        "tolerance": _TOLERANCE,
    }
    yield Row("decay-exponential", 0.0, Rule.at_most(_UNEVEN), design)
    yield Row("decay-rate", None, Rule.at_most(0.0), design | {"estimator": "exponent"})


def decay_findings(effort: Effort) -> tuple[Finding, Finding]:
    """How far the late loss is from one exponential, and its rate from 2 lambda_min(K(0)) / n.

    The loss is followed to 1e-12 of its start, so that the slowest mode is alone, at a solver
    tolerance of 0.01: at the tolerance of maps, errors within steps are as large as the residual.
    """
    widths, seeds = _EFFORTS[effort]
    runs = _run(widths, seeds)
    rate, uneven = _late(runs)
    basis = (
        f"{rate.size} runs, gamma {joined(_GAMMA)}, gamma' {_GAMMA_PRIME:g}, widths {joined(widths)}, "
        f"{seeds} seeds, four-points, flow to {_STOP:g} of the initial loss at tolerance "
        f"{_TOLERANCE:g}"
    )
    return _exponential(uneven, basis), _of_the_kernel(np.array(widths), rate, basis)


def _exponential(uneven: Float[np.ndarray, "gamma width seed"], basis: str) -> Finding:
    """One exponential: rates over the quarters of the second half of the fall agree."""
    known = np.nanmean(uneven, axis=(0, 1))
    found = mean_estimate(known)
    return Finding(
        name="decay-exponential",
        claim="linear regime: late loss is one exponential: spread of its rate over four quarters of "
        f"the window ≤ {_UNEVEN:g} of the rate",
        prediction=0.0,
        measured=found,
        verdict=found.at_most(_UNEVEN),
        basis=basis,
        note=f"(largest − smallest) / mean rate; worst run {np.nanmax(uneven):.3f}. "
        f"{int(np.isnan(uneven).sum())} runs took too few steps for a rate. Interval from seeds.",
    )


def _of_the_kernel(
    widths: np.ndarray, rate: Float[np.ndarray, "gamma width seed"], basis: str
) -> Finding:
    """Distance of the rate from the initial kernel's falls as the width grows."""
    distance = np.exp(np.nanmean(np.log(np.abs(rate - 1)), axis=0))
    found = estimate_exponent(widths, distance, missing="absent")
    mean = np.nanmean(rate, axis=(0, 2))
    return Finding(
        name="decay-rate",
        claim="linear regime: the late rate tends to the initial kernel's, |rate / (2 lambda_min(K(0)) "
        "/ n) − 1| ~ m^e with e ≤ 0",
        prediction=None,
        measured=found.estimate,
        verdict=found.estimate.at_most(0.0),
        basis=basis,
        note=f"Mean ratio at these widths: {', '.join(f'{one:.3f}' for one in mean)}. Geometric mean "
        f"over gamma. {found.note}".strip(),
        details={"mean_ratio": mean.tolist(), "local_slopes": list(found.local_slopes)},
    )


def _run(widths: tuple[int, ...], seeds: int) -> xr.Dataset:
    design = SweepDesign(
        name="decay",
        axes={"gamma": _GAMMA, "width": widths, "seed": list(range(seeds))},
        fixed={
            "gamma_prime": _GAMMA_PRIME,
            "data": "four-points",
            "stop": _STOP,
            "tolerance": _TOLERANCE,
        },
        record=CURVE_AND_KERNEL,
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, Path(folder) / "store")
        return open_store(Path(folder) / "store").transpose("gamma", "width", "seed", ...).load()


def _late(
    runs: xr.Dataset,
) -> tuple[Float[np.ndarray, "gamma width seed"], Float[np.ndarray, "gamma width seed"]]:
    """Late rate over that of K(0), and the relative spread of the rate; NaN with too few steps."""
    time, loss = runs["curve_time"].values, runs["curve_loss"].values
    slowest = 2 * runs["kernel_min"].values / _POINTS
    rate, uneven = np.full(slowest.shape, np.nan), np.full(slowest.shape, np.nan)
    for place in np.ndindex(slowest.shape):
        used = np.isfinite(time[place])
        try:
            found = decay_rate(time[place][used], loss[place][used])
        except InputError:
            continue
        rate[place] = found.rate / slowest[place]
        uneven[place] = (found.interval[1] - found.interval[0]) / found.rate
    return rate, uneven
