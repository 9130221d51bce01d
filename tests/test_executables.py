"""A program that was left is used for nothing but itself, and never where somebody else may have made it."""

import json
import os
import pickle
import stat
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from lazyscope._jax import _executables, own_settings
from lazyscope._jax._executables import left_program
from lazyscope.flow import ExponentialFlow, OptimiserSteps
from lazyscope.limit import _assembly, limit_tangent_kernel
from lazyscope.limit._recursion import block

MATRIX = {"a": np.array([[2.0, 1.0], [1.0, 3.0]])}
WHAT = {"name": "test", "arrays": MATRIX, "method": ExponentialFlow()}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    place = tmp_path / "executables"
    place.mkdir(mode=0o700)
    monkeypatch.setenv(_executables.FOLDER, str(place))
    _executables._installed.cache_clear()
    yield place
    _executables._installed.cache_clear()


class Maker:
    """A program, and how often it was traced."""

    def __init__(self):
        self.count = 0

    def __call__(self, given):
        self.count += 1
        values, vectors = jnp.linalg.eigh(given["a"])
        return {"vectors": vectors, "values": values, "number": jnp.asarray(len(values))}


def asked(make, what=WHAT, options=None):
    """What the program gives, from whichever process."""
    with own_settings():
        return left_program(what, make, MATRIX, options or {})(MATRIX)


def the_file(folder):
    (found,) = folder.iterdir()
    return found


def test_a_program_is_made_once_and_gives_the_same_numbers_to_the_bit(folder):
    make = Maker()
    first, second = asked(make), asked(make)
    assert make.count == 1
    assert list(second) == list(first) == ["number", "values", "vectors"]
    for name, value in first.items():
        assert np.array_equal(value, second[name])
    assert np.allclose(second["values"], np.linalg.eigvalsh(MATRIX["a"]))


@pytest.fixture
def folder_of_jax(tmp_path):
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    names += ("jax_persistent_cache_min_entry_size_bytes",)
    before = {name: jax.config.values[name] for name in names}
    for name, value in zip(names, (str(tmp_path / "jax"), 0, -1), strict=True):
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield tmp_path / "jax"
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_a_program_that_jax_kept_as_well_is_left_whole(folder, folder_of_jax):
    make = Maker()
    asked(make)
    assert list(folder_of_jax.iterdir())
    the_file(folder).unlink()
    for _ in range(2):
        assert np.allclose(asked(make)["values"], np.linalg.eigvalsh(MATRIX["a"]))
    assert make.count == 2


def test_nothing_is_kept_unless_a_folder_is_named(folder, monkeypatch):
    monkeypatch.delenv(_executables.FOLDER)
    make = Maker()
    asked(make), asked(make)
    assert make.count == 2
    assert not list(folder.iterdir())


def other_shape(monkeypatch):
    return {"what": {**WHAT, "arrays": {"a": np.zeros((3, 3))}}}


def other_precision(monkeypatch):
    return {"what": {**WHAT, "arrays": {"a": MATRIX["a"].astype(np.float32)}}}


def other_word(monkeypatch):
    return {"what": {**WHAT, "name": "another"}}


def other_static_field(monkeypatch):
    return {"what": {**WHAT, "method": ExponentialFlow(frozen="full")}}


def other_options(monkeypatch):
    return {"options": {"xla_cpu_multi_thread_eigen": False}}


def other_sources(monkeypatch):
    monkeypatch.setattr(_executables, "code_digest", lambda: "another")
    return {}


def other_versions(monkeypatch):
    monkeypatch.setattr(_executables, "versions", lambda *names: dict.fromkeys(names, "0.0"))
    return {}


