"""Does a data set hold the points and targets that were asked for, and say so?"""

import gzip
import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

from lazyscope._checks import InputError
from lazyscope.data import load_dataset


@pytest.fixture
def npz(tmp_path):
    def save(**arrays):
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
        return path

    return save


def matrix(n=20, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def test_digits_come_with_norm_one_and_centred_one_hot_targets():
    data = load_dataset("digits", num_points=128, num_test=50)
    assert data.x_train.dtype == data.y_train.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(data.x_train, axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(data.x_test, axis=1), 1.0, rtol=1e-14)
    assert set(np.unique(data.y_train)) == {-0.1, 0.9}
    np.testing.assert_allclose(data.y_train.sum(axis=1), 0.0, atol=1e-15)
    assert data.labels == tuple(range(10))


def test_each_drawn_digit_carries_the_label_that_it_has_in_the_source():
    x, y = load_digits(return_X_y=True)
    label = {tuple(row): k for row, k in zip(x, y, strict=True)}
    data = load_dataset("digits", num_points=200, num_test=100, normalise=False)
    for points, targets in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        drawn = [label[tuple(row)] for row in points]
        assert np.argmax(targets, axis=1).tolist() == drawn


def test_training_and_test_points_are_disjoint():
    data = load_dataset("digits", num_points=800, num_test=900, normalise=False)
    train, test = ({row.tobytes() for row in part} for part in (data.x_train, data.x_test))
    assert len(train) == 800
    assert len(test) == 900
    assert not train & test


def test_the_whole_pool_can_be_used_up():
    data = load_dataset("digits", num_points=1000, num_test=797, normalise=False)
    both = np.concatenate([data.x_train, data.x_test])
    assert len(np.unique(both, axis=0)) == 1797


def test_a_seed_fixes_the_points_and_another_seed_changes_them():
    first, again, other = (load_dataset("digits", num_points=64, seed=s) for s in (3, 3, 4))
    assert np.array_equal(first.x_train, again.x_train)
    assert first.summary()["digest"] == again.summary()["digest"]
    assert not np.array_equal(first.x_train, other.x_train)
    assert first.summary()["digest"] != other.summary()["digest"]


def test_smaller_training_sets_are_nested_and_share_their_test_points():
    small = load_dataset("digits", num_points=32, num_test=40)
    large = load_dataset("digits", num_points=256, num_test=40)
    assert np.array_equal(small.x_train, large.x_train[:32])
    assert np.array_equal(small.x_test, large.x_test)


def test_test_points_default_to_the_rest_up_to_a_thousand():
    assert len(load_dataset("digits", num_points=128).x_test) == 1000
    assert len(load_dataset("diabetes", num_points=142).x_test) == 300
    assert load_dataset("diabetes", num_points=442).y_test.shape == (0, 1)


def test_parity_is_plus_one_for_even_digits():
    parity = load_dataset("digits", num_points=100, target="parity")
    digit = np.argmax(load_dataset("digits", num_points=100).y_train, axis=1)
    assert parity.y_train[:, 0].tolist() == [1.0 if k % 2 == 0 else -1.0 for k in digit]
    assert parity.labels == ()


def test_negative_labels_are_classes(npz):
    path = npz(x=matrix(4), y=np.array([-1, 1, 1, -1]))
    data = load_dataset(path, num_points=4, num_test=0)
    assert data.labels == (-1, 1)
    assert sorted(data.y_train[:, 0]) == [-0.5, -0.5, 0.5, 0.5]


def test_parity_of_negative_labels_is_theirs(npz):
    path = npz(x=matrix(4), y=np.array([-2, -1, 0, 1]))
    data = load_dataset(path, num_points=4, target="parity", normalise=False)
    x = np.load(path)["x"]
    for row, value in zip(data.x_train, data.y_train[:, 0], strict=True):
        assert value == (1.0 if np.flatnonzero((x == row).all(axis=1))[0] % 2 == 0 else -1.0)


def test_real_targets_are_standardised_by_the_training_points_alone():
    data = load_dataset("diabetes", num_points=200, num_test=100)
    assert data.y_train.mean() == pytest.approx(0.0, abs=1e-14)
    assert data.y_train.std() == pytest.approx(1.0, rel=1e-14)
    x, y = load_diabetes(return_X_y=True)
    raw = load_dataset("diabetes", num_points=200, num_test=100, normalise=False)
    true = [y[np.flatnonzero((x == row).all(axis=1))[0]] for row in raw.x_train]
    test = [y[np.flatnonzero((x == row).all(axis=1))[0]] for row in raw.x_test]
    np.testing.assert_allclose(raw.y_train[:, 0], (true - np.mean(true)) / np.std(true))
    np.testing.assert_allclose(raw.y_test[:, 0], (test - np.mean(true)) / np.std(true))


def test_labels_of_integer_type_become_values_where_asked(npz):
    path = npz(x=matrix(), y=np.arange(20))
    data = load_dataset(path, num_points=20, target="value")
    assert data.y_train.shape == (20, 1)
    assert data.y_train.std() == pytest.approx(1.0)


def test_whole_numbers_of_real_type_are_values_unless_classes_are_asked_for(npz):
    path = npz(x=matrix(), y=np.arange(20.0) % 3)
    assert load_dataset(path, num_points=20).y_train.shape == (20, 1)
    assert load_dataset(path, num_points=20, target="classes").y_train.shape == (20, 3)


def test_targets_with_several_columns_are_values_column_by_column(npz):
    data = load_dataset(npz(x=matrix(), y=matrix(20, 2, seed=1)), num_points=20)
    np.testing.assert_allclose(data.y_train.std(axis=0), [1.0, 1.0])


def test_a_column_of_integer_labels_is_a_list_of_labels(npz):
    data = load_dataset(npz(x=matrix(), y=(np.arange(20) % 4)[:, None]), num_points=20)
    assert data.y_train.shape == (20, 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.bool_])
