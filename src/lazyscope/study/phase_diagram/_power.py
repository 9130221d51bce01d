"""What will a plane of schemes be able to tell, before any of its runs is made?"""

from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope._estimate import LEVEL, RESOLUTION, Answer
from lazyscope.measure import simulated_exponents, student_reach
from lazyscope.study._protocol import Power, answer_of
from lazyscope.study._sweep_exponents import (
    ACCURACY_OF_TOLERANCE,
    LEAST_ACCURACY,
    accuracy_of_steps,
)
from lazyscope.study.kappa._power import NOISES
from lazyscope.study.phase_diagram._boundaries import boundaries
from lazyscope.study.phase_diagram._estimates import MARGIN
from lazyscope.study.phase_diagram._judge import answer_of_plane
from lazyscope.study.phase_diagram._law import PlaneLaw
from lazyscope.study.phase_diagram._plane_settings import AbstractPlaneSettings
from lazyscope.study.phase_diagram._verdict import sign_check
from lazyscope.study.random_schemes._power import TIMES

_DRAWS, _PLANES = 100, 20

Ends = Float[np.ndarray, "part x y layer"]
"""Exponents of a plane with the ends of their intervals: estimate, low, high."""


def power_of_plane(settings: AbstractPlaneSettings) -> Iterator[Power]:
    """How often the verdict is right, with the law exact and with every exponent half a step off.

    Every cell and layer has an error of its own, and the half step is up or down by chance. At real widths
    the error is that of the estimator of exponents on power laws; crossovers make intervals wider. Signs
    show a law that is off only in cells whose exponent is less than that from zero, and which lie far
    enough from the boundary to be judged.
    """
    axes = [(axis, np.array(getattr(settings, axis))) for axis in settings.axes]
    law = PlaneLaw(settings.described(), *axes)
    distances = law.distances()
    for noise, draw in _sources(settings, law):
        shares = []
        for off, wanted in ((0.0, "supported"), (RESOLUTION, "contradicted")):
            rng = np.random.default_rng(0)
            moved = off * rng.choice([-1.0, 1.0], (_PLANES, *law.exponents.shape))
            answers = [_answer(settings, law, distances, draw(rng) + one) for one in moved]
            shares.append(answers.count(wanted) / _PLANES)
        yield Power(noise, *shares)


def _sources(
    settings: AbstractPlaneSettings, law: PlaneLaw
) -> Iterator[tuple[float, Callable[[np.random.Generator], Ends]]]:
    """Sizes of noise, each with what draws the exponents of a plane that follows the law."""
    if not settings.is_virtual:
        for noise in NOISES:
            yield noise, _at_real_widths(settings, law, noise)
        return
    accuracies = [settings.accuracy_of(settings.exponents(*cell)) for cell in settings.cells()]
    for times in TIMES:
        yield times * max(accuracies), _at_virtual_widths(settings, law, times, accuracies)


def _at_real_widths(
    settings: AbstractPlaneSettings, law: PlaneLaw, noise: float
) -> Callable[[np.random.Generator], Ends]:
    known = settings.described() | {"tolerance": settings.tolerance}
    small = max(LEAST_ACCURACY, ACCURACY_OF_TOLERANCE * settings.tolerance)
    accuracy = accuracy_of_steps(known) if "method" in known else small
    found = simulated_exponents(
        settings.widths, settings.seeds, noise, accuracy=accuracy, num_draws=_DRAWS
    )
    errors = np.stack([found.exponent, found.low, found.high])

    def draw(rng: np.random.Generator) -> Ends:
        return law.exponents + errors[:, rng.integers(_DRAWS, size=law.exponents.shape)]

    return draw


def _at_virtual_widths(
    settings: AbstractPlaneSettings, law: PlaneLaw, times: float, accuracies: list[float]
) -> Callable[[np.random.Generator], Ends]:
    cells = zip(settings.cells(), accuracies, strict=True)
    own = np.array([times * small * _leverage(settings, *cell) for cell, small in cells])
    own = own.reshape(*law.exponents.shape[:2], 1)
    half = student_reach(LEVEL, settings.num_widths - 2) * own

    def draw(rng: np.random.Generator) -> Ends:
        exponent = law.exponents + own * rng.standard_normal(law.exponents.shape)
        return np.stack([exponent, exponent - half, exponent + half])

    return draw


def _leverage(settings: AbstractPlaneSettings, x: float, y: float) -> float:
    """Error of a slope over the virtual widths of a cell, in units of that of a displacement."""
    log_width = np.log(settings.virtual_widths(settings.exponents(x, y)))
    return float(1 / np.sqrt(settings.seeds * np.sum((log_width - log_width.mean()) ** 2)))


def _answer(
    settings: AbstractPlaneSettings, law: PlaneLaw, distances: np.ndarray, ends: Ends
) -> Answer:
    """The verdict of the study on drawn exponents."""
    dims = (*settings.axes, "layer")
    exponent, low, high = ends
    sign = np.where(low > 0, "positive", np.where(high < 0, "negative", "undecided"))
    named = {"exponent": exponent, "low": low, "high": high, "sign": sign, "slope": exponent}
    named |= {"last_slope": exponent, "predicted": law.exponents, "distance": distances}
    places = {axis: list(getattr(settings, axis)) for axis in settings.axes}
    plane = xr.Dataset(
        {name: (dims, values) for name, values in named.items()},
        places | {"layer": np.arange(1, exponent.shape[-1] + 1)},
    )
    supported = sign_check(plane, margin=MARGIN)["supported"]
    if not settings.is_virtual:
        return answer_of(supported)
    return answer_of_plane(supported, boundaries(plane, law) if supported else [])
