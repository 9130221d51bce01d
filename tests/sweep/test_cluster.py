"""Does a sweep end well on a real scheduler, with workers that die or a scheduler that does?"""

import json
import os
import subprocess
import sys
import threading
import time
from functools import partial

import jax
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.sweep import SchedulerLostError, StoreError, SweepDesign, open_store, run_sweep
from lazyscope.sweep.run._cluster import ClusterWorkers, connected
from lazyscope.sweep.run._run import run_sweep_with
from lazyscope.sweep.run._workers import ThreadWorkers
from sweep.cluster_cases import (
    broken_work,
    deadly_work,
    multiply_with,
    pretend_other_version,
    slow_work,
    some_bad_work,
    work,
)
from sweep.store_cases import made_up, small_design

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


COMPILED_AS_HERE = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": str(int(jax.config.read("jax_disable_most_optimizations")))
}
OPTIONS = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": None}


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=3, processes=True, env=COMPILED_AS_HERE, **OPTIONS
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_unit_that_raises_is_counted_and_the_others_go_on(client, tmp_path):
    sweep = small_design(num_widths=3)
    summary = run_sweep_with(ClusterWorkers(client), broken_work, sweep, tmp_path)
    assert summary.errors == {"ArithmeticError: a bad number (width = 2)": 4}
    assert summary.num_done == 8


def test_a_run_that_raises_costs_no_other_run_of_its_unit(client, tmp_path):
    sweep = small_design(num_widths=3)
    summary = run_sweep_with(ClusterWorkers(client), some_bad_work, sweep, tmp_path)
    assert summary.errors == {"ArithmeticError: a bad number (seed = 1)": 3}
    assert summary.num_done == 9


@pytest.fixture(scope="module")
def other_worker():
    """Client of one worker process, whose random settings are other ones."""
    environment = {"JAX_DEFAULT_PRNG_IMPL": "rbg", "JAX_RANDOM_SEED_OFFSET": "3"}
    environment |= COMPILED_AS_HERE
    with (
        distributed.LocalCluster(n_workers=1, processes=True, env=environment, **OPTIONS) as local,
        distributed.Client(local) as connection,
    ):
        connection.wait_for_workers(1, timeout=60)
        yield connection


@pytest.fixture
def data_file(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(6, 3)), y=rng.normal(size=6))
    (tmp_path / "elsewhere").mkdir()
    np.savez(tmp_path / "elsewhere" / "d.npz", x=rng.normal(size=(6, 3)), y=rng.normal(size=6))
    return tmp_path / "d.npz"


def on_data(name):
    fixed = {"scheme": "ntk", "data": str(name), "num_points": 4, "width": 8, "stop": 0.5}
    return SweepDesign(axes={"seed": [0, 1]}, fixed=fixed)


def refused(client, sweep, store, message):
    with pytest.raises(StoreError, match=message):
        run_sweep_with(ClusterWorkers(client), work, sweep, store)
    assert open_store(store).attrs["num_finished"] == 0


@pytest.mark.slow
def test_a_worker_with_other_random_settings_gives_the_same_numbers(
    other_worker, data_file, tmp_path
):
    assert run_sweep(on_data(data_file), tmp_path / "far", scheduler=other_worker).complete
    run_sweep(on_data(data_file), tmp_path / "near")
    far, near = open_store(tmp_path / "far"), open_store(tmp_path / "near")
    np.testing.assert_array_equal(far["loss_initial"], near["loss_initial"])
    assert "worker" in json.loads(far.attrs["batches"])[0]


def test_a_worker_with_another_precision_is_refused_by_name(other_worker, data_file, tmp_path):
    (address,) = other_worker.nthreads()
    other_worker.run(multiply_with, "bfloat16")
    told = rf"{address}.*precision: 64 bits, products bfloat16 instead of 64 bits, products default"
    refused(other_worker, on_data(data_file), tmp_path / "store", told)
    other_worker.run(multiply_with, None)


def test_a_worker_with_other_data_behind_a_path_is_refused_by_name(
    other_worker, data_file, tmp_path, monkeypatch
):
    (address,) = other_worker.nthreads()
    other_worker.run(os.chdir, str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    refused(other_worker, on_data("d.npz"), tmp_path / "store", rf"{address}.*d\.npz.*instead of")


def test_a_worker_with_another_package_is_refused_by_name(other_worker, data_file, tmp_path):
    (address,) = other_worker.nthreads()
    other_worker.run(pretend_other_version)
    told = rf"{address}.*source of lazyscope: 0123456789abcdef instead of"
    refused(other_worker, on_data(data_file), tmp_path / "store", told)


@pytest.mark.slow
def test_a_cluster_without_workers_says_so_and_waits(tmp_path):
    options = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(n_workers=0, **options) as local,
        distributed.Client(local) as client,
    ):
        began, told = time.monotonic(), []

        def start_worker(sentence):
            told.append((time.monotonic() - began, sentence))
            local.scale(1)

        workers = ClusterWorkers(client)
        workers.tell = start_worker
        assert run_sweep_with(workers, work, small_design(), tmp_path).complete
    assert told[0][0] < 10
    assert f"dask worker {local.scheduler_address}" in told[0][1]


def test_a_run_that_does_not_fit_into_a_worker_is_refused_before_any_is_made(tmp_path):
    sweep = SweepDesign(axes={"width": [4000]}, fixed={"scheme": "ntk", "depth": 2})
    options = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(n_workers=1, memory_limit="100MB", **options) as local,
        distributed.Client(local) as client,
        pytest.raises(InputError, match="must fit into memory"),
    ):
        run_sweep(sweep, tmp_path / "store", scheduler=client)
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_connection_that_breaks_is_named_for_what_it_is():
    class Broken:
        scheduler = None
        status = "closed"

        def nthreads(self):
            raise OSError("Timed out trying to connect")

        submit = nthreads

    with pytest.raises(SchedulerLostError, match="was lost"):
        _ = ClusterWorkers(Broken()).num_workers