def test_inputs_of_any_shape_and_type_become_rows(npz, dtype):
    images = np.random.default_rng(0).integers(0, 2, (12, 5, 4, 3)).astype(dtype)
    data = load_dataset(npz(x=images, y=np.arange(12) % 2), num_points=12, normalise=False)
    assert data.x_train.shape == (12, 60)
    rows = {row.tobytes() for row in images.reshape(12, 60).astype(np.float64)}
    assert {row.tobytes() for row in data.x_train} == rows


def test_norm_one_holds_for_inputs_of_any_size(npz):
    sizes = np.array([1e-200, 1e-10, 1.0, 1e200])
    data = load_dataset(npz(x=matrix(4) * sizes[:, None], y=np.array([0, 1, 0, 1])), num_points=4)
    np.testing.assert_allclose(np.linalg.norm(data.x_train, axis=1), 1.0, rtol=1e-14)


def test_a_source_with_its_own_test_points_keeps_them_apart(npz):
    x = matrix(30)
    y = np.arange(30) % 3
    path = npz(x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    data = load_dataset(path, num_points=20, num_test=10, normalise=False)
    assert {r.tobytes() for r in data.x_train} == {r.tobytes() for r in x[:20]}
    assert {r.tobytes() for r in data.x_test} == {r.tobytes() for r in x[20:]}
    assert data.name == "data"


def test_classes_of_the_whole_source_count_even_if_none_was_drawn(npz):
    x, y = matrix(40), np.array([0] * 38 + [5, 7])
    data = load_dataset(npz(x=x, y=y), num_points=2, num_test=0, seed=0)
    assert data.labels == (0, 5, 7)
    assert data.y_train.shape == (2, 3)
    assert any("have no training point" in step for step in data.description)


def test_duplicate_inputs_are_reported_with_what_they_mean(npz):
    x = matrix(6)
    x[4] = 2 * x[1]
    agree = load_dataset(npz(x=x, y=np.array([0, 1, 0, 1, 1, 0])), num_points=6)
    clash = load_dataset(npz(x=x, y=np.array([0, 1, 0, 1, 0, 0])), num_points=6)
    assert "smallest eigenvalue of every kernel is zero; their targets agree" in str(
        agree.description
    )
    assert "their targets differ, so no network" in str(clash.description)
    unscaled = load_dataset(npz(x=x, y=np.array([0, 1, 0, 1, 1, 0])), num_points=6, normalise=False)
    assert "repeat" not in str(unscaled.description)


def test_the_summary_is_json_and_says_what_was_done():
    data = load_dataset("digits", num_points=64, num_test=16, target="parity", seed=5)
    summary = json.loads(json.dumps(data.summary()))
    assert summary["num_points"] == 64
    assert summary["input_dim"] == 64
    assert summary["output_dim"] == 1
    text = " ".join(summary["description"])
    for words in ("scikit-learn's digits", "seed 5", "norm one", "even labels became +1"):
        assert words in text
    kept = load_dataset("digits", num_points=64, normalise=False)
    assert "left at their size" in " ".join(kept.description)


def test_a_dataset_is_frozen():
    data = load_dataset("digits", num_points=8)
    with pytest.raises(FrozenInstanceError):
        data.name = "other"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="read-only"):
        data.x_train[0, 0] = 1.0


