"""Are the networks of Lee 2019 and Chizat 2019 those of the papers, and can their rows fail?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.claims.papers._chizat import _NETWORKS, _finding
from lazyscope.claims.papers._lee import _problem, kernel_finding, ntk_with_gain, within
from lazyscope.claims.papers._moved import moved_and_changed
from lazyscope.data import load_dataset
from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem
from lazyscope.measure import estimate_exponent
from lazyscope.model import Dense, Layer

METHOD = ExponentialFlow(0.02)


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
    moved, change = moved_and_changed(problem, METHOD, stop=0.25)
    np.testing.assert_allclose(moved, [0.0, 0.5], rtol=2e-3)
    assert change == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_a_run_without_enough_steps_has_no_displacement(data):
    problem = _problem(data, 16, 0)
    slow = GradientDescent(stability_fraction=0.1)
    moved, change = moved_and_changed(problem, slow, stop=1e-3, max_steps=2)
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
def test_outputs_start_at_zero_and_scale_with_alpha(data, kind):
    build = _NETWORKS[kind][1]
    small, large = build(data, 2.0, 0), build(data, 6.0, 0)
    with jax.enable_x64(True):
        for problem in (small, large):
            residual = np.asarray(problem.residual(problem.params))
            np.testing.assert_allclose(residual, -data.y_train, atol=1e-12)
        outputs = [np.asarray(p.model.apply(p.params, p.x)) for p in (small, large)]
    np.testing.assert_allclose(3 * outputs[0], outputs[1], rtol=1e-9)
    np.testing.assert_allclose(np.asarray(small.speeds), 9 * np.asarray(large.speeds))


@pytest.mark.slow
def test_doubling_a_large_alpha_halves_the_displacement(data):
    build = _NETWORKS["dense-tanh"][1]
    near, far = (
        moved_and_changed(build(data, alpha, 0), METHOD, stop=1e-2)[0] for alpha in (300.0, 600.0)
    )
    np.testing.assert_allclose(near / far, 2.0, rtol=0.02)


@pytest.mark.slow
def test_small_alphas_do_not_follow_the_law(data):
    words, build, _ = _NETWORKS["dense-relu"]
    found = _finding("dense-relu", words, build, data, (0.1, 0.2, 0.4), 3)
    assert found.verdict == "disagrees"
    assert found.measured > -0.9


def test_an_exponent_on_the_edge_of_its_range_agrees_and_one_outside_does_not():
    widths = np.array([64, 128, 256, 512, 1024, 2048, 4096])
    rng = np.random.default_rng(0)
    for exponent, verdict in ((-1.0, "agrees"), (-0.75, "agrees"), (-0.2, "disagrees")):
        values = widths[:, None] ** exponent * np.exp(0.005 * rng.standard_normal((7, 4)))
        found = kernel_finding(estimate_exponent(widths, values), values, "")
        assert found.verdict == verdict
    assert within(-1.0, -0.2, -0.6, -1.0, -0.5) == "undecided"
