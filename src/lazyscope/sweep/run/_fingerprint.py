"""What decides the numbers of a run beside its settings, in this process?"""

import hashlib
import os
import socket
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

import lazyscope
from lazyscope._jax._random import GENERATOR, pinned_random, random_key

_PACKAGES = ("lazyscope", "jax", "jaxlib", "numpy")


def fingerprint() -> dict[str, str]:
    """Versions, the digest of the package's own files, precision and random numbers, by their names.

    Equal in two processes that give the same numbers for the same settings and data.
    """
    return {
        **_versions(),
        "source of lazyscope": source_digest(Path(lazyscope.__file__).parent),
        "precision": _precision(),
        **{f"random {name}": value for name, value in random_settings().items()},
    }


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What differs between two fingerprints, in words; empty where nothing does.

    Example:
        >>> differences({"jax": "0.10"}, {"jax": "0.9"})
        ['jax: 0.9 instead of 0.10']
    """
    return [
        f"{name}: {theirs.get(name, 'unknown')} instead of {ours.get(name, 'unknown')}"
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


@cache
def random_settings() -> dict[str, str]:
    """Generator of all runs, how it fills arrays, and a digest of numbers that it gives here.

    Normal numbers to nine decimals, since machines and compilers differ in the last bits of one.
    """
    with jax.enable_x64(True), pinned_random():
        numbers = jax.random.normal(jax.random.split(random_key(20), 2)[1], (3,), "float64")
    digest = hashlib.sha256(numbers.round(9).tobytes()).hexdigest()[:8]
    return {"generator": f"{GENERATOR}, partitionable", "numbers": digest}


@cache
def source_digest(folder: Path) -> str:
    """Digest of names and contents of all Python files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def process_name() -> str:
    """Machine and number of this process, and its address where it is a worker of a cluster."""
    name = f"process {os.getpid()} on {socket.gethostname()}"
    try:
        from distributed import get_worker

        return f"{get_worker().address} ({name})"
    except (ImportError, ValueError, AttributeError):
        return name


def _precision() -> str:
    config: Any = jax.config
    with jax.enable_x64(True):
        products = config.jax_default_matmul_precision or "default"
        bits = 64 if config.jax_enable_x64 else 32
    return f"{bits} bits, products {products}"


@cache
def _versions() -> dict[str, str]:
    return {package: _version(package) for package in _PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
