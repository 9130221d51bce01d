"""How much faster are two worker processes than one, and how much two threads?

The 363 runs at width 3108 of the two-layer plane, programs compiled beforehand in every process. Each
worker is one thread; one and two take turns, and the best times are compared. Beside the wall time stands
the processor time of the client, which shares the cores with the workers. A busy machine makes the ratio
of wall times meaningless: look at the load, which is given.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster

from lazyscope.sweep import SweepDesign
from lazyscope.sweep.run._batch import run_unit
from lazyscope.sweep.run._cluster import ClusterWorkers
from lazyscope.sweep.run._run import run_sweep_with
from lazyscope.sweep.run._workers import AbstractWorkers, ThreadWorkers

REPEATS = 3

DESIGN = SweepDesign(
    axes={
        "gamma": {"from": 0.25, "to": 1.75, "num": 11},
        "gamma_prime": {"from": -0.5, "to": 1.0, "num": 11},
        "seed": [0, 1, 2],
    },
    fixed={"width": 3108},
)


def seconds(workers: AbstractWorkers) -> tuple[float, float]:
    """Wall time of the sweep with these workers, and processor time of this process."""
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        if not run_sweep_with(workers, run_unit, DESIGN, folder).complete:
            raise RuntimeError("the sweep is not complete")
        return time.perf_counter() - wall, time.process_time() - processor


def warm_up() -> int:
    """Compile the program in this process."""
    return len(run_unit([next(DESIGN.cells())], record=DESIGN.record))


def run() -> dict[str, Any]:
    warm_up()
    samples: dict[str, list[float]] = {}
    client_times: dict[str, list[float]] = {}
    with cluster_of(1) as one, cluster_of(2) as two:
        contestants: dict[str, Callable[[], AbstractWorkers]] = {
            "one worker process": lambda: ClusterWorkers(one),
            "two worker processes": lambda: ClusterWorkers(two),
            "one thread": lambda: ThreadWorkers(1),
            "two threads": lambda: ThreadWorkers(2),
        }
        for _ in range(REPEATS):
            for name, workers in contestants.items():
                wall, processor = seconds(workers())
                samples.setdefault(name, []).append(wall)
                client_times.setdefault(name, []).append(processor)
    rows = [
        {
            "workers": kind,
            "one_s": min(samples[f"one {single}"]),
            "two_s": min(samples[f"two {several}"]),
            "times_faster": min(samples[f"one {single}"]) / min(samples[f"two {several}"]),
            "asked": asked,
            "client_processor_s": min(client_times[f"two {several}"]),
        }
        for kind, single, several, asked in (
            ("processes", "worker process", "worker processes", 1.7),
            ("threads", "thread", "threads", None),
        )
    ]
    unit, load = "seconds of wall time", os.getloadavg()[0]
    return {"rows": rows, "samples": samples, "unit": unit, "load": load}


@contextmanager
def cluster_of(count: int) -> Iterator[Client]:
    """Client of `count` worker processes of one thread each, programs compiled.

    NPROC makes a process compute on one core: otherwise every one of them spreads each program over all
    cores, at half as much processor time again.
    """
    options: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": ":0"}
    options["env"] = {"NPROC": "1"}
    with (
        LocalCluster(n_workers=count, processes=True, **options) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(count)
        client.run(warm_up)
        threads: Any = client.nthreads()
        if len(threads) != count:
            raise RuntimeError(f"{len(threads)} worker processes instead of {count}")
        yield client
