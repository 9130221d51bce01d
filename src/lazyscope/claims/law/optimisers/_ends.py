"""Where does the law of other optimisers end, and by which power of the width does one go on?"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._seed import new_seed
from lazyscope.claims.law.optimisers._rates import (
    COUNTS,
    LARGEST_RHO,
    LEAST_RHO,
    SEEDS,
    SETTINGS,
    STABLE_WIDTHS,
    TIE,
    Exponents,
    by_steps,
    largest_rate,
    rms_of,
    runs,
    schemes,
)
from lazyscope.scaling import displacement_exponents, rate_exponent

LIMIT = 0.02
"""Largest rms of (exponent - prediction)."""
EPSILON = 1e100
"""Above every gradient, at every width."""
BELOW = 0.2
"""By which power of the width a decay takes less off any layer than the law moves the one that moves most."""


def check_ends(effort: Effort, seed: int | None = None) -> tuple[Finding, ...]:
    """Train random schemes of rho from 0.2 to 0.4 where an assumption of the law fails.

    Args:
        effort: ``quick`` looks at the epsilon alone.
        seed: from which schemes and points are drawn; a new one unless given.
    """
    seed = new_seed() if seed is None else seed
    rows = {
        "adam-large-epsilon": (
            "Adam, epsilon above every gradient: rms of (exponent of a displacement − law of descent)",
            _large_epsilon,
        ),
        "sign-weight-decay": (
            "sign descent with a decay: rms of (exponent of a displacement − max(law, that of the decay))",
            _decayed,
        ),
        "sign-stable-rate": (
            "sign descent: rms of (exponent of the largest rate that comes to a loss − c of the law)",
            _stable,
        ),
    }
    chosen = list(rows)[:1] if effort == "quick" else list(rows)
    return tuple(_row(name, *rows[name], seed) for name in chosen)


def decay_exponents(scheme: Exponents) -> tuple[float, tuple[float, ...]]:
    """The power of the width that a decay follows here, and the exponents of all displacements then.

    A decay lambda takes ``eta_l lambda T`` off layer l in the time T ~ m^c of training, whatever its size, so
    that it moves by the larger of this and of the law. Outputs at the start decay too, and those of the
    network that stands for a virtual width M are too large by sqrt(M/m): the decay has to stay below the
    inverse of kappa.
    """
    law = displacement_exponents(*scheme, optimiser="sign")
    time = rate_exponent(*scheme, optimiser="sign")
    power = -(math.fsum(scheme[0]) + BELOW) - max(scheme[1]) - time
    return power, tuple(max(e, power + s + time) for e, s in zip(law, scheme[1], strict=True))


def _large_epsilon(seed: int) -> Iterator[float]:
    how = by_steps("adam") | {"epsilon": EPSILON}
    for scheme in schemes("sgd", seed, LEAST_RHO):
        seen = [runs(scheme, m, seed, **how)[:-1].mean(1) for m in STABLE_WIDTHS]
        yield from _slopes(seen) - np.array(displacement_exponents(*scheme))


def _decayed(seed: int) -> Iterator[float]:
    for scheme in schemes("sign", seed, LEAST_RHO):
        power, expected = decay_exponents(scheme)
        how = by_steps("sign")
        seen = [
            runs(scheme, m, seed, **how, weight_decay=m**power)[:-1].mean(1) for m in STABLE_WIDTHS
        ]
        yield from _slopes(seen) - np.array(expected)


def _stable(seed: int) -> Iterator[float]:
    for scheme in schemes("sign", seed, LEAST_RHO):
        seen = [np.array([largest_rate(scheme, m, seed, "sign")]) for m in STABLE_WIDTHS]
        yield float(_slopes(seen)[0]) - rate_exponent(*scheme, optimiser="sign")


def _slopes(values: Sequence[Float[np.ndarray, " q"]]) -> Float[np.ndarray, " q"]:
    """Straight lines through logarithms at the virtual widths."""
    return np.polyfit(np.log(STABLE_WIDTHS), np.stack(values), 1)[0]


def _row(name: str, claim: str, errors: Callable[[int], Iterator[float]], seed: int) -> Finding:
    told = list(errors(seed))
    found = rms_of(told)
    basis = (
        f"schemes with rho from {LEAST_RHO:g} and four points of the sphere drawn with seed {seed}"
    )
    note = f"{found.basis}. Largest error {_largest(told):.4f}."
    claim = f"{claim} ≤ {LIMIT:g}"
    return Finding(name, claim, 0.0, found, found.at_most(LIMIT), basis, note=note)


def _largest(errors: Sequence[float]) -> float:
    return max((abs(e) for e in errors if math.isfinite(e)), default=math.nan)


def _registered() -> Iterator[Row]:
    design: dict[str, Any] = {
        **SETTINGS,
        "seeds": len(SEEDS),
        "tie": TIE,
        "counts": list(COUNTS.values()),
        "rho": [LEAST_RHO, LARGEST_RHO],
        "widths": list(STABLE_WIDTHS),
        "draw_seed": "drawn at the first run",
    }
    layers = sum(count * (depth + 1) for depth, count in COUNTS.items())
    size = {"model": "size", "exact": 0.0, "away": 2 * LIMIT, "source": _PILOT}
    rows: dict[str, tuple[dict[str, Any], int, float]] = {
        "adam-large-epsilon": ({"method": "adam", "epsilon": EPSILON}, layers, 0.001),
        "sign-weight-decay": ({"method": "sign", "below": BELOW}, layers, 0.005),
        "sign-stable-rate": ({"method": "sign", "max_steps": 2000}, sum(COUNTS.values()), 0.005),
    }
    for name, (own, cells, sd) in rows.items():
        noise = size | {"cells": cells, "sd": sd}
        yield Row(name, 0.0, Rule.at_most(LIMIT), design | own, noise=noise)


_PILOT = "two schemes in a pilot, draw 9001: errors of 0.0000, of up to 0.006 and of 0.0000"

ENDS = Claim(
    name="optimiser-ends",
    source="derived in docs/theory.md, Other optimisers",
    statement=(
        "Where an assumption of the law of other optimisers fails, the exponents are those that follow from "
        "it: an epsilon above every gradient makes Adam descent, a decay moves every layer by its own share, "
        "and the largest rate at which signs come to a loss is the whole way over a fixed number of steps. "
        "Schemes and points are drawn when the claim is first checked."
    ),
    check=check_ends,
    check_drawn=check_ends,
    rows=tuple(_registered()),
    by_name=True,
)
