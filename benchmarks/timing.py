"""How is the time of one program compared with another's on a machine that is never quite idle?

Compilation is timed apart. Contestants take turns, so that whatever else the machine does hits all of
them; what is reported is a ratio, of the shortest samples and of the medians.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np


class Compiled(NamedTuple):
    """A program ready to run, and the seconds that its compilation took."""

    call: Callable[..., Any]
    compile_seconds: float


def compiled(function: Callable[..., Any], *arguments: Any) -> Compiled:
    """Compile `function` for arguments like these, without running it."""
    start = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    return Compiled(program, time.perf_counter() - start)


def seconds(call: Callable[[], Any]) -> float:
    """Time of one call until its numbers are there."""
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def interleaved(contestants: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every contestant, taking turns; one round of each beforehand is not counted."""
    for call in contestants.values():
        jax.block_until_ready(call())
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, call in contestants.items():
            samples[name].append(seconds(call))
    return samples


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """How many times longer `slow` takes: shortest against shortest, median against median."""
    return {
        "minima": float(min(slow) / min(fast)),
        "medians": float(np.median(slow) / np.median(fast)),
    }
