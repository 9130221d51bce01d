"""Which width sweeps have an exponent that is known, and how do they look at finite width?

Synthetic sweeps: a curve with a known exponent at infinite width, times lognormal noise. Written
from the formulas alone; nothing of the library is used. Each family draws its own parameters, so
no list of cases can be chosen by its result.
"""

import numpy as np


def clean(rng):
    """A m^e."""
    exponent = rng.uniform(-1.0, 0.6)
    return exponent, lambda m: m**exponent


def correction(rng):
    """A m^e (1 + c m^-delta), the second term 5 to 80 percent at width 64, either sign."""
    exponent = rng.uniform(-1.0, 0.6)
    delta = rng.uniform(0.25, 1.0)
    size = rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.8)
    return exponent, lambda m: m**exponent * (1 + size * (m / 64) ** -delta)


def sum_seen(rng):
    """A m^e + B m^e', equal at a width between 20 and 2000: the asymptote is inside the sweep."""
    return _sum_of_powers(rng, 20, 2000, power=1.0)


def sum_unseen(rng):
    """A m^e + B m^e', equal at a width between 2000 and 40000: the asymptote is not inside."""
    return _sum_of_powers(rng, 2000, 40000, power=1.0)


def maximum(rng):
    """(A m^2e + B m^2e')^(1/2), equal at a width between 20 and 5000."""
    return _sum_of_powers(rng, 20, 5000, power=2.0)


def minimum(rng):
    """1 / (A m^-e + B m^-e'), equal at a width between 20 and 5000: the faster decay wins."""
    return _sum_of_powers(rng, 20, 5000, power=-1.0)


def displacement(rng):
    """(kappa^-2 + 1/m)^(1/2) with kappa = m^rho: exponent -min(rho, 1/2), tie at rho = 1/2."""
    rho = rng.uniform(0.1, 1.0)
    return -min(rho, 0.5), lambda m: np.sqrt(m ** (-2 * rho) + 1 / m)


def saturation(rng):
    """1 / (1 + m^rho), rho in [-0.5, 0.5]: the slow crossover around the critical line."""
    rho = rng.uniform(-0.5, 0.5)
    return -max(rho, 0.0), lambda m: 1 / (1 + m**rho)


def logarithm(rng):
    """A m^e log(m)^k, k = -1, -1/2, 1/2 or 1: what a tie of two layers leaves."""
    exponent = rng.uniform(-1.0, 0.6)
    k = rng.choice([-1.0, -0.5, 0.5, 1.0])
    return exponent, lambda m: m**exponent * np.log(m) ** k


FAMILIES = (
    clean,
    correction,
    sum_seen,
    sum_unseen,
    maximum,
    minimum,
    displacement,
    saturation,
    logarithm,
)


def sweeps(family, rng, widths, num_cells, num_seeds, *, averaging):
    """True exponents (cells,) and noisy sweeps (cells, widths, seeds) of one family.

    The noise is lognormal, 1 to 10 percent (log-uniform over the cells) at width 64, and falls
    like m^(-averaging / 2) from there: 0 is noise of constant size, 1 is a self-averaging quantity.
    """
    truths = np.empty(num_cells)
    curves = np.empty((num_cells, len(widths)))
    for cell in range(num_cells):
        truths[cell], curve = family(rng)
        curves[cell] = curve(widths)
    size = np.exp(rng.uniform(np.log(0.01), np.log(0.1), num_cells))
    spread = size[:, None, None] * (widths / 64.0)[None, :, None] ** (-averaging / 2)
    noise = rng.standard_normal((num_cells, len(widths), num_seeds))
    return truths, curves[:, :, None] * np.exp(spread * noise)


def _sum_of_powers(rng, low, high, *, power):
    first, second = rng.uniform(-1.0, 0.6, 2)
    while abs(first - second) < 0.15:
        first, second = rng.uniform(-1.0, 0.6, 2)
    crossing = np.exp(rng.uniform(np.log(low), np.log(high)))
    winner = max(first, second) if power > 0 else min(first, second)

    def curve(m):
        ratio = m / crossing
        return (ratio ** (power * first) + ratio ** (power * second)) ** (1 / power)

    return winner, curve
