"""By how much may a composition amplify the rounding of correlations of nearly equal points?"""

import math
import warnings

import numpy as np

from lazyscope._checks import InputError
from lazyscope.limit._amplification import HARMLESS, AccuracyWarning
from lazyscope.limit._network import limit_dual
from lazyscope.limit.composed._plan import Plan, Row
from lazyscope.limit.composed._single import Scales, Slot
from lazyscope.limit.dual._closed_forms import PiecewiseLinear
from lazyscope.model.composed import ActivationPart, DensePart, FanOut

_PROMISED = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-8}
_ROWS = 256
_MUCH = 700.0
"""A logarithm of what is none any more."""


def largest_gain(plan: Plan, slots: list[Slot], scales: Scales, *, slopes: bool) -> float:
    """A bound on the factor by which any run of parts up to the output multiplies 1 - rho.

    An activation multiplies it by q E sigma'^2 / E sigma^2 at equal points, which is one for piecewise linear
    ones, and the bias of a dense layer takes its share away. Sums over branches and positions, normalisations
    and attention are taken to multiply by one at most: averages amplify no more than their terms.

    Raises:
        InputError: an activation that jumps where `slopes` are needed, as in `limit_tangent_kernel`.
    """
    gains = _row_gains(plan.row, slots, scales, slopes=slopes)
    with np.errstate(over="ignore"):
        return float(np.exp(np.max(np.cumsum(gains[::-1]), initial=0.0)))


def _row_gains(row: Row, slots: list[Slot], scales: Scales, *, slopes: bool) -> list[float]:
    """Logarithms, one for every activation, each with the dense layer behind it."""
    gains: list[float] = []
    second = None
    for step in row.steps:
        part = step.node.part
        if isinstance(part, FanOut):
            inner = [_row_gains(branch, slots, scales, slopes=slopes) for branch in step.branches]
            gains += max(inner, key=sum, default=[])
        elif isinstance(part, ActivationPart):
            assert step.slot is not None
            gains.append(_log_gain(part, slots[step.slot], slopes=slopes))
            second = slots[step.slot].seconds
        elif isinstance(part, DensePart) and second is not None:
            passed = scales.weights[step.node.first] * second
            whole = passed + scales.biases[step.node.first]
            gains[-1] += float(np.max(np.log(passed[whole > 0] / whole[whole > 0]), initial=-_MUCH))
        second = second if isinstance(part, ActivationPart) else None
    return gains


def _log_gain(part: ActivationPart, slot: Slot, *, slopes: bool) -> float:
    dual = limit_dual(part.sigma)
    if isinstance(dual, PiecewiseLinear):
        return 0.0
    q, k = (a[slot.seconds > 0] for a in (slot.variances, slot.seconds))
    if not q.size:
        return 0.0
    ends = [np.argmin(q), np.argmax(q)]
    try:
        moments = dual.slope_moment(q[ends])
    except InputError:  # jumps: distances grow like their root
        if slopes:
            raise
        return np.inf
    largest = float(np.max(q[ends] * moments / k[ends]))
    return math.log(largest) if largest > 0 else -_MUCH


def warn_of_rounding(gain: float, x1: np.ndarray, x2: np.ndarray | None) -> None:
    """Say where rounding of correlations, amplified, leaves less than six digits (three in single precision).

    Two points at 1 - rho = g are known to eps min(gain, 1 / g) after the network.
    """
    rounding = float(np.finfo(x1.dtype).eps)
    promised = _PROMISED[x1.dtype]
    if gain <= HARMLESS or gain * rounding <= promised:
        return
    one = _directions(x1)
    other = one if x2 is None else _directions(x2)
    nearest = 2.0
    for start in range(0, len(one), _ROWS):
        gaps = 1.0 - one[start : start + _ROWS] @ other.T
        if x2 is None:
            rows = np.arange(len(gaps))
            gaps[rows, start + rows] = 2.0
        nearest = min(nearest, float(np.min(gaps)))
    doubt = rounding * min(gain, 1.0 / max(nearest, rounding))
    if doubt > promised:
        warnings.warn(
            f"This network amplifies the distance 1 - rho of nearly equal points by up to {gain:.2g}: some "
            f"correlations among these points are known to {doubt:.1g} only. Fewer layers or a smaller "
            "weight_std amplify less, double precision rounds less; limit_tangent_kernel takes more care of "
            "dense networks.",
            AccuracyWarning,
            stacklevel=5,
        )


def _directions(x: np.ndarray) -> np.ndarray:
    flat = x.reshape(len(x), -1).astype(np.float64)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(norms > 0, norms, 1.0)
