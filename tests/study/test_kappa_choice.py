"""Are the kappas of a study those at which its spreads are lazy, and do spreads outside the law not count?"""

import numpy as np
import pytest
from scipy.optimize import brentq
from tests.study.test_kappa_verdict import runs_with

from lazyscope._checks import InputError
from lazyscope.experiment import look_ahead, spread, spread_names
from lazyscope.study import KappaSettings, find_study, judge_study, kappa_settings
from lazyscope.study.kappa._kappas import LAZY, SETTLED, _first_settled, with_kappas
from lazyscope.study.kappa._outside import START, outside, outside_by_start
from lazyscope.study.kappa._study import warn_of_hopeless_spreads
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
        {"activation": "tanh", "spreads": ("readout", "readout-small")},
    ],
)
def test_slopes_begin_at_the_first_kappa_at_which_every_spread_is_lazy(given):
    settings = with_kappas(kappa_settings(**FEW, **given))
    begin = settings.ladder[-NUM_KAPPAS]
    assert max(foreseen(settings, name, begin) for name in settings.spreads) <= LAZY
    assert max(foreseen(settings, name, begin / 2) for name in settings.spreads) > LAZY


def test_kappas_of_a_readout_above_tanh_begin_where_the_scales_alone_predict_the_slope():
    drawn = kappa_settings(**FEW, activation="tanh", spreads=("readout-random",))
    data = drawn.points()
    found = _first_settled(drawn, data, "readout-random", 1.0)
    assert found > 1.0
    begin = with_kappas(drawn).ladder[-NUM_KAPPAS]
    assert _first_settled(drawn, data, "readout-random", begin) == begin >= found


def test_the_same_data_choose_the_same_kappas_and_given_ones_stay():
    settings = KappaSettings(**FEW, spreads=("balanced",))
    assert with_kappas(settings) == with_kappas(settings)
    given = KappaSettings(**FEW, kappas=(1.0, 2.0, 4.0, 8.0))
    assert with_kappas(given) is given


def test_kappas_of_branches_begin_where_the_scales_alone_predict_the_slope():
    given = {"widths": (8, 64), "spreads": ("balanced", "ntk-like"), "seeds": 2}
    settings = with_kappas(kappa_settings("residual", **(FEW | given)))
    reach = settings.ladder[-1] / settings.ladder[-NUM_KAPPAS]

    def slope(begin):
        """Of ntk-like at width 64: four hidden layers, b = 1/2, c = 1/2, one speed."""
        logs = []
        for aim in np.log([begin, reach * begin]):
            log = brentq(
                lambda c, aim=aim: 2 * c + 1.5 * np.log1p(np.exp(2 * c) / 8) + np.log(8) - aim,
                -9,
                40,
            )
            alpha = np.exp(log) * np.array([8.0, 1.0, 1.0, 1.0, 1.0])
            squares = 1 / alpha**2
            squares[1:4] *= alpha[1:4] ** 2 / (8 + alpha[1:4] ** 2)
            logs.append(np.log(squares.max() / squares.sum()) - aim)
        return float(np.diff(logs)[0] / np.log(reach))

    begin = settings.ladder[-NUM_KAPPAS]
    assert abs(slope(begin) + 1) <= SETTLED < abs(slope(begin / 8) + 1)


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
    assert judged["verdict"]["answer"] == "outside"
    assert judged["verdict"]["sentence"].startswith("Nothing was judged")


def test_kappas_of_networks_that_are_not_centred_are_those_of_centred_ones():
    given = {**FEW, "spreads": ("balanced",)}
    first, second = (with_kappas(kappa_settings(**given, centred=each)) for each in (True, False))
    assert first.kappas == second.kappas


@pytest.mark.parametrize("share", [0.5 * START, 2 * START])
def test_outputs_at_the_start_put_a_spread_outside_where_they_are_part_of_the_first_loss(share):
    data = kappa_settings(**FEW).points()  # targets of size one: a loss of a half
    losses = {"balanced": 0.5 * (1 + share), "small-readout": 0.5}
    runs = [
        {"spread": name, "kappa": kappa, "loss_initial": 5.0 if kappa == 1.0 else loss}
        for name, loss in losses.items()
        for kappa in (1.0, 2.0, 4.0)
    ]
    found = outside_by_start(runs, (2.0, 4.0), data)
    assert list(found) == (["balanced"] if share > START else [])


@pytest.mark.slow
def test_a_network_that_is_not_centred_contradicts_nothing_where_its_displacement_levels_off(
    tmp_path,
):
    few = {"num_points": 6, "num_test": 2, "spreads": ("balanced",)}
    settings = kappa_settings(**few, widths=(8, 16, 32), seeds=1, centred=False)
    verdict = judge_study(find_study("kappa"), settings, tmp_path).result["verdict"]
    assert (verdict["answer"], verdict["num_spreads"]) == ("outside", 0)
    assert "not subtracted, so that displacements level off" in verdict["sentence"]


def repeated(folder, targets):
    """Settings on points of which the first is there twice, with these targets."""
    x = np.random.default_rng(0).normal(size=(6, 3))
    x[1] = x[0]
    path = folder / "points.npz"
    np.savez(path, x_train=x, y_train=targets, x_test=x[:1], y_test=targets[:1])
    return {"data": str(path), "num_points": 6, "num_test": 1, "target": "value"}


def test_equal_points_with_different_targets_are_refused_before_any_run(tmp_path):
    given = repeated(tmp_path, np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]))
    settings = kappa_settings(**given, widths=(8, 16, 32), kappas=(8.0, 16.0, 32.0, 64.0))
    with pytest.raises(InputError, match=r"Equal points must have equal targets.*which are equal"):
        warn_of_hopeless_spreads(settings)


@pytest.mark.parametrize(("apart", "stop"), [(0.0, 1e-4), (2.0, 0.5)])
def test_equal_points_are_trained_where_their_loss_can_be_reached(tmp_path, apart, stop):
    given = repeated(tmp_path, np.array([1.0, 1.0 - apart, 1.0, -1.0, 1.0, -1.0]))
    kappas = (256.0, 512.0, 1024.0, 2048.0)
    settings = kappa_settings(**given, widths=(8,), spreads=("balanced",), kappas=kappas, stop=stop)
    warn_of_hopeless_spreads(settings)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_kappa_alone_decides_for_activations_that_are_not_homogeneous(activation, tmp_path):
    settings = kappa_settings(
        activation=activation, num_points=12, num_test=2, widths=(64, 96, 128)
    )
    result = judge_study(find_study("kappa"), settings, tmp_path).result
    assert result["verdict"]["answer"] == "supported", result["verdict"]["sentence"]
