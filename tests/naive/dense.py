"""Fully connected networks by their formulas: outputs, Jacobian entry by entry, gradient, kernel."""

import numpy as np
from scipy.special import erf, expit, ndtr


def _density(u):
    return np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)


ACTIVATIONS = {
    "relu": (lambda u: np.maximum(u, 0), lambda u: (u > 0) * 1.0),
    "leaky_relu": (lambda u: np.where(u > 0, u, 0.01 * u), lambda u: np.where(u > 0, 1.0, 0.01)),
    "linear": (lambda u: u, np.ones_like),
    "tanh": (np.tanh, lambda u: 1 / np.cosh(u) ** 2),
    "erf": (erf, lambda u: 2 / np.sqrt(np.pi) * np.exp(-(u**2))),
    "gelu": (lambda u: u * ndtr(u), lambda u: ndtr(u) + u * _density(u)),
    "softplus": (lambda u: np.logaddexp(0, u), expit),
    "sine": (np.sin, np.cos),
    "xtanh": (lambda u: u * np.tanh(u), lambda u: np.tanh(u) + u / np.cosh(u) ** 2),
}
"""Name: (sigma, sigma')."""


def forward(layers, x, activation, scale=1.0):
    """f(x) = scale * (W[L+1] x[L] + b[L+1]), x[l] = sigma(W[l] x[l-1] + b[l]); also x[l-1] and pre[l].

    `layers` is a list of (W, b) with b possibly None.
    """
    sigma, _ = ACTIVATIONS[activation]
    inputs, pres = [], []
    for number, (weight, bias) in enumerate(layers):
        inputs.append(x)
        pres.append(np.einsum("ab,nb->na", weight, x) + (0 if bias is None else bias))
        x = sigma(pres[-1]) if number < len(layers) - 1 else scale * pres[-1]
    return x, inputs, pres


def jacobian(layers, x, activation, scale=1.0):
    """Per layer d f_c(x_i) / d (every weight, then every bias), (n, C, entries): one tangent at a time."""
    _, inputs, pres = forward(layers, x, activation, scale)
    return [
        _layer_jacobian(layers, number, inputs, pres, activation, scale)
        for number in range(len(layers))
    ]


def _layer_jacobian(layers, number, inputs, pres, activation, scale):
    weight, bias = layers[number]
    columns = []
    for a in range(weight.shape[0]):
        for b in range(weight.shape[1]):
            moved = np.zeros_like(pres[number])
            moved[:, a] = inputs[number][:, b]
            columns.append(_carry_forward(layers, number, moved, pres, activation, scale))
    for a in range(weight.shape[0] if bias is not None else 0):
        moved = np.zeros_like(pres[number])
        moved[:, a] = 1.0
        columns.append(_carry_forward(layers, number, moved, pres, activation, scale))
    return np.stack(columns, axis=-1)


def _carry_forward(layers, number, moved, pres, activation, scale):
    """What a change of the pre-activations of one layer does to the outputs."""
    _, slope = ACTIVATIONS[activation]
    for later in range(number + 1, len(layers)):
        moved = np.einsum("ab,nb->na", layers[later][0], slope(pres[later - 1]) * moved)
    return scale * moved


def kernels(layers, x1, x2, activation, scale=1.0):
    """K_l[i, j, c, k] = sum over the entries p of layer l of J1[i, c, p] J2[j, k, p]."""
    left = jacobian(layers, x1, activation, scale)
    right = jacobian(layers, x2, activation, scale)
    return [np.einsum("icp,jkp->ijck", a, b) for a, b in zip(left, right, strict=True)]


def gradient(weights, x, y, activation, scale=1.0):
    """Loss R = |f(x) - y|^2 / (2n) and its gradient for every weight, by back propagation, no biases."""
    _, slope = ACTIVATIONS[activation]
    out, inputs, pres = forward([(w, None) for w in weights], x, activation, scale)
    residual = out - y
    signal = scale * residual / len(x)
    gradients = []
    for number in reversed(range(len(weights))):
        gradients.append(signal.T @ inputs[number])
        if number:
            signal = (signal @ weights[number]) * slope(pres[number - 1])
    return np.sum(residual**2) / (2 * len(x)), gradients[::-1]
