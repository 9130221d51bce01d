"""Which power of the width does a useful or stable rate follow, and where do all layers move alike?"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import WITH_EPSILON
from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._seed import new_seed
from lazyscope.claims.law._equivalence_runs import trained
from lazyscope.measure import Estimate, extrapolated_exponent, middle_of, resampled_means
from lazyscope.scaling import law_corrections, named_scheme, rate_exponent, slowest_correction

Exponents = tuple[tuple[float, ...], tuple[float, ...]]
"""Scale and speed exponents of all layers."""

USEFUL = {"sign": 0.01, "muon": 0.01, "adam": 0.02}
"""Largest rms of (exponent of the time to a loss - law), by optimiser."""
STABLE, FLAT = 0.02, 0.01
"""The same of the largest stable rate of descent, and of displacements where every layer is to stay."""
COUNTS = {1: 10, 2: 10}
"""Schemes of an optimiser, by hidden layers."""
UNITS, SEEDS = 64, (0, 1)
TIE, LARGEST_RHO, LEAST_RHO = 0.1, 0.4, 0.2
WIDTHS = (1e6, 1e8, 1e10, 1e12)
STABLE_WIDTHS = (1e12, 1e16, 1e20)
MUP = ("adam", "muon")

SETTINGS: Mapping[str, Any] = {
    "width": UNITS,
    "data": "sphere-teacher",
    "num_points": 4,
    "input_dim": 4,
    "stop": 1e-2,
    "centred": True,
    "activation": "relu",
}
_SHARE, _EPSILON, _CROSSOVER = 0.02, 1e-200, 10.0
_LAG = math.log(2) / 2 / 3  # of Adam where layers grow, see the study of random schemes
_MOST_STEPS, _ROUNDS = 2000, 5


def check_rates(effort: Effort, seed: int | None = None) -> tuple[Finding, ...]:
    """Measure times to a loss, stable rates and displacements at virtual widths.

    Args:
        effort: ``quick`` looks at the muP tables alone.
        seed: from which schemes and points are drawn; a new one unless given.
    """
    seed = new_seed() if seed is None else seed
    if effort == "quick":
        return (_flat_row(MUP, seed),)
    rows = [_useful_row(name, seed) for name in USEFUL]
    return (*rows, _stable_row(seed), _flat_row(MUP, seed), _control(seed))


def schemes(optimiser: str, seed: int, least_rho: float = -1.0) -> list[Exponents]:
    """Schemes farther than `TIE` from a tie, with rho below 0.4, where an output at the start is no gap."""
    place, found = (*USEFUL, "sgd").index(optimiser), []
    for depth, count in COUNTS.items():
        rng, kept = np.random.default_rng([seed, place, depth]), []
        while len(kept) < count:
            drawn = rng.uniform(-1, 1, (2, depth + 1)) * [[0.5], [1.0]] + [[0.1], [0.0]]
            scales, speeds = (tuple(part.round(4).tolist()) for part in drawn)
            inside = least_rho <= math.fsum(scales) <= LARGEST_RHO
            if inside and slowest_correction(scales, speeds, optimiser=optimiser) > TIE:
                kept.append((scales, speeds))
        found += kept
    return found


def runs(scheme: Exponents, width: float, seed: int, **how: Any) -> Float[np.ndarray, "q seed"]:
    """Logarithms of the displacements of all layers and of the time, NaN where a run failed."""
    told = {**SETTINGS, "depth": len(scheme[0]) - 1, "data_seed": seed, "virtual_width": width}
    told |= {"scale_exponents": scheme[0], "speed_exponents": scheme[1], **how}
    return trained(told, SEEDS)


def by_steps(optimiser: str) -> dict[str, Any]:
    """Settings of small steps."""
    epsilon = {"epsilon": _EPSILON} if optimiser in WITH_EPSILON else {}
    return {"method": optimiser, "share": _SHARE, "max_steps": 60_000, **epsilon}


def largest_rate(scheme: Exponents, width: float, seed: int, optimiser: str = "sgd") -> float:
    """Logarithm of the largest rate at which training comes to the stop, by halving the interval."""

    def converges(log_rate: float) -> bool:
        how = {"method": optimiser, "step_size": math.exp(log_rate), "max_steps": _MOST_STEPS}
        return bool(np.isfinite(runs(scheme, width, seed, **how)[-1]).all())

    time = float(runs(scheme, width, seed, **by_steps(optimiser))[-1].mean())
    low, high = time - math.log(_MOST_STEPS / 4), time + math.log(8)
    while not converges(low) and low > time - 20:
        low, high = low - 1, low
    while converges(high) and high < time + 20:
        low, high = high, high + 1
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if converges(middle) else (low, middle)
    return (low + high) / 2


def rms_of(errors: Sequence[float]) -> Estimate:
    """Root mean square over schemes, with an interval from resampled schemes."""
    squares = np.square(np.array(errors))
    if not np.isfinite(squares).all():
        return Estimate(
            None, basis=f"{int((~np.isfinite(squares)).sum())} schemes without a number"
        )
    low, high = middle_of(np.sqrt(resampled_means(squares)))
    basis = f"{len(errors)} schemes; interval from resampled schemes"
    return Estimate(float(np.sqrt(squares.mean())), low, high, basis=basis)


def _useful_row(optimiser: str, seed: int) -> Finding:
    errors = []
    for scheme in schemes(optimiser, seed):
        top = min(12.0, 6 / slowest_correction(*scheme, optimiser=optimiser))
        m = 10.0 ** np.linspace(top / 2, top, 5)
        times = np.stack([runs(scheme, each, seed, **by_steps(optimiser))[-1] for each in m])
        rates = law_corrections(*scheme, optimiser=optimiser)
        growing = optimiser == "adam" and math.fsum(scheme[0]) < 0
        sizes = _CROSSOVER * m ** -np.array(rates)[:, None]
        shifted = np.exp(times - times.mean())
        accuracy = _LAG if growing else _SHARE
        seen = extrapolated_exponent(m, shifted, sizes, accuracy=accuracy).value
        law = rate_exponent(*scheme, optimiser=optimiser)
        errors.append(math.nan if seen is None else seen - law)
    claim = f"{optimiser}: rms of (exponent of the time to a loss − c of the law) ≤ {USEFUL[optimiser]:g}"
    return _row(f"{optimiser}-useful-rate", claim, errors, USEFUL[optimiser], seed)


def _stable_row(seed: int) -> Finding:
    errors, x = [], np.log(STABLE_WIDTHS)
    for scheme in schemes("sgd", seed, LEAST_RHO):
        found = [largest_rate(scheme, width, seed) for width in STABLE_WIDTHS]
        errors.append(float(np.polyfit(x, found, 1)[0]) - rate_exponent(*scheme))
    claim = (
        "gradient descent, rho ≥ 0: rms of (exponent of the largest rate that converges + 2 rho + max u) ≤ "
        f"{STABLE:g}"
    )
    return _row("descent-stable-rate", claim, errors, STABLE, seed)


def _flat_row(optimisers: Sequence[str], seed: int) -> Finding:
    errors = [e for name in optimisers for e in _slopes(name, name, seed)]
    claim = (
        f"muP tables of Adam and Muon: rms of the exponents of all displacements ≤ {FLAT:g}, "
        f"widths {WIDTHS[0]:.0e} to {WIDTHS[-1]:.0e}"
    )
    return _row("mup-tables", claim, errors, FLAT, seed)


def _control(seed: int) -> Finding:
    claim = f"control, false: muP's table of descent under Adam: rms of the exponents ≤ {FLAT:g}"
    found = _row("mup-control-descent", claim, _slopes("adam", "sgd", seed), FLAT, seed)
    return Finding(**{**vars(found), "expected": "disagrees"})


def _slopes(optimiser: str, table: str, seed: int) -> list[float]:
    """Straight lines through the displacements of muP's table for one optimiser, trained by another."""
    held = named_scheme("mup", depth=2, optimiser=table)
    scheme = tuple(held.scale_exponents), tuple(held.speed_exponents)
    moved = np.stack([runs(scheme, m, seed, **by_steps(optimiser))[:-1].mean(1) for m in WIDTHS])
    return np.polyfit(np.log(WIDTHS), moved, 1)[0].tolist()


