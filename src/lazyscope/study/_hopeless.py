"""Which part of a study is certain to stay undecided, before any of its runs is made?"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope._portable import PortableError
from lazyscope.study.kappa._settings import KappaSettings
from lazyscope.study.kappa._verdict import DISPLACEMENT, LAZY_FORECAST, NUM_KAPPAS, WEIGHED
from lazyscope.study.theorem._settings import TheoremSettings

CLEARLY_LAZY = LAZY_FORECAST / 2
"""A spread whose first network is expected to move by less is not looked at further."""

LEAST_BOUNDS = 3
"""Widths with a bound below which no ratio to it can be extrapolated."""


class HopelessWarning(PortableError, UserWarning):  # noqa: N818  # a warning
    """A part of a study that the runs asked for cannot decide, whatever they give."""


def hopeless_spreads(
    settings: KappaSettings, foresee: Callable[[tuple[int, str, float, int]], dict[str, Any]]
) -> dict[str, float]:
    """Spreads for which no slope can be judged, with the kappa from which one could be.

    A slope is fitted to the largest four kappas and judged where the median of the forecast displacement
    at the smallest of these is below one half, which initial networks tell. Where displacements are
    weighed by leverage as well, one of the two is enough.

    Args:
        settings: of the study.
        foresee: forecasts of a cell, as stored with its run.

    Raises:
        InputError: all of the spreads, so that the study could decide nothing.

    Cost: one forecast for a spread that is clearly lazy, else up to one per width and seed.
    """
    kappa = sorted(settings.ladder)[-NUM_KAPPAS]
    places = list(product(sorted(settings.widths), range(settings.seeds)))
    needed: dict[str, float] = {}
    for name in settings.spreads:
        cells = [(width, name, kappa, seed) for width, seed in places]
        median = _median_unless_lazy(cells, foresee)
        if median is not None:
            needed[name] = kappa * median / LAZY_FORECAST
    if len(needed) == len(settings.spreads):
        least = 2.0 ** np.ceil(np.log2(min(needed.values())) + 0.5)
        raise InputError(
            f"a slope is fitted to the largest {NUM_KAPPAS} kappas, where training must be lazy",
            received=f"kappas from {kappa:g} to {max(settings.ladder):g}, where every spread is expected "
            f"to move by {LAZY_FORECAST:g} of its size and more at kappa {kappa:g}",
            cause="kappas that are too small for these data and networks, so that the verdict could "
            "only be undecided",
            fix=f"let the smallest of the {NUM_KAPPAS} largest kappas be {least:g} or more",
        )
    return needed


def _median_unless_lazy(
    cells: Sequence[tuple[int, str, float, int]], foresee: Callable[..., dict[str, Any]]
) -> float | None:
    """The median of forecast displacements, the smaller of plain and weighed; None where it is lazy."""
    found: dict[str, list[float]] = {DISPLACEMENT.forecast: [], WEIGHED.forecast: []}
    for cell in cells:
        told = foresee(cell)
        for key, values in found.items():
            if told[key] is not None:
                values.append(told[key])
        if any(vs and vs[0] < CLEARLY_LAZY for vs in found.values()):
            return None
        if any(sum(v < LAZY_FORECAST for v in vs) > len(cells) / 2 for vs in found.values()):
            return None
    if not found[DISPLACEMENT.forecast]:  # no network has a gradient, which the runs tell better
        return None
    median = min(float(np.median(values)) for values in found.values())
    return median if median >= LAZY_FORECAST else None


def without_bound(
    settings: TheoremSettings, lazy: Sequence[str], bound: Callable[[str, int], float | None]
) -> list[str]:
    """Schemes of `lazy` of which too few widths have a bound for a limit of the measured rate over it.

    Args:
        settings: of the study.
        lazy: names of its theta-lazy schemes.
        bound: the theorem's rate for a scheme at a width, None or zero where there is none.

    Cost: the limit kernels of these schemes, once per width where they depend on the width.
    """
    return [
        name
        for name in lazy
        if sum(bool(bound(name, width)) for width in settings.widths) < LEAST_BOUNDS
    ]
