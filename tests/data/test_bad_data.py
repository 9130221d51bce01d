"""Is every kind of bad data refused with one message that helps?"""

import gzip
import io
import math
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.data import load_dataset

X = np.random.default_rng(0).standard_normal((10, 3))
Y = np.arange(10) % 2


@pytest.fixture
def refused(tmp_path):
    """Save arrays, load them, and expect a refusal that matches."""

    def expect(message, *, num_points=10, options=None, **arrays):
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
        with pytest.raises(InputError, match=message):
            load_dataset(path, num_points=num_points, **(options or {}))

    return expect


def with_entry(array, value):
    changed = array.astype(np.float64)
    changed.flat[7] = value
    return changed


def test_missing_file_is_refused_with_the_place_looked_at(tmp_path):
    with pytest.raises(InputError, match=r"'digits', 'diabetes'.*no such file.*nothing\.npz"):
        load_dataset(tmp_path / "nothing.npz", num_points=4)


def test_a_misspelt_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"misspelt name.*use 'digits'"):
        load_dataset("digit", num_points=4)


@pytest.mark.parametrize("name", ["mine.csv", "MINE.CSV", "mine.parquet"])
def test_a_table_is_told_how_to_become_a_file(tmp_path, name):
    (tmp_path / name).write_text("a,b,target\n1,2,0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a table, which.*numpy.savez.*x=table\[inputs\]"):
        load_dataset(tmp_path / name, num_points=4)


@pytest.mark.parametrize("source", ["", None, 3, X])
def test_a_source_that_is_no_name_is_refused(source):
    with pytest.raises(InputError, match=r"Data must be 'digits'.*an array or nothing was given"):
        load_dataset(source, num_points=4)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "secret.npz"
    np.savez(path, x=X, y=Y)
    path.chmod(0)
    with pytest.raises(InputError, match=r"must be readable.*Permission denied"):
        load_dataset(path, num_points=4)


def test_a_path_that_cannot_be_one_is_refused():
    with pytest.raises(InputError, match="must be readable"):
        load_dataset("a" * 5000, num_points=4)


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_format_is_refused(tmp_path, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"must be an \.npz archive or an IDX file"):
        load_dataset(path, num_points=4)


@pytest.mark.parametrize("keep", [10, 300, 0.9])
def test_a_truncated_archive_is_refused(tmp_path, keep):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, x=X, y=Y)
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if keep > 1 else int(keep * len(whole))])
    with pytest.raises(InputError, match=r"must be a complete NumPy archive.*cut short"):
        load_dataset(path, num_points=4)


def test_an_archive_with_a_damaged_entry_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="must be a complete NumPy archive"):
        load_dataset(path, num_points=4)


def test_an_archive_of_other_files_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y", "text")
    with pytest.raises(InputError, match="must be a complete NumPy archive"):
        load_dataset(path, num_points=4)


def test_missing_arrays_are_refused_with_those_present(refused):
    refused(r"must hold x_train and y_train, or x and y.*images, labels", images=X, labels=Y)
    refused("must hold x_train and y_train", x_train=X, y=Y)


def test_an_archive_without_arrays_is_refused(refused):
    refused("with no arrays")


def test_pickled_objects_are_refused_and_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "data.npz"
    np.savez(path, x=np.array([Trap(), Trap()], dtype=object), y=np.array([0, 1]))
    with pytest.raises(InputError, match=r"X must be a plain array of numbers.*pickled Python obj"):
        load_dataset(path, num_points=2)
    assert not (tmp_path / "ran").exists()


def test_text_is_refused(refused):
    refused("Y_train must hold real numbers.*entries of type <U", x=X, y=Y.astype(str))
    refused("X_train must hold real numbers", x=X.astype(str), y=Y)


def test_complex_inputs_are_refused(refused):
    refused("X_train must hold real numbers.*complex128", x=X + 1j, y=Y)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_entries_that_are_not_finite_are_refused_with_their_row(refused, value):
    refused("X_train must be finite.*1 entries.*first in row 2", x=with_entry(X, value), y=Y)
    refused("Y_train must be finite.*first in row 7", x=X, y=with_entry(Y, value))


def test_numbers_beyond_double_precision_are_refused(refused):
    long = with_entry(X, 1.0).astype(np.longdouble) * np.longdouble("1e400")
    if np.isfinite(long).all():  # where longdouble is longer than double
        refused("X_train must be finite.*in row 0", x=long, y=Y)


@pytest.mark.parametrize("labels", [2.0**64 * (1 + np.arange(2)), np.uint64([2**64 - 1, 2])])
def test_labels_of_more_than_64_bits_are_refused_and_not_wrapped(refused, labels):
    for target in ("classes", "parity"):
        refused(
            "labels of at most 64 bits",
            options={"target": target},
            x=X,
            y=labels[np.arange(len(X)) % 2],
        )