def _row(name: str, claim: str, errors: Sequence[float], ceiling: float, seed: int) -> Finding:
    found = rms_of(errors)
    basis = f"schemes and four points of the sphere drawn with seed {seed}, {UNITS} units, {len(SEEDS)} seeds"
    note = f"{found.basis}. Errors {', '.join(f'{e:+.4f}' for e in errors)}."
    return Finding(name, claim, 0.0, found, found.at_most(ceiling), basis, note=note)


def _registered() -> Iterator[Row]:
    design: dict[str, Any] = {
        **SETTINGS,
        "seeds": len(SEEDS),
        "tie": TIE,
        "counts": list(COUNTS.values()),
    }
    design |= {"rho": [-1.0, LARGEST_RHO], "draw_seed": "drawn at the first run"}
    size = {"model": "size", "exact": 0.0, "cells": sum(COUNTS.values())}
    guess = "two schemes in a pilot, draw 9001: errors of 0.001 and 0.01 at widths to 1e8"
    for name, limit in USEFUL.items():
        noise = size | {"sd": limit / 3, "away": 2 * limit, "source": guess}
        own = design | {"method": name, "share": _SHARE}
        yield Row(f"{name}-useful-rate", 0.0, Rule.at_most(limit), own, noise=noise)
    own = design | {"method": "sgd", "rho": [LEAST_RHO, LARGEST_RHO], "widths": list(STABLE_WIDTHS)}
    own |= {"max_steps": _MOST_STEPS}
    noise = size | {
        "sd": STABLE / 3,
        "away": 2 * STABLE,
        "source": "no pilot; catapults scatter by tenths",
    }
    yield Row("descent-stable-rate", 0.0, Rule.at_most(STABLE), own, noise=noise)
    own = design | {"methods": list(MUP), "depth": 2, "widths": list(WIDTHS)}
    noise = size | {"cells": 6, "sd": FLAT / 5, "away": 2 * FLAT, "source": "no pilot"}
    yield Row("mup-tables", 0.0, Rule.at_most(FLAT), own, noise=noise)
    own = own | {"methods": ["adam"], "table": "sgd"}
    noise = noise | {"cells": 3}
    yield Row("mup-control-descent", 0.0, Rule.at_most(FLAT), own, "disagrees", noise=noise)


RATES = Claim(
    name="optimiser-rates",
    source="derived in docs/theory.md, Other optimisers",
    statement=(
        "The time in which sign descent, Adam and Muon come to a loss at given rates follows the law's "
        "constant c, the largest stable rate of descent for rho >= 0 follows -(2 rho + max u), and muP's "
        "tables for Adam and Muon let every layer move alike at every width. Schemes and points are drawn "
        "when the claim is first checked."
    ),
    check=check_rates,
    check_drawn=check_rates,
    rows=tuple(_registered()),
    by_name=True,
)
