"""Which compiled programs does a process leave to the next, which then need not even trace them?

A program is kept under all that it depends on: the function that was traced, by the digest of this
library's sources, what it was called with, the versions and settings of JAX, the device, the options of the
compiler. What is found damaged, of another format or of somebody else is not read, and replaced.

Executables are pickles of machine code, so that whoever can write one can run what they like: only files
of this user, in a folder that nobody else may write to, are read.
"""

import hashlib
import json
import os
import platform
import secrets
import stat
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import serialize_executable

from lazyscope._file import write_bytes_whole
from lazyscope._provenance import ROOT, code_digest, versions

FOLDER = "LAZYSCOPE_EXECUTABLES"
"""Variable of the environment that names the folder; nothing is kept where it is absent."""

_FORMAT = b"lazyscope executable 1\n"
_OWN = ROOT.name
_ELSEWHERE = ("dir", "cache")  # words of settings that say where JAX writes, or what it keeps


def leaves_programs() -> bool:
    """Whether this process is told to leave its programs to the next one."""
    return bool(os.environ.get(FOLDER))


def left_program(
    what: Any, function: Callable[[Any], Any], arrays: Any, options: dict[str, Any]
) -> Any:
    """The compiled program that a process before left for this one, else a new one, left behind.

    Args:
        what: all that the program depends on beside JAX and this library: numbers, words, arrays (by their
            shapes and types) and records of this library. Where something else is in it, such as
            a function, nothing is kept.
        function: what to trace and compile; gives a dictionary of arrays.
        arrays: its only argument.
        options: of the compiler.
    """
    folder = os.environ.get(FOLDER)
    if not folder or jax.default_backend() != "cpu" or not _is_mine(Path(folder), stat.S_ISDIR):
        return _compiled(function, arrays, options)
    try:
        key = repr((_described(what), sorted(options.items()), _surroundings()))
    except TypeError:
        return _compiled(function, arrays, options)
    path = Path(folder) / hashlib.sha256(key.encode()).hexdigest()
    with suppress(Exception):  # whatever is wrong with it, it can be made anew
        return _read(path, key, arrays)
    # What XLA reads from JAX's own folder it runs, but cannot write again: functions would be missing. Under
    # a new name nothing is found there.
    program = _compiled(function, arrays, options, name=f"left_{secrets.token_hex(8)}")
    with suppress(Exception):  # a full disk, a version of JAX that cannot: the program is there
        _write(path, key, program)
    return program


def _compiled(
    function: Callable[[Any], Any], arrays: Any, options: dict[str, Any], name: str = "run"
) -> Any:
    def traced(given: Any) -> Any:
        return function(given)

    traced.__name__ = name
    return jax.jit(traced).lower(arrays).compile(compiler_options=options)


def _described(value: Any) -> Any:
    """Nested tuples of words that are equal only where programs are.

    Raises:
        TypeError: something that words cannot tell.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return type(value).__name__, value
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return "array", value.shape, str(value.dtype), bool(getattr(value, "weak_type", False))
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, Mapping):
        return name, tuple((str(key), _described(part)) for key, part in sorted(value.items()))
    if kind in (tuple, list) or (isinstance(value, tuple) and _is_own(kind)):
        return name, tuple(map(_described, value))
    if is_dataclass(value) and _is_own(kind):
        return name, tuple((f.name, _described(getattr(value, f.name))) for f in fields(value))
    raise TypeError(f"{name} cannot be told in words")


def _is_own(kind: type) -> bool:
    """Whether its definition is among the sources of this library, whose digest counts."""
    return kind.__module__.split(".")[0] == _OWN and "<locals>" not in kind.__qualname__


def _surroundings() -> tuple[Any, ...]:
    """What else of this process and machine decides what a program is."""
    told = jax.config.values.items()
    settings = {n: repr(v) for n, v in told if not any(word in n for word in _ELSEWHERE)}
    return (*_installed(), sorted(settings.items()), _flags())


@cache
def _installed() -> tuple[Any, ...]:
    device = jax.devices()[0]
    client = device.client
    processor = client.platform, client.platform_version, device.device_kind, jax.device_count()
    python = platform.python_implementation(), platform.python_version(), platform.machine()
    return code_digest(), versions("jax", "jaxlib", "equinox", "numpy", "scipy"), python, processor


def _flags() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in ("XLA_FLAGS", "LIBTPU_INIT_ARGS"))


def _is_mine(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether nobody but this user may have written it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if not is_kind(found.st_mode):
        return False
    return os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def _read(path: Path, key: str, arrays: Any) -> Any:
    if not _is_mine(path, stat.S_ISREG):
        raise ValueError("not a file of this user's")
    content = path.read_bytes()
    if not content.startswith(_FORMAT):
        raise ValueError("another format")
    head, _, packed = content.removeprefix(_FORMAT).partition(b"\n")
    told = json.loads(head)
    if told["key"] != key or told["digest"] != hashlib.sha256(packed).hexdigest():
        raise ValueError("damaged")
    taken = jax.tree.structure(((arrays,), {}))
    given = jax.tree.structure(dict.fromkeys(told["names"], 0))
    _name_lapack()
    program = serialize_executable.deserialize_and_load(zlib.decompress(packed), taken, given)
    with suppress(OSError):
        os.utime(path)  # what was not used for the longest time is let go first
    return program


def _write(path: Path, key: str, program: Any) -> None:
    content, _, given = serialize_executable.serialize(program)
    names = jax.tree.unflatten(given, range(given.num_leaves))
    assert jax.tree.structure(dict.fromkeys(names, 0)) == given
    packed = zlib.compress(content, 1)
    told = {"key": key, "digest": hashlib.sha256(packed).hexdigest(), "names": sorted(names)}
    path.unlink(missing_ok=True)  # with its mode: one that others may write to is never read
    write_bytes_whole(_FORMAT + json.dumps(told).encode() + b"\n" + packed, path)
    path.chmod(0o600)  # whatever the umask says


@cache
def _name_lapack() -> None:
    """Have JAX look up the decompositions that programs call, which it does when it lowers one."""
    jax.jit(jax.lax.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), np.float32))
