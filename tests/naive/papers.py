"""What do the papers prescribe, layer by layer, as multiplier, initial deviation and rate?

Transcribed from the papers; imports nothing of the library. ``m`` is the width, ``d`` the input
dimension, ``C`` the number of outputs, ``L`` the number of hidden layers.
"""

import math


def fans(L, m, d, C):
    return [(d, m)] + [(m, m)] * (L - 1) + [(m, C)]


def prescription(name, L, m, d, C):
    """One (multiplier, standard deviation, learning rate) for each layer."""
    layers = fans(L, m, d, C)
    if name == "ntk":  # Jacot et al., section 2: W / sqrt(n_l), entries N(0, 1)
        return [(1 / math.sqrt(i), 1.0, 1.0) for i, _ in layers]
    if name == "standard":  # torch.nn.Linear: uniform in (-1/sqrt(fan_in), 1/sqrt(fan_in))
        half = [1 / math.sqrt(i) for i, _ in layers]
        return [(1.0, math.sqrt((2 * h) ** 2 / 12), 1.0) for h in half]
    if name == "lecun":
        return [(1.0, i**-0.5, 1.0) for i, _ in layers]
    if name == "he":  # equation (10): n Var[w] / 2 = 1, in the first layer too
        return [(1.0, math.sqrt(2 / i), 1.0) for i, _ in layers]
    if name == "xavier":  # equation (12)
        return [(1.0, math.sqrt(2 / (i + o)), 1.0) for i, o in layers]
    if name == "mean-field":  # sums over units are averages; rates m, m^2, .., m^2, m
        hidden = [(1 / m, 1.0, float(m) ** 2)] * (L - 1)
        return [(1.0, 1.0, float(m)), *hidden, (1 / m, 1.0, float(m))]
    if name == "mup":  # Yang & Hu: a = (-1/2, 0, .., 0, 1/2), b = 1/2, c = 0
        sd = 1 / math.sqrt(m)
        return [(math.sqrt(m), sd, 1.0), *[(1.0, sd, 1.0)] * (L - 1), (1 / math.sqrt(m), sd, 1.0)]
    if name == "spectral":  # parametrization 1 with the rates of descent, fan_out / fan_in
        return [(1.0, min(1, math.sqrt(o / i)) / math.sqrt(i), o / i) for i, o in layers]
    raise KeyError(name)


def mup_of_adam(L, m):
    """Yang et al. 2022, table 3, with base width one: (deviation, rate) of input, hidden, output."""
    hidden = [(1 / math.sqrt(m), 1 / m)] * (L - 1)
    return [(1.0, 1.0), *hidden, (1 / m, 1 / m)]


def scales_and_speeds(name, L, m, d, C):
    """alpha_l = sqrt(m) * std of the effective weight, s_l = multiplier^2 * rate."""
    layers = prescription(name, L, m, d, C)
    alpha = [math.sqrt(m) * a * b for a, b, _ in layers]
    speed = [a * a * rate for a, _, rate in layers]
    return alpha, speed
