"""Which networks beyond one output, no biases and squares are drawn, and what is the law for each?

Derived in ``docs/theory.md``, "Beyond one output and squares".
"""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope.measure import extrapolated_exponent
from lazyscope.scaling import displacement_exponents, relative_speed_exponents
from lazyscope.study import LayerEstimate, estimate_virtual_layers, in_own_time, virtual_widths
from lazyscope.sweep import SweepDesign, open_store, run_sweep

Exponents = tuple[tuple[float, ...], tuple[float, ...]]
"""Scale and speed exponents of all layers."""

UNITS, NUM_WIDTHS, REPLICATES = 128, 6, 2
LEAD = 0.25
"""Least exponent by which the fastest bias is ahead of every weight in the schemes with biases."""
_CROSSOVER = 1e3
"""Size at width 1 of the corrections m^-delta of biases, of which these data make the kernel small."""
_DECADES, _MOST = 9.0, 30.0
"""Where such a correction is a millionth, unless that is beyond the largest virtual width."""
_SPREAD = 10**6  # of the seeds that choose points
_SHARE, _TOLERANCE = 0.02, 0.1


def exponents_with_biases(
    scales: tuple[float, ...], speeds: tuple[float, ...]
) -> tuple[float, ...]:
    """Displacement exponents of the weights of a centred network with biases, for rho >= 0.

    The bias of layer l enters the tangent kernel as s_l |delta_l|^2 and is one more "layer" of relative
    speed u = sigma_l - 2 (a_1 + .. + a_l). That of the output gives the same number to all points and
    leaves the others to the rest.

    Example:
        >>> exponents_with_biases((-0.25, -0.25, 0.75), (0.0, 0.0, 0.0))
        (-0.75, -0.75, -2.75)
    """
    u = relative_speed_exponents(scales, speeds)
    fastest = max(*u, *bias_speeds(scales, speeds))
    return tuple(x - fastest - math.fsum(scales) for x in u)


def bias_speeds(scales: tuple[float, ...], speeds: tuple[float, ...]) -> list[float]:
    """Relative speed exponents of the biases of hidden layers."""
    return [speeds[k] - 2 * math.fsum(scales[: k + 1]) for k in range(len(scales) - 1)]


def uniform_scheme(rng: np.random.Generator, depth: int) -> Exponents:
    """As in the study of random schemes: rho around 1/4, of either sign."""
    layers = depth + 1
    a, s = rng.uniform(-1, 1, (2, layers)) * [[0.5], [1.0]] + [[0.25 / layers], [0.0]]
    return tuple(a.round(4).tolist()), tuple(s.round(4).tolist())


def scheme_of_biases(rng: np.random.Generator, depth: int) -> Exponents:
    """One with rho > 0 in which a bias is ahead of all weights; the last layer makes rho what was drawn."""
    while True:
        a, s = rng.uniform(-1, 1, (2, depth + 1)) * [[0.5], [0.5]]
        a[-1] = rng.uniform(0.2, 0.8) - a[:-1].sum()
        scheme = tuple(a.round(4).tolist()), tuple(s.round(4).tolist())
        if max(bias_speeds(*scheme)) >= max(relative_speed_exponents(*scheme)) + LEAD:
            return scheme


@final
@dataclass(frozen=True)
class Family:
    """Networks of one kind, drawn.

    Attributes:
        name: first word of its rows.
        words: what they are.
        counts: schemes of every depth.
        settings: of the runs, beside what all share.
        draw: one scheme of a depth.
        law: exponents of a scheme.
        quantity: norm of displacements; over all parameters of a layer in Frobenius norm, over weights in
            operator norm.
        accuracy: relative error of a displacement.
    """

    name: str
    words: str
    counts: Mapping[int, int]
    settings: Mapping[str, Any]
    draw: Callable[[np.random.Generator, int], Exponents]
    law: Callable[..., tuple[float, ...]]
    quantity: str
    accuracy: float

    @property
    def num_layers(self) -> int:
        """Of all schemes together."""
        return sum(count * (depth + 1) for depth, count in self.counts.items())

    def schemes(self, depth: int, seed: int) -> list[tuple[Exponents, int]]:
        """Every scheme of a depth with the seed of its points."""
        place = FAMILIES.index(self)
        found = []
        for number in range(self.counts[depth]):
            rng = np.random.default_rng([seed, place, depth, number])
            found.append((self.draw(rng, depth), int(rng.integers(_SPREAD))))
        return found

    def widths(self, scheme: Exponents) -> tuple[float, ...]:
        """The virtual widths of a scheme."""
        if self.law is not exponents_with_biases:
            return virtual_widths(scheme, NUM_WIDTHS)
        top = min(_MOST, _DECADES / bias_corrections(scheme)[0])
        return tuple(float(f"{10**power:.6g}") for power in np.linspace(top / 2, top, NUM_WIDTHS))


