"""Displacements and operator norms, against NumPy's singular values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.measure import displacement, operator_norm, relative_change
from lazyscope.model import Layer


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 5), (7, 3), (100, 64), (90, 200), (300, 300)])
def test_operator_norm_is_the_largest_singular_value(double, shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    assert operator_norm(jnp.asarray(matrix)) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-8)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_operator_norm_of_a_low_rank_matrix_survives_the_end_of_the_lanczos_chain(double, rank):
    rng = np.random.default_rng(rank)
    matrix = rng.normal(size=(150, rank)) @ rng.normal(size=(rank, 120))
    assert operator_norm(jnp.asarray(matrix)) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-10)


@pytest.mark.parametrize("size", [3, 90])
@pytest.mark.parametrize("entry", [1e308, 1e200, 1e-200])
def test_operator_norms_of_extreme_matrices_are_in_proportion(entry, size):
    matrix = np.random.default_rng(size).uniform(0.5, 1.0, (size, size)) / size
    expected = entry * np.linalg.norm(matrix, 2)
    assert float(operator_norm(entry * matrix)) == pytest.approx(expected, rel=1e-8)
    assert float(operator_norm(entry)) == entry


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "entry", "rel"),
    [(np.float32, 1e30, 1e-6), (np.float32, 1e-30, 1e-6), (np.float16, 400.0, 1e-2)],
)
def test_operator_norms_do_not_overflow_in_coarse_types(dtype, entry, rel):
    matrix = np.full((80, 70), entry, dtype)
    expected = float(matrix[0, 0]) * np.sqrt(80 * 70)
    assert float(operator_norm(matrix)) == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize("decay", [0.3, 0.8, 0.999])
def test_operator_norm_is_exact_however_early_its_chain_has_converged(double, decay):
    rng = np.random.default_rng(5)
    left, right = (np.linalg.qr(rng.normal(size=(n, 70)))[0] for n in (110, 90))
    matrix = left * decay ** np.arange(70) @ right.T
    assert operator_norm(jnp.asarray(matrix)) == pytest.approx(
        1.0, rel=1e-4 if decay > 0.9 else 1e-12
    )


def test_operator_norm_of_zero_is_zero(double):
    assert float(operator_norm(jnp.zeros((100, 100)))) == 0.0


def _layers(rng, bias):
    weights = [rng.normal(size=s) for s in ((80, 3), (80, 80), (2, 80))]
    return tuple(
        Layer(jnp.asarray(w), jnp.asarray(rng.normal(size=len(w))) if bias else None)
        for w in weights
    )


@pytest.mark.slow
def test_displacement_is_the_relative_norm_of_the_change(double):
    start, end = _layers(np.random.default_rng(0), False), _layers(np.random.default_rng(1), False)
    moved = displacement(start, end)
    for i, (a, b) in enumerate(zip(start, end, strict=True)):
        a, b = np.asarray(a.weight), np.asarray(b.weight)
        for field, order in ((moved.operator, 2), (moved.frobenius, "fro")):
            expected = np.linalg.norm(b - a, order) / np.linalg.norm(a, order)
            assert field[i] == pytest.approx(expected, rel=1e-8)


def test_total_displacement_counts_all_parameters_with_their_biases(double):
    start, end = _layers(np.random.default_rng(2), True), _layers(np.random.default_rng(3), True)
    flat = [np.concatenate([np.ravel(v) for v in jax.tree.leaves(p)]) for p in (start, end)]
    expected = np.linalg.norm(flat[1] - flat[0]) / np.linalg.norm(flat[0])
    assert displacement(start, end).total == pytest.approx(expected, rel=1e-12)


def test_displacement_does_not_change_when_both_ends_are_scaled(double):
    start, end = _layers(np.random.default_rng(4), False), _layers(np.random.default_rng(5), False)
    double_both = [jax.tree.map(lambda v: 2 * v, p) for p in (start, end)]
    np.testing.assert_allclose(
        displacement(*double_both).operator, displacement(start, end).operator, rtol=1e-12
    )


@pytest.mark.slow
def test_displacement_works_under_vmap(double):
    rng = np.random.default_rng(6)
    pairs = [(_layers(rng, False), _layers(rng, False)) for _ in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *pairs)
    together = jax.vmap(displacement)(*stacked)
    alone = np.stack([displacement(*pair).operator for pair in pairs])
    np.testing.assert_allclose(together.operator, alone, rtol=1e-9)


def test_a_convolution_moves_as_the_matrix_on_its_patches_and_a_norm_as_its_diagonal(double):
    rng = np.random.default_rng(6)
    start = ((rng.normal(size=(5, 4, 3, 3)),), (np.ones(7), np.zeros(7)))
    end = jax.tree.map(lambda v: jnp.asarray(v + rng.normal(size=v.shape)), start)
    moved = displacement(jax.tree.map(jnp.asarray, start), end)
    kernels = [np.asarray(v[0][0]).reshape(5, 36) for v in (start, end)]
    expected = np.linalg.norm(kernels[1] - kernels[0], 2) / np.linalg.norm(kernels[0], 2)
    assert moved.operator[0] == pytest.approx(expected, rel=1e-10)
    assert moved.operator[1] == pytest.approx(np.max(np.abs(np.asarray(end[1][0]) - 1.0)))
    both = np.concatenate([np.asarray(end[1][0]) - 1.0, np.asarray(end[1][1])])
    assert moved.frobenius[1] == pytest.approx(np.linalg.norm(both) / np.sqrt(7))


def test_parameters_of_numpy_are_compared_in_their_own_precision():
    draw = np.random.default_rng(0)
    initial = (draw.normal(size=(5, 4)), draw.normal(size=(3, 5)))
    final = tuple(w + 1e-9 * draw.normal(size=w.shape) for w in initial)
    found = displacement(initial, final)
    expected = [
        np.linalg.norm(b - a, 2) / np.linalg.norm(a, 2) for a, b in zip(initial, final, strict=True)
    ]
    np.testing.assert_allclose(np.asarray(found.operator), expected, rtol=1e-6)


def test_changes_of_numpy_are_measured_in_their_own_precision():
    found = relative_change((np.eye(3),), (np.eye(3) * 1e-30,))
    assert found.operator.dtype == found.frobenius.dtype == found.total.dtype == np.float64
    np.testing.assert_allclose(found.operator, [1e-30])
