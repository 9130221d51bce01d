"""How much faster are two worker processes than one, and how much two threads?

    python benchmarks/sweep_workers.py [repeats]

The 363 runs at width 3108 of the two-layer plane, programs compiled beforehand in every process. Each
worker is one thread; the ratio of the best times is printed. A busy machine makes it meaningless: the
load average is printed too.
"""

import os
import sys
import tempfile
import time

from distributed import Client, LocalCluster

from lazyscope.sweep import SweepDesign
from lazyscope.sweep._batch import run_unit
from lazyscope.sweep._cluster import ClusterWorkers
from lazyscope.sweep._run import run_sweep_with
from lazyscope.sweep._workers import AbstractWorkers, ThreadWorkers

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


def processes(count: int, repeats: int) -> float:
    """Best wall time of `count` worker processes."""
    with (
        LocalCluster(
            count, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(count)
        client.run(warm_up)
        return min(seconds(ClusterWorkers(client)) for _ in range(repeats))


def main() -> None:
    """Print times and ratios."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"load average {os.getloadavg()[0]:.1f}")
    one, two = processes(1, repeats), processes(2, repeats)
    print(f"worker processes: one {one:.1f} s, two {two:.1f} s, ratio {one / two:.2f}")
    warm_up()
    one, two = (min(seconds(ThreadWorkers(k)) for _ in range(repeats)) for k in (1, 2))
    print(f"threads: one {one:.1f} s, two {two:.1f} s, ratio {one / two:.2f}")


if __name__ == "__main__":
    main()
