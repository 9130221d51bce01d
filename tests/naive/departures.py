"""In which further ways can a quantity miss its power law at finite width, its exponent known?

Curves of two lists that share no family. Those of `TUNED`, with the nine of `naive.crossovers`, are what
an estimator may be adjusted on; those of `HELD_OUT` are for its test alone. Both lists, with the ranges
of their parameters, were written before the estimator was. From formulas alone: nothing of the library is
used.
"""

import numpy as np

from naive import crossovers


def two_corrections(rng):
    """m^e (1 + c m^-delta + c' m^-2 delta), each 5 to 60 percent at width 64."""
    e, delta = _exponent(rng), rng.uniform(0.25, 0.8)
    first, second = rng.choice([-1.0, 1.0], 2) * rng.uniform(0.05, 0.6, 2)
    second = max(second, -0.3)
    first = max(first, -0.5)
    return e, lambda m: m**e * (1 + first * (m / 64) ** -delta + second * (m / 64) ** (-2 * delta))


def stretched(rng):
    """m^e exp(c (m / 64)^-delta), c of either sign between 0.1 and 3."""
    e, delta = _exponent(rng), rng.uniform(0.2, 1.2)
    size = rng.choice([-1.0, 1.0]) * np.exp(rng.uniform(np.log(0.1), np.log(3.0)))
    return e, lambda m: m**e * np.exp(size * (m / 64) ** -delta)


def bump(rng):
    """m^e times a bump or a dip, of a factor up to 2, somewhere among the widths."""
    e = _exponent(rng)
    place, breadth = rng.uniform(np.log(64), np.log(4096)), rng.uniform(0.5, 2.0)
    size = rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.7)
    return e, lambda m: m**e * np.exp(size * np.exp(-(((np.log(m) - place) / breadth) ** 2)))


def scattered(rng):
    """m^e times a factor of its own at every width, 2 to 20 percent, that seeds share."""
    e, size = _exponent(rng), np.exp(rng.uniform(np.log(0.02), np.log(0.2)))
    drawn = rng.standard_normal(64)
    return e, lambda m: m**e * np.exp(size * drawn[: np.size(m)])


def powers_of_a_sum(rng):
    """m^e (1 + (m* / m)^r)^q, m* from 20 to 5000: a power whose base crosses over."""
    e, rate = _exponent(rng), rng.uniform(0.3, 1.5)
    q = rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 2.0)
    middle = np.exp(rng.uniform(np.log(20), np.log(5000)))
    return e, lambda m: m**e * (1 + (middle / m) ** rate) ** q


def detour(rng):
    """Local slope e at both ends, another one between: two opposite crossovers a decade apart."""
    e, change = _exponent(rng), rng.uniform(-0.6, 0.6)
    start = rng.uniform(np.log(20), np.log(500))
    end = start + rng.uniform(1.0, 3.0)

    def curve(m):
        x = np.log(m)
        return m**e * np.exp(
            change * (np.logaddexp(0, 2 * (x - start)) - np.logaddexp(0, 2 * (x - end))) / 2
        )

    return e, curve


TUNED = (
    *crossovers.FAMILIES,
    two_corrections,
    stretched,
    bump,
    scattered,
    powers_of_a_sum,
    detour,
)


def exact(rng):
    """A m^e."""
    e = _exponent(rng)
    return e, lambda m: m**e


def powered_root(rng):
    """m^e (1 - c sqrt(64 / m))^p, c from 0.2 to 0.9 and p from 1/2 to 3, of either sign."""
    e, c = _exponent(rng), rng.uniform(0.2, 0.9)
    p = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 3.0)
    return e, lambda m: m**e * (1 - c * np.sqrt(64 / m)) ** p


def three_powers(rng):
    """Three powers 0.15 apart or more, of sizes within a factor e or so of each other at width 512."""
    powers = np.sort(rng.uniform(-1.0, 0.6, 3))
    while np.diff(powers).min() < 0.15:
        powers = np.sort(rng.uniform(-1.0, 0.6, 3))
    sizes = np.exp(rng.standard_normal(3))
    return powers[-1], lambda m: sum(s * (m / 512) ** p for s, p in zip(sizes, powers, strict=True))


def floor_inside(rng):
    """A m^e + B, e from -1 to -0.2, equal at a width between 64 and 4096: the exponent is zero."""
    return _floor(rng, 64, 4096)


def floor_beyond(rng):
    """A m^e + B, e from -1 to -0.2, equal at a width between 4096 and 60000: the exponent is zero."""
    return _floor(rng, 4096, 60_000)


def shifted_logarithm(rng):
    """m^e log(m / m0)^k, m0 from 1 to 32 and k from 1/2 to 2, of either sign."""
    e, origin = _exponent(rng), np.exp(rng.uniform(0, np.log(32)))
    k = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2.0)
    return e, lambda m: m**e * np.log(m / origin) ** k


def log_periodic(rng):
    """m^e (1 + a cos(w log m + phi)), a from 0.03 to 0.3, periods of a factor 3 to 500 in m."""
    e, size = _exponent(rng), rng.uniform(0.03, 0.3)
    frequency, phase = rng.uniform(1.0, 6.0), rng.uniform(0, 2 * np.pi)
    return e, lambda m: m**e * (1 + size * np.cos(frequency * np.log(m) + phase))


def shifted_width(rng):
    """(m + m0)^e or (m - m0)^e, m0 from 16 to 2000 or from 8 to 56."""
    e = _exponent(rng)
    wide = rng.random() < 0.5
    shift = np.exp(rng.uniform(np.log(16), np.log(2000))) if wide else -rng.uniform(8, 56)
    return e, lambda m: (m + shift) ** e


def arctangent(rng):
    """m^e (1 + c (2 / pi) arctan((m / m*)^r)), c from -0.8 to 4, m* among the widths."""
    e, c, rate = _exponent(rng), rng.uniform(-0.8, 4.0), rng.uniform(0.5, 1.5)
    middle = np.exp(rng.uniform(np.log(64), np.log(4096)))
    return e, lambda m: m**e * (1 + c * 2 / np.pi * np.arctan((m / middle) ** rate))


def difference(rng):
    """m^e - B m^e', e' below e by 0.2 to 1, the second 20 to 95 percent of the first at width 64."""
    e, gap, share = _exponent(rng), rng.uniform(0.2, 1.0), rng.uniform(0.2, 0.95)
    return e, lambda m: m**e * (1 - share * (m / 64) ** -gap)


HELD_OUT = (
    exact,
    powered_root,
    three_powers,
    floor_inside,
    floor_beyond,
    shifted_logarithm,
    log_periodic,
    shifted_width,
    arctangent,
    difference,
)


def _exponent(rng):
    return rng.uniform(-1.0, 0.6)


def _floor(rng, low, high):
    slope = rng.uniform(-1.0, -0.2)
    place = np.exp(rng.uniform(np.log(low), np.log(high)))
    return 0.0, lambda m: (m / place) ** slope + 1