def other_flags(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    return {}


def other_setting_of_jax(monkeypatch):
    changed = {**jax.config.values, "jax_default_matmul_precision": "float32"}
    monkeypatch.setattr(type(jax.config), "values", changed)
    return {}


@pytest.mark.parametrize(
    "change",
    [
        other_shape,
        other_precision,
        other_word,
        other_static_field,
        other_options,
        other_sources,
        other_versions,
        other_flags,
        other_setting_of_jax,
    ],
)
def test_a_program_is_not_used_where_anything_that_it_depends_on_changed(
    folder, monkeypatch, change
):
    make = Maker()
    asked(make)
    _executables._installed.cache_clear()
    asked(make, **change(monkeypatch))
    assert make.count == 2
    assert len(list(folder.iterdir())) == 2


def nothing_left(content):
    return b""


def cut_short(content):
    return content[: len(content) // 2]


def a_bit_changed(content):
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


def another_format(content):
    return content.replace(b"executable 1", b"executable 0", 1)


def of_another_program(content):
    head, line, packed = content.split(b"\n", 2)
    told = {**json.loads(line), "key": "another"}
    return b"\n".join((head, json.dumps(told).encode(), packed))


@pytest.mark.parametrize(
    "damage", [nothing_left, cut_short, a_bit_changed, another_format, of_another_program]
)
def test_a_damaged_program_is_no_error_and_is_replaced(folder, damage):
    make = Maker()
    asked(make)
    path = the_file(folder)
    path.write_bytes(damage(path.read_bytes()))
    assert np.allclose(asked(make)["values"], np.linalg.eigvalsh(MATRIX["a"]))
    assert make.count == 2
    asked(make)
    assert make.count == 2


class Harmful:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def poisoned(content, mark):
    """A file whose digest is right, and whose pickle does something."""
    head, line, _ = content.split(b"\n", 2)
    packed = zlib.compress(pickle.dumps(Harmful(mark)))
    digest = _executables.hashlib.sha256(packed).hexdigest()
    told = {**json.loads(line), "digest": digest}
    return b"\n".join((head, json.dumps(told).encode(), packed))


def open_file(folder, path):
    path.chmod(0o666)


def open_folder(folder, path):
    folder.chmod(0o777)


def link_to_elsewhere(folder, path):
    target = folder.parent / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("opening", [open_file, open_folder, link_to_elsewhere])
def test_what_somebody_else_may_have_written_is_never_loaded(folder, tmp_path, opening):
    make, mark = Maker(), tmp_path / "mark"
    asked(make)
    path = the_file(folder)
    path.write_bytes(poisoned(path.read_bytes(), mark))
    opening(folder, path)
    asked(make)
    assert make.count == 2
    assert not mark.exists()
    folder.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_mark_of_the_test_above_is_left_where_the_file_is_trusted(folder, tmp_path):
    make, mark = Maker(), tmp_path / "mark"
    asked(make)
    path = the_file(folder)
    path.write_bytes(poisoned(path.read_bytes(), mark))
    asked(make)
    assert mark.exists()


def test_a_program_of_a_function_from_elsewhere_is_not_kept(folder):
    optax = pytest.importorskip("optax")
    make = Maker()
    asked(make, what={**WHAT, "method": OptimiserSteps(optax.sgd(0.1))})
    assert make.count == 1
    assert not list(folder.iterdir())


def test_a_folder_that_takes_nothing_does_not_keep_a_program_from_being_made(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(_executables, "write_bytes_whole", full)
    make = Maker()
    asked(make)
    assert make.count == 1


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("opened", [False, True])
def test_a_program_is_read_again_under_any_umask_and_in_place_of_an_open_file(folder, opened):
    make, before = Maker(), os.umask(0o000)
    try:
        asked(make)
        if opened:
            the_file(folder).chmod(0o666)
            asked(make)
        traced = make.count
        asked(make)
    finally:
        os.umask(before)
    assert make.count == traced == 1 + opened


def test_what_is_used_stays_longest(folder):
    make = Maker()
    asked(make)
    path = the_file(folder)
    os.utime(path, (0, 0))
    asked(make)
    assert path.stat().st_mtime > 10**9
    assert stat.S_ISREG(path.lstat().st_mode)


def test_blocks_of_limit_kernels_are_left_and_stay_the_same_to_the_bit(folder, monkeypatch):
    x = np.random.default_rng(0).normal(size=(5, 3))
    made = []

    def kernel():
        monkeypatch.setattr(_assembly, "_left_blocks", {})
        return limit_tangent_kernel(x, depth=2, activation="relu", bias_std=0.1)

    def counted(*args, **kwargs):
        made.append(args)
        return block(*args, **kwargs)

    monkeypatch.setattr(_assembly, "block", counted)
    first, number = kernel(), len(list(folder.iterdir()))
    assert len(made) == number > 0
    np.testing.assert_array_equal(kernel(), first)
    assert len(made) == number
    monkeypatch.delenv(_executables.FOLDER)
    np.testing.assert_array_equal(kernel(), first)
