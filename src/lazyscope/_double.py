"""In which settings of JAX does a computation of ours run, whatever the user's process asks for?"""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def double_precision() -> Iterator[None]:
    """Double precision inside the block, and none of the alarms meant for the user's own programs.

    A trial step may overflow and be rejected, host arrays go to the device and back, and a cached
    trace outlives the call that made it: all of that is meant.
    """
    with (
        jax.enable_x64(True),
        jax.transfer_guard("allow"),
        jax.numpy_rank_promotion("allow"),
        jax.debug_nans(False),
        jax.debug_infs(False),
        jax.checking_leaks.func(False),
    ):
        yield
