"""How much faster are two worker processes than one, and how much two threads?

The 363 runs at width 3108 of the two-layer plane, programs compiled beforehand in every process. Each
worker is one thread; one and two take turns, and the best times are compared. A busy machine makes the
ratio meaningless: look at the load.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster

from lazyscope.sweep import SweepDesign
from lazyscope.sweep._batch import run_unit
from lazyscope.sweep._cluster import ClusterWorkers
from lazyscope.sweep._run import run_sweep_with
from lazyscope.sweep._workers import AbstractWorkers, ThreadWorkers

REPEATS = 3

DESIGN = SweepDesign(
    axes={
        "gamma": {"from": 0.25, "to": 1.75, "num": 11},
        "gamma_prime": {"from": -0.5, "to": 1.0, "num": 11},
        "seed": [0, 1, 2],
    },
    fixed={"width": 3108},
)


def seconds(workers: AbstractWorkers) -> float:
    """Wall time of the sweep with these workers."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run_sweep_with(workers, run_unit, DESIGN, folder)
        return time.perf_counter() - began


def warm_up() -> int:
    """Compile the program in this process."""
    return len(run_unit([next(DESIGN.cells())], record=DESIGN.record))


def run() -> dict[str, Any]:
    warm_up()
    samples: dict[str, list[float]] = {}
    with cluster_of(1) as one, cluster_of(2) as two:
        contestants: dict[str, Callable[[], AbstractWorkers]] = {
            "one worker process": lambda: ClusterWorkers(one),
            "two worker processes": lambda: ClusterWorkers(two),
            "one thread": lambda: ThreadWorkers(1),
            "two threads": lambda: ThreadWorkers(2),
        }
        for _ in range(REPEATS):
            for name, workers in contestants.items():
                samples.setdefault(name, []).append(seconds(workers()))
    rows = [
        {
            "workers": kind,
            "one_s": min(samples[f"one {single}"]),
            "two_s": min(samples[f"two {several}"]),
            "times_faster": min(samples[f"one {single}"]) / min(samples[f"two {several}"]),
            "asked": asked,
        }
        for kind, single, several, asked in (
            ("processes", "worker process", "worker processes", 1.8),
            ("threads", "thread", "threads", None),
        )
    ]
    return {"rows": rows, "samples": samples, "unit": "seconds of wall time"}


@contextmanager
def cluster_of(count: int) -> Iterator[Client]:
    """Client of `count` worker processes of one thread each, programs compiled."""
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(count, **options) as cluster, Client(cluster) as client:
        client.wait_for_workers(count)
        client.run(warm_up)
        yield client
