"""What of the whole process is held while modules are looked at, and put back by whoever leaves last?

Random states and the switch of the compiler belong to the process, not to a module or a thread. Looks of
several threads overlap, so the first one keeps them and the last one puts them back.
"""

import contextlib
import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

_lock = threading.Lock()
_inside = 0
_kept = contextlib.ExitStack()


@contextlib.contextmanager
def process_state_held() -> Iterator[None]:
    """Random states as before afterwards; compiled functions run as they were written inside."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _kept
    with _lock:
        if _inside == 0:
            _kept = _keep()
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _kept.close()


def _keep() -> contextlib.ExitStack:
    """What puts everything back when it is closed."""
    kept = contextlib.ExitStack()
    kept.callback(torch.set_rng_state, torch.get_rng_state())
    kept.callback(random.setstate, random.getstate())
    kept.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        kept.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    set_stance: Any = getattr(torch.compiler, "set_stance", None)
    if set_stance is not None and "torch._dynamo" in sys.modules:
        kept.enter_context(set_stance("force_eager"))
    return kept
