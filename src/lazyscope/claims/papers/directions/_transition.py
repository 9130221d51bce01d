"""Where along gamma' do input weights begin to gather, for a given gamma?

Both layers at one speed, weights below the level to which they grow: the input weights begin at m^a_1 and end
at order one along one direction, so that what lies across is a share m^(2 a_1) of all, with
2 a_1 = 1 - gamma + gamma'. It is half of what it was where this power is zero, up to 1 / log m: at
gamma' = gamma - 1.
"""

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.papers.directions._multiplicity import judged
from lazyscope.data import sphere_teacher
from lazyscope.sweep import SweepDesign, open_store, run_sweep

GAMMAS = (1.5, 2.0)
GAMMA_PRIMES = tuple(np.arange(0, 1.51, 0.125).tolist())
WIDTHS = (1e8, 1e16)
SETS, UNITS = 8, 128
_FIXED: dict[str, Any] = {
    "width": UNITS,
    "activation": "tanh",
    "data": "sphere-teacher",
    "num_points": 20,
    "input_dim": 5,
    "stop": 0.9,
    "tolerance": 0.1,
    "centred": True,
}
_RULE = Rule.number(resolution=0.05, accuracy=0.02)
"""0.02 is what a line between two places 1/8 apart makes of a bend between them."""
Shares = Float[np.ndarray, "sets gammas primes W"]


def transition_rows() -> Iterator[Row]:
    """What `transition_findings` claims."""
    source = "a pilot of two other sets (seeds 9000 and 9001)"
    for gamma in GAMMAS:
        design = {**_FIXED, "gamma": gamma, "gamma_primes": GAMMA_PRIMES, "virtual_widths": WIDTHS}
        design |= {"seeds": SETS, "estimator": "half of the share, line through 1 / log M"}
        noise = {"model": "mean", "sd": 0.005, "source": source}
        yield Row(f"transition-{gamma:g}", gamma - 1, _RULE, design, noise=noise)


def transition_findings(seeds: range) -> Iterator[Finding]:
    """One row for each gamma."""
    shares = across(seeds)
    for place, gamma in enumerate(GAMMAS):
        each = np.array([[half_at(one[place, :, k]) for k in range(len(WIDTHS))] for one in shares])
        small = 1 / np.log(WIDTHS)
        reach = small[-1] / (small[0] - small[-1])
        told = ", ".join(
            f"{mean:.3f} at {m:g}" for mean, m in zip(each.mean(0), WIDTHS, strict=True)
        )
        basis = (
            f"tanh, two layers, {_FIXED['num_points']} points of {len(seeds)} small teachers on the sphere "
            f"in 5 dimensions with a network of {UNITS} units each, gamma' from {GAMMA_PRIMES[0]:g} to "
            f"{GAMMA_PRIMES[-1]:g} in steps of 1/8, virtual widths {', '.join(f'{m:g}' for m in WIDTHS)}, "
            f"centred, flow to {_FIXED['stop']:g} of the initial loss"
        )
        yield judged(
            f"transition-{gamma:g}",
            f"gamma = {gamma:g}: input weights gather below gamma' = {gamma - 1:g}, where the share of their "
            "mass across the line of sum y x is half of what it was at the start, at infinite width",
            each[:, -1] + reach * (each[:, -1] - each[:, 0]),
            _RULE,
            gamma - 1,
            basis,
            f"Half: {told}.",
        )


def half_at(shares: Float[np.ndarray, " primes"]) -> float:
    """Where the share of what was across is one half, between neighbours by log(share / (1 - share)).

    Example:
        >>> round(half_at(1 / (1 + np.exp(9 * (0.7 - np.array(GAMMA_PRIMES))))), 9)
        0.7
    """
    share = np.clip(shares, 1e-12, 1 - 1e-12)
    above = np.log(share) - np.log1p(-share)
    places = np.flatnonzero((above[:-1] < 0) & (above[1:] >= 0))
    if len(places) != 1 or not np.isfinite(above).all():
        return float("nan")
    k = int(places[0])
    part = above[k] / (above[k] - above[k + 1])
    return float(GAMMA_PRIMES[k] + part * (GAMMA_PRIMES[k + 1] - GAMMA_PRIMES[k]))


def across(seeds: range) -> Shares:
    """Share of the mass across the line of sum y x, over that at the start; NaN where a run failed."""
    design = SweepDesign(
        name="transition of condensation",
        axes={
            "gamma": list(GAMMAS),
            "gamma_prime": list(GAMMA_PRIMES),
            "virtual_width": list(WIDTHS),
        },
        points={"columns": {"seed": list(seeds), "data_seed": list(seeds)}},
        fixed=_FIXED,
        record=("neurons",),
    )
    dims = ("point", "gamma", "gamma_prime", "virtual_width")
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, f"{folder}/runs")
        runs = open_store(f"{folder}/runs").transpose(*dims, ...)
        ended = runs["outcome"].values == "converged"
        before, after = (
            runs[f"input_weights_{when}"].transpose(*dims, "neuron", "feature").values
            for when in ("initial", "final")
        )
    found = np.empty(ended.shape)
    for place, seed in enumerate(seeds):
        size = {name: _FIXED[name] for name in ("num_points", "input_dim")}
        data = sphere_teacher(**size, seed=seed)
        line = data.y_train[:, 0] @ data.x_train
        line /= np.linalg.norm(line)
        found[place] = _off(after[place], line) / _off(before[place], line)
    return np.where(ended, found, np.nan)


def _off(
    weights: Float[np.ndarray, "... m d"], line: Float[np.ndarray, " d"]
) -> Float[np.ndarray, "..."]:
    """Share of the mass across a line, from what lies there, so that a small one keeps its digits."""
    along = weights @ line
    rest = weights - along[..., None] * line
    return (rest**2).sum((-1, -2)) / (weights**2).sum((-1, -2))
