"""Are questions that no number of runs could answer refused before any run is made?"""

import pytest

from lazyscope import InputError
from lazyscope.study import (
    CondensationSettings,
    KappaSettings,
    OutputScaleSettings,
    RandomSchemesSettings,
    TheoremSettings,
    ThreeLayerSettings,
    TwoLayerSettings,
)

MAPS = (TwoLayerSettings, ThreeLayerSettings, CondensationSettings, OutputScaleSettings)


@pytest.mark.parametrize("settings", MAPS)
def test_a_single_seed_gives_no_interval(settings):
    with pytest.raises(InputError, match=r"3 runs beyond one per width. Received: 1 seed at each"):
        settings(seeds=1)
    assert settings(seeds=2).seeds == 2


def test_random_schemes_need_a_second_seed_too():
    with pytest.raises(InputError, match="3 runs beyond one per width"):
        RandomSchemesSettings(replicates=1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TwoLayerSettings(gamma=()), "Gamma must be at least 2 increasing numbers"),
        (lambda: TwoLayerSettings(widths=(4, 8)), "Widths must be at least 3 increasing numbers"),
        (lambda: KappaSettings(kappas=()), "Every kappa must be given once"),
        (lambda: KappaSettings(target="classs"), "Target must be one of"),
        (lambda: KappaSettings(centred="no"), "Centred must be True or False"),
        (lambda: OutputScaleSettings(output_scale=(0.0, 1.0)), "Output_scale must be above zero"),
        (lambda: OutputScaleSettings(activation="rellu"), "use 'relu'"),
        (lambda: OutputScaleSettings(scheme="ntkk"), "use 'ntk'"),
        (lambda: OutputScaleSettings(depth=0), "Depth must be a whole number of at least 1"),
        (lambda: RandomSchemesSettings(stop=2.0), "Stop fraction must lie strictly between"),
        (lambda: TheoremSettings(target="parrity"), "use 'parity'"),
    ],
)
def test_settings_that_make_no_study_are_refused_when_they_are_made(make, words):
    with pytest.raises(InputError, match=words):
        make()
