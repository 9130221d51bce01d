"""How many cores may this process use, and how do threads share work?"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Cores that this process may run on; those of the machine where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(
    function: Callable[[Item], Result], given: Sequence[Item], threads: int
) -> list[Result]:
    """The results of `function` in order; computed one after the other where one thread is enough.

    JAX's settings are those of a thread: a function that needs them enters them itself.
    """
    if min(threads, len(given)) <= 1:
        return [function(each) for each in given]
    with ThreadPoolExecutor(min(threads, len(given))) as pool:
        return list(pool.map(function, given))
