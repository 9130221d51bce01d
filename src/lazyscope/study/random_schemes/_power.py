"""What will a study of random schemes be able to tell, before any of its runs is made?"""

from collections.abc import Iterator

import numpy as np

from lazyscope._estimate import LEVEL
from lazyscope.measure import student_reach
from lazyscope.scaling import displacement_exponents, slowest_correction
from lazyscope.study._protocol import Power
from lazyscope.study.random_schemes._estimates import LayerEstimate
from lazyscope.study.random_schemes._judge import VIRTUAL_TIE, answer_on, virtual_rms
from lazyscope.study.random_schemes._settings import RandomSchemesSettings
from lazyscope.study.random_schemes._virtual import Exponents

TIMES = (1.0, 5.0)
"""Errors of log displacements, in units of what the solver's tolerance or the share of a step makes."""
_DRAWS = 30


def power_of_random_schemes(settings: RandomSchemesSettings) -> Iterator[Power]:
    """How often the verdict is right, with the law exact and with every layer off by twice the bound (rms).

    The schemes are those that will be run: how many of them are away from ties is known. Nothing is said of
    real widths, where crossovers decide.
    """
    if settings.widths is not None:
        return
    drawn = [
        (scheme, settings.virtual_widths(scheme))
        for depth in settings.all_depths
        for scheme in settings.schemes(depth)
    ]
    limit = virtual_rms(settings)
    for times in TIMES:
        noise, shares = times * settings.accuracy, []
        for off, wanted in ((0.0, "supported"), (2 * limit, "contradicted")):
            rng = np.random.default_rng(0)
            answers = [
                answer_on(
                    [e for s, w in drawn for e in _simulated(rng, s, w, noise, off, settings)],
                    VIRTUAL_TIE,
                    limit,
                )
                for _ in range(_DRAWS)
            ]
            shares.append(answers.count(wanted) / _DRAWS)
        yield Power(noise, *shares)


def _simulated(
    rng: np.random.Generator,
    scheme: Exponents,
    widths: tuple[float, ...],
    noise: float,
    off: float,
    settings: RandomSchemesSettings,
) -> Iterator[LayerEstimate]:
    """Every layer of a scheme with an error of the size that a line over its widths has."""
    x = np.log(widths)
    own = noise / np.sqrt(np.sum((x - x.mean()) ** 2) * settings.num_seeds)
    half, nan = student_reach(LEVEL, len(x) - 2) * own, float("nan")
    correction = slowest_correction(*scheme, optimiser=settings.optimiser)
    law = displacement_exponents(*scheme, optimiser=settings.optimiser)
    for layer, predicted in enumerate(law, 1):
        exponent = predicted + float(rng.normal(0, own) + rng.normal(0, off))
        yield LayerEstimate(
            *scheme,
            layer=layer,
            predicted=predicted,
            correction=correction,
            exponent=exponent,
            low=exponent - half,
            high=exponent + half,
            unlevelled=exponent,
            slope=exponent,
            excess=nan,
            excess_low=nan,
            excess_high=nan,
            ratio=(),
            failed=0,
            widths=widths,
        )
