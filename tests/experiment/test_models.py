"""Can a run draw any network, ours by name or a user's own, and is it the run that its settings say?"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lazyscope._checks import InputError
from lazyscope.data import load_dataset
from lazyscope.experiment import (
    Experiment,
    SingleRun,
    default_settings,
    function_experiment,
    look_ahead,
    network_scheme,
    run_experiment,
    run_inputs,
    scaled_network,
    train_run,
)
from lazyscope.flow import ExponentialFlow, OptimiserSteps, function_problem, solve_flow
from lazyscope.model import network_names
from lazyscope.scaling import PowerLaw, Scheme, named_scheme
from lazyscope.study._guarantee import Bound
from lazyscope.sweep import SweepDesign, estimate_cost, open_store, run_sweep

DIGITS = {"data": "digits", "num_points": 6, "num_test": 3, "target": "parity"}
QUICK = {**DIGITS, "spread": "balanced", "kappa": 64.0, "width": 8, "depth": 1, "stop": 0.5}


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", num_points=6, num_test=3, target="parity")


@pytest.mark.slow
def test_one_sweep_trains_networks_of_every_model(tmp_path):
    design = SweepDesign(axes={"model": network_names()}, fixed=QUICK)
    assert estimate_cost(design, num_workers=1).num_shapes == 6
    assert run_sweep(design, tmp_path).complete
    runs = open_store(tmp_path)
    assert set(runs["outcome"].values) == {"converged"}
    groups = np.isfinite(runs["displacement_frobenius"]).sum("layer")
    assert groups.sel(model=["dense", "layer-norm", "attention"]).values.tolist() == [2, 3, 6]


@pytest.mark.slow
def test_a_single_run_of_a_model_is_the_cell_of_a_sweep(tmp_path, data):
    run_sweep(SweepDesign(fixed={**QUICK, "model": "convolution"}), tmp_path)
    cell = open_store(tmp_path)
    scheme = network_scheme(
        data, spread="balanced", kappa=64.0, width=8, depth=1, architecture="convolution"
    )
    told = train_run(SingleRun(data, scheme, 8, architecture="convolution"), stop=0.5)
    moved = told["displacement"]["frobenius"]
    np.testing.assert_allclose(moved, cell["displacement_frobenius"].values, rtol=1e-6)
    assert told["network"]["model"] == "convolution"
    assert told["kappa"] == pytest.approx(64.0)
    assert told["regime"] is None
    assert told.settings["model"] == "convolution"
    assert (told.width, told.seed, told.virtual_width, told.optimizer) == (8, 0, None, None)


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"scheme": "ntk", "model": "attention", "depth": 1}, "given by a spread and kappa"),
        ({"scheme": "ntk", "rho": 0.5, "model": "residual"}, "or a scheme by name"),
        ({"spread": "balanced", "model": "residual"}, "one of kappa and rho"),
        ({"spread": "balanced", "kappa": 1.0, "scheme": "ntk"}, "nothing else that fixes scales"),
        ({"spread": "balance", "kappa": 1.0}, "use 'balanced'"),
        ({"spread": "balanced", "kappa": 1.0, "model": "attention", "depth": 2}, "at most 1"),
        (
            {"spread": "balanced", "kappa": 1.0, "model": "residual", "use_bias": True},
            "neither bias nor output scale",
        ),
        ({"scheme": "ntk", "model": "densely"}, "use 'dense'"),
        ({"scheme": "ntk", "num_records": 7}, "an even number"),
    ],
)
def test_settings_without_a_meaning_for_the_model_are_refused(fixed, words):
    with pytest.raises(InputError, match=words):
        SweepDesign(fixed={"width": 8, **fixed})


def test_neurons_are_refused_of_a_network_that_is_not_dense():
    told = {**QUICK, "model": "convolution"}
    with pytest.raises(InputError, match="Neurons are those of a dense network"):
        SweepDesign(fixed=told, record=["neurons"])


def test_a_scheme_for_another_number_of_layers_is_refused(data):
    with pytest.raises(InputError, match="6 drawn layers needs a scheme of as many scales"):
        SingleRun(data, Scheme.at_width(8, alpha=(1.0, 1.0)), 8, architecture="attention")


def test_points_that_are_no_images_are_refused_before_any_run(tmp_path):
    fixed = {**QUICK, "data": "sphere-teacher", "input_dim": 5, "model": "convolution"}
    del fixed["target"]
    with pytest.raises(InputError, match="square grey images"):
        run_sweep(SweepDesign(fixed=fixed), tmp_path / "store")


def network(params, x):
    return jnp.tanh(x @ params["in"]) @ params["out"]


def drawn():
    draw = np.random.default_rng(0)
    return {"in": draw.normal(size=(64, 5)), "out": draw.normal(size=(5, 1))}


def test_a_users_function_is_trained_as_the_flow_trains_it(data):
    given = function_experiment(network, drawn(), data, speeds={"['out']": 2.0}, centred=True)
    run = run_experiment(given, stop=0.3, record=("displacement", "linearisation", "kernel"))
    problem = function_problem(
        network,
        drawn(),
        data.x_train,
        data.y_train,
        speeds={"['out']": 2.0},
        centred=True,
    )
    result = solve_flow(problem, ExponentialFlow(), stop=0.3)
    assert run.num_steps == int(result.num_steps)
    np.testing.assert_allclose(run["loss_final"], result.loss, rtol=1e-9)
    with jax.enable_x64(True):
        change = problem.model.apply(result.params, data.x_test) - problem.model.apply(
            problem.params, data.x_test
        )
    wrong = np.mean((np.asarray(change)[:, 0] > 0) != (data.y_test[:, 0] > 0))
    assert float(run["test_error"]) == pytest.approx(wrong)


def test_test_points_of_other_data_are_refused(data):
    with pytest.raises(InputError, match="Test points and targets must be like those of training"):
        function_experiment(
            network, drawn(), (data.x_train, data.y_train, data.x_test[:, :3], data.y_test)
        )
    with pytest.raises(InputError, match="Data must be a data set"):
        function_experiment(network, drawn(), (data.x_train,))


def test_a_record_is_read_by_item_and_says_what_it_is(data):
    given = function_experiment(network, drawn(), (data.x_train, data.y_train))
    run = run_experiment(Experiment.of(given.problem), max_steps=2, record=("displacement",))
    assert run.outcome.label == "out-of-steps"
    assert run["steps"] == run.num_steps <= 2
    assert run.method == {
        "name": "ExponentialFlow",
        "tolerance": 0.05,
        "frozen": "mean",
        "products": 40,
    }
    assert run.criterion == "squared"
    assert "jax" in run.versions
    with pytest.raises(KeyError):
        run["no such quantity"]


@pytest.mark.parametrize(
    ("earlier", "now"), [("SingleRun", "SingleRun"), ("shape", "spread"), ("Shape", "Spread")]
)
def test_names_that_were_among_studies_lead_here_with_a_warning(earlier, now):
    from lazyscope import experiment, study

    with pytest.warns(DeprecationWarning, match=rf"lazyscope\.experiment\.{now}\b"):
        assert getattr(study, earlier) is getattr(experiment, now)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        study.nothing  # noqa: B018


DEEP = {**DIGITS, "model": "residual", "scheme": "completep", "width": 8, "depth": 3}


def test_a_run_of_a_scheme_for_residual_networks_has_its_branches_and_speeds(data):
    settings = {**default_settings(), **DEEP, "method": "adam"}
    network, scheme = scaled_network(settings, data)
    assert network.branch_multiplier == pytest.approx(1 / 3)
    wanted = named_scheme("completep", depth=3, optimiser="adam")
    assert (scheme.branches, scheme.optimiser) == (wanted.branches, "adam")
    descent = run_inputs({**settings, "method": "descent"}, data)
    np.testing.assert_allclose(descent["speeds"], [8.0, 3.0, 3.0, 1 / 8])
    assert descent["network"].branch_multiplier == pytest.approx(1 / 3)


@pytest.mark.parametrize("model", ["dense", "residual", "convolution", "residual-convolution"])
def test_speeds_of_a_scheme_are_those_of_its_run_whatever_the_network(data, model):
    """K(0) of a run with NTK scaling is near its limit; without its speeds, a hundred times it."""
    settings = {**default_settings(), **DIGITS, "model": model, "width": 8, "depth": 2}
    settings["scheme"] = "ntk"
    scheme = scaled_network(settings, data)[1]
    assert len(set(scheme.speed(8).tolist())) > 1
    np.testing.assert_allclose(run_inputs(settings, data)["speeds"], scheme.speed(8))
    wide = settings | {"width": 64}
    seen = look_ahead(wide, ("forecast",), data=data)["forecast_rate"]
    limit = Bound(data, 2, "relu", model).rates(scaled_network(wide, data)[1], 64)["limit"]
    assert 1 / 3 < float(seen) / limit < 3


@pytest.mark.parametrize("model", ["layer-norm", "attention"])
def test_groups_at_fixed_values_have_speed_one_beside_those_of_the_scheme(data, model):
    settings = {**default_settings(), **QUICK, "model": model}
    network, scheme = scaled_network(settings, data)
    fast = replace(scheme, speeds=tuple(PowerLaw(3.0, 0.0) for _ in scheme.speeds))
    speeds = run_inputs(settings, data, fast)["speeds"]
    drawn = len(network.layers)
    assert speeds[:drawn].tolist() == [3.0] * drawn
    assert speeds[drawn:].tolist() == [1.0] * (len(network.group_names) - drawn)


@pytest.mark.parametrize(
    ("model", "name", "regime"),
    [
        ("residual", "ntk", "theta-lazy"),
        ("residual", "completep", "critical"),
        ("residual", "mean-field", None),
        ("layer-norm", "mup", None),
        ("convolution", "mean-field", "condensed"),
    ],
)
def test_exponents_are_told_of_networks_that_have_those_of_a_row_of_layers(
    data, model, name, regime
):
    """A branch that vanishes with the width leaves the signal that goes around it: kappa is no product."""
    scheme = named_scheme(name, depth=2, input_dim=64, activation="relu")
    told = SingleRun(data, scheme, 8, architecture=model).record()
    assert told["regime"] == regime
    assert (told["displacement_exponents"] is None) is (regime is None)


@pytest.mark.parametrize("model", network_names())
def test_a_scheme_of_numbers_at_one_width_has_a_record_without_exponents(data, model):
    scheme = network_scheme(
        data, spread="balanced", kappa=64.0, width=8, depth=1, architecture=model
    )
    told = SingleRun(data, scheme, 8, architecture=model).record()
    assert told["regime"] is None
    assert told["kappa"] == pytest.approx(64.0)


def test_other_schemes_leave_residual_networks_as_they_were(data):
    settings = {**default_settings(), **QUICK, "model": "residual", "depth": 4}
    network, scheme = scaled_network(settings, data)
    assert (network.branch_multiplier, scheme.branches) == (0.5, None)


def test_a_sweep_takes_the_depth_as_an_axis_of_a_deep_scheme():
    fixed = {k: v for k, v in DEEP.items() if k != "depth"}
    design = SweepDesign(axes={"depth": (2, 4, 8)}, fixed={**fixed, "method": "adam"})
    assert estimate_cost(design, num_workers=1).num_shapes == 3


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"scheme": "completep"}, "scheme completep for model dense"),
        ({"scheme": "depth-mup", "model": "convolution"}, "networks with residual branches"),
        ({"scheme": "depth-mup", "model": "attention"}, "networks with residual branches"),
        ({"scheme": "completep", "model": "residual", "kappa": 2.0}, "given by a spread and kappa"),
        (
            {"scheme": "completep", "model": "residual", "speed_exponents": (0.0, 0.0)},
            "given by a spread and kappa",
        ),
        ({"scheme": "completep", "model": "residual", "virtual_width": 1e6}, "for dense networks"),
    ],
)
def test_deep_schemes_are_for_networks_with_branches_and_stand_alone(fixed, words):
    with pytest.raises(InputError, match=words):
        estimate_cost(SweepDesign(fixed={**DIGITS, "width": 8, "depth": 1, **fixed}), num_workers=1)


@pytest.mark.parametrize("optimiser", ["adam", optax.scale(-1.0)])
def test_rates_in_the_depth_serve_no_other_optimiser(data, optimiser):
    settings, scheme = {**default_settings(), **DEEP}, named_scheme("completep", depth=3)
    with pytest.raises(InputError, match=r"holds rates of sgd.*for the optimiser that trains"):
        run_inputs(settings, data, scheme, OptimiserSteps(optimiser, share=0.1))


def test_a_single_run_gets_the_branches_of_its_scheme(data):
    scheme = named_scheme("depth-mup", depth=4)
    run = SingleRun(data, scheme, 8, architecture="residual-convolution")
    assert run.model.branch_multiplier == 0.5
    told = run.record()
    assert told["network"]["branch_multiplier"] == 0.5
    assert told["over_depth"]["rate_exponent"] == 0.0
    with pytest.raises(InputError, match="networks with residual branches"):
        SingleRun(data, scheme, 8)
