"""Is work shared among threads the work of one, also where the system does not tell its cores?"""

import os
import threading

import pytest

from lazyscope._cores import in_threads, usable_cores


def test_a_system_without_affinities_has_the_cores_of_the_machine(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()


@pytest.mark.parametrize(("threads", "some"), [(1, 1), (2, 2), (9, 3)])
def test_results_come_in_order_from_as_many_threads_as_there_is_work(threads, some):
    barrier, seen = threading.Barrier(some), set()

    def square(number):
        seen.add(threading.current_thread().name)
        barrier.wait(timeout=10)
        return number**2

    assert in_threads(square, range(some), threads) == [number**2 for number in range(some)]
    assert len(seen) == some


def test_what_a_thread_raises_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda number: 1 // number, [1, 0], 2)
