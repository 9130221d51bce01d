"""Two layers whose neurons move by signs under a push of fixed direction, step by step.

w' = q_1 sign(a), a' = q_2 sign(w) for every neuron, in units of the two starts, from independent standard
normal numbers, until the mean of a w has risen by the gap. Euler steps; nothing is solved in closed form.
"""

import numpy as np


def grown_by_signs(relative_speed, gap, *, neurons=20_000, seed=0, step=0.01):
    """Relative displacements of w and of a when the output has risen by gap kappa."""
    rng = np.random.default_rng(seed)
    w_0, a_0 = rng.standard_normal((2, neurons))
    a_0 -= w_0 * (w_0 @ a_0) / (w_0 @ w_0)
    w, a, first, second = w_0.copy(), a_0.copy(), *relative_speed
    while (risen := np.mean(w * a)) < gap:
        pace = np.mean(first * np.abs(a) + second * np.abs(w))
        # A hundredth of what is left, or of the size of the layers, whichever is the shorter.
        h = min(step * max(gap - risen, step * gap) / pace, step * (1 + risen) / pace)
        w, a = w + h * first * np.sign(a), a + h * second * np.sign(w)
    return tuple(np.sqrt(np.mean((end - start) ** 2)) for end, start in ((w, w_0), (a, a_0)))
