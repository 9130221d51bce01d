"""Are the kappas of a study those at which its spreads are lazy, and do spreads outside the law not count?"""

import numpy as np
import pytest
from tests.study.test_kappa_verdict import runs_with

from lazyscope._checks import InputError
from lazyscope.experiment import look_ahead, spread, spread_names
from lazyscope.study import KappaSettings, kappa_settings, run_kappa_study
from lazyscope.study.kappa._kappas import LAZY, with_kappas
from lazyscope.study.kappa._outside import outside
from lazyscope.study.kappa._verdict import NUM_KAPPAS, judge

FEW = {"num_points": 6, "num_test": 2, "widths": (8,), "seeds": 3}


def foreseen(settings, name, kappa):
    data = settings.points()
    moved = [
        look_ahead(settings.run_settings(name, kappa, 8, seed), ("forecast",), data=data)
        for seed in range(3)
    ]
    return float(np.median([np.max(each["forecast_operator"]) for each in moved]))


@pytest.mark.parametrize(
    "given",
    [
        {"spreads": ("balanced", "small-readout")},
        {"spreads": ("balanced", "ntk-like"), "data": "diabetes", "target": "value"},
        {"activation": "tanh"},
    ],
)
def test_slopes_begin_at_the_first_kappa_at_which_every_spread_is_lazy(given):
    settings = with_kappas(kappa_settings(**FEW, **given))
    begin = settings.ladder[-NUM_KAPPAS]
    assert max(foreseen(settings, name, begin) for name in settings.spreads) <= LAZY
    assert max(foreseen(settings, name, begin / 2) for name in settings.spreads) > LAZY


def test_the_same_data_choose_the_same_kappas_and_given_ones_stay():
    settings = KappaSettings(**FEW, spreads=("balanced",))
    assert with_kappas(settings) == with_kappas(settings)
    given = KappaSettings(**FEW, kappas=(1.0, 2.0, 4.0, 8.0))
    assert with_kappas(given) is given


def test_settings_without_kappas_have_no_runs_yet():
    with pytest.raises(InputError, match="settings without kappas"):
        KappaSettings(**FEW).design()


@pytest.mark.parametrize("name", [name for name in spread_names() if "readout-" in name])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_spread_at_the_readout_reaches_kappa_without_the_hidden_layers(name, depth):
    if name == "small-readout":
        return
    first, second = (spread(name).alpha(kappa, 64, depth) for kappa in (3.0, 3e5))
    assert np.array_equal(first[:-1], second[:-1])
    assert np.allclose([first.prod(), second.prod()], [3.0, 3e5])
    exponents = spread(name).growing(0.5, depth).scale_exponents
    assert np.allclose(exponents, (*[0.0] * depth, 0.5))


def test_only_homogeneous_activations_may_have_pre_activations_of_any_size():
    relu, tanh = (KappaSettings(activation=name) for name in ("relu", "tanh"))
    assert not any(outside(relu, name) for name in spread_names())
    inside = {name for name in spread_names() if not outside(tanh, name)}
    assert inside == set(kappa_settings(activation="tanh").spreads)


def test_a_spread_outside_the_assumptions_is_fitted_and_counts_nowhere():
    runs = runs_with(-0.5)
    spreads = ("balanced", "small-readout")
    judged = judge(runs, spreads, 2, accuracy=0.002, outside={"balanced": "it saturates"})
    fit = judged["fits"][0]
    assert (fit["verdict"], round(fit["slope"], 1)) == ("outside", -0.5)
    assert judged["verdict"]["answer"] == "contradicted"  # by the other one
    assert "balanced: it saturates" in judged["verdict"]["sentence"]
    judged = judge(runs, spreads, 2, accuracy=0.002, outside=dict.fromkeys(spreads, "both do"))
    assert judged["verdict"]["answer"] == "undecided"


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_kappa_alone_decides_for_activations_that_are_not_homogeneous(activation, tmp_path):
    settings = kappa_settings(
        activation=activation, num_points=12, num_test=2, widths=(64, 96, 128)
    )
    result = run_kappa_study(settings, tmp_path / "runs")
    assert result["verdict"]["answer"] == "supported", result["verdict"]["sentence"]
