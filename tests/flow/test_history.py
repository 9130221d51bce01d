"""Does a bounded loss curve keep its spacing, its size and every point inside a step?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.flow import History


@pytest.fixture(scope="module")
def record_all():
    """Curve of a run whose step k shows times k - 1/2 and k with losses 1000 minus the time."""

    @jax.jit
    def advance(history, step):
        times = step.astype(jnp.float32) - jnp.asarray([0.5, 0.0])
        return history.record(step, times, 1000.0 - times)

    def run(num_steps, size):
        history = History.empty(size, 2, jnp.dtype("float32"))
        for step in np.arange(1, num_steps + 1, dtype=np.int32):
            history = advance(history, step)
        return jax.tree.map(np.asarray, history)

    return run


@pytest.mark.parametrize("num_steps", [0, 1, 8, 9, 10, 31, 64, 257])
@pytest.mark.parametrize("size", [4, 8])
def test_records_are_evenly_spaced_in_steps_and_never_overflow(record_all, num_steps, size):
    history = record_all(num_steps, size)
    used = ~np.isnan(history.time).any(axis=1)
    assert used.sum() == history.count <= size
    np.testing.assert_array_equal(used, np.arange(size) < history.count)
    steps = history.stride * np.arange(1, history.count + 1)
    np.testing.assert_array_equal(history.time[used], steps[:, None] - np.array([0.5, 0.0]))
    np.testing.assert_array_equal(history.loss[used], 1000 - history.time[used])


@pytest.mark.parametrize("num_steps", [9, 31, 257])
def test_a_long_run_fills_half_of_the_room_up_to_its_end(record_all, num_steps):
    history = record_all(num_steps, 8)
    assert history.count >= 4
    assert num_steps - np.nanmax(history.time) < history.stride


def test_a_short_run_keeps_every_step(record_all):
    np.testing.assert_array_equal(record_all(8, 8).time[:, 1], np.arange(1, 9))


def test_the_last_step_of_a_run_is_kept_whatever_its_number():
    history = History.empty(4, 1, jnp.dtype("float32"))
    for step in range(1, 8):
        history = history.record(jnp.asarray(step, jnp.int32), *jnp.full((2, 1), float(step)))
    last = history.record(jnp.asarray(7, jnp.int32), *jnp.full((2, 1), 7.0), is_last=True)
    assert np.asarray(history.time).ravel()[:3].tolist() == [2.0, 4.0, 6.0]
    assert np.asarray(last.time).ravel().tolist() == [2.0, 4.0, 6.0, 7.0]
