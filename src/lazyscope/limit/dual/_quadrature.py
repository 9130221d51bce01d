"""Which quadrature serves a nonlinearity without closed form?

Smooth functions get a short power series in the correlation; functions with kinks, or too sharp for
it, get series in the angle; both are checked against what they stand for before they are used.
"""

from typing import final

import equinox as eqx
import numpy as np

from lazyscope._checks import InputError
from lazyscope.limit.dual._chebyshev import DirectMap
from lazyscope.limit.dual._dual import AbstractDual, Prepared
from lazyscope.limit.dual._gauss import gaussian_average, reach
from lazyscope.limit.dual._interpolation import angle_series, deviation_series
from lazyscope.limit.dual._mehler import mehler_map
from lazyscope.limit.dual._piecewise_smooth import PiecewiseSmooth
from lazyscope.limit.dual._polar import PolarRule

_MOST_DIRECT_PAIRS = 100_000
_FEW_PAIRS = 64


@final
class FunctionDual(AbstractDual):
    """Gaussian averages of a given function."""

    sigma: PiecewiseSmooth = eqx.field(static=True)

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        deviations, places = np.unique(np.sqrt(q), return_inverse=True)
        square = self.sigma.squares
        radius = reach(square, deviations, "an activation")
        kinks = self.sigma.kinks_within(radius * max(deviations.max(), 1e-3))
        return gaussian_average(square, deviations, kinks, radius, "the activation")[places]

    def slope_moment(self, q: np.ndarray) -> np.ndarray:
        deviations, places = np.unique(np.sqrt(q), return_inverse=True)
        square = self.sigma.slope_squares
        radius = reach(square, deviations, "the slope of an activation")
        kinks = self.sigma.kinks_within(radius * max(deviations.max(), 1e-3))
        jumps = self.sigma.jumps(kinks)
        if jumps:
            raise InputError(
                "a tangent kernel needs an activation without jumps",
                received=f"jumps at {', '.join(f'{jump:.6g}' for jump in jumps)}",
                cause="a step or sign function, whose slope has no second moment",
                fix="ask for the covariance kernel, or use a continuous activation",
            )
        return gaussian_average(square, deviations, kinks, radius, "the activation's slope")[places]

    def pair_map(self, q1: np.ndarray, q2: np.ndarray, *, careful: bool = False) -> Prepared:
        s1, s2 = np.sqrt(q1), np.sqrt(q2)
        both = np.concatenate([s1, s2])
        if not both.all() and both.any() and not self.sigma.values(np.zeros(1))[0]:
            # signals of zero are passed on as zero, whatever the map says: series need not reach there
            least = both[both > 0].min()
            s1, s2, both = (np.where(s > 0, s, least) for s in (s1, s2, both))
        radius = reach(self.sigma.squares, both, "an activation")
        odd = self._odd(float(both.max()))
        series = mehler_map(self.sigma, s1, s2, radius, odd=odd, careful=careful)
        if series is not None:
            return series
        kinks = self.sigma.kinks_within(radius * max(both.max(), 1e-3))
        rule = _settled(PolarRule(self.sigma, kinks, radius), both)
        prepared = None
        if s1.size * s2.size <= _FEW_PAIRS:
            pass
        elif np.ptp(both) <= 1e-14 * both.max():
            second = float(self.second_moment(both[:1] ** 2)[0])
            prepared = angle_series(rule, s1, s2, second, odd)
        elif not any(kinks):
            prepared = deviation_series(rule, s1, s2, odd)
        if prepared is not None:
            return prepared
        if s1.size * s2.size > _MOST_DIRECT_PAIRS:
            raise InputError(
                f"more than {_MOST_DIRECT_PAIRS} pairs need an activation that acts on them smoothly",
                received=f"{s1.size} x {s2.size} inputs of different norms, kinks at {kinks}",
                cause="kinks away from zero, which inputs of different norms meet differently",
                fix="bring all inputs to the same norm, or ask for fewer pairs at a time",
            )
        none = np.empty((both.size, 0))
        return Prepared(DirectMap(rule, odd), none[: s1.size], none[s1.size :])

    def _odd(self, deviation: float) -> bool:
        u = np.linspace(0.0, 9.0, 257) * deviation
        up, down = self.sigma.values(u), self.sigma.values(-u)
        return bool(np.all(np.abs(up + down) <= 1e-14 * np.max(np.abs(up))))


def _settled(rule: PolarRule, deviations: np.ndarray) -> PolarRule:
    """The rule refined until it stands at the smallest and largest deviations and several angles."""
    largest = deviations.max()
    theta = np.array([0.0, 0.03, 0.5, 1.6, 2.8])
    others = np.unique([deviations.min(), largest])
    return rule.settled(*(grid.ravel() for grid in np.meshgrid(largest, others, theta)))
