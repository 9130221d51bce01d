"""Are the networks of Lee 2019 and Chizat 2019 those of the papers, and can their rows fail?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.claims._one_run import moved_and_changed, one_run
from lazyscope.claims.papers._chizat import _NETWORKS, _finding
from lazyscope.claims.papers._lee import kernel_finding, ntk_with_gain, within
from lazyscope.data import load_dataset
from lazyscope.experiment import Experiment, run_experiment
from lazyscope.flow import ExponentialFlow, dense_problem
from lazyscope.measure import Estimate, estimate_exponent
from lazyscope.model import Dense, Layer


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", num_points=6, num_test=0, target="parity")


@pytest.mark.slow
def test_a_run_of_a_model_linear_in_its_parameters_is_the_closed_form(double):
    del double
    # f = 3 w with w from 1: from loss (3 - 6)^2 / 2 to a quarter of it, w moves to 1.5
    model = Dense(1, 1, width=1, depth=1, activation="linear")
    layers = (Layer(jnp.full((1, 1), 3.0), None), Layer(jnp.ones((1, 1)), None))
    problem = dense_problem(
        model, layers, jnp.ones((1, 1)), jnp.full((1, 1), 6.0), speeds=(0.0, 1.0)
    )
    given = {"stop": 0.25, "record": ("displacement", "kernel")}
    moved, change = moved_and_changed(
        run_experiment(Experiment.of(problem), ExponentialFlow(0.02), **given)
    )
    np.testing.assert_allclose(moved, [0.0, 0.5], rtol=2e-3)
    assert change == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_a_run_without_enough_steps_has_no_displacement(data):
    slow = {"method": "descent", "step": 0.1, "stop": 1e-3, "max_steps": 2}
    run = one_run({"width": 16, "depth": 3} | slow, data, ntk_with_gain(3))
    moved, change = moved_and_changed(run)
    assert np.isnan(moved).all()
    assert np.isnan(change)


@pytest.mark.slow
def test_activations_keep_their_size_in_the_scaling_of_lee():
    scheme, width = ntk_with_gain(3), 400
    with jax.enable_x64(True):
        model = Dense(8, 1, width, 3)
        x = jnp.eye(8, dtype=jnp.float64)
        squares = [
            np.mean(np.asarray(model.apply(model.init(jax.random.key(seed), scheme), x)) ** 2)
            for seed in range(40)
        ]
    # a mean square of 2 per output: the gain of the readout on activations of mean square one
    assert np.mean(squares) == pytest.approx(2.0, rel=0.3)
    assert scheme.kappa_exponent == 0.5
    assert scheme.speed(width)[1] == pytest.approx(2.0 / width)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(_NETWORKS))
def test_outputs_start_at_zero_and_speeds_make_up_for_alpha(data, kind):
    run = _NETWORKS[kind][1]
    small, large = run(data, 2.0, 0, 0.9), run(data, 6.0, 0, 0.9)
    for each in (small, large):
        assert each["loss_initial"] == pytest.approx(np.mean(data.y_train**2) / 2, rel=1e-12)
    # the kernel is alpha^2 times that of alpha one, times the speeds
    assert small["kernel_max"] == pytest.approx(large["kernel_max"], rel=1e-9)
    assert np.max(moved_and_changed(small)[0]) > 1.5 * np.max(moved_and_changed(large)[0])


@pytest.mark.slow
def test_doubling_a_large_alpha_halves_the_displacement(data):
    run = _NETWORKS["dense-tanh"][1]
    near, far = (moved_and_changed(run(data, alpha, 0, 1e-2))[0] for alpha in (300.0, 600.0))
    np.testing.assert_allclose(near / far, 2.0, rtol=0.02)


@pytest.mark.slow
def test_small_alphas_do_not_follow_the_law(data):
    words, run, _ = _NETWORKS["dense-relu"]
    found = _finding("dense-relu", words, run, data, (0.1, 0.2, 0.4), 3)
    assert found.verdict == "disagrees"
    assert found.measured.value > -0.9


def test_an_exponent_on_the_edge_of_its_range_agrees_and_one_outside_does_not():
    widths = np.array([64, 128, 256, 512, 1024, 2048, 4096])
    rng = np.random.default_rng(0)
    for exponent, verdict in ((-1.0, "agrees"), (-0.75, "agrees"), (-0.2, "disagrees")):
        values = widths[:, None] ** exponent * np.exp(0.005 * rng.standard_normal((7, 4)))
        found = kernel_finding(estimate_exponent(widths, values), values, "")
        assert found.verdict == verdict
    assert within(Estimate(-0.6, -1.0, -0.2), -1.0, -0.5) == "undecided"
