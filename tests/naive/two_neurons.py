"""Two layers whose neurons grow under a push of fixed direction: the flow itself, step by step.

a' = s_2 w and w' = s_1 a for every neuron, from independent Gaussian starts, until the sum of a w has
risen by the gap. Classical Runge-Kutta steps; nothing is solved in closed form.
"""

import numpy as np


def grown(alpha, speed, gap, *, neurons=200_000, seed=0, step=2e-3):
    """Relative displacements (|w - w_0| / alpha_1, |a - a_0| / alpha_2)."""
    rng = np.random.default_rng(seed)
    w_0, a_0 = (scale / np.sqrt(neurons) * rng.standard_normal(neurons) for scale in alpha)
    # Sample averages of exactly independent starts, so that few neurons are enough.
    a_0 -= w_0 * (w_0 @ a_0) / (w_0 @ w_0)
    w_0 *= alpha[0] / np.linalg.norm(w_0)
    a_0 *= alpha[1] / np.linalg.norm(a_0)
    moments = np.array([[w_0 @ w_0, 0.0], [0.0, a_0 @ a_0]])
    flow = np.array([[0.0, speed[0]], [speed[1], 0.0]])
    scale = np.sqrt(speed[0] * speed[1])
    place = np.eye(2)  # (w, a) as combinations of (w_0, a_0)

    def output(place):
        return place[0] @ moments @ place[1]

    h = step / scale
    while output(place) < gap:
        before = place
        k1 = flow @ place
        k2 = flow @ (place + h / 2 * k1)
        k3 = flow @ (place + h / 2 * k2)
        k4 = flow @ (place + h * k3)
        place = place + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    share = (gap - output(before)) / (output(place) - output(before))
    moved = before + share * (place - before) - np.eye(2)
    return tuple(np.sqrt(row @ moments @ row) / a for row, a in zip(moved, alpha, strict=True))
