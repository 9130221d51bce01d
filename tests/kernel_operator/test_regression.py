"""Is regression by conjugate gradients that of the whole kernel, and does it survive what happens?"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernel_operator import killed_solution
from lazyscope._checks import InputError
from lazyscope._file import _checkpoint
from lazyscope._outcome import Outcome
from lazyscope.operator import (
    PreconditionerSettings,
    kernel_operator,
    solve_kernel_regression,
)


def points(n, d=6, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def dot(a, b):
    return a @ b.T


def angular(a, b):
    """The covariance of a rectified layer (Cho & Saul 2009, equation 6, n = 1)."""
    sizes = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    cosine = np.clip(a @ b.T / sizes, -1, 1)
    return sizes * (np.sqrt(1 - cosine**2) + (np.pi - np.arccos(cosine)) * cosine) / np.pi


@pytest.mark.parametrize("pivots", ["random", "greedy"])
@pytest.mark.parametrize("outputs", [(), (3,)])
def test_the_solution_is_that_of_the_whole_matrix(pivots, outputs):
    x, other = points(50), points(5, seed=2)
    y = np.random.default_rng(1).standard_normal((50, *outputs))
    operator = kernel_operator(angular, x, tile=16)
    settings = PreconditionerSettings(rank=10, pivots=pivots)
    found = solve_kernel_regression(
        operator, y, ridge=0.01, tolerance=1e-11, preconditioner=settings
    )
    k = angular(x, x)
    expected = np.linalg.solve(k + 0.01 * np.eye(50), y)
    np.testing.assert_allclose(found.coefficients, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        found.predict(other),
        angular(other, x) @ expected,
        rtol=1e-8,
        atol=1e-9,
    )
    np.testing.assert_allclose(found.outputs(), k @ expected, rtol=1e-8, atol=1e-9)
    assert (found.outcome, found.rank) == (Outcome.CONVERGED, 10)
    left = np.linalg.norm(y - (k + 0.01 * np.eye(50)) @ found.coefficients, axis=0)
    np.testing.assert_allclose(found.residual, np.max(left / np.linalg.norm(y, axis=0)), rtol=1e-2)


def test_a_preconditioner_of_full_rank_solves_at_once_and_a_larger_one_sooner():
    x, y = points(60), points(60, 1, seed=1)
    operator = kernel_operator(angular, x, tile=16)
    counts = [
        solve_kernel_regression(
            operator, y, ridge=1e-3, tolerance=1e-8, preconditioner=PreconditionerSettings(rank)
        ).iterations
        for rank in (0, 20, 60)
    ]
    assert counts[0] > counts[1] > counts[2]
    assert counts[2] <= 2


def test_a_target_of_zero_has_coefficients_of_zero():
    x = points(20)
    y = np.stack([np.zeros(20), np.ones(20)], axis=1)
    found = solve_kernel_regression(kernel_operator(angular, x), y, ridge=1.0)
    assert found.outcome is Outcome.CONVERGED
    assert np.all(found.coefficients[:, 0] == 0)


def test_without_a_ridge_what_is_rounding_is_left_to_one_and_said():
    x = points(40, 3).astype(np.float32)
    operator = kernel_operator(dot, x)
    found = solve_kernel_regression(operator, (x @ np.ones(3)), ridge=0.0)
    largest = np.linalg.eigvalsh(x.astype(float) @ x.T.astype(float))[-1]
    np.testing.assert_allclose(found.rounding, 40 * 2.0**-23 * largest, rtol=1e-3)
    assert found.ridge == found.rounding
    assert "was added, below which eigenvalues are rounding" in found.sentence
    small = solve_kernel_regression(operator, (x @ np.ones(3)), ridge=found.rounding / 4)
    assert small.ridge == found.rounding / 4
    assert "in their directions the ridge of" in small.sentence


def test_equal_points_need_a_ridge():
    x = points(20)
    x[13] = x[4]
    operator = kernel_operator(angular, x)
    with pytest.raises(InputError, match="points 4 and 13, which are equal"):
        solve_kernel_regression(operator, np.ones(20), ridge=0.0)
    assert solve_kernel_regression(operator, np.ones(20), ridge=0.1).outcome.ok


def test_steps_that_run_out_are_an_outcome():
    operator = kernel_operator(angular, points(60))
    none = PreconditionerSettings(rank=0)
    found = solve_kernel_regression(
        operator, points(60, 1), ridge=1e-6, max_steps=2, preconditioner=none
    )
    assert (found.outcome, found.iterations) == (Outcome.OUT_OF_STEPS, 2)
    assert found.sentence.startswith("The steps ran out after 2 iterations")


def test_a_kernel_that_is_not_positive_stalls_instead_of_answering():
    x = points(30)
    operator = kernel_operator(lambda a, b: a @ b.T - 3.0 * (a[:, :1] @ b[:, :1].T), x)
    found = solve_kernel_regression(
        operator, x[:, 0], ridge=1e-3, preconditioner=PreconditionerSettings(0)
    )
    assert found.outcome is Outcome.STALLED


def test_progress_names_stage_and_residual():
    told = []
    x = points(40)
    found = solve_kernel_regression(
        kernel_operator(angular, x), x[:, 0], ridge=0.1, progress=told.append
    )
    assert {p.stage for p in told} == {"preconditioner", "iterations"}
    assert told[-1].done == found.iterations
    assert told[-1].residual == found.history[-1] <= 1e-6


class InterruptionError(Exception):
    """What ends a solution in this process."""


def test_a_solution_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(_checkpoint, "SECONDS_BETWEEN", 0.0)

    def end(progress):
        if progress.stage == "iterations" and progress.done == 5:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        killed_solution.solve(tmp_path, end)
    told = []
    resumed = killed_solution.solve(tmp_path, told.append)
    assert min(p.done for p in told if p.stage == "iterations") == 6
    whole = killed_solution.solve(tmp_path / "other")
    np.testing.assert_array_equal(resumed.coefficients, whole.coefficients)


@pytest.mark.slow
def test_a_solution_goes_on_where_its_process_was_killed(tmp_path):
    script = [sys.executable, killed_solution.__file__, str(tmp_path), "5"]
    assert subprocess.run(script, check=False).returncode == -9
    told = []
    resumed = killed_solution.solve(tmp_path, told.append)
    assert min(p.done for p in told if p.stage == "iterations") in (5, 6)
    (tmp_path / "other").mkdir()
    whole = killed_solution.solve(tmp_path / "other")
    np.testing.assert_array_equal(resumed.coefficients, whole.coefficients)
    assert resumed.iterations == whole.iterations


def test_a_checkpoint_of_another_problem_is_refused(tmp_path):
    operator, path = kernel_operator(angular, points(20)), tmp_path / "c.npz"
    solve_kernel_regression(operator, np.ones(20), ridge=0.1, checkpoint=path)
    assert solve_kernel_regression(operator, np.ones(20), ridge=0.1, checkpoint=path).outcome.ok
    with pytest.raises(InputError, match="the checkpoint of another problem"):
        solve_kernel_regression(operator, np.ones(20), ridge=0.2, checkpoint=path)
    Path(path).write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="a file that is no checkpoint"):
        solve_kernel_regression(operator, np.ones(20), ridge=0.1, checkpoint=path)


def test_a_checkpoint_that_cannot_be_written_is_told_before_and_loses_nothing(
    tmp_path, monkeypatch
):
    operator = kernel_operator(lambda a, b: a @ b.T, np.eye(3))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="A checkpoint must be a file that can be written"):
        solve_kernel_regression(
            operator, np.ones(3), ridge=1.0, checkpoint=tmp_path / "file" / "c.npz"
        )

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_checkpoint, "write_bytes_whole", full)
    with pytest.warns(RuntimeWarning, match="A checkpoint must be.*full disk"):
        found = solve_kernel_regression(
            operator, np.ones(3), ridge=1.0, checkpoint=tmp_path / "c.npz"
        )
    np.testing.assert_allclose(found.coefficients, 0.5)


def test_targets_that_do_not_fit_are_refused():
    operator = kernel_operator(angular, points(20))
    for wrong in (np.ones(19), np.ones((20, 1, 1)), np.full(20, np.nan)):
        with pytest.raises(InputError, match=r"[Tt]argets must"):
            solve_kernel_regression(operator, wrong, ridge=0.1)
    with pytest.raises(InputError, match="an eigenvalue above zero"):
        solve_kernel_regression(kernel_operator(dot, np.zeros((4, 2))), np.ones(4), ridge=0.1)


def test_the_rank_grows_with_the_points_and_never_exceeds_them():
    ranks = [PreconditionerSettings().rank_of(n) for n in (1, 5, 5000, 20_000, 50_000, 10**6)]
    assert ranks == [1, 1, 500, 1000, 2500, 3000]
    assert PreconditionerSettings(rank=7).rank_of(5) == 7
