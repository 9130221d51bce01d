"""Does a residual decay, mode by mode, as the frozen kernel says?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

from cases import dense_case
from lazyscope.flow.exponential._exponential import frozen_spectrum
from lazyscope.kernel import as_matrix, time_to_level

pytestmark = pytest.mark.usefixtures("double")


@pytest.fixture(scope="module")
def frozen():
    with jax.enable_x64(True):
        problem = dense_case("tanh", output_dim=3).problem
        expansion = problem.kernel.expand(problem.params, problem.x)
        yield expansion, problem.speeds


def decayed(spectrum, residual, time):
    q = spectrum.coefficients(jnp.asarray(residual))
    return spectrum.assemble(spectrum.left(len(residual) * time)[:, None] * q)


RESIDUAL = np.random.default_rng(3).normal(size=(6, 3))


@pytest.mark.slow
def test_full_modes_decay_like_the_matrix_exponential(frozen):
    expansion, speeds = frozen
    matrix = np.asarray(as_matrix(expansion.kernel(speeds)))
    expected = (expm(-0.4 * matrix) @ RESIDUAL.ravel()).reshape(6, 3)
    found = decayed(frozen_spectrum(expansion, speeds, "full"), RESIDUAL, 0.4)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_mean_modes_decay_every_output_by_the_mean_kernel(frozen):
    expansion, speeds = frozen
    expected = expm(-0.4 * np.asarray(expansion.mean_kernel(speeds))) @ RESIDUAL
    found = decayed(frozen_spectrum(expansion, speeds, "mean"), RESIDUAL, 0.4)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["mean", "full"])
def test_components_assemble_to_what_they_came_from(frozen, kind):
    modes = frozen_spectrum(*frozen, kind)
    again = modes.assemble(modes.coefficients(jnp.asarray(RESIDUAL)))
    np.testing.assert_allclose(again, RESIDUAL, rtol=1e-12)


@pytest.mark.slow
def test_duplicate_points_give_zero_and_not_negative_eigenvalues():
    case = dense_case("tanh")
    twice = jnp.concatenate([case.problem.x, case.problem.x])
    expansion = case.problem.kernel.expand(case.problem.params, twice)
    values = np.asarray(frozen_spectrum(expansion, case.problem.speeds, "mean").values)
    assert np.all(values >= 0)
    assert np.sum(values < 1e-12 * values[-1]) >= 6


RATES, ENERGIES = np.array([0.0, 0.1, 3.0, 400.0]), np.array([1e-6, 0.2, 1.0, 5.0])


def energy(t):
    return np.sum(np.exp(-t * RATES) * ENERGIES)


@pytest.mark.parametrize("numbers", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("fraction", [0.999, 0.3, 0.02, 2e-7])
def test_time_to_a_level_is_when_the_sum_of_exponentials_has_fallen_to_it(numbers, fraction):
    level = fraction * energy(0.0)
    expected = brentq(lambda t: np.log(energy(t) / level), 0, 1e4, xtol=1e-15, rtol=1e-14)
    found = float(time_to_level(numbers(RATES), numbers(ENERGIES), numbers(level)))
    assert found == pytest.approx(expected, rel=1e-10)


def test_a_level_below_what_never_moves_is_never_reached():
    assert time_to_level(RATES, ENERGIES, 0.9e-6) == np.inf