def test_entries_of_the_test_arrays_are_checked_too(refused):
    refused("X_test must be finite", x_train=X, y_train=Y, x_test=with_entry(X, math.nan), y_test=Y)
    refused("one target for each input.*x_test", x_train=X, y_train=Y, x_test=X, y_test=Y[:3])


def test_empty_arrays_are_refused(refused):
    refused("X_train must hold at least one point", x=X[:0], y=Y[:0])
    refused("X_train must hold at least one point", x=X[:, :0], y=Y)
    refused("X_train must hold at least one point", x=np.float64(3), y=Y)


def test_lengths_that_differ_are_refused(refused):
    refused("one target for each input.*10 rows, y_train has 9", x=X, y=Y[:9])


def test_test_inputs_without_targets_are_refused(refused):
    refused("come together.*only x_test", x_train=X, y_train=Y, x_test=X)
    refused("come together.*only y_test", x_train=X, y_train=Y, y_test=Y)


def test_test_inputs_of_another_shape_are_refused(refused):
    refused("test x must have the same shape", x_train=X, y_train=Y, x_test=X[:, :2], y_test=Y)


@pytest.mark.parametrize(("target", "label"), [("classes", 4), ("parity", 4), (None, 1)])
def test_one_class_is_refused(refused, target, label):
    refused("at least two classes", x=X, y=np.full(10, label), options={"target": target})


def test_one_parity_is_refused(refused):
    refused("at least two classes.*one parity", x=X, y=2 * Y, options={"target": "parity"})


@pytest.mark.parametrize("y", [np.full(10, 2.5), np.zeros(10)])
def test_constant_values_are_refused(refused, y):
    refused("at least two values", x=X, y=y)


def test_a_single_training_point_has_no_deviation(refused):
    refused("at least two values", num_points=1, x=X, y=X[:, 0])


def test_fewer_points_than_asked_are_refused(refused):
    refused("as many points as are asked for.*11 asked, 10 there", num_points=11, x=X, y=Y)
    refused(
        "12 asked, 10 there.*ask for at most 2 test points",
        num_points=8,
        x=X,
        y=Y,
        options={"num_test": 4},
    )
    with_test = {"x_train": X, "y_train": Y, "x_test": X[:5], "y_test": Y[:5]}
    refused("as many training points.*11 asked", num_points=11, **with_test)
    refused("as many test points.*6 asked, 5 there", options={"num_test": 6}, **with_test)


@pytest.mark.parametrize("target", ["parity", "classes"])
def test_real_targets_are_no_labels(refused, target):
    refused("needs whole numbers as labels", x=X, y=X[:, 0], options={"target": target})


@pytest.mark.parametrize("target", ["parity", "classes"])
def test_targets_with_columns_are_no_labels(refused, target):
    refused("needs one label for each point", x=X, y=X[:, :2], options={"target": target})


def test_an_unknown_target_is_refused(refused):
    refused("Target must be one of classes, parity, value", x=X, y=Y, options={"target": "class"})


def test_an_input_of_norm_zero_is_refused_only_where_it_is_normalised(refused, tmp_path):
    x = X.copy()
    x[3] = 0
    refused("1 training inputs of norm zero", x=x, y=Y)
    data = load_dataset(tmp_path / "data.npz", num_points=10, normalise=False)
    assert np.linalg.norm(data.x_train, axis=1).min() == 0
    refused("test inputs of norm zero", x_train=X, y_train=Y, x_test=x, y_test=Y)


@pytest.mark.parametrize("num_points", [0, -1, 2.5, math.nan, None])
def test_the_number_of_points_must_be_a_count(num_points):
    with pytest.raises(InputError, match="Num_points must be a whole number of at least 1"):
        load_dataset("digits", num_points=num_points)


def test_the_number_of_test_points_and_the_seed_must_be_counts():
    with pytest.raises(InputError, match="Num_test must be a whole number of at least 0"):
        load_dataset("digits", num_points=4, num_test=-1)
    with pytest.raises(InputError, match="Seed must be a whole number of at least 0"):
        load_dataset("digits", num_points=4, seed=-1)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


IMAGES = idx(np.arange(1, 25, dtype="u1").reshape(4, 2, 3))
LABELS = idx(np.array([0, 1, 0, 1], dtype="u1"))


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (IMAGES[:-1], "24 bytes announced, 23 there"),
        (IMAGES + b"\0", "24 bytes announced, 25 there"),
        (IMAGES[:10], "header is cut short"),
        (b"\0\0\x07\x01" + IMAGES[4:], "does not start with the IDX header"),
        (b"\0\0", "does not start with the IDX header"),
        (gzip.compress(IMAGES, mtime=0)[:-9], "broke off"),
        (gzip.compress(b"text", mtime=0), "does not start with the IDX header"),
        (gzip.compress(IMAGES + bytes(2**24), mtime=0), "24 bytes announced, more there"),
        (bytes([0, 0, 8, 201]) + b"\0\0\0\1" * 201 + b"\1", "201 dimensions announced"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "bytes announced, 0 there"),
        (bytes([0, 0, 8, 2]) + b"\xff\xff\xff\xfe\0\0\0\0" + b"\1", "0 bytes announced, 1 there"),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path, images, reason):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(LABELS)
    with pytest.raises(InputError, match=f"IDX file must have a header.*{reason}"):
        load_dataset(path, num_points=4)


