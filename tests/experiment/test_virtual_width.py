"""Does a narrow network run as one of another width: scheme, start, measures and record?"""

import jax
import numpy as np
import optax
import pytest

from lazyscope import InputError
from lazyscope._jax import own_settings
from lazyscope.data import four_points, load_dataset
from lazyscope.experiment import (
    SingleRun,
    default_settings,
    forecast_run,
    network_scheme,
    run_scheme,
    run_settings,
    settings_hash,
    train_run,
    width_of,
)
from lazyscope.experiment.run._program import run_inputs
from lazyscope.flow import OptimiserSteps
from lazyscope.scaling import Scheme, array_transfer
from lazyscope.sweep import SweepDesign, estimate_cost

RECORD = ("displacement", "forecast")


def ran(scales, virtual=None, **more):
    told = {"width": 16, "depth": len(scales) - 1, "scale_exponents": tuple(scales), **more}
    if virtual is not None:
        told["virtual_width"] = virtual
    with own_settings():
        return run_settings({**default_settings(), **told}, RECORD)


def slopes(scales, widths, **more):
    moved = [np.log10(ran(scales, m, **more)["displacement_operator"]) for m in widths]
    return (moved[1] - moved[0]) / np.log10(widths[1] / widths[0])


def test_a_virtual_width_that_is_the_real_one_changes_nothing():
    real, virtual = ran((0.25, 0.1)), ran((0.25, 0.1), 16)
    assert real.num_steps == virtual.num_steps
    for name, value in real.measurements.items():
        np.testing.assert_allclose(virtual[name], value, rtol=1e-9)


def drawn(method, activation, virtual=2.0**20, **more):
    told = {"width": 16, "depth": 2, "scale_exponents": (0.5, 0.0, -0.3), "virtual_width": virtual}
    settings = {**default_settings(), **told, "activation": activation, "method": method, **more}
    with own_settings():
        return run_inputs(settings, four_points())


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "adamw", "sign", "lion", "muon"])
def test_decay_and_epsilon_of_an_optimiser_are_those_of_the_width_that_a_run_stands_for(optimiser):
    more = {"epsilon": 0.01} if optimiser in ("adam", "adamw", "muon") else {}
    found = drawn(optimiser, "tanh", weight_decay=0.2, step_size=0.1, **more)
    roles = ("input", "hidden", "output")
    widths = {"width": 2.0**20, "proxy_width": 16}
    wanted = [array_transfer(role, optimiser, **widths) for role in roles]
    np.testing.assert_allclose(found["speeds"], [each.rate for each in wanted], rtol=1e-9)
    decay = found["method"].weight_decay
    np.testing.assert_allclose(decay, [0.2 * each.decay for each in wanted], rtol=1e-9)
    if more:
        epsilon = found["method"].epsilon
        np.testing.assert_allclose(epsilon, [0.01 * each.epsilon for each in wanted], rtol=1e-9)


def test_rate_times_decay_stays_where_scales_are_kept_as_well():
    found = drawn("adamw", "relu")
    np.testing.assert_allclose(found["method"].weight_decay * found["speeds"], 1e-4, rtol=1e-9)
    assert found["method"].epsilon is None


def test_a_spread_has_the_rates_of_its_optimiser_at_a_virtual_width():
    told = {"width": 16, "virtual_width": 2.0**20, "spread": "balanced", "kappa": 4.0}
    with own_settings():
        found = run_inputs({**default_settings(), **told, "method": "sign"}, four_points())
    np.testing.assert_allclose(found["speeds"], (2.0**8, 2.0**8), rtol=1e-9)


def test_optimisers_without_a_rule_for_another_width_are_refused():
    with pytest.raises(InputError, match=r"rule for every array.*biases trained by adam"):
        drawn("adam", "relu", use_bias=True)
    run = SingleRun(four_points(), Scheme.from_exponents((0.4, 0.2)), width=16, virtual_width=1e6)
    with pytest.raises(InputError, match=r"rule for every array.*transformation"):
        train_run(run, OptimiserSteps(optax.sgd(0.1)))


def test_runs_without_one_keep_their_hashes():
    told = {"width": 64, "scheme": "ntk", "seed": 3}
    assert settings_hash({**default_settings(), **told}) == "4e092e5368d9dafc"
    assert settings_hash({**told, "virtual_width": None}) == settings_hash(told)
    assert settings_hash({**told, "virtual_width": 1e6}) != settings_hash(told)


def test_a_run_says_its_real_and_its_virtual_width_and_the_scheme_over_widths():
    run = ran((0.25, 0.1), 1e12)
    assert (run.width, run.virtual_width, width_of(run.settings)) == (16, 1e12, 1e12)
    assert run.scheme is not None
    assert run.scheme.scale_exponents == (0.25, 0.1)