def bias_corrections(scheme: Exponents) -> list[float]:
    """Exponents delta of the corrections m^-delta to `exponents_with_biases`, the slowest first."""
    u, biases = relative_speed_exponents(*scheme), bias_speeds(*scheme)
    rho, every = math.fsum(scheme[0]), sorted((*u, *biases), reverse=True)
    return sorted({round(x, 9) for x in (rho, 2 * rho, *(every[0] - x for x in every[1:]))} - {0.0})


_DIGITS = {"data": "digits", "num_points": 4}
FAMILIES: tuple[Family, ...] = (
    Family(
        "outputs",
        "ten outputs, digits by class, Frobenius norm",
        {1: 6, 2: 6},
        {**_DIGITS, "num_points": 8, "target": "classes", "tolerance": _TOLERANCE},
        uniform_scheme,
        displacement_exponents,
        "displacement_frobenius",
        0.1 * _TOLERANCE,
    ),
    Family(
        "entropy",
        "cross-entropy of two classes to a tenth of its start, steps of 0.02 of the gap",
        {1: 6, 2: 6},
        {
            **_DIGITS,
            "target": "parity",
            "loss": "cross-entropy",
            "method": "sgd",
            "share": _SHARE,
            "stop": 0.1,
        },
        uniform_scheme,
        displacement_exponents,
        "displacement_operator",
        _SHARE,
    ),
    Family(
        "bias",
        "biases of which one is faster than every weight, rho > 0, centred",
        {2: 6, 3: 3},
        {
            **_DIGITS,
            "target": "parity",
            "use_bias": True,
            "centred": True,
            "tolerance": _TOLERANCE,
        },
        scheme_of_biases,
        exponents_with_biases,
        "displacement_operator",
        0.1 * _TOLERANCE,
    ),
)


def measured_layers(family: Family, depth: int, seed: int) -> list[LayerEstimate]:
    """Train every scheme of a depth at virtual widths, and estimate every layer; no law is fitted."""
    drawn = family.schemes(depth, seed)
    rows = [
        (list(scheme[0]), in_own_time(scheme), width, number * REPLICATES + replicate, points)
        for number, (scheme, points) in enumerate(drawn)
        for width in family.widths(scheme)
        for replicate in range(REPLICATES)
    ]
    names = ("scale_exponents", "speed_exponents", "virtual_width", "seed", "data_seed")
    fixed = {"depth": depth, "width": UNITS, "activation": "relu", "stop": 1e-2}
    design = SweepDesign(
        name=f"{family.name}, depth {depth}",
        axes={},
        points={"columns": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))},
        fixed=fixed | dict(family.settings),
        record=("displacement",),
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, f"{folder}/runs")
        runs = open_store(f"{folder}/runs")
        moved = runs[family.quantity].transpose("point", "layer").values
        ended = runs["outcome"].values.ravel() == "converged"
    moved = np.where(ended[:, None] & (moved > 0), moved, np.nan)
    shaped = np.moveaxis(moved.reshape(len(drawn), NUM_WIDTHS, REPLICATES, depth + 1), 3, 1)
    found: list[LayerEstimate] = []
    for (scheme, _), values in zip(drawn, shaped, strict=True):
        found += _estimated(family, scheme, values)
    return found


def _estimated(
    family: Family, scheme: Exponents, values: Float[np.ndarray, "layer W seed"]
) -> list[LayerEstimate]:
    widths = family.widths(scheme)
    if family.law is not exponents_with_biases:
        return estimate_virtual_layers(scheme, widths, values, accuracy=family.accuracy)
    m, rates = np.array(widths), np.array(bias_corrections(scheme))
    sizes, nan = _CROSSOVER * m ** -rates[:, None], math.nan
    found = []
    for layer, (one, predicted) in enumerate(zip(values, family.law(*scheme), strict=True), 1):
        seen = [nan, nan, nan]
        if np.isfinite(one).all():
            estimate = extrapolated_exponent(m, one, sizes, accuracy=family.accuracy)
            ends = (estimate.value, estimate.low, estimate.high)
            seen = [nan if end is None else end for end in ends]
        line = float(np.polyfit(np.log(m), np.log(one).mean(1), 1)[0])
        found.append(
            LayerEstimate(
                *scheme,
                layer=layer,
                predicted=predicted,
                correction=float(rates[0]),
                exponent=seen[0],
                low=seen[1],
                high=seen[2],
                unlevelled=seen[0],
                slope=line,
                excess=nan,
                excess_low=nan,
                excess_high=nan,
                ratio=(),
                failed=int((~np.isfinite(one)).sum()),
                widths=widths,
            )
        )
    return found