def test_idx_images_without_labels_are_refused(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(IMAGES)
    with pytest.raises(InputError, match="IDX images need a file of labels beside them"):
        load_dataset(path, num_points=4)


def test_a_folder_without_idx_files_is_refused(tmp_path):
    with pytest.raises(InputError, match="folder must hold IDX files"):
        load_dataset(tmp_path, num_points=4)


def test_a_packed_idx_file_that_announces_more_than_memory_is_not_unpacked(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2]) + b"\xff" * 8 + bytes(100), mtime=0))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(LABELS)
    with pytest.raises(InputError, match=r"must fit into memory.*announces"):
        load_dataset(path, num_points=4)


def test_hidden_files_beside_idx_files_are_none_of_them(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IMAGES)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(LABELS)
    (tmp_path / "._train-images-idx3-ubyte").write_bytes(b"Mac OS X")
    assert load_dataset(tmp_path, num_points=4).x_train.shape == (4, 6)


def npy(descr, shape, content=b""):
    """An array file with any header."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def archive(path, *entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


Y_FILE = ("y.npy", npy("'<i8'", "(10,)", Y.astype("<i8").tobytes()))


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("'<f8'", "(-1, 3)"),
        ("'<f8'", "(1000000000000, 3)"),
        ("'<f8'", f"(10, {10**400})"),
        ("'<f8'", str((1,) * 70)),
        ("'<f8'", "None"),
        ("'<f8'", "(" * 4000 + "10" + ")" * 4000),
        ("'nonsense'", "(10,)"),
        ("'<U0'", "(1000000000000,)"),
        ("'<f8'", "(9, 3)"),
    ],
)
def test_an_array_that_is_not_what_it_announces_is_refused_before_it_is_read(
    tmp_path, descr, shape
):
    path = archive(tmp_path / "a.npz", ("x.npy", npy(descr, shape, X.tobytes())), Y_FILE)
    with pytest.raises(InputError, match="must be a complete NumPy archive") as caught:
        load_dataset(path, num_points=4)
    assert len(str(caught.value)) < 1500


def test_an_array_that_is_larger_than_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("lazyscope.data._raw.memory_at_hand", lambda: 2**20)
    path = archive(tmp_path / "a.npz", ("x.npy", npy("'<f8'", "(1048576,)", bytes(2**23))), Y_FILE)
    with pytest.raises(InputError, match="must fit into memory"):
        load_dataset(path, num_points=4)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused(tmp_path):
    x = ("x.npy", npy("'<f8'", "(10, 3)", X.tobytes()))
    with pytest.raises(InputError, match="x is there 2 times"):
        load_dataset(archive(tmp_path / "a.npz", x, x, Y_FILE), num_points=4)


def test_an_encrypted_archive_is_refused(tmp_path):
    path = archive(tmp_path / "a.npz", ("x.npy", npy("'<f8'", "(10, 3)", X.tobytes())), Y_FILE)
    content = path.read_bytes().replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1")
    path.write_bytes(content.replace(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"))
    with pytest.raises(InputError, match=r"must be a complete NumPy archive.*encrypted"):
        load_dataset(path, num_points=4)


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_of_an_archive_raises_anything_else(tmp_path, seed):
    kept = io.BytesIO()
    np.savez_compressed(kept, x=X, y=Y)
    path, draw = tmp_path / "a.npz", np.random.default_rng(seed)
    for _ in range(40):
        content = bytearray(kept.getvalue())
        for place in draw.integers(2, len(content), size=draw.integers(1, 20)):
            content[place] ^= 1 << draw.integers(8)
        path.write_bytes(content)
        try:
            data = load_dataset(path, num_points=10, target="classes", normalise=False)
        except InputError:
            continue
        assert sorted(data.x_train.ravel()) == sorted(X.ravel())


@pytest.mark.parametrize("source", ["https://example.org/a.npz", "s3://bucket/a.npz", "file:///a"])
def test_a_url_is_refused_as_one(source):
    with pytest.raises(InputError, match=r"must be a path on this machine.*a URL"):
        load_dataset(source, num_points=4)


def test_a_pipe_or_device_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "train-images-idx3-ubyte")
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(LABELS)
    for path in (tmp_path, tmp_path / "train-images-idx3-ubyte", "/dev/zero"):
        with pytest.raises(InputError, match=r"must be readable.*a pipe or device"):
            load_dataset(path, num_points=4)
