"""On how many threads does a small decomposition run?"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import scipy.linalg  # noqa: F401  (its LAPACK is the one that JAX calls on processors)
from threadpoolctl import ThreadpoolController


@contextmanager
def one_lapack_thread() -> Iterator[None]:
    """Let LAPACK use one thread inside the block; what runs in it has to be waited for in it.

    The threads of LAPACK wait for each other by spinning, next to those of XLA that have the processor
    at the same time. An eigendecomposition of 128 x 128 gains nothing from a second thread, and takes
    ten times longer on a busy machine. Blocks may overlap, in one thread or in several: the limit holds
    until the last of them is left.
    """
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


class _SharedLimit:
    """The limit of one thread, held as long as anybody needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_inside = 0
        self._limit: Any = None

    def enter(self) -> None:
        with self._lock:
            if self._num_inside == 0:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._num_inside += 1

    def leave(self) -> None:
        with self._lock:
            self._num_inside -= 1
            if self._num_inside == 0:
                self._limit.restore_original_limits()


_LIMIT = _SharedLimit()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
