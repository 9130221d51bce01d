"""At which kappas will the runs of a kappa study decide, on these data?"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lazyscope._checks import InputError
from lazyscope.data import Dataset
from lazyscope.model import activation, architecture
from lazyscope.study.kappa._defaults import ladder_of
from lazyscope.study.kappa._outside import outside
from lazyscope.study.kappa._records import forecast_cell, scales_of
from lazyscope.study.kappa._settings import KappaSettings
from lazyscope.study.kappa._verdict import DISPLACEMENT, NUM_KAPPAS, PREDICTED_SLOPE, WEIGHED

LAZY = 0.2
"""Where the slope begins every spread is expected to move by this share of its size, or less."""

SETTLED = 0.02
"""Largest distance from -1 of slopes that the scales alone predict, where kappa is not all that they see."""

_LARGEST = 2.0**40
_ROUNDS = 8
_LEAST_FALL = 1.05


def with_kappas(settings: KappaSettings) -> KappaSettings:
    """The settings, with kappas chosen by forecasts, of centred networks, where none were given.

    The displacement that a forecast gives is the inverse of the *effective* kappa: kappa counted in units
    of what the targets ask of the kernel, which depends on data, spread and activation. The four largest
    kappas, to which slopes are fitted, begin at the first power of two at which the forecast of every
    spread inside the assumptions, median over seeds at the smallest width, is at most `LAZY`; the others
    keep their distance from them.

    Where kappa is no product of scales, what groups share of the kernel changes on the way: a branch grows
    from a small part of what it goes around to a multiple of it, a readout grows alone above units that
    are not positively homogeneous. There these four begin, besides, where the slope that the scales alone
    predict, at every width, is within `SETTLED` of -1; before, it is that of a crossover.

    Raises:
        InputError: data that cannot be read, or a spread that no kappa up to 2^40 makes lazy and settled.

    Cost: one compilation, and two or three forecasts for each spread and seed.
    """
    if settings.kappas is not None:
        return settings
    data = settings.points()
    width, centred = min(settings.widths), replace(settings, centred=True)

    def foreseen(name: str, kappa: float) -> float:
        """Median of the largest forecast displacement; zero for networks without gradient."""
        told = [forecast_cell(centred, data, name, kappa, width, s) for s in range(settings.seeds)]
        return float(np.median([each[DISPLACEMENT.forecast] or 0.0 for each in told]))

    judged = [name for name in settings.spreads if not outside(settings, name)]
    ladder = ladder_of(settings.model)
    begin = max(
        _first_lazy(foreseen, name, ladder[-NUM_KAPPAS]) for name in judged or settings.spreads
    )
    if not (
        architecture(settings.model).homogeneous and activation(settings.activation).homogeneous
    ):
        begin = max(
            _first_settled(settings, data, name, begin) for name in judged or settings.spreads
        )
    factor = begin / ladder[-NUM_KAPPAS]
    return replace(settings, kappas=tuple(kappa * factor for kappa in ladder))


def _first_lazy(foreseen: Callable[[str, float], float], name: str, start: float) -> float:
    """The power of two, times `start`, from which this spread is forecast to be lazy."""
    kappa, moved = start, foreseen(name, start)
    for _ in range(_ROUNDS):
        if moved == 0.0:
            return start
        step = math.ceil(math.log2(moved / LAZY))
        if step == 0 or kappa * 2.0**step > _LARGEST:
            break
        kappa, before = kappa * 2.0**step, moved
        moved = foreseen(name, kappa)
        if step > 0 and moved > before / _LEAST_FALL:
            break
    if moved <= LAZY:
        return kappa
    raise _none_found(
        f"spread {name}, which is expected to move by {moved:.2g} of its size at kappa {kappa:.3g}",
        "a network whose displacement does not fall as kappa grows, or targets that its kernel hardly "
        "reaches",
    )


def _first_settled(settings: KappaSettings, data: Dataset, name: str, start: float) -> float:
    """The power of two, times `start`, from which the slope that the scales alone predict is -1."""
    ladder = ladder_of(settings.model)
    reach = ladder[-1] / ladder[-NUM_KAPPAS]

    def off(kappa: float) -> float:
        """How far slopes from here on are from -1 at worst: of displacements, and of those times leverage."""
        worst = 0.0
        for width in settings.widths:
            ends = []
            for each in (kappa, reach * kappa):
                network, scheme = settings.network(data, name, each, width)
                told = scales_of(network, scheme.alpha(width), each, settings.method)
                ends.append([told[q.by_law] for q in (DISPLACEMENT, WEIGHED)])
            slopes = np.log(np.divide(ends[1], ends[0])) / math.log(reach)
            worst = max(worst, float(np.abs(slopes - PREDICTED_SLOPE).max()))
        return worst

    kappa = start
    while kappa <= _LARGEST:
        if off(kappa) <= SETTLED:
            return kappa
        kappa *= 2.0
    raise _none_found(
        f"spread {name}, of which the scales alone predict no slope near {PREDICTED_SLOPE:g} up to "
        f"{_LARGEST:.3g}",
        "groups whose shares of the kernel change at every kappa",
    )


def _none_found(received: str, cause: str) -> InputError:
    return InputError(
        "a study of kappa needs kappas at which every spread trains lazily",
        received=received,
        cause=cause,
        fix="leave out this spread, or give kappas of your own",
    )
