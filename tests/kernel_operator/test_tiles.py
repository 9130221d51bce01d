"""Are products with tiles those of the whole kernel, wherever tiles are kept?"""

import pickle

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import limit_covariance_kernel, limit_tangent_kernel
from lazyscope.operator import kernel_operator, limit_kernel_operator
from lazyscope.operator.tiles._storage import TileStore

RELU = {"depth": 2, "activation": "relu", "weight_std": 2**0.5, "bias_std": 0.1}
SMALL = 2.0**15
"""Bytes for some tiles of 8 points, not for all."""


def points(n=29, d=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def dot(a, b):
    return a @ b.T + (a @ b.T) ** 2


@pytest.mark.parametrize("n", [1, 8, 29])
def test_a_product_is_that_of_the_whole_kernel(n):
    x, v = points(n), points(n, 3, seed=1)
    for tile in (1, 8, 64):
        operator = kernel_operator(dot, x, tile=tile)
        np.testing.assert_allclose(operator.product(v), dot(x, x) @ v, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(operator.diagonal(), np.diag(dot(x, x)), rtol=1e-13)


def test_tiles_in_memory_on_disk_and_computed_again_give_the_same_to_the_bit(tmp_path):
    x, v = points(), points(29, 2, seed=1)
    tile = 8 * 8 * 8
    held = kernel_operator(dot, x, tile=8)
    some = kernel_operator(
        dot, x, tile=8, memory=14.0 * tile, folder=tmp_path / "t", disk=3.0 * tile
    )
    none = kernel_operator(dot, x, tile=8, memory=6.0 * tile)
    assert held.kept == (10, 0, 0)
    assert some.kept == (2, 3, 5)
    assert none.kept == (0, 0, 10)
    first = held.product(v)
    for operator in (held, some, some, none):
        np.testing.assert_allclose(operator.product(v), first, rtol=1e-14, atol=1e-13)
    assert sorted(p.name for p in (tmp_path / "t" / "c").iterdir()) == ["2", "3", "4"]


@pytest.mark.parametrize("kernel", ["tangent", "covariance"])
def test_a_limit_kernel_by_tiles_is_the_limit_kernel(kernel):
    x, other = points(), points(7, seed=3)
    whole = {"tangent": limit_tangent_kernel, "covariance": limit_covariance_kernel}[kernel]
    operator = limit_kernel_operator(x, kernel=kernel, tile=8, **RELU)
    expected = whole(x, **RELU)
    np.testing.assert_allclose(operator.product(np.eye(29)), expected, rtol=1e-12)
    np.testing.assert_allclose(
        operator.columns(np.array([3, 17])), expected[:, [3, 17]], rtol=1e-12
    )
    np.testing.assert_allclose(operator.diagonal(), np.diag(expected), rtol=1e-14)
    cross = operator.across(other)
    np.testing.assert_allclose(cross.rows(), whole(other, x, **RELU), rtol=1e-12)
    v = points(29, 2, seed=4)
    np.testing.assert_allclose(cross.product(v), whole(other, x, **RELU) @ v, rtol=1e-11)
    np.testing.assert_allclose(cross.diagonal(), np.diag(whole(other, **RELU)), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "erf", "gelu"])
def test_other_activations_by_tiles(activation):
    x = points(21)
    network = {"depth": 3, "activation": activation, "weight_std": 1.3, "bias_std": 0.2}
    operator = limit_kernel_operator(x, tile=8, **network)
    expected = limit_tangent_kernel(x, **network)
    np.testing.assert_allclose(operator.product(np.eye(21)), expected, rtol=1e-11)


@pytest.mark.slow
def test_a_chaotic_network_by_tiles_keeps_near_points_apart():
    x = points(12)
    x = np.concatenate([x, x + 1e-6]).astype(np.float32)
    network = {"depth": 8, "activation": "erf", "weight_std": 6.0}
    expected = limit_tangent_kernel(x, **network)
    operator = limit_kernel_operator(x, tile=8, **network)
    np.testing.assert_allclose(operator.product(np.eye(24)), expected, rtol=1e-4, atol=1e-2)


def test_single_tiles_are_summed_in_double_precision():
    x = np.ones((4096, 1), np.float32)
    v = np.where(np.arange(4096) == 0, 1e9, 1.0)[:, None]
    operator = kernel_operator(lambda a, b: a @ b.T, x, tile=2048)
    assert operator.precision == np.float32
    np.testing.assert_allclose(operator.product(v), v.sum(), rtol=1e-15)


def test_tiles_on_disk_are_found_again_and_damaged_ones_computed_again(tmp_path):
    x, v, calls = points(), points(29, 2, seed=1), []

    def counted(a, b):
        calls.append(len(a))
        return dot(a, b)

    def made():
        return kernel_operator(counted, x, tile=8, memory=6.0 * 512, folder=tmp_path, disk=SMALL)

    expected = made().product(v)
    first, again = len(calls), made()
    for chunk in ("2", "5"):
        file = tmp_path / "c" / chunk / "0" / "0"
        file.write_bytes(file.read_bytes()[:100])
    (tmp_path / "c" / "7" / "0" / "0").unlink()
    calls.clear()
    np.testing.assert_array_equal(again.product(v), expected)
    assert (first, len(calls)) == (11, 3)  # one call before was for the identity


def test_blocks_travel_to_other_processes():
    from lazyscope.limit import limit_kernel_blocks

    x = points(9)
    blocks = limit_kernel_blocks(x, **RELU)
    back = pickle.loads(pickle.dumps(blocks))
    some, others = slice(0, 4), slice(4, 9)
    np.testing.assert_array_equal(back.block(some, others), blocks.block(some, others))


def test_a_budget_below_one_tile_is_refused():
    with pytest.raises(InputError, match=r"at least one tile of 29 x 29 .* 40368 bytes"):
        kernel_operator(dot, points(), memory=1000.0)


def test_a_budget_on_disk_without_a_folder_is_refused():
    with pytest.raises(InputError, match="A budget on disk needs a folder"):
        kernel_operator(lambda a, b: a @ b.T, np.eye(4), disk=1e6)


def test_a_function_that_is_not_symmetric_is_refused():
    with pytest.raises(InputError, match=r"must be symmetric.*differ from their mirror images"):
        kernel_operator(lambda a, b: a @ b.T + np.arange(len(a))[:, None], np.eye(40))


def test_a_folder_of_other_data_is_refused(tmp_path):
    kernel_operator(dot, points(), folder=tmp_path / "t")
    with pytest.raises(InputError, match=r"belong to these points.*differs in kernel\."):
        kernel_operator(dot, points(seed=1), folder=tmp_path / "t")
    with pytest.raises(InputError, match="differs in kernel"):
        kernel_operator(lambda a, b: 2 * dot(a, b), points(), folder=tmp_path / "t")
    with pytest.raises(InputError, match="differs in tile"):
        kernel_operator(dot, points(), folder=tmp_path / "t", tile=8)
    (tmp_path / "u").mkdir()
    (tmp_path / "u" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="which holds other files"):
        kernel_operator(dot, points(), folder=tmp_path / "u")


def test_a_small_change_of_the_network_is_another_kernel(tmp_path):
    """Entries move by 4e-5 only."""
    x, told = points(), {"depth": 2, "activation": "relu", "weight_std": 1.4}
    limit_kernel_operator(x, folder=tmp_path / "t", **told)
    for change in ({"bias_std": 0.01}, {"weight_std": 1.40001}, {"kernel": "covariance"}):
        with pytest.raises(InputError, match=r"differs in kernel\."):
            limit_kernel_operator(x, folder=tmp_path / "t", **{**told, **change})
    limit_kernel_operator(x, folder=tmp_path / "t", **told)


def test_a_kernel_that_knows_near_points_only_is_told_from_a_narrower_one(tmp_path):
    x = points()

    def bump(width):
        return lambda a, b: np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / width)

    kernel_operator(bump(0.1), x, folder=tmp_path / "t")
    with pytest.raises(InputError, match="differs in kernel"):
        kernel_operator(bump(0.09), x, folder=tmp_path / "t")


