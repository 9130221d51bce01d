"""Does a residual decay, mode by mode, as the frozen kernel says?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

from cases import dense_case
from lazyscope.flow._modes import Modes, time_to_level
from lazyscope.kernel import as_matrix

pytestmark = pytest.mark.usefixtures("double")


@pytest.fixture(scope="module")
def frozen():
    with jax.enable_x64(True):
        problem = dense_case("tanh", output_dim=3).problem
        expansion = problem.kernel.expand(problem.params, problem.x)
        yield expansion, problem.speeds


def decayed(modes, residual, time):
    q = modes.coefficients(jnp.asarray(residual))
    return modes.assemble(jnp.exp(-time * modes.values)[:, None] * q, len(residual))


RESIDUAL = np.random.default_rng(3).normal(size=(6, 3))


@pytest.mark.slow
def test_full_modes_decay_like_the_matrix_exponential(frozen):
    expansion, speeds = frozen
    matrix = np.asarray(as_matrix(expansion.kernel(speeds)))
    expected = (expm(-0.4 * matrix) @ RESIDUAL.ravel()).reshape(6, 3)
    found = decayed(Modes.of(expansion, speeds, "full"), RESIDUAL, 0.4)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_mean_modes_decay_every_output_by_the_mean_kernel(frozen):
    expansion, speeds = frozen
    expected = expm(-0.4 * np.asarray(expansion.mean_kernel(speeds))) @ RESIDUAL
    found = decayed(Modes.of(expansion, speeds, "mean"), RESIDUAL, 0.4)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["mean", "full"])
def test_components_assemble_to_what_they_came_from(frozen, kind):
    modes = Modes.of(*frozen, kind)
    again = modes.assemble(modes.coefficients(jnp.asarray(RESIDUAL)), 6)
    np.testing.assert_allclose(again, RESIDUAL, rtol=1e-12)


@pytest.mark.slow
def test_duplicate_points_give_zero_and_not_negative_eigenvalues():
    case = dense_case("tanh")
    twice = jnp.concatenate([case.problem.x, case.problem.x])
    expansion = case.problem.kernel.expand(case.problem.params, twice)
    values = np.asarray(Modes.of(expansion, case.problem.speeds, "mean").values)
    assert np.all(values >= 0)
    assert np.sum(values < 1e-12 * values[-1]) >= 6


RATES, ENERGIES = np.array([0.0, 0.1, 3.0, 400.0]), np.array([1e-6, 0.2, 1.0, 5.0])


def energy(t):
    return np.sum(np.exp(-2 * t * RATES) * ENERGIES)


@pytest.mark.parametrize("excess", [0.0, 0.3, -0.4])
@pytest.mark.parametrize("fraction", [0.9, 0.3, 0.02])
def test_time_to_level_is_the_root_of_the_predicted_loss(fraction, excess):
    horizon, level = 30.0, fraction * energy(0.0)
    expected = brentq(
        lambda t: np.log(energy(t)) + excess * (t / horizon) ** 2 - np.log(level), 0, horizon
    )
    arguments = [jnp.asarray(a) for a in (RATES, ENERGIES, level, horizon, excess)]
    found = float(time_to_level(*arguments))
    if expected < 1e-3 * horizon:
        assert found == pytest.approx(1e-3 * horizon, rel=1e-2)
    else:
        assert energy(found) == pytest.approx(energy(expected), rel=1e-6)
