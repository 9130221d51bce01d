"""Which thread looks at a module, or at a tensor that several modules share, at the moment?"""

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator

_changed = threading.Condition(threading.Lock())
_holders: dict[int, list[int]] = {}
"""The thread that holds each thing, and how many times it does; by ``id``, since a held thing is alive."""


@contextlib.contextmanager
def held(things: Iterable[object]) -> Iterator[None]:
    """No other thread holds any of the things inside; the same thread may hold them again.

    All are taken at once or none is, so that threads which share some of their things never wait for
    each other in a ring.
    """
    keys = {id(each): each for each in things}
    me = threading.get_ident()
    taken: list[int] = []
    try:
        with _changed:
            _changed.wait_for(lambda: all(_holders.get(key, (me,))[0] == me for key in keys))
            for key in keys:
                taken.append(key)
                _holders.setdefault(key, [me, 0])[1] += 1
        yield
    finally:
        with _changed:
            for key in taken:
                holder = _holders[key]
                holder[1] -= 1
                if holder[1] <= 0:
                    del _holders[key]
            _changed.notify_all()


def _after_fork() -> None:
    """Of the threads that hold something, a forked child has only the one that forked."""
    global _changed
    _changed = threading.Condition(threading.Lock())
    me = threading.get_ident()
    for key in [key for key, (thread, _) in _holders.items() if thread != me]:
        del _holders[key]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
