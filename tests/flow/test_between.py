"""Does the loss between two steps fall as that of a much finer flow does?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case
from lazyscope.data import four_points
from lazyscope.flow import (
    ExponentialFlow,
    dense_problem,
    function_problem,
    solve_flow,
    solve_linearised,
)
from lazyscope.flow.exponential._between import Between, Knot
from lazyscope.kernel import Spectrum
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme

TOLERANCE = 0.005


def two_layer(gamma, gamma_prime, activation="relu", width=300):
    """A network of the plane of Luo et al. 2021 on four points on a line."""
    data = four_points()
    model = Dense(data.x_train.shape[1], 1, width, 1, activation)
    scheme = named_scheme("luo", depth=1, gamma=gamma, gamma_prime=gamma_prime)
    params = model.init(jax.random.key(1), scheme)
    speeds = scheme.speed(width)
    return dense_problem(model, params, data.x_train, data.y_train, speeds=speeds)


PROBLEMS = {
    "lazy": lambda: two_layer(0.25, 0.25),
    "critical": lambda: two_layer(1.0, 0.55, "tanh"),
    "condensed": lambda: two_layer(1.6, 0.55, "tanh"),
    "three outputs": lambda: dense_case("tanh", output_dim=3).problem,
    "deep": lambda: dense_case("gelu", depth=2).problem,
}


def curve(problem, tolerance, stop=1e-4):
    result = solve_flow(
        problem, ExponentialFlow(tolerance=tolerance), stop=stop, num_records=20_000
    )
    assert result.outcome.ok
    return result.curve()


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_loss_is_that_of_a_flow_at_a_hundredth_of_the_tolerance(name):
    """To 2 % at equal times; inside steps beside what their ends are off, which a late escape shifts."""
    problem = PROBLEMS[name]()
    time, loss = curve(problem, TOLERANCE, 1e-2)
    fine = curve(problem, TOLERANCE / 100, 0.5e-2)
    error = np.abs(np.log(loss) - np.interp(time, fine[0], np.log(fine[1])))
    steps = (len(time) - 1) // 4
    known = error[1 : 1 + 4 * steps].reshape(steps, 4)
    ends = np.maximum(np.append(error[0], known[:-1, -1]), known[:, -1])
    assert np.all(known[:, :-1].max(axis=1) <= ends + 0.005)
    assert name == "condensed" or error.max() < 0.0225


def test_a_kernel_that_stays_leaves_the_exact_loss_inside_one_long_step():
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(5, 3)) * np.array([3.0, 1.0, 0.1])
        y = np.random.default_rng(1).normal(size=(5, 1))
    problem = function_problem(lambda p, x: x @ p["w"], {"w": np.zeros((3, 1))}, x, y)
    time, loss = solve_flow(problem, stop=None, stop_time=30.0).curve()
    assert len(time) < 30
    np.testing.assert_allclose(loss, solve_linearised(problem).loss(time), rtol=1e-9)


@pytest.mark.parametrize("last", [0.9, 0.3, 1e-3, 1e-9])
@pytest.mark.parametrize("slopes", [(-1.0, -1e-9), (-5.0, -0.1), (-1e-3, -30.0), (-3.0, 0.0)])
def test_between_two_ends_the_loss_falls_whatever_their_slopes(last, slopes):
    with jax.enable_x64(True):
        spectrum = Spectrum.of(jnp.diag(jnp.asarray([0.0, 0.2, 30.0])), 3)
        energies = jnp.asarray([1e-6, 0.4, 0.6 - 1e-6])
        start = Knot(jnp.asarray(2.0), jnp.asarray(1.0), jnp.asarray(slopes[0]))
        step = Between.of(spectrum, energies, start, jnp.asarray(1.5), jnp.asarray(last))
        for end_slope in (jnp.asarray(slopes[1] * last), None):
            time, loss = step.curve(end_slope)
            assert (float(time[-1]), float(loss[-1])) == (3.5, last)
            assert np.all(np.diff(np.append(1.0, loss)) <= 0)
        assert 0 < float(step.time_to(jnp.asarray(last * 1.01))) <= 1.5


@pytest.mark.parametrize("name", ["critical", "three outputs"])
def test_no_loss_on_record_is_above_an_earlier_one(name):
    loss = curve(PROBLEMS[name](), 0.2)[1]
    assert np.all(np.diff(loss) < 0)