def test_the_start_counts_as_much_as_at_the_virtual_width():
    data, scheme = four_points(), Scheme.from_exponents((0.4, 0.2))
    run = SingleRun(data, scheme, width=16, virtual_width=1e6)
    experiment = run.experiment()
    with jax.enable_x64(True):
        f0 = experiment.problem.model.apply(experiment.problem.params, data.x_train)
        expected = np.sum((f0 * np.sqrt(16 / 1e6) - data.y_train) ** 2) / 8
    found = ran((0.4, 0.2), 1e6)["loss_initial"]
    assert float(found) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize(
    ("scales", "law"), [((0.3, 0.05), (-0.85, -0.35)), ((-0.3, -0.3), (0.3, 0.3))]
)
def test_slopes_over_virtual_widths_are_those_of_the_law_to_three_digits(scales, law):
    np.testing.assert_allclose(slopes(scales, (1e17, 1e23)), law, atol=2e-3)


def test_a_layer_that_moves_by_1e_minus_60_of_its_size_is_measured():
    lazy = slopes((0.3, 0.05), (1e17, 1e23), speed_exponents=(-2.0, 0.0))
    np.testing.assert_allclose(lazy, [-0.35 - 2.0 - 0.5, -0.35], atol=2e-3)


@pytest.mark.parametrize("centred", [True, False])
def test_far_in_the_lazy_regime_the_forecast_is_what_training_does(centred):
    run = ran((0.5, 0.2), 1e25, centred=centred)
    np.testing.assert_allclose(run["displacement_operator"], run["forecast_operator"], rtol=0.05)


def test_other_activations_follow_the_law_by_entries_of_the_same_size():
    """Standard scales: pre-activations of order one at every width, kappa = sqrt(M)."""
    found = slopes((0.5, 0.0), (1e12, 1e16), activation="tanh", centred=True)
    np.testing.assert_allclose(found, [-1.5, -0.5], atol=2e-3)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"virtual_width": 1e31}, "virtual width must lie between 1 and 1e"),
        ({"virtual_width": 0.5}, "virtual width must lie between 1 and 1e"),
        ({"virtual_width": 1e6, "use_bias": True, "activation": "tanh"}, "for dense networks"),
        ({"virtual_width": 1e30, "scale_exponents": (5.0, 5.0)}, "inside double precision"),
    ],
)
def test_what_has_no_virtual_width_is_refused_before_anything_runs(more, words):
    fixed = {"width": 8, "scale_exponents": (0.5, 0.0), **more}
    with pytest.raises(InputError, match=words):
        SweepDesign(axes={"seed": [0, 1]}, fixed=fixed)


def test_networks_that_are_not_dense_and_numbers_at_one_width_are_refused():
    data = load_dataset("digits", num_points=4, num_test=0, target="parity")
    where = {"spread": "balanced", "kappa": 4.0, "width": 4, "depth": 1}
    for kind, words in (("residual", "for dense networks"), ("dense", "hold at that width only")):
        scheme = network_scheme(data, architecture=kind, **where)
        with pytest.raises(InputError, match=words):
            SingleRun(data, scheme, width=4, architecture=kind, virtual_width=1e6)


@pytest.mark.parametrize("given", [{"kappa": 9.0}, {"rho": 0.25}])
@pytest.mark.parametrize("name", ["ntk-like", "random"])
def test_a_spread_at_a_virtual_width_has_the_kappa_that_was_asked_for(given, name):
    told = {"depth": 2, "spread": name, "width": 16, **given}
    real = run_scheme({**told, "width": 4096})
    virtual = run_scheme({**told, "virtual_width": 4096})
    np.testing.assert_allclose(virtual.alpha(4096), real.alpha(4096), rtol=1e-12)


def test_virtual_widths_are_an_axis_of_sweeps():
    design = SweepDesign(
        axes={"virtual_width": {"from": 1e3, "to": 1e30, "num": 4, "spacing": "log"}},
        fixed={"width": 16, "scale_exponents": [0.25, 0.25]},
    )
    assert design.dims == {"virtual_width": 4}
    assert [cell.settings["virtual_width"] for cell in design.cells()] == [1e3, 1e12, 1e21, 1e30]
    assert estimate_cost(design, num_workers=1).num_shapes == 1


@pytest.mark.slow
def test_train_and_forecast_tell_of_the_virtual_width():
    run = SingleRun(four_points(), Scheme.from_exponents((0.5, 0.0)), width=16, virtual_width=1e12)
    for told in (train_run(run, stop=0.1), forecast_run(run)):
        assert told["network"]["width"] == 16
        assert told["network"]["virtual_width"] == told["width"] == 1e12
        assert told["kappa"] == pytest.approx(1e6)
        assert told["verdict"] == "lazy"
