"""What decides the numbers of a run beside its settings, in this process?"""

import hashlib
import os
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any

import jax

from lazyscope._jax import GENERATOR, pinned_random, random_key
from lazyscope._provenance import source_digest, versions

_PACKAGES = ("lazyscope", "jax", "jaxlib", "numpy")


def fingerprint() -> dict[str, str]:
    """Versions, the digest of the package's own files, precision and random numbers, by their names.

    Equal in two processes that give the same numbers for the same settings and data.
    """
    return {
        **versions(*_PACKAGES),
        "source of lazyscope": source_digest(),
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
