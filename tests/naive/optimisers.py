"""Optimisers on a list of NumPy arrays, transcribed from their papers; nothing of ours is imported.

``rule(...)`` makes ``update(k, gradients, weights) -> changes at rate one``, k = 1, 2, .. the step.
"""

import numpy as np


def sgd():
    """-G."""
    return lambda k, grads, weights: [-g for g in grads]


def momentum(beta=0.9):
    """Polyak 1964: v <- beta v + G, -v."""
    kept = []

    def update(k, grads, weights):
        kept[:] = [beta * v + g for v, g in zip(kept, grads, strict=True)] if kept else grads
        return [-v for v in kept]

    return update


def sign():
    """-sign G."""
    return lambda k, grads, weights: [-np.sign(g) for g in grads]


def adam(b1=0.9, b2=0.999, epsilon=1e-8, decay=0.0):
    """Kingma & Ba 2015, algorithm 1; the decay of Loshchilov & Hutter 2019, times the rate."""
    first, second = [], []

    def update(k, grads, weights):
        if not first:
            first.extend(np.zeros_like(g) for g in grads)
            second.extend(np.zeros_like(g) for g in grads)
        for i, g in enumerate(grads):
            first[i] = b1 * first[i] + (1 - b1) * g
            second[i] = b2 * second[i] + (1 - b2) * g**2
        return [
            -(m / (1 - b1**k)) / (np.sqrt(v / (1 - b2**k)) + epsilon) - decay * w
            for m, v, w in zip(first, second, weights, strict=True)
        ]

    return update


def lion(b1=0.9, b2=0.99, decay=0.0):
    """Chen et al. 2023 (arXiv 2302.06675), algorithm 2."""
    kept = []

    def update(k, grads, weights):
        if not kept:
            kept.extend(np.zeros_like(g) for g in grads)
        moves = [np.sign(b1 * m + (1 - b1) * g) for m, g in zip(kept, grads, strict=True)]
        kept[:] = [b2 * m + (1 - b2) * g for m, g in zip(kept, grads, strict=True)]
        return [-u - decay * w for u, w in zip(moves, weights, strict=True)]

    return update


def muon(beta=0.95, epsilon=1e-8, steps=5):
    """Jordan 2024 for matrices: Nesterov's average of gradients, then Newton-Schulz; averages unbiased.

    Other arrays move by Adam.
    """
    kept, rest = [], adam()

    def orthogonal(matrix):
        wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        x = wide / (np.linalg.norm(wide) + epsilon)
        for _ in range(steps):
            gram = x @ x.T
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        return x if matrix.shape[0] <= matrix.shape[1] else x.T

    def update(k, grads, weights):
        if not kept:
            kept.extend(np.zeros_like(g) for g in grads)
        kept[:] = [beta * m + (1 - beta) * g for m, g in zip(kept, grads, strict=True)]
        ahead = [
            beta * m / (1 - beta ** (k + 1)) + (1 - beta) * g / (1 - beta**k)
            for m, g in zip(kept, grads, strict=True)
        ]
        others = rest(k, grads, weights)
        return [-orthogonal(a) if a.ndim == 2 else o for a, o in zip(ahead, others, strict=True)]

    return update
