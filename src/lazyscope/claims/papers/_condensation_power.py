"""With which powers of the width do input weights gather on one line, or stay as they were drawn?

While outputs are small and the activation is linear, every neuron of a two-layer network with equal speeds
obeys ``w' = a v``, ``a' = <w, v>`` with one direction v. What lies along v grows by a common factor G, what
lies across stays, and the loss begins to fall when G^2 kappa is of order one. So the share of the mass across
the line is like G^-2 ~ kappa = m^rho where rho < 0. Where rho > 0 weights hardly move, and that share changes
by 1 / kappa.
"""

import tempfile
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict_map import joined
from lazyscope.measure import mean_estimate
from lazyscope.sweep import SweepDesign, open_store, run_sweep

GAMMA = {"off-line-half": 1.5, "off-line": 2.0, "lazy-directions": 0.5}
"""The plane's coordinate 1 - rho of every row, both layers alike."""
SETS, UNITS = 6, 256
WIDTHS = (1e8, 1e10, 1e12, 1e14)
_FIXED = {
    "width": UNITS,
    "gamma_prime": 0.0,
    "activation": "tanh",
    "data": "sphere-teacher",
    "num_points": 20,
    "input_dim": 5,
    "stop": 0.9,
    "tolerance": 0.1,
    "centred": True,
}
_RULE = Rule.number(resolution=0.02, accuracy=0.002)


def power_rows() -> Iterator[Row]:
    """What `power_findings` claims."""
    source = (
        "a pilot of four other sets (seeds 900 to 903): slopes within 0.001 of -1/2, -1 and -1/2"
    )
    noise = {"model": "mean", "sd": 0.002, "source": source}
    design = {**_FIXED, "virtual_widths": WIDTHS, "sets": SETS, "seeds": SETS, "estimator": "line"}
    for name, gamma in GAMMA.items():
        yield Row(name, _predicted(gamma), _RULE, {**design, "gamma": gamma}, noise=noise)


def power_findings() -> Iterator[Finding]:
    """Slopes over virtual widths, one for every set of points."""
    shares = _off_line()
    for place, (name, gamma) in enumerate(GAMMA.items()):
        before, after = shares[:, place]
        values = after if gamma > 1 else np.abs(after - before) / before
        x = np.log(WIDTHS) - np.mean(np.log(WIDTHS))
        slopes = np.log(values).T @ x / (x @ x)
        basis = (
            f"tanh, {_FIXED['num_points']} points of {SETS} small teachers on the sphere in 5 dimensions, "
            f"one network of {UNITS} units for each, gamma {gamma:g}, gamma' = 0, centred, virtual widths "
            f"{joined(WIDTHS)}, flow to {_FIXED['stop']:g} of the initial loss"
        )
        what = (
            "share of the mass of input weights across their line, when the loss begins to fall"
            if gamma > 1
            else "relative change of the share of input weights across their leading line"
        )
        predicted = _predicted(gamma)
        claim = f"kappa = m^{1 - gamma:g}: {what}, is like m^{predicted:g}"
        if not np.isfinite(slopes).all():
            yield Finding(name, claim, predicted, None, "undecided", basis, note="A run failed.")
            continue
        found = mean_estimate(slopes)
        verdict = _RULE.judge(found, predicted) or "undecided"
        yield Finding(name, claim, predicted, found, verdict, basis, note="Interval over sets.")


def _predicted(gamma: float) -> float:
    """-|rho|: the share itself where rho < 0, its change where rho > 0."""
    return -abs(1 - gamma)


def _off_line() -> Float[np.ndarray, "when gamma W sets"]:
    """Shares of the mass across the leading line, before and after; NaN where a run failed."""
    design = SweepDesign(
        name="powers of condensation",
        axes={"gamma": list(GAMMA.values()), "virtual_width": list(WIDTHS)},
        points={"columns": {"seed": list(range(SETS)), "data_seed": list(range(SETS))}},
        fixed=_FIXED,
        record=("neurons",),
    )
    dims = ("gamma", "virtual_width", "point")
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, f"{folder}/runs")
        runs = open_store(f"{folder}/runs").sortby("gamma").sel(gamma=list(GAMMA.values()))
        found = [
            off_line_share(
                runs[f"input_weights_{when}"].transpose(*dims, "neuron", "feature").values
            )
            for when in ("initial", "final")
        ]
        ended = runs["outcome"].transpose(*dims).values == "converged"
    return np.where(ended, np.stack(found), np.nan)


def off_line_share(weights: Float[np.ndarray, "... m d"]) -> Float[np.ndarray, "..."]:
    """Part of sum |w|^2 that is not along the line which holds most of it, to 1e-8 of its root.

    Example:
        >>> off_line_share(np.array([[2.0, 0.0], [-1.0, 0.0], [0.0, 0.5]])).round(6).item()
        0.047619
    """
    squares = np.linalg.svd(weights, compute_uv=False) ** 2
    return squares[..., 1:].sum(-1) / squares.sum(-1)
