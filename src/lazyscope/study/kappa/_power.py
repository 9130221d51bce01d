"""What will a kappa study be able to tell, before any of its runs is made?"""

from collections.abc import Iterator

import numpy as np

from lazyscope._estimate import RESOLUTION
from lazyscope.measure import mean_estimate
from lazyscope.study._protocol import Power
from lazyscope.study.kappa._kappas import LAZY
from lazyscope.study.kappa._outside import outside
from lazyscope.study.kappa._settings import KappaSettings
from lazyscope.study.kappa._verdict import NUM_KAPPAS, PREDICTED_SLOPE, corrected_terms, joint_level

NOISES = (0.02, 0.1)
"""Scatter of log displacements of one network about its line in log kappa: of usual runs, of wild ones."""
_NUM_DRAWS = 60


def power_of_kappa(settings: KappaSettings) -> Iterator[Power]:
    """How often the verdict is right, at several sizes of noise, with every slope -1 and half a step away.

    Slopes are drawn as the study fits them: one for each pair of width and seed, with the correction
    proportional to the forecast, which is `LAZY` at the smallest kappa fitted.

    Args:
        settings: with kappas.
    """
    kappas = np.array(sorted(settings.ladder)[-NUM_KAPPAS:])
    terms = corrected_terms(np.log(kappas), LAZY * kappas[0] / kappas, settings.accuracy)
    reach = float(np.linalg.norm(np.linalg.pinv(terms)[1, :-1]))
    unknown = 2 * settings.accuracy / np.log(kappas[-1] / kappas[0])
    judged = [name for name in settings.spreads if not outside(settings, name)]
    shape = (_NUM_DRAWS, len(judged), len(settings.widths) * settings.seeds)
    drawn = np.random.default_rng(0).standard_normal(shape)
    for noise in NOISES:
        shares = []
        for truth, wanted in (
            (PREDICTED_SLOPE, "supported"),
            (PREDICTED_SLOPE + RESOLUTION, "contradicted"),
        ):
            slopes = truth + noise * reach * drawn
            answers = [_answer(study, float(unknown)) for study in slopes]
            shares.append(answers.count(wanted) / _NUM_DRAWS)
        yield Power(noise, *shares)


def _answer(slopes: np.ndarray, unknown: float) -> str:
    """The verdict of the study on slopes (spread, group)."""
    level = joint_level(len(slopes))
    found = [mean_estimate(one, level=level) for one in slopes]
    verdicts = [one.agreement(PREDICTED_SLOPE, accuracy=unknown) for one in found]
    if verdicts and set(verdicts) == {"agrees"}:
        return "supported"
    return "contradicted" if "disagrees" in verdicts else "undecided"
