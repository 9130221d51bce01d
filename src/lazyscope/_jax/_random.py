"""Which random numbers does a seed mean, in every process?

JAX lets a process choose another generator (``JAX_DEFAULT_PRNG_IMPL``), another way to fill arrays
(``jax_threefry_partitionable``) and an offset of every seed (``JAX_RANDOM_SEED_OFFSET``). Results here
are known by their settings, of which these are none: keys are made and used in one way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lazyscope._checks import InputError, check_count
from lazyscope._types import Key

GENERATOR = "threefry2x32"
"""Generator of every key made here."""

LARGEST_SEED = 2**63 - 1
"""Seeds are signed numbers of 64 bits in compiled programs."""


def random_key(seed: Any) -> Key:
    """The key of `seed`, whatever generator or offset this process has set for keys of its own.

    Equal to ``random_key(seed)`` in double precision under JAX's defaults.

    Args:
        seed: a whole number from 0 to 2^63 - 1, or a traced one of 64 bits.

    Raises:
        InputError: a seed that is no such number.

    Example:
        >>> jax.random.key_data(random_key(3)).tolist()
        [0, 3]
    """
    if isinstance(seed, Tracer):
        words: Any = jnp.stack([seed >> 32, seed & 0xFFFFFFFF]).astype(jnp.uint32)
    else:
        number = check_seed("seed", seed)
        words = np.array([number >> 32, number & 0xFFFFFFFF], np.uint32)
    return jax.random.wrap_key_data(words, impl=GENERATOR)


@contextmanager
def pinned_random() -> Iterator[None]:
    """Inside, a key gives the same numbers in every process: arrays are filled in one way."""
    with jax.threefry_partitionable(True):
        yield


def check_seed(name: str, value: Any) -> int:
    """Return `value` as an int if a program can take it as a seed, or refuse it."""
    seed = check_count(name, value, minimum=0)
    if seed > LARGEST_SEED:
        raise InputError(
            f"{name} must be below 2^63",
            received=f"{seed:.3g}" if seed < 10**300 else "a number of more than 300 digits",
            cause="a hash or a time in other units, used as a seed",
            fix="give a smaller whole number; every one from 0 to 2^63 - 1 is another seed",
        )
    return seed
