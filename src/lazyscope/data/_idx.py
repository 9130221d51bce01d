"""What is in IDX files, the format of MNIST?

Big-endian: two zero bytes, a type code, the number of dimensions, their lengths as 32-bit
integers, then the entries. Images and labels lie in two files whose names differ by ``images`` and
``labels``; test files have ``t10k`` or ``test`` in place of ``train``.
"""

import gzip
import io
import math
import os
import zlib
from pathlib import Path

import numpy as np

from lazyscope._checks import InputError
from lazyscope._file import open_regular, unreadable
from lazyscope.data._npz import MOST_DIMENSIONS
from lazyscope.data._raw import RawData, check_fits

_TESTS = ("t10k", "test")
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> RawData:
    """Images, labels and, where they are there, test files of a folder or beside a file."""
    images = _find_images(path) if path.is_dir() else path
    labels = _sibling(images, "images", "labels")
    if labels is None:
        raise InputError(
            "IDX images need a file of labels beside them",
            received=repr(str(images)),
            cause=f"no file named like {images.name} with 'labels' in place of 'images'",
            fix="put the labels file into the same folder, as MNIST does",
        )
    test = next(filter(None, (_sibling(images, "train", name) for name in _TESTS)), None)
    test_labels = None if test is None else _sibling(test, "images", "labels")
    name = path.name if path.is_dir() else images.parent.absolute().name
    origin = f"IDX files {images.name}, {labels.name}"
    if test is None or test_labels is None:
        return RawData(name, origin, read_idx_array(images), read_idx_array(labels))
    return RawData(
        name,
        f"{origin}, {test.name}, {test_labels.name}",
        read_idx_array(images),
        read_idx_array(labels),
        read_idx_array(test),
        read_idx_array(test_labels),
    )


def read_idx_array(path: Path) -> np.ndarray:
    """The array in one IDX file, plain or gzipped; what it announces is compared with memory first."""
    try:
        with open_regular(path) as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            size = None if packed else os.fstat(file.fileno()).st_size
            return _array(path, gzip.GzipFile(fileobj=file) if packed else file, size)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            rule, fix = "an IDX file must be readable", "check the path and its permissions"
            raise unreadable(rule, path, error, fix=fix) from error
        raise _damaged(path, str(error)) from error


def _array(path: Path, file: io.BufferedIOBase, size: int | None) -> np.ndarray:
    """The array in an open file of `size` bytes, None where that is not known before."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or not start[3]:
        raise _damaged(path, "it does not start with the IDX header")
    if start[3] > MOST_DIMENSIONS:
        raise _damaged(path, f"{start[3]} dimensions announced, {MOST_DIMENSIONS} are the most")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise _damaged(path, "the header is cut short")
    shape = tuple(int(length) for length in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(_TYPES[start[2]])
    expected = math.prod(shape) * dtype.itemsize
    there = None if size is None else size - 4 - len(sizes)
    if there is not None and there != expected:
        raise _damaged(path, f"{expected} bytes announced, {there} there")
    check_fits(path, 2 * expected)
    content = file.read(expected)
    if len(content) < expected:
        raise _damaged(path, f"{expected} bytes announced, {len(content)} there")
    if file.read(1):
        raise _damaged(path, f"{expected} bytes announced, more there")
    array = np.frombuffer(content, dtype)
    return array.reshape(shape if array.size else (0,)).astype(dtype.newbyteorder("="))


def _find_images(folder: Path) -> Path:
    """The training images of a folder; hidden files, such as those that other systems add, are none."""
    try:
        names = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
    except OSError as error:
        rule, fix = "a data folder must be readable", "check its permissions"
        raise unreadable(rule, folder, error, fix=fix) from error
    found = [folder / name for name in names if "images" in name and "idx" in name]
    training = [p for p in found if "train" in p.name] or found
    if not training:
        raise InputError(
            "a data folder must hold IDX files named like train-images-idx3-ubyte",
            received=repr(str(folder)),
            cause="another format, or the files lie in a folder below",
            fix="give the folder with the IDX files, or the path of an .npz file",
        )
    return training[0]


def idx_files(images: Path) -> list[Path]:
    """Every file that `read_idx` looks for when it is given the file `images`, there or not."""
    tests = [path for name in _TESTS for path in _siblings(images, "train", name)]
    both = [images, *tests]
    return both + [path for each in both for path in _siblings(each, "images", "labels")]


def _sibling(path: Path, old: str, new: str) -> Path | None:
    """The file beside `path` with `new` in place of `old`, plain or gzipped; None where there is none."""
    return next((found for found in _siblings(path, old, new) if found.exists()), None)


def _siblings(path: Path, old: str, new: str) -> list[Path]:
    if old not in path.name:
        return []
    name = path.name.replace(old, new).removesuffix(".gz")
    if new == "labels":
        name = name.replace("idx3", "idx1")
    return [path.with_name(name), path.with_name(name + ".gz")]


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        "an IDX file must have a header and exactly the entries that it announces",
        received=repr(str(path)),
        cause=f"another format, or a download that broke off: {reason}",
        fix="download the file again",
    )
