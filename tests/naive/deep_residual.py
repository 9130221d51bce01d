"""A residual network with its gradient, written down in NumPy; nothing of ours is imported.

h[1] = W[1] x,   h[l] = h[l-1] + b W[l] relu(h[l-1]),   f = W[L+1] relu(h[L])
"""

import numpy as np


def draw(rng, input_dim, width, stds):
    """Gaussian weights with these standard deviations, one for every layer."""
    shapes = [(width, input_dim), *[(width, width)] * (len(stds) - 2), (1, width)]
    return [std * rng.normal(size=shape) for std, shape in zip(stds, shapes, strict=True)]


def features(weights, b, x):
    """h[1] to h[L], one row per point."""
    states = [x @ weights[0].T]
    for weight in weights[1:-1]:
        states.append(states[-1] + b * np.maximum(states[-1], 0) @ weight.T)
    return states


def outputs(weights, b, x):
    """f, one row per point."""
    return np.maximum(features(weights, b, x)[-1], 0) @ weights[-1].T


def gradients(weights, b, x, y):
    """Of the mean over points of (f - y)^2 / 2."""
    states = features(weights, b, x)
    residual = (np.maximum(states[-1], 0) @ weights[-1].T - y) / len(x)
    found = [residual.T @ np.maximum(states[-1], 0)]
    back = residual @ weights[-1] * (states[-1] > 0)
    for weight, state in zip(weights[-2:0:-1], states[-2::-1], strict=True):
        found.append(b * back.T @ np.maximum(state, 0))
        back = back + b * (back @ weight) * (state > 0)
    return [back.T @ x, *found[::-1]][: len(weights)]


def train(weights, b, x, y, update, rates, steps):
    """Weights after these steps of an optimiser of `naive.optimisers`."""
    for k in range(1, steps + 1):
        changes = update(k, gradients(weights, b, x, y), weights)
        weights = [w + rate * d for w, rate, d in zip(weights, rates, changes, strict=True)]
    return weights
