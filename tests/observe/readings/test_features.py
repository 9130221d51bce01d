"""Do features have as many directions as they were given, and is D_LR the distance of its definition?"""

import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.observe.readings import effective_rank, low_rank_distance

RNG = np.random.default_rng(0)
FEATURES, OUTPUTS = RNG.normal(size=(9, 5)), RNG.normal(size=(9, 2))


@pytest.mark.parametrize("shape", [(20, 6), (6, 20)])
def test_the_rank_of_orthogonal_directions_of_one_size_is_their_number(shape):
    directions = np.linalg.qr(RNG.normal(size=shape if shape[0] > shape[1] else shape[::-1]))[0]
    rows = directions if shape[0] > shape[1] else directions.T
    for size in (1.0, 1e-30):
        assert effective_rank(size * rows) == pytest.approx(6.0)
        assert effective_rank(jnp.asarray(size * rows, jnp.float32)) == pytest.approx(6.0, rel=1e-5)


def slow_distance(features, outputs):
    """The definition, operator by operator, as matrices over the points."""
    points = len(features)
    centre = np.eye(points) - np.ones((points, points)) / points
    projection = outputs @ np.linalg.pinv(outputs)
    k, p = (centre @ each @ centre for each in (features @ features.T, projection))
    return 1 - np.sum(k * p) / (np.linalg.norm(k) * np.linalg.norm(p))


@pytest.mark.parametrize("rank", [1, 2])
def test_the_low_rank_distance_is_that_of_its_operators(rank):
    outputs = OUTPUTS if rank == 2 else OUTPUTS[:, :1] @ np.array([[1.0, 2.0]])
    assert low_rank_distance(FEATURES, outputs) == pytest.approx(slow_distance(FEATURES, outputs))
    found = low_rank_distance(jnp.asarray(FEATURES, jnp.float32), jnp.asarray(outputs, jnp.float32))
    assert float(found) == pytest.approx(slow_distance(FEATURES, outputs), abs=1e-5)


def test_features_that_are_the_learned_function_alone_are_rich_whatever_their_mean_and_size():
    whitened = np.linalg.qr(OUTPUTS - OUTPUTS.mean(0))[0]
    turned = 7.0 * whitened @ np.linalg.qr(RNG.normal(size=(2, 2)))[0] + 3.0
    assert low_rank_distance(turned, whitened) == pytest.approx(0.0, abs=1e-12)
    assert low_rank_distance(FEATURES, OUTPUTS) > 0.3


@pytest.mark.parametrize(
    ("features", "outputs"), [(FEATURES, RNG.normal(size=(9, 9))), (np.ones((9, 3)), OUTPUTS)]
)
def test_where_the_distance_says_nothing_it_is_no_number(features, outputs):
    assert np.isnan(low_rank_distance(features, outputs))
