"""On how many threads does a small decomposition run?"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_lapack_thread() -> Iterator[None]:
    """Let LAPACK use one thread inside the block; what runs in it has to be waited for in it.

    The threads of LAPACK wait for each other by spinning, next to those of XLA that have the processor
    at the same time. An eigendecomposition of 128 x 128 gains nothing from a second thread, and takes
    ten times longer on a busy machine.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  (its LAPACK is the one that JAX calls on processors)

    return ThreadpoolController()
