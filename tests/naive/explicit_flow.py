"""Gradient flow in parameter space by a general explicit solver: d W_l / dt = - s_l dR / dW_l."""

import numpy as np
from scipy.integrate import solve_ivp

from naive.dense import gradient


def explicit_flow(
    weights, x, y, activation, *, speeds=None, scale=1.0, level=None, time=None, rtol=1e-8
):
    """Follow the flow to a loss `level` or a `time`: final weights and the time that it took."""
    shapes = [w.shape for w in weights]
    speeds = np.ones(len(weights)) if speeds is None else speeds

    def unpack(theta):
        ends = np.cumsum([a * b for a, b in shapes])[:-1]
        return [
            part.reshape(shape) for part, shape in zip(np.split(theta, ends), shapes, strict=True)
        ]

    def velocity(_, theta):
        _, parts = gradient(unpack(theta), x, y, activation, scale)
        return -np.concatenate([s * g.ravel() for s, g in zip(speeds, parts, strict=True)])

    def above(_, theta):
        return gradient(unpack(theta), x, y, activation, scale)[0] - level

    above.terminal = True
    start = np.concatenate([w.ravel() for w in weights])
    end = solve_ivp(
        velocity,
        (0, 1e9 if time is None else time),
        start,
        method="DOP853",
        rtol=rtol,
        atol=rtol * 1e-3 * np.abs(start).mean(),
        events=None if level is None else above,
        t_eval=None if time is None else [time],
    )
    if level is not None:
        return unpack(end.y_events[0][0]), end.t_events[0][0]
    return unpack(end.y[:, -1]), end.t[-1]
