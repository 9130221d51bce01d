"""Are alignments, ranks and sharpness of a look those of dense matrices?"""

import functools

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.observe import Observer, ends_of
from observe.readings.test_features import slow_distance

POINTS, WIDTH = 7, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(POINTS, 3))
Y = np.eye(2)[RNG.integers(0, 2, POINTS)]


def network(params, x):
    hidden = jnp.tanh(x @ params["in"])
    hidden, _ = jax.lax.scan(lambda h, w: (jnp.tanh(h @ w), None), hidden, params["middle"])
    return hidden @ params["out"] / 2.0


def drawn(seed):
    rng = np.random.default_rng(seed)
    shapes = {"in": (3, WIDTH), "middle": (2, WIDTH, WIDTH), "out": (WIDTH, 2)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


START, END = drawn(1), jax.tree.map(lambda a, b: a + 0.3 * b, drawn(1), drawn(2))


@functools.cache
def record(loss):
    observer = Observer(network, START, X, Y, loss=loss)
    observer.observe(END, step=1, rate=0.25)
    return observer.record


def inputs():
    """What enters every array at the end: in, the two of the loop, out."""
    hidden = [X, np.tanh(X @ END["in"])]
    hidden.append(np.tanh(hidden[-1] @ END["middle"][0]))
    hidden.append(np.tanh(hidden[-1] @ END["middle"][1]))
    return hidden


def aligned(pairs):
    top = sum(np.sum((h @ w) ** 2) for h, w in pairs)
    return np.sqrt(top / sum(np.sum(h**2) * np.sum(w**2) for h, w in pairs))


def pairs(weights):
    h = inputs()
    loop = [(h[1], weights["middle"][0]), (h[2], weights["middle"][1])]
    return {"in": [(h[0], weights["in"])], "middle": loop, "out": [(h[3], weights["out"])]}


@pytest.mark.parametrize("name", ["in", "middle", "out"])
def test_alignments_are_those_of_their_matrices_in_loops_as_well(name):
    found, number = record("squared").looks[-1].measurement, list(START).index(name)
    moved = jax.tree.map(np.subtract, END, START)
    assert found.update_alignment[number] == pytest.approx(aligned(pairs(moved)[name]))
    assert found.weight_alignment[number] == pytest.approx(aligned(pairs(END)[name]))


def test_the_rank_of_what_enters_an_array_is_that_of_its_singular_values():
    h = inputs()
    rows = (h[0], np.concatenate([h[1], h[2]]), h[3])
    squares = [np.linalg.svd(each, compute_uv=False) ** 2 for each in rows]
    expected = [np.sum(s) ** 2 / np.sum(s**2) for s in squares]
    np.testing.assert_allclose(record("squared").looks[-1].measurement.input_rank, expected)


def test_the_features_of_the_low_rank_distance_are_what_enters_the_readout():
    outputs = inputs()[3] @ END["out"] / 2
    found = record("squared").looks[-1].measurement.low_rank_distance
    assert found == pytest.approx(slow_distance(inputs()[3], outputs))


def gauss_newton(loss):
    """J^T H J at the end, written out."""
    flat, back = jax.flatten_util.ravel_pytree(jax.tree.map(jnp.asarray, END))
    jacobian = jax.jacobian(lambda t: network(back(t), jnp.asarray(X)))(flat)
    q = jax.nn.softmax(network(END, jnp.asarray(X)))
    cross = jax.vmap(lambda q: jnp.diag(q) - jnp.outer(q, q))(q)
    blocks = jnp.broadcast_to(jnp.eye(2), (POINTS, 2, 2)) if loss == "squared" else cross
    return jnp.einsum("icp,icd,idq->pq", jacobian, blocks / POINTS, jacobian)


@pytest.mark.parametrize("loss", ["squared", pytest.param("cross-entropy", marks=pytest.mark.slow)])
def test_the_sharpness_is_the_largest_eigenvalue_of_the_gauss_newton_matrix(loss, double):
    expected = np.linalg.eigvalsh(gauss_newton(loss))[-1]
    seen = record(loss)
    assert seen.looks[-1].measurement.sharpness == pytest.approx(expected, rel=1e-9)
    assert seen.stable_rate[-1] == pytest.approx(2 / expected)
    np.testing.assert_array_equal(seen.rate, [np.nan, 0.25])


@pytest.mark.slow
def test_the_loss_on_the_probe_points_is_the_one_that_is_named(double):
    outputs = jnp.asarray(inputs()[3] @ END["out"] / 2)
    expected = -jnp.mean(jnp.sum(Y * jax.nn.log_softmax(outputs), axis=1))
    assert record("cross-entropy").looks[-1].measurement.probe_loss == pytest.approx(
        float(expected)
    )
    assert record("cross-entropy").subject.loss == "cross-entropy"
    with pytest.raises(InputError, match="Targets of cross-entropy must be probabilities"):
        Observer(network, START, X, 3 * Y, loss="cross-entropy")


@pytest.mark.slow
def test_plain_descent_beyond_the_stable_rate_diverges_and_below_it_converges(double):
    x, y = jnp.asarray(X), jnp.asarray(Y)
    observer = Observer(lambda w, x: x @ w, jnp.ones((3, 2)), x, y)
    limit, bottom = observer.record.stable_rate[0], np.linalg.lstsq(X, Y)[1].sum() / (2 * POINTS)

    def excess(rate):
        w = jnp.ones((3, 2))
        for _ in range(400):
            w = w - rate * x.T @ (x @ w - y) / POINTS
        return float(jnp.sum((x @ w - y) ** 2) / (2 * POINTS)) - bottom

    assert excess(1.02 * limit) > 1e3
    assert abs(excess(0.98 * limit)) < 1e-3


@pytest.mark.slow
def test_a_smallest_eigenvalue_that_is_rounding_is_zero():
    observer = Observer(lambda w, x: x @ w, np.ones((3, 1)), X)  # seven points, three directions
    first = observer.record.looks[0].measurement
    assert first.smallest_eigenvalue == 0.0
    assert first.largest_eigenvalue == pytest.approx(np.linalg.norm(X, 2) ** 2)
    few = Observer(lambda w, x: x @ w, np.ones((3, 1)), X[:2]).record.looks[0].measurement
    expected = np.linalg.svd(X[:2], compute_uv=False)[-1] ** 2
    assert few.smallest_eigenvalue == pytest.approx(expected)


@pytest.mark.slow
def test_a_table_of_vectors_is_aligned_with_the_rows_that_are_looked_up():
    tokens = np.array([[0, 1], [1, 1], [4, 0]])
    table = RNG.normal(size=(5, 4))

    def apply(params, x):
        return params["table"][x].sum(1) @ params["out"]

    start = {"table": table, "out": np.ones((4, 1))}
    moved = {"table": table + np.arange(5.0)[:, None], "out": np.ones((4, 1))}
    found = Observer(apply, start, tokens).observe(moved, step=1).measurement
    change, rows = np.arange(5.0)[:, None] * np.ones(4), tokens.ravel()
    expected = np.linalg.norm(change[rows]) / (np.linalg.norm(change) * np.sqrt(len(rows)))
    assert found.update_alignment[1] == pytest.approx(expected, rel=1e-5)


def test_ends_of_a_spectrum_are_those_of_numpy_in_both_libraries(double):
    rows = RNG.normal(size=(6, 4))
    matrix = rows @ rows.T  # two eigenvalues are rounding
    for given in (matrix, jnp.asarray(matrix)):
        largest, smallest = ends_of(given, np.float64)
        np.testing.assert_allclose(largest, np.linalg.norm(rows, 2) ** 2, rtol=1e-12)
        assert smallest == 0
        _, smallest = ends_of(given + 0.5 * np.eye(6), np.float64)
        np.testing.assert_allclose(smallest, 0.5, rtol=1e-12)
    lost = np.where(np.eye(6) > 0, np.nan, matrix)
    assert np.isnan(ends_of(lost, np.float64)).all()
    assert np.isnan(ends_of(jnp.asarray(lost), np.float64)).all()
