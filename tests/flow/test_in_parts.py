"""Is a run in parts the run in one, and does it go on after its process was killed?"""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from flow import killed_flow
from lazyscope._checks import InputError
from lazyscope._file import _checkpoint
from lazyscope.flow import OptimiserSteps, solve_flow


def same(one, other):
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(left, right)


def close(one, other):
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


class InterruptionError(Exception):
    pass


def test_a_run_that_is_shown_is_the_run_that_is_not_and_goes_on_where_it_was_stopped(
    tmp_path, monkeypatch
):
    told = []
    shown = killed_flow.solve(progress=told.append)
    close(shown, killed_flow.solve())
    assert shown.outcome.ok
    assert told[-1].num_tried == int(shown.num_tried)
    assert told[-1].loss == float(shown.loss)
    assert told[-1].time == float(shown.time)
    assert [p.num_tried for p in told] == sorted({p.num_tried for p in told})

    monkeypatch.setattr(_checkpoint, "SECONDS_BETWEEN", 0.0)
    path = tmp_path / "run.npz"

    def end(progress):
        if progress.num_tried >= 3:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        killed_flow.solve(path, end)
    first = []
    same(killed_flow.solve(path, first.append), shown)
    assert first[0].num_tried > 3
    first.clear()
    same(killed_flow.solve(path, first.append), shown)  # a finished one has nothing left to do
    assert not first


def test_a_run_out_of_steps_goes_on_with_more_of_them(tmp_path):
    path = tmp_path / "run.npz"
    short = killed_flow.solve(path, max_steps=2)
    assert short.outcome.name == "OUT_OF_STEPS"
    told = []
    same(killed_flow.solve(path, told.append), killed_flow.solve(progress=lambda _: None))
    assert told[0].num_tried > 2


def test_the_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    killed_flow.solve(path, max_steps=1)
    other = killed_flow.problem(1.5)
    for wrong in ({"given": other}, {"stop": 0.5}, {"num_records": 8}):
        with pytest.raises(InputError, match="the checkpoint of another problem"):
            killed_flow.solve(path, max_steps=1, **wrong)
    with pytest.raises(InputError, match="the checkpoint of another problem"):
        solve_flow(killed_flow.problem(), OptimiserSteps("adam", share=0.1), checkpoint=path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="a file that is no checkpoint"):
        killed_flow.solve(path, max_steps=1)


def test_an_optimiser_goes_on_with_its_moments(tmp_path):
    adam = OptimiserSteps("adam", share=0.05)
    path, given = tmp_path / "run.npz", killed_flow.problem()
    solve_flow(given, adam, stop=0.2, max_steps=3, checkpoint=path)
    ended = solve_flow(given, adam, stop=0.2, checkpoint=path)
    close(ended, solve_flow(given, adam, stop=0.2))


@pytest.mark.slow
def test_a_run_goes_on_where_its_process_was_killed(tmp_path):
    path = tmp_path / "run.npz"
    script = [sys.executable, killed_flow.__file__, str(path), "3"]
    assert subprocess.run(script, check=False).returncode == -9
    assert Path(path).exists()
    told = []
    resumed = killed_flow.solve(path, told.append, method=killed_flow.PRODUCTS)
    assert told[0].num_tried > 3
    same(resumed, killed_flow.solve(progress=lambda _: None, method=killed_flow.PRODUCTS))
