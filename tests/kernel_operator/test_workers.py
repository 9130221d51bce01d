"""Do workers of a cluster multiply as one process does, and outlive each other?"""

import os
import signal

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.operator import limit_kernel_operator, solve_kernel_regression

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
RELU = {"depth": 2, "activation": "relu", "weight_std": 2**0.5}
OPTIONS = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": None}


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, processes=True, **OPTIONS) as local:
        yield local


def test_workers_give_what_one_process_gives_also_after_one_has_died(cluster, tmp_path):
    x = np.random.default_rng(0).standard_normal((70, 5))
    v = np.random.default_rng(1).standard_normal((70, 2))
    here = limit_kernel_operator(x, tile=16, **RELU)
    settings = {"tile": 16, "folder": tmp_path / "tiles", "memory": 16.0**2 * 8 * 9, **RELU}
    there = limit_kernel_operator(x, scheduler=cluster.scheduler_address, **settings)
    expected = here.product(v)
    for _ in range(2):
        np.testing.assert_allclose(there.product(v), expected, rtol=1e-12)
    chunks = list((tmp_path / "tiles" / "c").iterdir())
    assert len(chunks) == 15 - 2 * 3  # three in the memory of each worker
    worker = next(iter(cluster.workers.values()))
    os.kill(worker.pid, signal.SIGKILL)
    np.testing.assert_allclose(there.product(v), expected, rtol=1e-12)
    found = solve_kernel_regression(there, v, ridge=0.1, tolerance=1e-9)
    whole = solve_kernel_regression(here, v, ridge=0.1, tolerance=1e-9)
    np.testing.assert_allclose(found.coefficients, whole.coefficients, rtol=1e-6, atol=1e-8)


def test_a_scheduler_that_does_not_answer_is_refused():
    with pytest.raises(InputError, match="scheduler must answer at its address"):
        limit_kernel_operator(np.eye(3), scheduler="nowhere", **RELU)