def test_tiles_are_computed_again_where_the_disk_fills_up(tmp_path, monkeypatch):
    x, v = points(), np.ones((29, 1))
    operator = kernel_operator(dot, x, tile=8, memory=2**13, folder=tmp_path / "t", disk=2**20)
    assert operator.kept[1]

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TileStore, "write", full)
    with pytest.warns(RuntimeWarning, match="No more tiles are kept.*No space left") as told:
        found = operator.product(v)
    assert len(told) == 1
    np.testing.assert_allclose(found, dot(x, x) @ v)


def test_entries_that_are_rounding_tell_no_kernel_apart(tmp_path):
    x = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))[0]
    kernel_operator(dot, x, folder=tmp_path / "t")

    def other(a, b):
        product = np.einsum("id,jd->ij", a, b)
        return product + product**2

    kernel_operator(other, x, folder=tmp_path / "t")


def test_kernels_that_are_none_are_refused():
    with pytest.raises(InputError, match="one number for each pair"):
        kernel_operator(lambda a, b: a, points())
    with pytest.raises(InputError, match="finite"):
        kernel_operator(lambda a, b: np.full((len(a), len(b)), np.nan), points())
    with pytest.raises(InputError, match="X must be finite"):
        kernel_operator(dot, np.full((3, 2), np.inf))
    with pytest.raises(InputError, match=r"X_other must hold points .*\(m, 5\)"):
        kernel_operator(dot, points()).across(points(d=4))
