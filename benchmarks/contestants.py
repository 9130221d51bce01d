"""What do the other ways of following gradient flow look like, written as lean as they can be?"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp

from lazyscope.flow import Problem, dense_problem, in_double
from lazyscope.model import Dense


def ntk_like_problem(
    data: Any, *, width: int, depth: int, activation: str, seed: int = 0
) -> Problem:
    """W1 of entries of deviation one on inputs of norm one, m^-1/2 above: rho = 1/2.

    Rectifiers get He's factor sqrt(2) in every layer that one follows.
    """
    inputs, outputs = data.x_train.shape[1], data.y_train.shape[1]
    model = Dense(inputs, outputs, width, depth, activation)
    gain = 2.0**0.5 if activation == "relu" else 1.0
    std = [gain] + [gain * width**-0.5] * (depth - 1) + [width**-0.5]
    params = model.init_from_std(jax.random.key(seed), std)
    return in_double(dense_problem(model, params, data.x_train, data.y_train))


def plain_descent(problem: Problem) -> Callable[..., tuple[Any, Any, Any]]:
    """Descent theta <- theta - eta grad R in a compiled loop; the loss comes with the gradient, no history.

    The answer, (params, steps, loss), is a pure function of (params, eta, level, most steps).
    """
    loss_and_gradient = jax.value_and_grad(lambda p: problem.loss(problem.residual(p)))

    def descend(params, eta, level, most_steps):
        def running(state):
            _, loss, _, step = state
            return (loss > level) & (step < most_steps)

        def step(state):
            params, _, gradient, count = state
            params = jax.tree.map(lambda p, g: p - eta * g, params, gradient)
            return params, *loss_and_gradient(params), count + 1

        start = (params, *loss_and_gradient(params), jnp.asarray(0, jnp.int32))
        params, loss, _, count = jax.lax.while_loop(running, step, start)
        return params, count, loss

    return descend


class Extrapolated(NamedTuple):
    """Steps and seconds that an explicit solver needs for a flow time, from a part of it."""

    steps: float
    seconds: float
    share_done: float


def explicit_solver(problem: Problem, end: float, *, budget: float) -> Extrapolated:
    """Tsit5 of diffrax (rtol 1e-3) in parameter space, as far as the budget of seconds allows.

    Its steps are as long as stability allows once it has started, so the rest is counted like the last
    stretch, which is half of what was done. Compilation is not counted.
    """
    controller = diffrax.PIDController(rtol=1e-3, atol=1e-6)
    gradient = jax.grad(lambda p: problem.loss(problem.residual(p)))
    term = diffrax.ODETerm(lambda t, p, args: jax.tree.map(jnp.negative, gradient(p)))

    @jax.jit
    def solve(params, start, stop):
        solution = diffrax.diffeqsolve(
            term,
            diffrax.Tsit5(),
            start,
            stop,
            None,
            params,
            saveat=diffrax.SaveAt(t1=True),
            stepsize_controller=controller,
            max_steps=None,
        )
        return jax.tree.map(lambda leaf: leaf[-1], solution.ys), solution.stats["num_steps"]

    jax.block_until_ready(solve(problem.params, jnp.asarray(0.0), jnp.asarray(end * 1e-6)))
    params, now, steps, spent, target = problem.params, 0.0, 0, 0.0, 1e-3 * end
    marks = [(now, steps, spent)]
    while now < end and spent < budget:
        begin = time.perf_counter()
        params, more = solve(params, jnp.asarray(now), jnp.asarray(target))
        steps += int(more)
        spent += time.perf_counter() - begin
        now, target = target, min(2.0 * target, end)
        marks.append((now, steps, spent))
    return _extend(marks, end)


def _extend(marks: list[tuple[float, int, float]], end: float) -> Extrapolated:
    (before, steps_before, spent_before), (now, steps, spent) = marks[-2:]
    rest = max(end - now, 0.0) / (now - before)
    return Extrapolated(
        steps + rest * (steps - steps_before),
        spent + rest * (spent - spent_before),
        min(now / end, 1.0),
    )