def write_idx(path, array, code):
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(("dtype", "code"), [("u1", 0x08), ("i4", 0x0C), ("f8", 0x0E)])
def test_idx_files_are_read_with_their_labels_and_test_files(tmp_path, ending, dtype, code):
    images = np.random.default_rng(0).integers(1, 100, (14, 3, 2)).astype(dtype)
    labels = (np.arange(14) % 3).astype("u1")
    for name, part in (("train", slice(0, 10)), ("t10k", slice(10, 14))):
        write_idx(tmp_path / f"{name}-images-idx3-ubyte{ending}", images[part], code)
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte{ending}", labels[part], 0x08)
    by_folder = load_dataset(tmp_path, num_points=10, normalise=False)
    by_file = load_dataset(
        tmp_path / f"train-images-idx3-ubyte{ending}", num_points=10, normalise=False
    )
    assert by_folder.summary()["digest"] == by_file.summary()["digest"]
    rows = images.reshape(14, 6).astype(np.float64)
    assert {r.tobytes() for r in by_folder.x_train} == {r.tobytes() for r in rows[:10]}
    assert {r.tobytes() for r in by_folder.x_test} == {r.tobytes() for r in rows[10:]}
    for row, target in zip(by_folder.x_train, by_folder.y_train, strict=True):
        source = np.flatnonzero((rows == row).all(axis=1))[0]
        assert np.argmax(target) == labels[source]


def test_idx_files_without_test_files_share_one_pool(tmp_path):
    images = np.arange(1, 25, dtype="u1").reshape(8, 3)
    write_idx(tmp_path / "train-images.idx3-ubyte", images, 0x08)
    write_idx(tmp_path / "train-labels.idx1-ubyte.gz", np.arange(8, dtype="u1") % 2, 0x08)
    data = load_dataset(tmp_path, num_points=5)
    assert len(data.x_test) == 3


@pytest.mark.parametrize("scale", [2.0**1000, 2.0**530, 2.0**-530, 2.0**-1000])
@pytest.mark.filterwarnings("error")
def test_the_units_of_values_change_no_target(tmp_path, scale):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal((9, 2))
    np.savez(tmp_path / "one.npz", x=x, y=y)
    np.savez(tmp_path / "other.npz", x=x, y=y * scale)
    one, other = (
        load_dataset(tmp_path / name, num_points=6, num_test=3) for name in ("one.npz", "other.npz")
    )
    np.testing.assert_array_equal(one.y_train, other.y_train)
    np.testing.assert_array_equal(one.y_test, other.y_test)


def test_test_values_far_beyond_all_training_values_are_refused(tmp_path):
    x = np.eye(6)
    y = np.array([1e-300, 2e-300, 3e-300, 1.0, 2.0, 1e300])
    np.savez(tmp_path / "d.npz", x_train=x[:3], y_train=y[:3], x_test=x[3:], y_test=y[3:])
    with pytest.raises(
        InputError, match="Test targets must be of a size with the training targets"
    ):
        load_dataset(tmp_path / "d.npz", num_points=3, num_test=3)
