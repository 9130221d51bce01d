"""Do closed forms of momentum follow the recurrence and the differential equation?"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lazyscope._checks import InputError
from lazyscope.kernel import GradientFlow, HeavyBallFlow, HeavyBallSteps

RATES = np.array([0.0, 1e-9, 1e-3, 0.0529, 0.25, 1.0, 1.7, 3.0])


def stepped(moves, beta, steps):
    """s_k by the recurrence."""
    before = now = np.ones_like(moves)
    for _ in range(steps):
        before, now = now, (1 + beta - moves) * now - beta * before
    return now


@pytest.mark.parametrize("beta", [0.0, 1e-8, 0.25, 0.5, 0.81, 0.99])
@pytest.mark.parametrize("steps", [0, 1, 2, 7, 200])
def test_steps_with_momentum_are_the_recurrence(beta, steps):
    critical = np.array([(1 - beta**0.5) ** 2, (1 + beta**0.5) ** 2, 1.999 * (1 + beta)])
    moves = np.concatenate(
        [RATES[:6] * 1.5, critical, critical * (1 - 1e-9), critical * (1 + 1e-9)]
    )
    found = HeavyBallSteps(0.5, beta).left(2 * moves, steps)
    np.testing.assert_allclose(found, stepped(moves, beta, steps), rtol=1e-7, atol=1e-10)


def test_the_double_root_is_as_exact_as_its_neighbours():
    beta = 0.25  # (1 - 1/2)^2 = 1/4 exactly
    moves = 0.25 + np.array([-1e-14, 0.0, 1e-14])
    found = HeavyBallSteps(1.0, beta).left(moves, 10)
    np.testing.assert_allclose(found, 0.5**10 * (1 + 10 * 0.5), rtol=1e-10)


@pytest.mark.parametrize("friction", [0.1, 0.46, 1.0, 2.0, 5.0])
def test_flow_with_momentum_solves_the_oscillator(friction):
    times = np.array([0.3, 2.0, 11.0])

    def slopes(_, state):
        s, v = state.reshape(2, -1)
        return np.concatenate([v, -friction * v - RATES * s])

    start = np.concatenate([np.ones_like(RATES), np.zeros_like(RATES)])
    solved = solve_ivp(
        slopes, (0, 11), start, t_eval=times, rtol=1e-10, atol=1e-12, method="DOP853"
    )
    for t, state in zip(times, solved.y.T, strict=True):
        found = HeavyBallFlow(friction).left(RATES, t)
        np.testing.assert_allclose(found, state[: len(RATES)], rtol=0, atol=1e-8)


def test_small_steps_tend_to_the_flow_at_order_one():
    friction, t, gaps = 1.3, 4.0, []
    for h in (0.02, 0.01, 0.005):
        steps = HeavyBallSteps(h**2, 1 - friction * h).left(RATES, round(t / h))
        gaps.append(np.max(np.abs(steps - HeavyBallFlow(friction).left(RATES, t))))
    slopes = np.diff(np.log(gaps)) / np.log(0.5)
    assert np.all(np.abs(slopes - 1) < 0.15)


def test_strong_friction_is_gradient_flow_of_slower_time():
    found = HeavyBallFlow(1e5).left(RATES, 2e5)
    np.testing.assert_allclose(found, GradientFlow().left(RATES, 2.0), atol=1e-8)


@pytest.mark.parametrize("dynamics", [GradientFlow(), HeavyBallFlow(0.7), HeavyBallSteps(0.5, 0.9)])
def test_nothing_moves_at_the_start_or_at_rate_zero_and_all_is_gone_in_the_end(dynamics):
    np.testing.assert_array_equal(dynamics.left(RATES, 0.0), 1.0)
    assert np.all(dynamics.left(RATES[:1], 17.0) == 1.0)
    np.testing.assert_array_equal(dynamics.left(RATES, np.inf), RATES == 0)
    np.testing.assert_array_equal(dynamics.impulse(RATES[:1], 5.0), 0.0)
    np.testing.assert_allclose(dynamics.impulse(RATES[2:], np.inf), 1 / RATES[2:])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: HeavyBallFlow(0.0), "friction must be above zero"),
        (lambda: HeavyBallSteps(-1.0), "rate must be above zero"),
        (lambda: HeavyBallSteps(0.1, 1.0), "momentum must be at least 0 and below 1"),
        (lambda: HeavyBallSteps(0.1).check_time(1.5), "whole number of steps"),
        (lambda: HeavyBallFlow(0.1).check_time(-1.0), "time of at least 0"),
        (lambda: GradientFlow().check_time("late"), "time of at least 0"),
        (lambda: HeavyBallSteps(2.0, 0.0).left(np.ones(2), np.inf), "steps below 2"),
        (lambda: HeavyBallSteps(5e3, 0.0).left(np.ones(2), 500), "or fewer steps"),
        (lambda: HeavyBallSteps(5e3, 0.9).left(np.array([0.0, 1.0]), 500), "or fewer steps"),
    ],
)
def test_wrong_dynamics_are_refused(call, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        call()
