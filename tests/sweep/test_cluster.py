"""Does a sweep end well on a real scheduler, with workers that die or a scheduler that does?"""

import os
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from lazyscope._checks import InputError
from lazyscope.sweep import SchedulerLostError, SweepDesign, open_store, run_sweep
from lazyscope.sweep._cluster import ClusterWorkers, connected
from lazyscope.sweep._run import run_sweep_with
from lazyscope.sweep._workers import ThreadWorkers
from sweep.cluster_cases import broken_work, deadly_work, slow_work, work
from sweep.store_cases import made_up, small_design

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
    ) as local:
        yield local


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as connection:
        connection.wait_for_workers(3, timeout=60)
        yield connection


def start(module, *arguments):
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--no-dashboard"]
    paths = os.pathsep.join(sys.path)
    return subprocess.Popen(
        command, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths}
    )


def kill_after_first_batch(store, process):
    while not list(store.glob("runs/*.zip")):
        time.sleep(0.02)
    process.kill()


def outcomes(path):
    return open_store(path)["outcome"].values.tolist()


def test_worker_processes_do_every_run_once(client, tmp_path):
    sweep = small_design(num_widths=5)
    summary = run_sweep_with(ClusterWorkers(client), work, sweep, tmp_path)
    assert summary.complete
    assert ClusterWorkers(client).num_workers == 3
    expected = [made_up(cell).outcome.label for cell in sweep.cells()]
    assert [label for row in outcomes(tmp_path) for label in row] == expected


def test_runs_of_killed_workers_are_done_elsewhere(client, tmp_path):
    sweep = small_design(num_widths=5)
    work_once = partial(deadly_work, folder=str(tmp_path))
    summary = run_sweep_with(ClusterWorkers(client), work_once, sweep, tmp_path / "store")
    assert list(tmp_path.glob("tried-*")), "no worker was killed"
    assert summary.complete
    assert not summary.errors


def test_a_unit_that_raises_is_counted_and_the_others_go_on(client, tmp_path):
    sweep = small_design(num_widths=3)
    summary = run_sweep_with(ClusterWorkers(client), broken_work, sweep, tmp_path)
    assert summary.errors == {"ArithmeticError: a bad number": 4}
    assert summary.num_done == 8


def test_real_runs_on_a_cluster_equal_those_in_process(client, cluster, tmp_path):
    sweep = SweepDesign(axes={"seed": [0, 1]}, fixed={"scheme": "ntk", "width": 8})
    assert run_sweep(sweep, tmp_path / "far", scheduler=client).complete
    assert run_sweep(sweep, tmp_path / "near").complete
    far, near = open_store(tmp_path / "far"), open_store(tmp_path / "near")
    assert (far["loss_final"].values == near["loss_final"].values).all()
    again = run_sweep(sweep, tmp_path / "far", scheduler=cluster.scheduler_address)
    assert again.num_before == 2


def test_an_address_without_a_scheduler_is_refused():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}),
        pytest.raises(InputError, match="scheduler must answer"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_lost_scheduler_leaves_the_store_whole(tmp_path):
    address = tmp_path / "scheduler.json"
    scheduler = start(
        "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", address
    )
    while not address.exists():
        time.sleep(0.05)
    worker = start("dask_worker", "--scheduler-file", address, "--nthreads", "1", "--no-nanny")
    sweep = small_design(num_widths=20, num_seeds=2)
    store = tmp_path / "store"
    try:
        with distributed.Client(scheduler_file=str(address), timeout=5) as client:
            client.wait_for_workers(1, timeout=60)
            threading.Thread(
                target=kill_after_first_batch, args=(store, scheduler), daemon=True
            ).start()
            with pytest.raises(SchedulerLostError, match="Finished runs are in the store"):
                run_sweep_with(ClusterWorkers(client), slow_work, sweep, store)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
    finished = open_store(store).attrs["num_finished"]
    assert 0 < finished < sweep.num_cells
    summary = run_sweep_with(ThreadWorkers(2), work, sweep, store)
    assert summary.num_before == finished
    assert summary.complete


def test_a_connection_that_breaks_is_named_for_what_it_is():
    class Broken:
        scheduler = None
        status = "closed"

        def nthreads(self):
            raise OSError("Timed out trying to connect")

        submit = nthreads

    with pytest.raises(SchedulerLostError, match="was lost"):
        _ = ClusterWorkers(Broken()).num_workers
